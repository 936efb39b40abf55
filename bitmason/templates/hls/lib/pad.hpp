// SPDX-License-Identifier: Apache-2.0
//
// pad.hpp: puts padding pixels around an image and, for a step above 1, between its pixels.
//
// Golden model: ir/ops/pad.py. Throughput: II 1, a step for each output beat. Padding goes out at
// once, also before the first beat of a frame.
// In and out: CF words a pixel, LANES pixels side by side. value: the padding pixel, by words.
// C: CF, LANES, H, W, TOP, LEFT, BOTTOM, RIGHT, STEP_Y, STEP_X; LANES is 1 unless CF = STEP_X = 1.

#ifndef BITMASON_PAD_HPP
#define BITMASON_PAD_HPP

#include <type_traits>

#include "beat.hpp"
#include "stride_counter.hpp"

namespace bitmason {

template <class C, class BEAT, unsigned WORD_N>
void pad(hls::stream<BEAT>& in, hls::stream<BEAT>& out,
         const Stored<typename BEAT::Elem> (&value)[C::CF][WORD_N]) {
  static_assert(C::H >= 1 && C::W >= 1, "pad: H and W must be 1 or more");
  static_assert(C::STEP_Y >= 1 && C::STEP_X >= 1, "pad: STEP_Y and STEP_X must be 1 or more");
  static_assert(BEAT::SIZE == C::LANES * WORD_N, "pad: a beat must hold a word of every lane");

  constexpr unsigned OUT_H = C::TOP + (C::H - 1) * C::STEP_Y + 1 + C::BOTTOM;
  constexpr unsigned OUT_W = C::LEFT + (C::W - 1) * C::STEP_X + 1 + C::RIGHT;
  constexpr unsigned BEATS = OUT_H * (OUT_W / C::LANES) * C::CF;
  constexpr unsigned SHIFT = C::LEFT % C::LANES * WORD_N;  // elements that a row moves up
  static_assert(C::LANES == 1 || (C::CF == 1 && C::STEP_X == 1),
                "pad: several LANES need CF = 1 and STEP_X = 1");
  static_assert(C::W % C::LANES == 0 && OUT_W % C::LANES == 0,
                "pad: W and the padded width must be multiples of LANES");

  StrideCounter<OUT_W / C::LANES, C::LEFT / C::LANES, C::STEP_X, C::W / C::LANES> column;
  StrideCounter<OUT_H, C::TOP, C::STEP_Y, C::H> row;
  unsigned word = 0;
  // The highest elements wait for the next beat. A row that is shifted ends with padding, so what
  // waits when the next row starts is padding again.
  BEAT last;
  for (unsigned i = 0; i < BEAT::SIZE; i++) {
#pragma HLS unroll
    last.data[i] = value[0][i % WORD_N];
  }
  for (unsigned step = 0; step < BEATS; step++) {
#pragma HLS pipeline II = 1 style = flp
    BEAT x;
    if (row.marked() && column.marked()) {
      x = in.read();
    } else {
      for (unsigned i = 0; i < BEAT::SIZE; i++) {
#pragma HLS unroll
        x.data[i] = value[word][i % WORD_N];
      }
    }
    BEAT y;
    for (unsigned i = 0; i < BEAT::SIZE; i++) {
#pragma HLS unroll
      y.data[i] = i < SHIFT ? last.data[i + BEAT::SIZE - SHIFT] : x.data[i - SHIFT];
    }
    out.write(y);
    last = x;
    if (word != C::CF - 1) {
      word++;
      continue;
    }
    word = 0;
    if (column.last()) row.advance();
    column.advance();
  }
}

}  // namespace bitmason

#endif
