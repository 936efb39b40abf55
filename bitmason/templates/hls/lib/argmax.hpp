// SPDX-License-Identifier: Apache-2.0
//
// argmax.hpp: the index of the largest element of each vector, the lowest where several are.
//
// Golden model: ir/ops/arg_max.py. Throughput: II 1, CHANNELS/PE cycles per vector.
//
// In: PE elements, CHANNELS/PE beats a vector. Out: one index a vector.
//
// C: CHANNELS, PE; BEATS in of a frame.

#ifndef BITMASON_ARGMAX_HPP
#define BITMASON_ARGMAX_HPP

#include "beat.hpp"
#include "bit_length.hpp"

namespace bitmason {

template <class C, class IN, class OUT>
void argmax(hls::stream<IN>& in, hls::stream<OUT>& out) {
  using Elem = typename OUT::Elem;
  using Key = Stored<typename IN::Elem>;
  constexpr unsigned FOLDS = C::CHANNELS / C::PE;
  static_assert(C::CHANNELS % C::PE == 0, "argmax: CHANNELS must be a multiple of PE");
  static_assert(IN::SIZE == C::PE, "argmax: a beat in is PE elements");
  static_assert(OUT::SIZE == 1, "argmax: a beat out is one index");
  static_assert(Elem::width >= bit_length(C::CHANNELS - 1), "argmax: an index must fit the output");
  static_assert(C::BEATS % FOLDS == 0, "argmax: a frame is whole vectors");

  Key best_key = 0;
  unsigned best_index = 0;
  unsigned fold = 0;

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    // The best of the beat comes first, so that beats depend on each other by one comparison.
    Key key = x.data[0];
    unsigned index = fold * C::PE;
    for (unsigned pe = 1; pe < C::PE; pe++) {
#pragma HLS unroll
      if (x.data[pe] > key) {
        key = x.data[pe];
        index = fold * C::PE + pe;
      }
    }
    if (fold == 0 || key > best_key) {
      best_key = key;
      best_index = index;
    }
    if (fold + 1 == FOLDS) {
      OUT y;
      y.data[0] = stored<Elem>(best_index);
      out.write(y);
      fold = 0;
    } else {
      fold++;
    }
  }
}

}  // namespace bitmason

#endif
