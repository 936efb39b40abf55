// SPDX-License-Identifier: Apache-2.0
//
// join_table.hpp: two streams become one: for each channel, the entry of its table that both name.
//
// Golden model: ir/ops/join.py. Throughput: II 1.
//
// In and out: PE channels of each lane. Table: a row per channel, or one row for all of them; where
// elements of stream `a` have W bits, the codes x0 and x1 name the entry x1 * 2**W + x0.
//
// C: CHANNELS, PE, LANES; BEATS of a frame.

#ifndef BITMASON_JOIN_TABLE_HPP
#define BITMASON_JOIN_TABLE_HPP

#include "beat.hpp"

namespace bitmason {

template <class C, class A, class B, class OUT, unsigned ROWS, unsigned CODES>
void join_table(hls::stream<A>& a, hls::stream<B>& b, hls::stream<OUT>& out,
                const Stored<typename OUT::Elem> (&table)[ROWS][CODES]) {
  using Elem0 = typename A::Elem;
  using Elem1 = typename B::Elem;
  constexpr unsigned FOLDS = C::CHANNELS / C::PE;
  static_assert(C::CHANNELS % C::PE == 0, "join_table: CHANNELS must be a multiple of PE");
  static_assert(ROWS == 1 || ROWS == C::CHANNELS, "join_table: a table serves one channel or all");
  static_assert(Elem0::width + Elem1::width < 32, "join_table: 32 bits and more address no table");
  static_assert(CODES == 1U << (Elem0::width + Elem1::width),
                "join_table: a table needs an entry for each pair of codes");
  static_assert(OUT::SIZE == C::LANES * C::PE, "join_table: a beat is PE elements of each lane");
  static_assert(A::SIZE == OUT::SIZE && B::SIZE == OUT::SIZE,
                "join_table: beats of all streams must have as many elements");
  static_assert(C::BEATS % FOLDS == 0, "join_table: a frame is whole pixels");

  unsigned fold = 0;

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const A x0 = a.read();
    const B x1 = b.read();
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        const unsigned row = ROWS == 1 ? 0 : fold * C::PE + pe;
        const unsigned place = lane * C::PE + pe;
        const unsigned pair =
            code<Elem1>(x1.data[place]) << Elem0::width | code<Elem0>(x0.data[place]);
        y.data[place] = table[row][pair];
      }
    }
    out.write(y);
    fold = fold + 1 == FOLDS ? 0 : fold + 1;
  }
}

}  // namespace bitmason

#endif
