// SPDX-License-Identifier: Apache-2.0
//
// float_decompressor.hpp: from the codes of a custom floating-point format to float32.
//
// Golden model: `decode` of ir/custom_float.py. Throughput: II 1.
//
// In: LANES codes, or where elements are signed ranks; narrower elements are codes without the
// upper bits, or small ranks; at a format of run time codes in the lowest bits of the elements.
// Out: the bits of the numbers. An exponent of 0 is zero, without a sign, unless a fixed format has
// SUBNORMALS.
//
// C: LANES; BEATS of a frame; and where the format is fixed its members E_BITS, M_BITS, BIAS,
// LARGEST, NEAREST and SUBNORMALS.

#ifndef BITMASON_FLOAT_DECOMPRESSOR_HPP
#define BITMASON_FLOAT_DECOMPRESSOR_HPP

#include <cstdint>

#include "float_format.hpp"
#include "float_lanes.hpp"

namespace bitmason {

// The float32 of one code in a format without subnormals.
inline std::uint32_t float_pattern(std::uint32_t code, const FloatConstants& k) {
#pragma HLS inline
  const std::uint32_t magnitude = code & k.magnitude_mask;
  const bool negative = (code & (k.magnitude_mask + 1U)) != 0;
  if (magnitude < k.first) return 0;
  return ((magnitude + k.adjusted_bias) << k.mantissa_shift) | (negative ? 1U << 31 : 0U);
}

// The same in a fixed format. A subnormal number is shifted up, and its exponent lowered by as
// much, until it has a leading bit or float32 has no lower exponent.
template <class F>
std::uint32_t float_pattern(std::uint32_t code) {
#pragma HLS inline
  constexpr FloatConstants K = float_constants_of<F>();
  const std::uint32_t magnitude = code & K.magnitude_mask;
  if (!F::SUBNORMALS || magnitude >= K.first) return float_pattern(code, K);
  std::uint32_t number = magnitude;
  std::uint32_t exponent = 127 - F::BIAS;
  for (unsigned step = 0; step < F::M_BITS; step++) {
#pragma HLS unroll
    if (number < K.first && exponent != 0) {
      number <<= 1;
      exponent--;
    }
  }
  if (magnitude == 0) return 0;
  const std::uint32_t sign = code > K.magnitude_mask ? 1U << 31 : 0U;
  return sign | ((number << K.mantissa_shift) + (exponent << 23));
}

// The code of a rank.
template <class F>
std::uint32_t code_of_rank(std::uint32_t rank) {
#pragma HLS inline
  constexpr std::uint32_t SIGN = 1U << (F::E_BITS + F::M_BITS);
  return (rank >> 31) != 0 ? (0U - rank) | SIGN : rank;
}

// A function object of either.
struct AnyFloatPattern {
  FloatConstants constants;
  std::uint32_t operator()(std::uint32_t code) const { return float_pattern(code, constants); }
};
template <class F, bool RANKS = false>
struct FloatPattern {
  std::uint32_t operator()(std::uint32_t x) const {
    return float_pattern<F>(RANKS ? code_of_rank<F>(x) : x);
  }
};

template <class C, class IN, class OUT>
void float_decompressor(hls::stream<IN>& in, hls::stream<OUT>& out) {
  static_assert(IN::Elem::width <= 1 + C::E_BITS + C::M_BITS,
                "float_decompressor: elements in are codes or ranks");
  static_assert(OUT::Elem::width == 32, "float_decompressor: float32 has 32 bits");
  float_lanes<C>(FloatPattern<C, is_signed<typename IN::Elem>::value>{}, in, out);
}

// At a format of run time.
template <class C, class IN, class OUT>
void float_decompressor_var(const FloatFormat& format, hls::stream<IN>& in, hls::stream<OUT>& out) {
  static_assert(OUT::Elem::width == 32, "float_decompressor_var: float32 has 32 bits");
  float_lanes<C>(AnyFloatPattern{float_constants(format)}, in, out);
}

}  // namespace bitmason

#endif
