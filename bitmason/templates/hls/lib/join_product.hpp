// SPDX-License-Identifier: Apache-2.0
//
// join_product.hpp: two streams become one: the product of their elements less their zero points.
//
// Golden model: ir/ops/join.py. Throughput: II 1. In and out: PE channels of each lane.
//
// C: PE, LANES; SHIFT0 and SHIFT1 (int), the zero points of streams a and b; BEATS of a frame.

#ifndef BITMASON_JOIN_PRODUCT_HPP
#define BITMASON_JOIN_PRODUCT_HPP

#include "beat.hpp"
#include "bit_length.hpp"

namespace bitmason {

// What holds an element of T less the zero point SHIFT: two bits more than the wider of them.
template <class T, int SHIFT>
struct Centred {
  static constexpr int SHIFT_WIDTH =
      bit_length(SHIFT < 0 ? 0U - static_cast<unsigned>(SHIFT) : static_cast<unsigned>(SHIFT));
  using type = ap_int<(SHIFT_WIDTH > T::width ? SHIFT_WIDTH : T::width) + 2>;
};

template <class C, class A, class B, class OUT>
void join_product(hls::stream<A>& a, hls::stream<B>& b, hls::stream<OUT>& out) {
  using Elem = typename OUT::Elem;
  using Acc = Number<Elem>;
  using X0 = Number<typename Centred<typename A::Elem, C::SHIFT0>::type>;
  using X1 = Number<typename Centred<typename B::Elem, C::SHIFT1>::type>;
  static_assert(C::PE >= 1, "join_product: PE must be 1 or more");
  static_assert(OUT::SIZE == C::LANES * C::PE, "join_product: a beat is PE elements of each lane");
  static_assert(A::SIZE == OUT::SIZE && B::SIZE == OUT::SIZE,
                "join_product: beats of all streams must have as many elements");

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const A in0 = a.read();
    const B in1 = b.read();
    OUT y;
    for (unsigned i = 0; i < OUT::SIZE; i++) {
#pragma HLS unroll
      const X0 x0 = X0(in0.data[i]) - C::SHIFT0;
      const X1 x1 = X1(in1.data[i]) - C::SHIFT1;
      y.data[i] = stored<Elem>(Acc(x0) * x1);
    }
    out.write(y);
  }
}

}  // namespace bitmason

#endif
