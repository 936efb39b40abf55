// SPDX-License-Identifier: Apache-2.0
//
// unpack.hpp: the beats that `pack` made dense words of.
//
// Golden model: that of pack.hpp. Throughput: II 1; a frame takes as many steps as it has beats or
// words, whichever are more.
//
// In: words, as elements that hold their bits, the lowest ones first; what is above the end of a
// frame in its last word does not matter. Out: elements of any width.
//
// C: BEATS of a frame.

#ifndef BITMASON_UNPACK_HPP
#define BITMASON_UNPACK_HPP

#include "pack.hpp"

namespace bitmason {

template <class C, class IN, class OUT>
void unpack(hls::stream<IN>& in, hls::stream<OUT>& out) {
  constexpr unsigned OUT_W = beat_bits<OUT>();
  constexpr unsigned WORD_W = beat_bits<IN>();
  constexpr unsigned WORDS = words_of<OUT, IN>(C::BEATS);
  constexpr unsigned STEPS = WORDS > C::BEATS ? WORDS : C::BEATS;

  ap_uint<OUT_W + WORD_W> held = 0;
  unsigned fill = 0;  // bits held
  // With the larger side whole at every step, each step reads a word or writes a beat, or both.
  for (unsigned step = 0; step < STEPS; step++) {
#pragma HLS pipeline II = 1 style = flp
    if (fill < OUT_W) {
      held |= ap_uint<OUT_W + WORD_W>(bits_of(in.read())) << fill;
      fill += WORD_W;
    }
    if (fill >= OUT_W) {
      out.write(beat_of<OUT>(ap_uint<OUT_W>(held)));
      held >>= OUT_W;
      fill -= OUT_W;
    }
  }
}

}  // namespace bitmason

#endif
