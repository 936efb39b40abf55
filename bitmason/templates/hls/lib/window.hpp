// SPDX-License-Identifier: Apache-2.0
//
// window.hpp: sends the windows of an image one after the other, a word per beat.
//
// Golden model: ir/ops/windows.py. Throughput: II 1; a step takes a word, sends one, or both.
// In: a pixel is BLOCKS x WORDS words, block outer. Out: for each window in raster order and each
// block, the words of that block at every tap, tap row by tap row.
// Memory: a ring of DEPTH pixels. It takes words while there is room, and waits for one only when
// the next output word is not there yet.
// C: BLOCKS, WORDS, H, W, KH, KW, SH, SW, DH, DW, DEPTH.

#ifndef BITMASON_WINDOW_HPP
#define BITMASON_WINDOW_HPP

#include <type_traits>

#include "beat.hpp"

namespace bitmason {

// The walk over the words that windows are made of, in the order in which they are sent.
template <class C>
class WindowWalk {
 public:
  static constexpr int CF = C::BLOCKS * C::WORDS;
  static constexpr int HELD = C::DEPTH * CF;  // words in the ring
  static constexpr int FRAME = C::H * C::W * CF;

  // Pixels from the first to the last tap of a window: in a row, in raster order.
  static constexpr int REACH_X = (C::KW - 1) * C::DW;
  static constexpr int REACH = (C::KH - 1) * C::DH * C::W + REACH_X;

  // What the way to the next word does to the read position, as a signed number of words and as a
  // hop forward in the ring; and how many words are free from then on.
  struct Move {
    int step;
    int hop;
    int freed;
  };

  // Whether a window is left.
  bool more() const {
#pragma HLS inline
    return more_;
  }

  // Goes to the next word: of the tap, of the next tap, row of taps, block, window, row of windows.
  Move advance() {
#pragma HLS inline
    if (word_ != C::WORDS - 1) {
      word_++;
      return move<1, 0>();
    }
    word_ = 0;
    if (kx_ != C::KW - 1) {
      kx_++;
      return move<STEP_TAP, 0>();
    }
    kx_ = 0;
    if (ky_ != C::KH - 1) {
      ky_++;
      return move<STEP_ROW, 0>();
    }
    ky_ = 0;
    if (block_ != C::BLOCKS - 1) {
      block_++;
      return move<STEP_BLOCK, 0>();
    }
    block_ = 0;
    if (ox_ != OW - 1) {
      ox_++;
      return move<STEP_WINDOW + FREE_WINDOW, FREE_WINDOW>();
    }
    ox_ = 0;
    if (oy_ != OH - 1) {
      oy_++;
      return move<STEP_WINDOW + FREE_ROW, FREE_ROW>();
    }
    more_ = false;
    return move<0, FRAME>();
  }

 private:
  static constexpr unsigned OH = (C::H - 1 - (C::KH - 1) * C::DH) / C::SH + 1;
  static constexpr unsigned OW = (C::W - 1 - REACH_X) / C::SW + 1;

  // From the origin of a window to that of the next one, in the row and in the next row.
  static constexpr int FREE_WINDOW = C::SW * CF;
  static constexpr int FREE_ROW = (C::SH * C::W - (OW - 1) * C::SW) * CF;

  // From the last word of a tap, a row of taps, a block and a window to the next word.
  static constexpr int STEP_TAP = C::DW * CF - C::WORDS + 1;
  static constexpr int STEP_ROW = (C::DH * C::W - REACH_X) * CF - C::WORDS + 1;
  static constexpr int STEP_BLOCK = 1 - REACH * CF;
  static constexpr int STEP_WINDOW = STEP_BLOCK - CF;

  template <int STEP, int FREED>
  static Move move() {
#pragma HLS inline
    constexpr int HOP = (STEP % HELD + HELD) % HELD;
    return {STEP, HOP, FREED};
  }

  bool more_ = true;
  unsigned word_ = 0;
  unsigned kx_ = 0;
  unsigned ky_ = 0;
  unsigned block_ = 0;
  unsigned ox_ = 0;
  unsigned oy_ = 0;
};

template <class C, class IN, class OUT>
void window(hls::stream<IN>& in, hls::stream<OUT>& out) {
  using Walk = WindowWalk<C>;
  static_assert(std::is_same<IN, OUT>::value, "window: words keep their type");
  static_assert(C::BLOCKS >= 1 && C::WORDS >= 1, "window: BLOCKS and WORDS must be 1 or more");
  static_assert(C::KH >= 1 && C::KW >= 1, "window: the window must be 1 x 1 or more");
  static_assert(C::SH >= 1 && C::SW >= 1, "window: the stride must be 1 x 1 or more");
  static_assert(C::DH >= 1 && C::DW >= 1, "window: the dilation must be 1 x 1 or more");
  static_assert((C::KH - 1) * C::DH < C::H && (C::KW - 1) * C::DW < C::W,
                "window: the window must fit the image");
  static_assert(static_cast<int>(C::DEPTH) > Walk::REACH,
                "window: DEPTH must be more than the pixels from the first to the last tap");

  BITMASON_MEMORY IN ring[Walk::HELD];
#pragma HLS aggregate variable = ring compact = bit
// The word that a step reads was written in an earlier step, the one that it writes is free.
#pragma HLS dependence variable = ring type = intra false
  Walk walk;
  int write_at = 0;
  int read_at = 0;
  int taken = 0;          // words of the frame
  int room = Walk::HELD;  // words that are free; strides may free more than was taken so far
  int ahead = 0;          // words taken from the one to send on
  while (walk.more() || taken != Walk::FRAME) {
#pragma HLS pipeline II = 1 style = flp
    const bool sends = walk.more() && ahead > 0;
    const bool takes = taken != Walk::FRAME && room > 0 && (!sends || !in.empty());
    if (sends) {
      out.write(ring[read_at]);
      const typename Walk::Move move = walk.advance();
      read_at += move.hop;
      if (read_at >= Walk::HELD) read_at -= Walk::HELD;
      ahead -= move.step;
      room += move.freed;
    }
    if (takes) {
      ring[write_at] = in.read();
      write_at = write_at == Walk::HELD - 1 ? 0 : write_at + 1;
      taken++;
      ahead++;
      room--;
    }
  }
}

}  // namespace bitmason

#endif
