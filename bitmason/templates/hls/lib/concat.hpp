// SPDX-License-Identifier: Apache-2.0
//
// concat.hpp: joins the pixels of several streams: all words of input 0, then those of input 1, ...
//
// Golden model: ir/ops/arrange.py. Throughput: II 1, a step for each output beat.
// In: so many beats a pixel as Counts says of each input. Out: all of them.
// C: BEATS (of input 0 in a frame), Counts (std::integer_sequence<unsigned, ...>).

#ifndef BITMASON_CONCAT_HPP
#define BITMASON_CONCAT_HPP

#include <utility>

#include "beat.hpp"

namespace bitmason {

// Beats of a pixel from the first of some streams and from all, their number, and whether each has
// a turn.
template <class COUNTS>
struct Turns;

template <unsigned COUNT>
struct Turns<std::integer_sequence<unsigned, COUNT>> {
  static constexpr unsigned FIRST = COUNT;
  static constexpr unsigned TOTAL = COUNT;
  static constexpr unsigned INPUTS = 1;
  static constexpr bool EACH = COUNT >= 1;
};

template <unsigned COUNT, unsigned... REST>
struct Turns<std::integer_sequence<unsigned, COUNT, REST...>> {
  using Rest = Turns<std::integer_sequence<unsigned, REST...>>;
  static constexpr unsigned FIRST = COUNT;
  static constexpr unsigned TOTAL = COUNT + Rest::TOTAL;
  static constexpr unsigned INPUTS = 1 + Rest::INPUTS;
  static constexpr bool EACH = COUNT >= 1 && Rest::EACH;
};

// Takes beat `at` of a pixel from the stream whose turn it is.
template <class TURNS, class BEAT>
BEAT take_turn(unsigned, hls::stream<BEAT>& in) {
#pragma HLS inline
  return in.read();
}

template <class TURNS, class BEAT, class... REST>
BEAT take_turn(unsigned at, hls::stream<BEAT>& in, hls::stream<BEAT>& next, REST&... rest) {
#pragma HLS inline
  if (at < TURNS::FIRST) return in.read();
  return take_turn<typename TURNS::Rest>(at - TURNS::FIRST, next, rest...);
}

template <class C, class BEAT, class... INS>
void concat(hls::stream<BEAT>& out, INS&... ins) {
  using All = Turns<typename C::Counts>;
  static_assert(sizeof...(INS) == All::INPUTS, "concat: there must be a count for each input");
  static_assert(All::EACH, "concat: each input must give 1 beat per pixel or more");
  static_assert(C::BEATS % All::FIRST == 0, "concat: a frame must be a whole number of pixels");

  unsigned at = 0;
  for (unsigned step = 0; step < C::BEATS / All::FIRST * All::TOTAL; step++) {
#pragma HLS pipeline II = 1 style = flp
    out.write(take_turn<All, BEAT>(at, ins...));
    at = at == All::TOTAL - 1 ? 0 : at + 1;
  }
}

}  // namespace bitmason

#endif
