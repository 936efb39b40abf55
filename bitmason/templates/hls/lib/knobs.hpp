// SPDX-License-Identifier: Apache-2.0
//
// knobs.hpp: passes frames on, and sends with each what its readers are set to.
//
// Golden model: the identity for the data. Throughput: II 1 while every output takes its beats.
// In and out: the same beats; to each reader one beat a frame of two numbers, which are the largest
// that fit where those of the caller are larger. C: BEATS.

#ifndef BITMASON_KNOBS_HPP
#define BITMASON_KNOBS_HPP

#include "beat.hpp"

namespace bitmason {

template <class ELEM>
Stored<ELEM> saturated(unsigned number) {
#pragma HLS inline
  static_assert(!is_signed<ELEM>::value && ELEM::width < 32, "knobs: readers take ap_uint");
  constexpr unsigned MOST = (1U << ELEM::width) - 1U;
  return stored<ELEM>(Number<ELEM>(number < MOST ? number : MOST));
}

inline void send_knobs() {}

template <class KNOBS, class... REST>
void send_knobs(hls::stream<KNOBS>& reader, unsigned first, unsigned second, REST&&... rest) {
#pragma HLS inline
  static_assert(KNOBS::SIZE == 2, "knobs: a reader takes two numbers");
  using Elem = typename KNOBS::Elem;
  const KNOBS beat = {{saturated<Elem>(first), saturated<Elem>(second)}};
  reader.write(beat);
  send_knobs(rest...);
}

// `readers`: for each its stream and its two numbers.
template <class C, class BEAT, class... READERS>
void knobs(hls::stream<BEAT>& in, hls::stream<BEAT>& out, READERS&&... readers) {
  static_assert(sizeof...(READERS) >= 3 && sizeof...(READERS) % 3 == 0,
                "knobs: there must be 1 reader or more, each with two numbers");
  for (unsigned step = 0; step < C::BEATS; step++) {
#pragma HLS pipeline II = 1 style = flp
    out.write(in.read());
    if (step == 0) send_knobs(readers...);
  }
}

}  // namespace bitmason

#endif
