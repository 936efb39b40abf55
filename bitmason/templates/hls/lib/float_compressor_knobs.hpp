// SPDX-License-Identifier: Apache-2.0
//
// float_compressor_knobs.hpp: from float32 to ranks of a format that each frame
// names.
//
// Golden model: ir/ops/float_link.py (compress). Throughput: II 1.
//
// In: the bits of LANES numbers. Knobs: see float_knobs.hpp. Out: ranks of the
// widest format.
//
// C: LANES; BEATS of a frame; and those of float_knobs.hpp.

#ifndef BITMASON_FLOAT_COMPRESSOR_KNOBS_HPP
#define BITMASON_FLOAT_COMPRESSOR_KNOBS_HPP

#include "float_compressor.hpp"
#include "float_knobs.hpp"

namespace bitmason {

// The rank of a float32: the sign stands beside the magnitude, wherever that
// ends.
struct AnyFloatRank {
  FloatConstants constants;
  std::uint32_t operator()(std::uint32_t pattern) const {
    const std::uint32_t magnitude = float_code(pattern & 0x7FFFFFFFU, constants);
    return (pattern >> 31) != 0 ? 0U - magnitude : magnitude;
  }
};

template <class C, class IN, class KNOBS, class OUT>
void float_compressor_knobs(hls::stream<IN>& in, hls::stream<KNOBS>& knobs, hls::stream<OUT>& out) {
  static_assert(IN::Elem::width == 32, "float_compressor_knobs: float32 has 32 bits");
  static_assert(OUT::Elem::width == 1 + C::E_MAX + C::M_MAX && is_signed<typename OUT::Elem>::value,
                "float_compressor_knobs: elements out are ranks");
  float_lanes<C>(AnyFloatRank{float_constants(format_of<C>(knobs.read()))}, in, out);
}

}  // namespace bitmason

#endif
