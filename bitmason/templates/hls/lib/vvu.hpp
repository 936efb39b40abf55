// SPDX-License-Identifier: Apache-2.0
//
// vvu.hpp: a vector-vector unit: the dot product of each channel's window with its own weights.
//
// Golden model: ir/ops/depthwise.py. Throughput: II 1, TAPS/SIMD cycles per beat out.
//
// In, for each lane: for each PE channels the TAPS elements of their window, SIMD taps per beat;
// tap t of a beat and channel pe stand at t*PE + pe. Out: PE accumulators of each lane. Weights:
// the word at group*TAPS/SIMD + beat holds the weight of the element at the same place of that
// beat, for every lane.
//
// C: CHANNELS, TAPS, PE, SIMD, LANES; BEATS in of a frame; Weight, the type of the weights; Engine,
// Parallel or Select of dot.hpp.

#ifndef BITMASON_VVU_HPP
#define BITMASON_VVU_HPP

#include "beat.hpp"
#include "dot.hpp"

namespace bitmason {

template <class C, class IN, class OUT, unsigned WORDS>
void vvu(hls::stream<IN>& in, hls::stream<OUT>& out,
         const Stored<typename C::Weight> (&weights)[WORDS][C::SIMD * C::PE]) {
  using Elem = typename OUT::Elem;
  using Acc = Number<Elem>;
  constexpr unsigned FOLDS = C::TAPS / C::SIMD;
  constexpr unsigned PER_LANE = C::SIMD * C::PE;
  static_assert(C::CHANNELS % C::PE == 0, "vvu: CHANNELS must be a multiple of PE");
  static_assert(C::TAPS % C::SIMD == 0, "vvu: TAPS must be a multiple of SIMD");
  static_assert(!std::is_same<typename C::Engine, Xnor>::value,
                "vvu: Engine must be Parallel or Select");
  static_assert(C::Engine::template takes<typename IN::Elem, typename C::Weight>(),
                "vvu: Select takes weights of 1 bit");
  static_assert(IN::SIZE == C::LANES * PER_LANE, "vvu: a beat in is SIMD taps of PE channels");
  static_assert(OUT::SIZE == C::LANES * C::PE, "vvu: a beat out is PE elements of each lane");
  static_assert(WORDS == C::CHANNELS / C::PE * FOLDS, "vvu: the weights must be a word per fold");
  static_assert(C::BEATS % WORDS == 0, "vvu: a frame is whole windows of every channel");

  Acc sums[C::LANES][C::PE];
#pragma HLS array_partition variable = sums complete dim = 0
  unsigned word = 0;
  unsigned fold = 0;

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        Acc dot = 0;
        for (unsigned tap = 0; tap < C::SIMD; tap++) {
#pragma HLS unroll
          const unsigned place = tap * C::PE + pe;
          dot += C::Engine::template product<Acc>(x.data[lane * PER_LANE + place],
                                                  weights[word][place]);
        }
        if (fold > 0) dot += sums[lane][pe];
        sums[lane][pe] = dot;
        y.data[lane * C::PE + pe] = stored<Elem>(dot);
      }
    }
    word = word + 1 == WORDS ? 0 : word + 1;
    if (fold + 1 == FOLDS) {
      out.write(y);
      fold = 0;
    } else {
      fold++;
    }
  }
}

}  // namespace bitmason

#endif
