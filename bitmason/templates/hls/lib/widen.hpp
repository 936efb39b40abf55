// SPDX-License-Identifier: Apache-2.0
//
// widen.hpp: gives the elements of a stream more bits.
//
// Golden model: the identity on values. Throughput: II 1. In and out: as many elements a beat.
//
// C: BEATS of a frame; Code, how elements in are coded: Unsigned, Signed or BipolarCode.

#ifndef BITMASON_WIDEN_HPP
#define BITMASON_WIDEN_HPP

#include "beat.hpp"

namespace bitmason {

// A code has `takes`, whether elements of X may be coded so, and `value`, as a number of type N.
struct Unsigned {
  template <class X>
  static constexpr bool takes() {
    return !is_signed<X>::value;
  }

  template <class N, class X>
  static N value(const X& x) {
#pragma HLS inline
    return N(x);
  }
};

struct Signed {
  template <class X>
  static constexpr bool takes() {
    return is_signed<X>::value;
  }

  template <class N, class X>
  static N value(const X& x) {
#pragma HLS inline
    return N(x);
  }
};

// 0 for -1 and 1 for +1.
struct BipolarCode {
  template <class X>
  static constexpr bool takes() {
    return X::width == 1 && !is_signed<X>::value;
  }

  template <class N, class X>
  static N value(const X& x) {
#pragma HLS inline
    return x == 1 ? N(1) : N(-1);
  }
};

template <class C, class IN, class OUT>
void widen(hls::stream<IN>& in, hls::stream<OUT>& out) {
  using Elem = typename OUT::Elem;
  static_assert(Elem::width > IN::Elem::width, "widen: elements out must be wider than those in");
  static_assert(C::Code::template takes<typename IN::Elem>(),
                "widen: Unsigned takes ap_uint, Signed ap_int, BipolarCode ap_uint<1>");
  static_assert(OUT::SIZE == IN::SIZE, "widen: as many elements must go out as come in");

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned i = 0; i < OUT::SIZE; i++) {
#pragma HLS unroll
      y.data[i] = stored<Elem>(C::Code::template value<Number<Elem>>(x.data[i]));
    }
    out.write(y);
  }
}

}  // namespace bitmason

#endif
