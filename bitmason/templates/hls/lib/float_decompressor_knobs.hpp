// SPDX-License-Identifier: Apache-2.0
//
// float_decompressor_knobs.hpp: from ranks of a format that each frame names to
// float32.
//
// Golden model: ir/ops/float_link.py (decompress). Throughput: II 1.
//
// In: ranks of the widest format. Knobs: see float_knobs.hpp. Out: the bits of
// LANES numbers.
//
// C: LANES; BEATS of a frame; and those of float_knobs.hpp.

#ifndef BITMASON_FLOAT_DECOMPRESSOR_KNOBS_HPP
#define BITMASON_FLOAT_DECOMPRESSOR_KNOBS_HPP

#include "float_decompressor.hpp"
#include "float_knobs.hpp"

namespace bitmason {

// The float32 of a rank.
struct AnyRankFloat {
  FloatConstants constants;
  std::uint32_t operator()(std::uint32_t rank) const {
    const bool negative = (rank >> 31) != 0;
    const std::uint32_t magnitude = (negative ? 0U - rank : rank) & constants.magnitude_mask;
    const std::uint32_t size = float_pattern(magnitude, constants);
    return negative && size != 0 ? size | 1U << 31 : size;
  }
};

template <class C, class IN, class KNOBS, class OUT>
void float_decompressor_knobs(hls::stream<IN>& in, hls::stream<KNOBS>& knobs,
                              hls::stream<OUT>& out) {
  static_assert(IN::Elem::width == 1 + C::E_MAX + C::M_MAX && is_signed<typename IN::Elem>::value,
                "float_decompressor_knobs: elements in are ranks");
  static_assert(OUT::Elem::width == 32, "float_decompressor_knobs: float32 has 32 bits");
  float_lanes<C>(AnyRankFloat{float_constants(format_of<C>(knobs.read()))}, in, out);
}

}  // namespace bitmason

#endif
