// SPDX-License-Identifier: Apache-2.0
//
// knobs.hpp: passes frames on, and sends with each what its readers are set to.
//
// Golden model: the identity for the data. Throughput: II 1 while every output takes its beats.
// In and out: the same beats; to each reader one beat a frame of its numbers, which are the largest
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
void send_knobs(hls::stream<KNOBS>& reader, REST&&... rest);

// Puts the numbers from AT on into a beat, until it is whole.
template <unsigned AT, class KNOBS, class... REST>
std::enable_if_t<AT == KNOBS::SIZE> fill_knobs(hls::stream<KNOBS>& reader, const KNOBS& beat,
                                               REST&&... rest) {
#pragma HLS inline
  reader.write(beat);
  send_knobs(rest...);
}

template <unsigned AT, class KNOBS, class... REST>
std::enable_if_t<(AT < KNOBS::SIZE)> fill_knobs(hls::stream<KNOBS>& reader, KNOBS& beat,
                                                unsigned number, REST&&... rest) {
#pragma HLS inline
  beat.data[AT] = saturated<typename KNOBS::Elem>(number);
  fill_knobs<AT + 1>(reader, beat, rest...);
}

template <class KNOBS, class... REST>
void send_knobs(hls::stream<KNOBS>& reader, REST&&... rest) {
#pragma HLS inline
  KNOBS beat;
  fill_knobs<0>(reader, beat, rest...);
}

// `readers`: for each its stream and its numbers.
template <class C, class BEAT, class... READERS>
void knobs(hls::stream<BEAT>& in, hls::stream<BEAT>& out, READERS&&... readers) {
  static_assert(sizeof...(READERS) >= 2, "knobs: there must be 1 reader or more");
  for (unsigned step = 0; step < C::BEATS; step++) {
#pragma HLS pipeline II = 1 style = flp
    out.write(in.read());
    if (step == 0) send_knobs(readers...);
  }
}

}  // namespace bitmason

#endif
