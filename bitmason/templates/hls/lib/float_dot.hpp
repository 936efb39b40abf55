// SPDX-License-Identifier: Apache-2.0
//
// float_dot.hpp: products of numbers of custom floating-point formats, as fixed point and so exact.
//
// Golden model: ir/ops/dense.py, with ranks, and `narrowest_format` of ir/custom_float.py.

#ifndef BITMASON_FLOAT_DOT_HPP
#define BITMASON_FLOAT_DOT_HPP

#include "dot.hpp"
#include "float_expand.hpp"

namespace bitmason {

// What is kept as it is multiplied.
struct AsIs {
  template <class N, class T>
  static N number(const T& x) {
#pragma HLS inline
    return N(x);
  }
};

// Ranks, which stand for multiples of their format's unit.
template <unsigned E, unsigned M, bool SUB>
struct Ranks {
  static constexpr unsigned E_BITS = E, M_BITS = M;
  static constexpr bool SUBNORMALS = SUB;

  template <class N, class T>
  static N number(const T& x) {
#pragma HLS inline
    return N(fixed_of_rank<Ranks, std::int64_t>(static_cast<int>(x)));
  }
};

// Codes of whole numbers, where the format's unit is 2 to the power of SHIFT.
template <unsigned E, unsigned M, bool SUB, int SHIFT>
struct Codes {
  static constexpr unsigned E_BITS = E, M_BITS = M;
  static constexpr bool SUBNORMALS = SUB;

  template <class N, class T>
  static N number(const T& x) {
#pragma HLS inline
    constexpr std::int64_t UP = std::int64_t(1) << (SHIFT > 0 ? SHIFT : 0);
    constexpr int DOWN = SHIFT < 0 ? -SHIFT : 0;
    return N((fixed_of_code<Codes, std::int64_t>(static_cast<unsigned>(x)) >> DOWN) * UP);
  }
};

// The engine for inputs that are kept as X, and weights that are kept as F.
template <class X, class F, class Engine>
struct Numbers {
  template <class, class>
  static constexpr bool takes() {
    return true;
  }

  template <class N, class T, class W>
  static N product(const T& x, const W& w) {
#pragma HLS inline
    return Engine::template product<N>(X::template number<N>(x), F::template number<N>(w));
  }
};

}  // namespace bitmason

#endif
