// SPDX-License-Identifier: Apache-2.0
//
// lookup.hpp: for each channel, the entry of its table that the bits of the input name.
//
// Golden model: ir/ops/lookup.py. Throughput: II 1.
//
// In and out: PE channels of each lane. Table: a row per channel, or one row for all of them, with
// an entry for each code of an input.
//
// C: CHANNELS, PE, LANES; BEATS of a frame.

#ifndef BITMASON_LOOKUP_HPP
#define BITMASON_LOOKUP_HPP

#include "beat.hpp"

namespace bitmason {

template <class C, class IN, class OUT, unsigned ROWS, unsigned CODES>
void lookup(hls::stream<IN>& in, hls::stream<OUT>& out,
            const Stored<typename OUT::Elem> (&table)[ROWS][CODES]) {
  using Elem = typename IN::Elem;
  constexpr unsigned FOLDS = C::CHANNELS / C::PE;
  static_assert(C::CHANNELS % C::PE == 0, "lookup: CHANNELS must be a multiple of PE");
  static_assert(ROWS == 1 || ROWS == C::CHANNELS, "lookup: a table serves one channel or all");
  static_assert(CODES == 1U << Elem::width, "lookup: a table needs an entry for each code");
  static_assert(IN::SIZE == C::LANES * C::PE, "lookup: a beat is PE elements of each lane");
  static_assert(OUT::SIZE == IN::SIZE, "lookup: as many elements must go out as come in");
  static_assert(C::BEATS % FOLDS == 0, "lookup: a frame is whole pixels");

  unsigned fold = 0;

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        const unsigned row = ROWS == 1 ? 0 : fold * C::PE + pe;
        const unsigned place = lane * C::PE + pe;
        y.data[place] = table[row][code<Elem>(x.data[place])];
      }
    }
    out.write(y);
    fold = fold + 1 == FOLDS ? 0 : fold + 1;
  }
}

}  // namespace bitmason

#endif
