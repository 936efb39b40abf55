// SPDX-License-Identifier: Apache-2.0
//
// pool.hpp: the maximum or the sum of every window, channel by channel.
//
// Golden model: ir/ops/pooling.py. Throughput: II 1; TAPS/SIMD beats in make one beat out.
// In: LANES x SIMD x PE elements: for each lane SIMD taps of its window, PE channels each.
// Out: LANES x PE results. C: TAPS, PE, SIMD, LANES, BEATS, Op (op.hpp).

#ifndef BITMASON_POOL_HPP
#define BITMASON_POOL_HPP

#include "beat.hpp"
#include "op.hpp"

namespace bitmason {

template <class C, class IN, class OUT>
void pool(hls::stream<IN>& in, hls::stream<OUT>& out) {
  using X = typename IN::Elem;
  using Y = typename OUT::Elem;
  static_assert(C::TAPS % C::SIMD == 0, "pool: TAPS must be a multiple of SIMD");
  static_assert(X::width <= Y::width, "pool: a result must be as wide as an element");
  static_assert(is_signed<X>::value == is_signed<Y>::value, "pool: a result is signed as elements");
  static_assert(IN::SIZE == C::LANES * C::SIMD * C::PE && OUT::SIZE == C::LANES * C::PE,
                "pool: a beat must hold SIMD taps, or a result, of PE channels of every lane");
  static_assert(C::BEATS % (C::TAPS / C::SIMD) == 0,
                "pool: a frame must be a whole number of windows");

  Number<Y> kept[OUT::SIZE];
#pragma HLS array_partition variable = kept complete
  unsigned fold = 0;  // beats of the window before this one
  for (unsigned step = 0; step < C::BEATS; step++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    const bool first = fold == 0;
    const bool last = fold == C::TAPS / C::SIMD - 1;
    fold = last ? 0 : fold + 1;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      Number<Y> results[C::PE];
#pragma HLS array_partition variable = results complete
      for (unsigned tap = 0; tap < C::SIMD; tap++) {
#pragma HLS unroll
        for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
          const Number<Y> element = Number<Y>(x.data[(lane * C::SIMD + tap) * C::PE + pe]);
          results[pe] = tap == 0 ? element : C::Op::of(results[pe], element);
        }
      }
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        Number<Y>& so_far = kept[lane * C::PE + pe];
        so_far = first ? results[pe] : C::Op::of(so_far, results[pe]);
      }
    }
    if (last) {
      OUT y;
      for (unsigned i = 0; i < OUT::SIZE; i++) {
#pragma HLS unroll
        y.data[i] = stored<Y>(kept[i]);
      }
      out.write(y);
    }
  }
}

}  // namespace bitmason

#endif
