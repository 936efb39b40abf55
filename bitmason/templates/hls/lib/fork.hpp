// SPDX-License-Identifier: Apache-2.0
//
// fork.hpp: sends every beat to each of several outputs.
//
// Golden model: the identity, once per output. Throughput: II 1 while every output has room.
// In and out: the same beats. Outputs take their beats together; the depth of their streams lets
// one run ahead of another. C: BEATS.

#ifndef BITMASON_FORK_HPP
#define BITMASON_FORK_HPP

#include "beat.hpp"

namespace bitmason {

template <class BEAT>
void write_each(const BEAT& beat, hls::stream<BEAT>& out) {
#pragma HLS inline
  out.write(beat);
}

template <class BEAT, class... OUTS>
void write_each(const BEAT& beat, hls::stream<BEAT>& out, OUTS&... rest) {
#pragma HLS inline
  out.write(beat);
  write_each(beat, rest...);
}

template <class C, class BEAT, class... OUTS>
void fork(hls::stream<BEAT>& in, OUTS&... outs) {
  static_assert(sizeof...(OUTS) >= 1, "fork: there must be 1 output or more");
  for (unsigned step = 0; step < C::BEATS; step++) {
#pragma HLS pipeline II = 1 style = flp
    const BEAT beat = in.read();
    write_each(beat, outs...);
  }
}

}  // namespace bitmason

#endif
