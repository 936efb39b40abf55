// SPDX-License-Identifier: Apache-2.0
//
// dot.hpp: how an input and a weight are multiplied in a dot product.
//
// Golden model: ir/ops/dense.py, ir/ops/depthwise.py and ir/ops/xnor_popcount.py.
//
// An engine has `product`, which returns what one input and one weight add to a sum of type N, and
// `takes`, whether it understands elements of X and weights of W.

#ifndef BITMASON_DOT_HPP
#define BITMASON_DOT_HPP

#include "numbers.hpp"

namespace bitmason {

// Numbers by numbers.
struct Parallel {
  template <class X, class W>
  static constexpr bool takes() {
    return true;
  }

  template <class N, class X, class W>
  static N product(const X& x, const W& w) {
#pragma HLS inline
    return N(N(x) * w);
  }
};

// Numbers by bipolar weights: the weight gives the sign. -x is ~x + 1, which needs no choice.
struct Select {
  template <class X, class W>
  static constexpr bool takes() {
    return W::width == 1 && !is_signed<W>::value;
  }

  template <class N, class X, class W>
  static N product(const X& x, const W& w) {
#pragma HLS inline
    const N flips = N(w) - 1;
    return N((N(x) ^ flips) - flips);
  }
};

// Bits by bits: where they agree, one is counted.
struct Xnor {
  template <class X, class W>
  static constexpr bool takes() {
    return X::width == 1 && !is_signed<X>::value && W::width == 1 && !is_signed<W>::value;
  }

  template <class N, class X, class W>
  static N product(const X& x, const W& w) {
#pragma HLS inline
    return N(x == w);
  }
};

}  // namespace bitmason

#endif
