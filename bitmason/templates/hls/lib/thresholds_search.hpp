// SPDX-License-Identifier: Apache-2.0
//
// thresholds_search.hpp: thresholds.hpp by binary search, one comparison per output bit.
//
// Golden model: ir/ops/thresholds.py. Throughput: II 1, where the table can be read once per
// comparison in a cycle.
//
// In, out, tables and C: those of thresholds.hpp.

#ifndef BITMASON_THRESHOLDS_SEARCH_HPP
#define BITMASON_THRESHOLDS_SEARCH_HPP

#include "beat.hpp"
#include "bit_length.hpp"

namespace bitmason {

template <class C, class IN, class OUT>
void thresholds_search(hls::stream<IN>& in, hls::stream<OUT>& out,
                       const Stored<typename C::Step> (&steps)[C::CHANNELS][C::STEPS],
                       const Stored<ap_uint<1>> (&descending)[C::CHANNELS][1]) {
  using Elem = typename OUT::Elem;
  constexpr unsigned FOLDS = C::CHANNELS / C::PE;
  constexpr unsigned DEPTHS = bit_length(C::STEPS);
  constexpr bool FULL = C::STEPS == (1U << DEPTHS) - 1;
  constexpr int LOWEST = C::BASE;
  constexpr int HIGHEST = LOWEST + static_cast<int>(C::STEPS);
  static_assert(C::CHANNELS % C::PE == 0, "thresholds_search: CHANNELS must be a multiple of PE");
  static_assert(C::STEPS >= 1, "thresholds_search: STEPS must be 1 or more");
  static_assert(IN::SIZE == C::LANES * C::PE,
                "thresholds_search: a beat is PE elements of each lane");
  static_assert(OUT::SIZE == IN::SIZE,
                "thresholds_search: as many elements must go out as come in");
  static_assert(C::BEATS % FOLDS == 0, "thresholds_search: a frame is whole pixels");

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
        const Stored<typename IN::Elem> key = x.data[lane * C::PE + pe];
        // The thresholds ascend, so bits of the count are found from the highest one on.
        unsigned count = 0;
        for (unsigned depth = 0; depth < DEPTHS; depth++) {
#pragma HLS unroll
          const unsigned bit = 1U << (DEPTHS - 1 - depth);
          const bool exists = FULL || count + bit <= C::STEPS;
          const bool reached = exists && key >= steps[channel][count + bit - 1];
          count |= reached ? bit : 0U;
        }
        const int found = static_cast<int>(count);
        y.data[lane * C::PE + pe] =
            stored<Elem>(descending[channel][0] == 1 ? HIGHEST - found : LOWEST + found);
      }
    }
    out.write(y);
    fold = fold + 1 == FOLDS ? 0 : fold + 1;
  }
}

}  // namespace bitmason

#endif
