// SPDX-License-Identifier: Apache-2.0
//
// window_parallel.hpp: sends whole windows of an image, all taps of a group of channels per beat.
//
// Golden model: ir/ops/windows.py. Throughput: II 1, H*W/LANES_IN*CF steps a frame. Every step
// takes a beat, and sends one when that beat holds the last tap of windows.
// In: LANES_IN neighbouring pixels, CF beats to make them whole. Out: neighbouring windows, one for
// every SW of these pixels (at least one), tap row by tap row; CF beats to make them whole.
// C: CF, LANES_IN, H, W, KH, KW, SH, SW, DH, DW.

#ifndef BITMASON_WINDOW_PARALLEL_HPP
#define BITMASON_WINDOW_PARALLEL_HPP

#include <type_traits>

#include "beat.hpp"

namespace bitmason {

// Makes the N elements of pixel `lane` of x those of tap `tap` of y.
template <unsigned N, class IN, class OUT>
void put_word(const IN& x, unsigned lane, OUT& y, unsigned tap) {
#pragma HLS inline
  for (unsigned i = 0; i < N; i++) {
#pragma HLS unroll
    y.data[tap * N + i] = x.data[lane * N + i];
  }
}

template <class C, class IN, class OUT>
void window_parallel(hls::stream<IN>& in, hls::stream<OUT>& out) {
  static_assert(std::is_same<typename IN::Elem, typename OUT::Elem>::value,
                "window_parallel: elements keep their type");
  static_assert(C::CF >= 1 && C::LANES_IN >= 1,
                "window_parallel: CF and LANES_IN must be 1 or more");
  static_assert(C::KH >= 1 && C::KW >= 1, "window_parallel: the window must be 1 x 1 or more");
  static_assert(C::SH >= 1 && C::SW >= 1, "window_parallel: the stride must be 1 x 1 or more");
  static_assert(C::DH >= 1 && C::DW >= 1, "window_parallel: the dilation must be 1 x 1 or more");

  // Pixels from the first to the last tap of a window, down and across.
  constexpr unsigned REACH_Y = (C::KH - 1) * C::DH;
  constexpr unsigned REACH_X = (C::KW - 1) * C::DW;
  constexpr unsigned LANES_OUT = C::LANES_IN > C::SW ? C::LANES_IN / C::SW : 1;
  constexpr unsigned WORD_N = IN::SIZE / C::LANES_IN;  // elements of a pixel in a beat
  static_assert(REACH_Y < C::H && REACH_X < C::W, "window_parallel: the window must fit the image");
  static_assert(C::W % C::LANES_IN == 0, "window_parallel: W must be a multiple of LANES_IN");
  static_assert(C::LANES_IN == 1 || C::LANES_IN % C::SW == 0,
                "window_parallel: LANES_IN must be 1 or a multiple of SW");
  static_assert(((C::W - 1 - REACH_X) / C::SW + 1) % LANES_OUT == 0,
                "window_parallel: the windows of a row must be a multiple of those in a beat");
  static_assert(OUT::SIZE * C::LANES_IN == LANES_OUT * C::KH * C::KW * IN::SIZE,
                "window_parallel: a beat out must hold all taps of every window");

  // Groups of LANES_IN pixels: per row, from the first tap of the windows of a beat back to the
  // last, and from such windows to the next ones.
  constexpr unsigned GROUPS = C::W / C::LANES_IN;
  constexpr unsigned BACK = ((LANES_OUT - 1) * C::SW + REACH_X) / C::LANES_IN;
  constexpr unsigned STEP = C::LANES_IN == 1 ? C::SW : 1;

  // The newest group of tap row KH-1 is the input, that of each other row the one below DH rows
  // ago, from `lines`. Behind it `recent` has the BACK groups before, the newest first.
  constexpr int LINE = C::DH * GROUPS * C::CF;
  constexpr int CF = C::CF;
  constexpr unsigned LINES = C::KH > 1 ? C::KH - 1 : 1;
  BITMASON_MEMORY IN lines[LINE][LINES];
#pragma HLS aggregate variable = lines compact = bit
#pragma HLS array_partition variable = lines complete dim = 2
// A place of `lines` is met again after LINE steps, one of `recent` after CF steps.
#pragma HLS dependence variable = lines type = inter direction = RAW distance = LINE true
  BITMASON_MEMORY IN recent[CF][C::KH][BACK > 0 ? BACK : 1];
#pragma HLS aggregate variable = recent compact = bit
#pragma HLS array_partition variable = recent complete dim = 2
#pragma HLS array_partition variable = recent complete dim = 3
#pragma HLS dependence variable = recent type = inter direction = RAW distance = CF true

  unsigned place = 0;  // in `lines`
  unsigned word = 0;
  unsigned group = 0;
  unsigned wait_x = BACK;  // groups and rows before the next windows
  unsigned wait_y = REACH_Y;
  for (unsigned step = 0; step < C::H * GROUPS * C::CF; step++) {
#pragma HLS pipeline II = 1 style = flp
    IN newest[C::KH];
#pragma HLS array_partition variable = newest complete
    for (unsigned ky = 0; ky + 1 < C::KH; ky++) {
#pragma HLS unroll
      newest[ky] = lines[place][ky];
    }
    newest[C::KH - 1] = in.read();

    if (wait_x == 0 && wait_y == 0) {
      // Lane j begins j*SW pixels after the first of the oldest group.
      OUT y;
      for (unsigned j = 0; j < LANES_OUT; j++) {
#pragma HLS unroll
        for (unsigned ky = 0; ky < C::KH; ky++) {
#pragma HLS unroll
          for (unsigned kx = 0; kx < C::KW; kx++) {
#pragma HLS unroll
            const unsigned pixel = j * C::SW + kx * C::DW;
            const unsigned back = BACK - pixel / C::LANES_IN;
            const unsigned lane = pixel % C::LANES_IN;
            const unsigned tap = (j * C::KH + ky) * C::KW + kx;
            if (back == 0) {
              put_word<WORD_N>(newest[ky], lane, y, tap);
            } else {
              put_word<WORD_N>(recent[word][ky][back - 1], lane, y, tap);
            }
          }
        }
      }
      out.write(y);
    }

    for (unsigned ky = 0; ky < C::KH; ky++) {
#pragma HLS unroll
      for (unsigned back = BACK; back > 1; back--) {
#pragma HLS unroll
        recent[word][ky][back - 1] = recent[word][ky][back - 2];
      }
      recent[word][ky][0] = newest[ky];
      if (ky > 0) lines[place][ky - 1] = newest[ky];
    }

    place = place == LINE - 1 ? 0 : place + 1;
    if (word != C::CF - 1) {
      word++;
      continue;
    }
    word = 0;
    if (group != GROUPS - 1) {
      group++;
      wait_x = wait_x == 0 ? STEP - 1 : wait_x - 1;
    } else {
      group = 0;
      wait_x = BACK;
      wait_y = wait_y == 0 ? C::SH - 1 : wait_y - 1;
    }
  }
}

}  // namespace bitmason

#endif
