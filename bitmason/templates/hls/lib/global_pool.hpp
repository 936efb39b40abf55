// SPDX-License-Identifier: Apache-2.0
//
// global_pool.hpp: the maximum or the sum over all pixels of a frame, channel by channel.
//
// Golden model: ir/ops/pooling.py. Throughput: II 1, PIXELS * FOLDS steps a frame.
// In: PE channels, FOLDS beats a pixel. Out: PE results, FOLDS beats a frame; each is sent as soon
// as its channels of the last pixel came. C: PE, FOLDS, PIXELS, Op (op.hpp).

#ifndef BITMASON_GLOBAL_POOL_HPP
#define BITMASON_GLOBAL_POOL_HPP

#include "beat.hpp"
#include "op.hpp"

namespace bitmason {

template <class C, class IN, class OUT>
void global_pool(hls::stream<IN>& in, hls::stream<OUT>& out) {
  using X = typename IN::Elem;
  using Y = typename OUT::Elem;
  static_assert(C::FOLDS >= 1 && C::PIXELS >= 1, "global_pool: FOLDS and PIXELS must be 1 or more");
  static_assert(X::width <= Y::width, "global_pool: a result must be as wide as an element");
  static_assert(is_signed<X>::value == is_signed<Y>::value,
                "global_pool: a result is signed as elements");
  static_assert(IN::SIZE == C::PE && OUT::SIZE == C::PE, "global_pool: a beat is PE elements");

  constexpr int FOLDS = C::FOLDS;
  Number<Y> kept[FOLDS][C::PE];
#pragma HLS array_partition variable = kept complete dim = 2
// Every step changes one row, and FOLDS steps lie between two changes of a row.
#pragma HLS dependence variable = kept type = inter direction = RAW distance = FOLDS true
  unsigned fold = 0;
  unsigned pixel = 0;
  for (unsigned step = 0; step < C::PIXELS * C::FOLDS; step++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
      const Number<Y> element = Number<Y>(x.data[pe]);
      const Number<Y> result = pixel == 0 ? element : C::Op::of(kept[fold][pe], element);
      kept[fold][pe] = result;
      y.data[pe] = stored<Y>(result);
    }
    if (pixel == C::PIXELS - 1) out.write(y);
    if (fold == C::FOLDS - 1) {
      fold = 0;
      pixel++;
    } else {
      fold++;
    }
  }
}

}  // namespace bitmason

#endif
