// SPDX-License-Identifier: Apache-2.0
//
// nnet_bitmason.h: what layers of bitmason need inside a project of hls4ml.

#ifndef NNET_BITMASON_H_
#define NNET_BITMASON_H_

#include <cstddef>
#include <type_traits>

#include "argmax.hpp"
#include "beat.hpp"
#include "float_dot.hpp"
#include "lookup.hpp"
#include "mvu.hpp"
#include "nnet_helpers.h"
#include "nnet_types.h"
#include "thresholds.hpp"
#include "thresholds_float.hpp"
#include "thresholds_search.hpp"

namespace nnet {

// How many elements travel at a time.
template <class T>
struct elements_of;
template <class T, unsigned N>
struct elements_of<array<T, N>> : std::integral_constant<unsigned, N> {};
template <class T, unsigned N>
struct elements_of<bitmason::Beat<T, N>> : std::integral_constant<unsigned, N> {};

// A frame of SIZE elements in words of another size: hls4ml's hold a whole pixel, those of a layer
// of bitmason as many elements as it works on at a time.
template <unsigned SIZE, class IN, class OUT>
void repack(hls::stream<IN>& in, hls::stream<OUT>& out) {
  constexpr unsigned IN_N = elements_of<IN>::value;
  constexpr unsigned OUT_N = elements_of<OUT>::value;
  constexpr unsigned STEP = IN_N < OUT_N ? IN_N : OUT_N;
  static_assert(IN_N % STEP == 0 && OUT_N % STEP == 0,
                "repack: the words of one side must be whole words of the other");
  static_assert(SIZE % IN_N == 0 && SIZE % OUT_N == 0, "repack: a frame is whole words");

  IN taken;
  OUT given;
  for (unsigned first = 0; first < SIZE; first += STEP) {
#pragma HLS pipeline II = 1 style = flp
    if (first % IN_N == 0) taken = in.read();
    for (unsigned i = 0; i < STEP; i++) {
#pragma HLS unroll
      given.data[first % OUT_N + i] = taken.data[first % IN_N + i];
    }
    if ((first + STEP) % OUT_N == 0) out.write(given);
  }
}

#ifndef __SYNTHESIS__

// Tables of bitmason have rows; hls4ml reads its weights one after the other.
template <class T, std::size_t SIZE, unsigned N>
void load_weights_from_txt(T (*rows)[N], const char* file) {
  load_weights_from_txt<T, SIZE>(rows[0], file);
}

#endif

}  // namespace nnet

#endif
