// SPDX-License-Identifier: Apache-2.0
//
// width_converter.hpp: regroups a stream from IN_N to OUT_N elements per beat, any ratio.
//
// Golden model: the identity on the sequence of elements, lane by lane.
// Throughput: II 1; a frame takes as many steps as its input or output beats, whichever are more.
// In: LANES x IN_N elements, lane 0 first. Out: LANES x OUT_N elements, lane 0 first.
// C: IN_N, OUT_N, LANES, BEATS (input beats of a frame).

#ifndef BITMASON_WIDTH_CONVERTER_HPP
#define BITMASON_WIDTH_CONVERTER_HPP

#include <type_traits>

#include "beat.hpp"

namespace bitmason {

constexpr unsigned greatest_common_divisor(unsigned a, unsigned b) {
  return b == 0 ? a : greatest_common_divisor(b, a % b);
}

template <class C, class IN, class OUT>
void width_converter(hls::stream<IN>& in, hls::stream<OUT>& out) {
  static_assert(std::is_same<typename IN::Elem, typename OUT::Elem>::value,
                "width_converter: elements keep their type");
  static_assert(C::IN_N * C::LANES == IN::SIZE && C::OUT_N * C::LANES == OUT::SIZE,
                "width_converter: a beat must hold IN_N or OUT_N elements of every lane");
  static_assert(C::BEATS * C::IN_N % C::OUT_N == 0,
                "width_converter: a frame must be a whole number of output beats");
  constexpr unsigned UNIT_N = greatest_common_divisor(C::IN_N, C::OUT_N);
  constexpr unsigned IN_U = C::IN_N / UNIT_N;
  constexpr unsigned OUT_U = C::OUT_N / UNIT_N;
  constexpr unsigned HOLD_U = IN_U + OUT_U - 1;
  constexpr unsigned GIVEN = C::BEATS * IN_U / OUT_U;
  constexpr unsigned STEPS = GIVEN > C::BEATS ? GIVEN : C::BEATS;

  Stored<typename IN::Elem> held[C::LANES][HOLD_U][UNIT_N];
#pragma HLS array_partition variable = held dim = 0 complete
  unsigned fill = 0;  // units held
  // With the larger side whole at every step, each step reads or writes a beat there.
  for (unsigned step = 0; step < STEPS; step++) {
#pragma HLS pipeline II = 1 style = flp
    if (fill < OUT_U) {
      const IN x = in.read();
      const unsigned from = OUT_U == 1 ? 0 : fill;
      for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
        for (unsigned unit = 0; unit < IN_U; unit++) {
#pragma HLS unroll
          for (unsigned i = 0; i < UNIT_N; i++) {
#pragma HLS unroll
            held[lane][from + unit][i] = x.data[lane * C::IN_N + unit * UNIT_N + i];
          }
        }
      }
      fill += IN_U;
    }
    if (fill >= OUT_U) {
      OUT y;
      for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
        for (unsigned unit = 0; unit < OUT_U; unit++) {
#pragma HLS unroll
          for (unsigned i = 0; i < UNIT_N; i++) {
#pragma HLS unroll
            y.data[lane * C::OUT_N + unit * UNIT_N + i] = held[lane][unit][i];
          }
        }
        for (unsigned unit = OUT_U; unit < HOLD_U; unit++) {
#pragma HLS unroll
          for (unsigned i = 0; i < UNIT_N; i++) {
#pragma HLS unroll
            held[lane][unit - OUT_U][i] = held[lane][unit][i];
          }
        }
      }
      out.write(y);
      fill -= OUT_U;
    }
  }
}

}  // namespace bitmason

#endif
