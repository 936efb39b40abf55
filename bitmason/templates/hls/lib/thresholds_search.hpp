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

#include "bit_length.hpp"
#include "thresholds.hpp"

namespace bitmason {

// Finds the bits of the count from the highest one on, as the thresholds ascend.
struct Search {
  template <class X, class STEP, unsigned STEPS>
  static int reached(const X& x, const STEP (&steps)[STEPS]) {
#pragma HLS inline
    constexpr unsigned DEPTHS = bit_length(STEPS);
    constexpr bool FULL = STEPS == (1U << DEPTHS) - 1;
    unsigned count = 0;
    for (unsigned depth = 0; depth < DEPTHS; depth++) {
#pragma HLS unroll
      const unsigned bit = 1U << (DEPTHS - 1 - depth);
      const bool exists = FULL || count + bit <= STEPS;
      const bool next = exists && x >= steps[count + bit - 1];
      count |= next ? bit : 0U;
    }
    return static_cast<int>(count);
  }
};

template <class C, class IN, class OUT>
void thresholds_search(hls::stream<IN>& in, hls::stream<OUT>& out,
                       const Stored<typename C::Step> (&steps)[C::CHANNELS][C::STEPS],
                       const Stored<ap_uint<1>> (&descending)[C::CHANNELS][1]) {
  count_thresholds<Search, C>(in, out, steps, descending);
}

}  // namespace bitmason

#endif
