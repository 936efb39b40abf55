// SPDX-License-Identifier: Apache-2.0
//
// float_knobs.hpp: the format of a frame, as its knobs name it.
//
// Golden model: `at` of ir/custom_float.py.
//
// Knobs: a beat for each frame, the bits of the exponent (1 counts as 2 without
// FULL), those of the mantissa with its leading one, and the exponent field
// that the smallest number has in float32. 0 counts as 1, and what is more than
// E_MAX, M_MAX + 1 or LEAST as that.
//
// C: E_MAX, M_MAX, LEAST, FULL, NEAREST.

#ifndef BITMASON_FLOAT_KNOBS_HPP
#define BITMASON_FLOAT_KNOBS_HPP

#include "float_format.hpp"

namespace bitmason {

// The format of a frame.
template <class C, class KNOBS>
FloatFormat format_of(const KNOBS& knobs) {
#pragma HLS inline
  static_assert(KNOBS::SIZE == 3, "float_knobs: a beat of knobs is three numbers");
  constexpr unsigned LEAST_E = C::FULL ? 1 : 2;
  const unsigned asked_e = static_cast<unsigned>(knobs.data[0]);
  const unsigned asked_s = static_cast<unsigned>(knobs.data[1]);
  const int least = static_cast<int>(knobs.data[2]);
  const unsigned e_bits = asked_e < LEAST_E ? LEAST_E : asked_e < C::E_MAX ? asked_e : C::E_MAX;
  const unsigned m_bits = asked_s == 0 ? 0 : asked_s - 1 < C::M_MAX ? asked_s - 1 : C::M_MAX;
  constexpr int MOST = C::LEAST;
  const int bias = 128 - (least < 1 ? 1 : least < MOST ? least : MOST);
  return {e_bits, m_bits, bias, largest_magnitude(e_bits, m_bits, C::FULL), C::NEAREST};
}

}  // namespace bitmason

#endif
