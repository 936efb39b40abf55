// SPDX-License-Identifier: Apache-2.0
//
// thresholds.hpp: for each channel, count how many of its thresholds the input reaches.
//
// Golden model: ir/ops/thresholds.py. Throughput: II 1. All comparisons are made at once;
// thresholds_search.hpp keeps the same contract with one comparison per output bit.
//
// In and out: PE channels of each lane. The result is BASE plus the count, or BASE + STEPS less the
// count where the channel is descending. Tables: a row per channel, its thresholds, which ascend,
// and whether it is descending. Thresholds compare with codes: for bipolar inputs, with 0 and 1.
//
// C: CHANNELS, PE, LANES, STEPS, BASE (int); BEATS of a frame; Step, the type of the thresholds.

#ifndef BITMASON_THRESHOLDS_HPP
#define BITMASON_THRESHOLDS_HPP

#include "beat.hpp"

namespace bitmason {

// Compares with every threshold.
struct CompareAll {
  template <class X, class STEP, unsigned STEPS>
  static int reached(const X& x, const STEP (&steps)[STEPS]) {
#pragma HLS inline
    int count = 0;
    for (unsigned step = 0; step < STEPS; step++) {
#pragma HLS unroll
      count += x >= steps[step];
    }
    return count;
  }
};

// COUNTER has `reached`, the number of thresholds in a row that an element reaches.
template <class COUNTER, class C, class IN, class OUT>
void count_thresholds(hls::stream<IN>& in, hls::stream<OUT>& out,
                      const Stored<typename C::Step> (&steps)[C::CHANNELS][C::STEPS],
                      const Stored<ap_uint<1>> (&descending)[C::CHANNELS][1]) {
#pragma HLS inline
  using Elem = typename OUT::Elem;
  constexpr unsigned FOLDS = C::CHANNELS / C::PE;
  constexpr int LOWEST = C::BASE;
  constexpr int HIGHEST = LOWEST + static_cast<int>(C::STEPS);
  static_assert(C::CHANNELS % C::PE == 0, "thresholds: CHANNELS must be a multiple of PE");
  static_assert(C::STEPS >= 1, "thresholds: STEPS must be 1 or more");
  static_assert(IN::SIZE == C::LANES * C::PE, "thresholds: a beat is PE elements of each lane");
  static_assert(OUT::SIZE == IN::SIZE, "thresholds: as many elements must go out as come in");
  static_assert(C::BEATS % FOLDS == 0, "thresholds: a frame is whole pixels");

  unsigned fold = 0;

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        const unsigned channel = fold * C::PE + pe;
        const int count = COUNTER::reached(x.data[lane * C::PE + pe], steps[channel]);
        y.data[lane * C::PE + pe] =
            stored<Elem>(descending[channel][0] == 1 ? HIGHEST - count : LOWEST + count);
      }
    }
    out.write(y);
    fold = fold + 1 == FOLDS ? 0 : fold + 1;
  }
}

template <class C, class IN, class OUT>
void thresholds(hls::stream<IN>& in, hls::stream<OUT>& out,
                const Stored<typename C::Step> (&steps)[C::CHANNELS][C::STEPS],
                const Stored<ap_uint<1>> (&descending)[C::CHANNELS][1]) {
  count_thresholds<CompareAll, C>(in, out, steps, descending);
}

}  // namespace bitmason

#endif
