// SPDX-License-Identifier: Apache-2.0
//
// float_expand.hpp: from numbers of a custom floating-point format to fixed point, in which sums
// and products are exact.
//
// Golden model: ir/ops/expand.py and `fixed` of ir/custom_float.py. Throughput: II 1.
//
// In: PE ranks of each lane, magnitudes with a sign as integers. Out: the numbers in steps of the
// smallest difference of two of them; their lowest bits where the elements are narrower.
//
// A format has E_BITS and M_BITS, with 2**E_BITS + M_BITS <= 62, and SUBNORMALS: without them an
// exponent of 0 is zero, whatever the mantissa is.
//
// C: a format's members; PE, LANES; BEATS of a frame.

#ifndef BITMASON_FLOAT_EXPAND_HPP
#define BITMASON_FLOAT_EXPAND_HPP

#include <cstdint>

#include "beat.hpp"

namespace bitmason {

// The number of type N that a magnitude of format F and a sign stand for.
template <class F, class N>
N fixed_point(bool negative, unsigned magnitude) {
#pragma HLS inline
  static_assert(F::E_BITS >= 1 && F::E_BITS <= 5, "fixed_point: E_BITS must be from 1 to 5");
  static_assert((1U << F::E_BITS) + F::M_BITS <= 62, "fixed_point: numbers must fit into 62 bits");
  constexpr unsigned ONE = 1U << F::M_BITS;
  const unsigned exponent = magnitude >> F::M_BITS;
  const unsigned mantissa = magnitude & (ONE - 1);
  const unsigned small = F::SUBNORMALS ? mantissa : 0;
  const unsigned digits = exponent != 0 ? ONE | mantissa : small;
  const std::uint64_t number = std::uint64_t(digits) << (exponent != 0 ? exponent - 1 : 0);
  return static_cast<N>(static_cast<std::int64_t>(negative ? -number : number));
}

// Of a rank.
template <class F, class N>
N fixed_of_rank(int rank) {
#pragma HLS inline
  const bool negative = rank < 0;
  return fixed_point<F, N>(negative, static_cast<unsigned>(negative ? -rank : rank));
}

// Of a code: sign, exponent and mantissa from the highest bit on.
template <class F, class N>
N fixed_of_code(unsigned code) {
#pragma HLS inline
  constexpr unsigned SIGN = 1U << (F::E_BITS + F::M_BITS);
  return fixed_point<F, N>((code & SIGN) != 0, code & (SIGN - 1));
}

template <class C, class IN, class OUT>
void float_expand(hls::stream<IN>& in, hls::stream<OUT>& out) {
  using Elem = typename OUT::Elem;
  static_assert(IN::SIZE == C::LANES * C::PE, "float_expand: a beat is PE elements of each lane");
  static_assert(OUT::SIZE == IN::SIZE, "float_expand: as many elements go out as come in");
  static_assert(IN::Elem::width <= 1 + C::E_BITS + C::M_BITS,
                "float_expand: ranks are no wider than codes");

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned i = 0; i < IN::SIZE; i++) {
#pragma HLS unroll
      y.data[i] = stored<Elem>(fixed_of_rank<C, Number<Elem>>(static_cast<int>(x.data[i])));
    }
    out.write(y);
  }
}

}  // namespace bitmason

#endif
