// SPDX-License-Identifier: Apache-2.0
//
// float_format.hpp: what engines between float32 and a custom floating-point format need to know of
// the format, worked out once for all of them.
//
// Golden model: `Constants` of ir/custom_float.py.

#ifndef BITMASON_FLOAT_FORMAT_HPP
#define BITMASON_FLOAT_FORMAT_HPP

#include <cstdint>

namespace bitmason {

// A sign, 1 to 8 bits of exponent and 0 to 23 of mantissa; magnitudes up to `largest`; rounded to
// the nearest number, ties to even, or else cut off. `bias` is from 2**e_bits - 128 to 127.
struct FloatFormat {
  unsigned e_bits;
  unsigned m_bits;
  int bias;
  std::uint32_t largest;
  bool nearest;
};

// The largest magnitude that there is, or without the all-ones exponent.
constexpr std::uint32_t largest_magnitude(unsigned e_bits, unsigned m_bits, bool full) {
  return (1U << (e_bits + m_bits)) - (full ? 0U : 1U << m_bits) - 1U;
}

// Half of the smallest number and the smallest number as float32 have them; the first magnitude and
// the largest; the biases' difference in a magnitude's place; what rounding adds, and to what.
struct FloatConstants {
  std::uint32_t half_least;
  std::uint32_t least;
  std::uint32_t first;
  std::uint32_t largest;
  std::uint32_t adjusted_bias;
  std::uint32_t magnitude_mask;
  std::uint32_t below_half;
  bool rounds_even;
  bool rounds_up;
  std::uint8_t mantissa_shift;
  std::uint8_t sign_shift;
};

// The shared calculator of the engines of one unit.
constexpr FloatConstants float_constants(const FloatFormat& f) {
#pragma HLS inline
  constexpr unsigned MANTISSA = 23;
  const std::uint32_t adjusted = static_cast<std::uint32_t>(127 - f.bias) & 0xFFU;
  const std::uint32_t least = (adjusted + 1) << MANTISSA;
  const unsigned shift = (MANTISSA - f.m_bits) & 31U;
  const bool rounds = f.nearest && shift != 0;
  // Without mantissa neither neighbour is even: the larger one (IEEE 754-2019, 4.3.1).
  const bool even = rounds && f.m_bits != 0;
  return {adjusted != 0 ? least - (1U << MANTISSA) : least >> 1,
          least,
          1U << f.m_bits,
          f.largest,
          adjusted << f.m_bits,
          (1U << (f.e_bits + f.m_bits)) - 1U,
          rounds ? ((1U << shift) >> 1) - 1U : 0U,
          even,
          rounds && !even,
          static_cast<std::uint8_t>(shift),
          static_cast<std::uint8_t>((31U - f.e_bits - f.m_bits) & 31U)};
}

// Of a format that is known at compile time: E_BITS, M_BITS, BIAS, LARGEST, NEAREST.
template <class F>
constexpr FloatConstants float_constants_of() {
  static_assert(F::E_BITS >= 1 && F::E_BITS <= 8, "float_format: E_BITS must be from 1 to 8");
  static_assert(F::M_BITS <= 23, "float_format: M_BITS must be 23 or less");
  static_assert(F::BIAS <= 127 && F::BIAS >= (1 << F::E_BITS) - 128,
                "float_format: numbers must be normal numbers of float32");
  static_assert(F::LARGEST >= 1U << F::M_BITS, "float_format: the format must have numbers");
  static_assert(F::LARGEST <= largest_magnitude(F::E_BITS, F::M_BITS, true),
                "float_format: LARGEST must be a magnitude of the format");
  return float_constants({F::E_BITS, F::M_BITS, F::BIAS, F::LARGEST, F::NEAREST});
}

}  // namespace bitmason

#endif
