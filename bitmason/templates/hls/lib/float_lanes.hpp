// SPDX-License-Identifier: Apache-2.0
//
// float_lanes.hpp: passes the bits of each element of a stream through a function.
//
// Throughput: II 1. C: LANES; BEATS of a frame.

#ifndef BITMASON_FLOAT_LANES_HPP
#define BITMASON_FLOAT_LANES_HPP

#include <cstdint>

#include "beat.hpp"

namespace bitmason {

template <class C, class FUNCTION, class IN, class OUT>
void float_lanes(const FUNCTION& function, hls::stream<IN>& in, hls::stream<OUT>& out) {
#pragma HLS inline
  using Elem = typename OUT::Elem;
  static_assert(IN::SIZE == C::LANES && OUT::SIZE == C::LANES,
                "float_lanes: a beat is an element of each lane");
  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      const std::uint32_t bits = function(static_cast<std::uint32_t>(x.data[lane]));
      y.data[lane] = stored<Elem>(Number<Elem>(bits));
    }
    out.write(y);
  }
}

}  // namespace bitmason

#endif
