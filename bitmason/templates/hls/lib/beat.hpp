// SPDX-License-Identifier: Apache-2.0
//
// beat.hpp: what travels in a stream between two layers.

#ifndef BITMASON_BEAT_HPP
#define BITMASON_BEAT_HPP

#include <hls_stream.h>

#include "numbers.hpp"

namespace bitmason {

// N elements of type T at a time, channels innermost. Where several pixels travel side by side
// (lanes), the elements of lane 0 come first.
template <class T, unsigned N>
struct Beat {
  using Elem = T;
  static constexpr unsigned SIZE = N;
  Stored<T> data[N];
};

}  // namespace bitmason

#endif
