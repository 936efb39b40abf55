// SPDX-License-Identifier: Apache-2.0
//
// thresholds_float.hpp: thresholds where they round to custom floating point: a compressor.
//
// Golden model: ir/float_steps.py. Throughput: II 1.
//
// In and out: PE channels of each lane. (x << SHIFT) + offset is rounded to a format with M_BITS of
// mantissa whose unit is 2**FRACTION: to the nearest number, ties to even, or towards zero. The
// result is the rank of that number, but at least BASE and at most TOP. Without SUBNORMALS the
// smallest number is 2**M_BITS units, and so is everything from half of it on. Table: a row per
// channel, its offset.
//
// C: CHANNELS, PE, LANES, M_BITS, FRACTION, SHIFT, BASE and TOP (int), SUBNORMALS, NEAREST; BEATS
// of a frame; Offset, the type of the offsets.

#ifndef BITMASON_THRESHOLDS_FLOAT_HPP
#define BITMASON_THRESHOLDS_FLOAT_HPP

#include <cstdint>

#include "beat.hpp"

namespace bitmason {

// The magnitude of the rank that `size` rounds to.
template <class C>
std::int64_t rounded_rank(std::uint64_t size) {
#pragma HLS inline
  constexpr unsigned LEAST = C::M_BITS + C::FRACTION;
  constexpr std::uint64_t FIRST = std::uint64_t(1) << C::M_BITS;
  unsigned binade = 0;
  for (unsigned bit = LEAST + 1; bit < 64; bit++) {
#pragma HLS unroll
    if ((size >> bit & 1) != 0) binade = bit - LEAST;
  }
  const std::uint64_t kept = size >> (binade + C::FRACTION);
  if (!C::SUBNORMALS && kept < FIRST) {
    return (size >> (LEAST - 1) & 1) != 0 ? static_cast<std::int64_t>(FIRST) : 0;
  }
  const std::uint64_t rest = size - (kept << (binade + C::FRACTION));
  const std::uint64_t twice = rest << 1;
  const std::uint64_t one = std::uint64_t(1) << (binade + C::FRACTION);
  // Without mantissa no number is even: ties go to the larger one.
  const bool tie_up = C::M_BITS == 0 || (kept & 1) != 0;
  const bool up = C::NEAREST && (twice > one || (twice == one && tie_up));
  return static_cast<std::int64_t>(kept + (up ? 1 : 0) + (std::uint64_t(binade) << C::M_BITS));
}

template <class C, class IN, class OUT>
void thresholds_float(hls::stream<IN>& in, hls::stream<OUT>& out,
                      const Stored<typename C::Offset> (&offsets)[C::CHANNELS][1]) {
  using Elem = typename OUT::Elem;
  constexpr unsigned FOLDS = C::CHANNELS / C::PE;
  constexpr std::int64_t ONE = std::int64_t(1) << C::SHIFT;
  static_assert(C::CHANNELS % C::PE == 0, "thresholds_float: CHANNELS must be a multiple of PE");
  static_assert(C::FRACTION > 0 || (C::SUBNORMALS && !C::NEAREST),
                "thresholds_float: FRACTION must be 1 or more to find halves");
  static_assert(IN::SIZE == C::LANES * C::PE, "thresholds_float: a beat is PE elements a lane");
  static_assert(OUT::SIZE == IN::SIZE, "thresholds_float: as many elements must go out as come in");
  static_assert(C::BEATS % FOLDS == 0, "thresholds_float: a frame is whole pixels");

  unsigned fold = 0;

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        const std::int64_t offset = static_cast<std::int64_t>(offsets[fold * C::PE + pe][0]);
        const std::int64_t sum =
            static_cast<std::int64_t>(x.data[lane * C::PE + pe]) * ONE + offset;
        const bool negative = sum < 0;
        const std::int64_t size =
            rounded_rank<C>(static_cast<std::uint64_t>(negative ? -sum : sum));
        const std::int64_t rank = negative ? -size : size;
        const std::int64_t limited = rank < C::BASE ? C::BASE : rank > C::TOP ? C::TOP : rank;
        y.data[lane * C::PE + pe] = stored<Elem>(static_cast<Number<Elem>>(limited));
      }
    }
    out.write(y);
    fold = fold + 1 == FOLDS ? 0 : fold + 1;
  }
}

}  // namespace bitmason

#endif
