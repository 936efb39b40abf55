// SPDX-License-Identifier: Apache-2.0
//
// float_compressor.hpp: from float32 to the codes of a custom floating-point format.
//
// Golden model: `encode_bits` of ir/custom_float.py. Throughput: II 1.
//
// In: the bits of LANES numbers. Out: their codes, sign, exponent and mantissa from the highest bit
// on, or where elements are signed their ranks, the magnitude of a code with its sign as an
// integer; at a format of run time codes in the lowest bits of the elements. Below half of the
// smallest number is zero, without a sign. What is too large, infinities and NaN become the largest
// number.
//
// C: LANES; BEATS of a frame; and where the format is fixed its members E_BITS, M_BITS, BIAS,
// LARGEST (magnitude) and NEAREST (rounding, or else cut off).

#ifndef BITMASON_FLOAT_COMPRESSOR_HPP
#define BITMASON_FLOAT_COMPRESSOR_HPP

#include <cstdint>

#include "float_format.hpp"
#include "float_lanes.hpp"

namespace bitmason {

// The code of one float32.
inline std::uint32_t float_code(std::uint32_t pattern, const FloatConstants& k) {
#pragma HLS inline
  const std::uint32_t magnitude = pattern & 0x7FFFFFFFU;
  const bool last = ((magnitude >> k.mantissa_shift) & 1U) != 0;
  const bool up = k.rounds_up || (k.rounds_even && last);
  const std::uint32_t rounded = magnitude + k.below_half + (up ? 1U : 0U);
  const std::uint32_t shifted = (rounded >> k.mantissa_shift) - k.adjusted_bias;
  if (magnitude < k.half_least) return 0;
  const std::uint32_t limited = shifted > k.largest ? k.largest : shifted;
  const std::uint32_t sign = (pattern >> k.sign_shift) & (k.magnitude_mask + 1U);
  return sign | (magnitude < k.least ? k.first : limited);
}

// The same in a fixed format.
template <class F>
std::uint32_t float_code(std::uint32_t pattern) {
#pragma HLS inline
  constexpr FloatConstants CONSTANTS = float_constants_of<F>();
  return float_code(pattern, CONSTANTS);
}

// The magnitude of a code with its sign, in two's complement.
template <class F>
std::uint32_t rank_of_code(std::uint32_t code) {
#pragma HLS inline
  constexpr std::uint32_t SIGN = 1U << (F::E_BITS + F::M_BITS);
  const std::uint32_t magnitude = code & (SIGN - 1);
  return (code & SIGN) != 0 ? 0U - magnitude : magnitude;
}

// A function object of either.
struct AnyFloatCode {
  FloatConstants constants;
  std::uint32_t operator()(std::uint32_t pattern) const { return float_code(pattern, constants); }
};
template <class F, bool RANKS = false>
struct FloatCode {
  std::uint32_t operator()(std::uint32_t pattern) const {
    const std::uint32_t code = float_code<F>(pattern);
    return RANKS ? rank_of_code<F>(code) : code;
  }
};

template <class C, class IN, class OUT>
void float_compressor(hls::stream<IN>& in, hls::stream<OUT>& out) {
  static_assert(IN::Elem::width == 32, "float_compressor: float32 has 32 bits");
  static_assert(OUT::Elem::width == 1 + C::E_BITS + C::M_BITS,
                "float_compressor: elements out are codes or ranks");
  float_lanes<C>(FloatCode<C, is_signed<typename OUT::Elem>::value>{}, in, out);
}

// At a format of run time, which must not have more bits than the elements out.
template <class C, class IN, class OUT>
void float_compressor_var(const FloatFormat& format, hls::stream<IN>& in, hls::stream<OUT>& out) {
  static_assert(IN::Elem::width == 32, "float_compressor_var: float32 has 32 bits");
  float_lanes<C>(AnyFloatCode{float_constants(format)}, in, out);
}

}  // namespace bitmason

#endif
