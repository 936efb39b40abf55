// SPDX-License-Identifier: Apache-2.0
//
// ras_unrolled.hpp: Reduce and scale, unrolled: a constant matrix of few values, all at once.
//
// Golden model: ir/ops/dense.py.
// Throughput: II 1, a vector of each lane per cycle.
//
// In: MW elements of each lane. Out: MH results of each lane. Codes: codes[n][i] says which of the
// values element i meets in row n, 0 for none, 1 for the first one. A row adds what meets the same
// value, then multiplies each of these sums once; sums that rows have in common are the compiler's
// matter, as all codes are constants.
//
// C: MW, MH, LANES; BEATS in of a frame; Code, the type of the codes; Values, the values as a
// std::integer_sequence of long long.

#ifndef BITMASON_RAS_UNROLLED_HPP
#define BITMASON_RAS_UNROLLED_HPP

#include <utility>

#include "beat.hpp"

namespace bitmason {

// What one row gives.
template <class N, class CODE, class X, unsigned MW, long long... VALUES>
N reduce_and_scale(const X (&x)[MW], const Stored<CODE> (&codes)[MW],
                   std::integer_sequence<long long, VALUES...>) {
#pragma HLS inline
  constexpr unsigned KINDS = 1 + sizeof...(VALUES);
  const long long values[KINDS] = {0, VALUES...};
#pragma HLS array_partition variable = values complete
  N sums[KINDS];
#pragma HLS array_partition variable = sums complete
  for (unsigned kind = 0; kind < KINDS; kind++) {
#pragma HLS unroll
    sums[kind] = 0;
  }
  for (unsigned i = 0; i < MW; i++) {
#pragma HLS unroll
    sums[code<CODE>(codes[i])] += x[i];
  }
  N total = 0;
  for (unsigned kind = 1; kind < KINDS; kind++) {
#pragma HLS unroll
    total += N(sums[kind] * N(values[kind]));
  }
  return total;
}

template <class C, class IN, class OUT>
void ras_unrolled(hls::stream<IN>& in, hls::stream<OUT>& out,
                  const Stored<typename C::Code> (&codes)[C::MH][C::MW]) {
  using Elem = typename OUT::Elem;
  using Code = typename C::Code;
  static_assert(C::LANES >= 1, "ras_unrolled: LANES must be 1 or more");
  static_assert(IN::SIZE == C::LANES * C::MW,
                "ras_unrolled: a beat in is MW elements of each lane");
  static_assert(OUT::SIZE == C::LANES * C::MH,
                "ras_unrolled: a beat out is MH results of each lane");

  for (unsigned beat = 0; beat < C::BEATS; beat++) {
#pragma HLS pipeline II = 1 style = flp
    const IN x = in.read();
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      Stored<typename IN::Elem> vector[C::MW];
#pragma HLS array_partition variable = vector complete
      for (unsigned i = 0; i < C::MW; i++) {
#pragma HLS unroll
        vector[i] = x.data[lane * C::MW + i];
      }
      for (unsigned row = 0; row < C::MH; row++) {
#pragma HLS unroll
        const Number<Elem> sum =
            reduce_and_scale<Number<Elem>, Code>(vector, codes[row], typename C::Values{});
        y.data[lane * C::MH + row] = stored<Elem>(sum);
      }
    }
    out.write(y);
  }
}

}  // namespace bitmason

#endif
