// SPDX-License-Identifier: Apache-2.0
//
// join_sum.hpp: two streams become one: the weighted sum of their elements.
//
// Golden model: ir/ops/join.py. Throughput: II 1.
//
// In and out: PE channels of each lane. Factors: FOLDS words, one per beat of a pixel or one for
// all of them; channel pe of a word has the factor of stream `a` at 2*pe, that of `b` after it.
//
// C: PE, LANES, FOLDS; BEATS of a frame; Factor, the type of the factors.

#ifndef BITMASON_JOIN_SUM_HPP
#define BITMASON_JOIN_SUM_HPP

#include "beat.hpp"

namespace bitmason {

template <class C, class A, class B, class OUT>
void join_sum(hls::stream<A>& a, hls::stream<B>& b, hls::stream<OUT>& out,
              const Stored<typename C::Factor> (&factors)[C::FOLDS][2 * C::PE]) {
  using Elem = typename OUT::Elem;
  using Acc = Number<Elem>;
  static_assert(C::FOLDS >= 1 && C::PE >= 1, "join_sum: FOLDS and PE must be 1 or more");
  static_assert(OUT::SIZE == C::LANES * C::PE, "join_sum: a beat is PE elements of each lane");
  static_assert(A::SIZE == OUT::SIZE && B::SIZE == OUT::SIZE,
                "join_sum: beats of all streams must have as many elements");
  static_assert(C::BEATS % C::FOLDS == 0, "join_sum: a frame is whole pixels");

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
        const unsigned place = lane * C::PE + pe;
        y.data[place] = stored<Elem>(Acc(x0.data[place]) * factors[fold][2 * pe] +
                                     Acc(x1.data[place]) * factors[fold][2 * pe + 1]);
      }
    }
    out.write(y);
    fold = fold + 1 == C::FOLDS ? 0 : fold + 1;
  }
}

}  // namespace bitmason

#endif
