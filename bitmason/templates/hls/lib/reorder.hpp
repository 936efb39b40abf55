// SPDX-License-Identifier: Apache-2.0
//
// reorder.hpp: sends the beats of each block of LENGTH in another order.
//
// Golden model: block[order] for each block; ir/ops/arrange.py. Throughput: II 1; a step takes a
// beat of the next block, sends one of a block that has come whole, or both.
// In and out: the same beats. order: for each beat sent its place in the block. Memory: two blocks,
// or the frame where that is one. C: LENGTH, BEATS.

#ifndef BITMASON_REORDER_HPP
#define BITMASON_REORDER_HPP

#include "beat.hpp"

namespace bitmason {

template <class C, class BEAT, class PLACE>
void reorder(hls::stream<BEAT>& in, hls::stream<BEAT>& out, const PLACE (&order)[C::LENGTH][1]) {
  static_assert(C::LENGTH >= 1, "reorder: LENGTH must be 1 or more");
  static_assert(C::BEATS % C::LENGTH == 0, "reorder: a frame must be a whole number of blocks");

  constexpr unsigned HELD = C::BEATS > C::LENGTH ? 2 * C::LENGTH : C::LENGTH;
  BITMASON_MEMORY BEAT kept[HELD];
#pragma HLS aggregate variable = kept compact = bit
// A step reads of a block that has come whole and writes where the next one is to stand.
#pragma HLS dependence variable = kept type = intra false
  unsigned taken = 0;
  unsigned write_at = 0;
  unsigned held = 0;   // beats taken from the start of the block to send
  unsigned block = 0;  // where that block starts
  unsigned next = 0;   // beat of it to send
  unsigned sent = 0;
  while (sent != C::BEATS) {
#pragma HLS pipeline II = 1 style = flp
    const bool sends = held >= C::LENGTH;
    const bool takes = taken != C::BEATS && held != HELD && (!sends || !in.empty());
    bool ends = false;
    if (sends) {
      out.write(kept[block + static_cast<unsigned>(order[next][0])]);
      sent++;
      ends = next == C::LENGTH - 1;
      next = ends ? 0 : next + 1;
      if (ends) block = block + C::LENGTH == HELD ? 0 : C::LENGTH;
    }
    if (takes) {
      kept[write_at] = in.read();
      write_at = write_at == HELD - 1 ? 0 : write_at + 1;
      taken++;
    }
    held += (takes ? 1 : 0) - (ends ? C::LENGTH : 0);
  }
}

}  // namespace bitmason

#endif
