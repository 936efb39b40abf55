// SPDX-License-Identifier: Apache-2.0
//
// op.hpp: what a pool does with two elements, chosen by `using Op = bitmason::Max | Sum`.
//
// Golden model: ir/ops/pooling.py. Bipolar bits (0 = -1, 1 = +1) have the maximum of unsigned ones.
// T is the Number of the result, which holds every result of a window.

#ifndef BITMASON_OP_HPP
#define BITMASON_OP_HPP

namespace bitmason {

struct Max {
  template <class T>
  static T of(const T& a, const T& b) {
#pragma HLS inline
    return a > b ? a : b;
  }
};

struct Sum {
  template <class T>
  static T of(const T& a, const T& b) {
#pragma HLS inline
    return T(a + b);
  }
};

}  // namespace bitmason

#endif
