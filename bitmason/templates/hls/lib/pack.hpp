// SPDX-License-Identifier: Apache-2.0
//
// pack.hpp: packs beats into dense words: no bit of a word is unused but above the end of a frame.
//
// Golden model: the bits of a frame from the lowest of the first element on, cut into words.
// Throughput: II 1; a frame takes as many steps as it has beats or words, whichever are more, and
// one more where its last beat ends behind a word and is narrower than one.
//
// In: elements of any width. Out: words, as elements that hold their bits, the lowest ones first;
// the last word of a frame is filled up with zeros.
//
// C: BEATS of a frame.

#ifndef BITMASON_PACK_HPP
#define BITMASON_PACK_HPP

#include "beat.hpp"

namespace bitmason {

// The bits of a beat, and how many words hold those of `BEATS`.
template <class BEAT>
constexpr unsigned beat_bits() {
  return BEAT::SIZE * BEAT::Elem::width;
}
template <class BEAT, class WORD>
constexpr unsigned words_of(unsigned beats) {
  return (beats * beat_bits<BEAT>() + beat_bits<WORD>() - 1) / beat_bits<WORD>();
}

template <class BEAT>
ap_uint<beat_bits<BEAT>()> bits_of(const BEAT& beat) {
#pragma HLS inline
  using Elem = typename BEAT::Elem;
  ap_uint<beat_bits<BEAT>()> bits = 0;
  for (int i = BEAT::SIZE - 1; i >= 0; i--) {
#pragma HLS unroll
    bits <<= Elem::width % beat_bits<BEAT>();
    bits |= ap_uint<beat_bits<BEAT>()>(ap_uint<Elem::width>(beat.data[i]));
  }
  return bits;
}

template <class BEAT>
BEAT beat_of(const ap_uint<beat_bits<BEAT>()>& bits) {
#pragma HLS inline
  using Elem = typename BEAT::Elem;
  BEAT beat;
  for (unsigned i = 0; i < BEAT::SIZE; i++) {
#pragma HLS unroll
    const Elem element = bits >> (i * Elem::width);
    beat.data[i] = static_cast<Stored<Elem>>(element);
  }
  return beat;
}

template <class C, class IN, class OUT>
void pack(hls::stream<IN>& in, hls::stream<OUT>& out) {
  constexpr unsigned IN_W = beat_bits<IN>();
  constexpr unsigned WORD_W = beat_bits<OUT>();
  constexpr unsigned WORDS = words_of<IN, OUT>(C::BEATS);
  constexpr unsigned BEFORE_LAST = (C::BEATS - 1) * IN_W % WORD_W;
  constexpr bool SPLIT = IN_W < WORD_W && BEFORE_LAST + IN_W > WORD_W;
  constexpr unsigned STEPS = (WORDS > C::BEATS ? WORDS : C::BEATS) + SPLIT;

  ap_uint<IN_W + WORD_W> held = 0;
  unsigned fill = 0;  // bits held
  unsigned taken = 0;
  for (unsigned step = 0; step < STEPS; step++) {
#pragma HLS pipeline II = 1 style = flp
    if (fill < WORD_W && taken != C::BEATS) {
      held |= ap_uint<IN_W + WORD_W>(bits_of(in.read())) << fill;
      fill += IN_W;
      taken++;
    }
    if (fill >= WORD_W || taken == C::BEATS) {
      out.write(beat_of<OUT>(ap_uint<WORD_W>(held)));
      held >>= WORD_W;
      fill = fill > WORD_W ? fill - WORD_W : 0;
    }
  }
}

}  // namespace bitmason

#endif
