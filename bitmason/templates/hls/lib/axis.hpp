// SPDX-License-Identifier: Apache-2.0
//
// axis.hpp: the ends of a design: AXI4-Stream ports, whose beats are padded to whole bytes.
//
// A frame is C::BEATS beats; element 0 of a beat is in the least significant bits. II 1.

#ifndef BITMASON_AXIS_HPP
#define BITMASON_AXIS_HPP

#include <ap_axi_sdata.h>

#include "beat.hpp"

namespace bitmason {

// Frames are counted by beats alone: a wrong TLAST is reported, not followed. The report stays
// until reset.
template <class C, class AXIS, class OUT>
void from_axis(hls::stream<AXIS>& in, hls::stream<OUT>& out, ap_uint<1>& frame_error) {
  using Elem = typename OUT::Elem;
  constexpr int W = Elem::width;
  static ap_uint<1> wrong = 0;
#pragma HLS reset variable = wrong

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const AXIS word = in.read();
    OUT y;
    for (unsigned i = 0; i < OUT::SIZE; i++) {
#pragma HLS unroll
      y.data[i] = stored<Elem>(word.data.range(W * i + W - 1, W * i));
    }
    out.write(y);
    if (word.last != (beat + 1 == C::BEATS)) wrong = 1;
  }
  frame_error = wrong;
}

template <class C, class IN, class AXIS>
void to_axis(hls::stream<IN>& in, hls::stream<AXIS>& out) {
  using Elem = typename IN::Elem;
  constexpr int W = Elem::width;

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    AXIS word;
    word.data = 0;
    for (unsigned i = 0; i < IN::SIZE; i++) {
#pragma HLS unroll
      word.data.range(W * i + W - 1, W * i) = x.data[i];
    }
    word.keep = -1;
    word.strb = -1;
    word.last = beat + 1 == C::BEATS;
    out.write(word);
  }
}

}  // namespace bitmason

#endif
