// SPDX-License-Identifier: Apache-2.0
//
// mvu.hpp: a matrix-vector unit: MW elements in, SIMD per beat; MH accumulators out, PE per beat.
// Vectors belong to GROUPS matrices in turn; LANES vectors side by side meet the same weights.
//
// Golden model: ir/ops/dense.py and ir/ops/xnor_popcount.py.
// Throughput: II 1, MH/PE * MW/SIMD cycles per vector.
//
// In: SIMD elements of each lane, MW/SIMD beats a vector. Out: PE accumulators of each lane, MH/PE
// beats a vector. Weights: with SF = MW/SIMD and NF = MH/PE, the word at (group*NF + nf)*SF + sf
// holds the weight of neuron nf*PE + pe and element sf*SIMD + i of that group at pe*SIMD + i.
//
// C: MW, MH, GROUPS, LANES, PE, SIMD; BEATS in of a frame; Weight, the type of the weights; Engine,
// one of dot.hpp.

#ifndef BITMASON_MVU_HPP
#define BITMASON_MVU_HPP

#include "beat.hpp"
#include "dot.hpp"

namespace bitmason {

template <class C, class IN, class OUT, unsigned WORDS>
void mvu(hls::stream<IN>& in, hls::stream<OUT>& out,
         const Stored<typename C::Weight> (&weights)[WORDS][C::PE * C::SIMD]) {
  using Elem = typename OUT::Elem;
  using Acc = Number<Elem>;
  constexpr unsigned SF = C::MW / C::SIMD;
  constexpr unsigned NF = C::MH / C::PE;
  static_assert(C::MW % C::SIMD == 0, "mvu: MW must be a multiple of SIMD");
  static_assert(C::MH % C::PE == 0, "mvu: MH must be a multiple of PE");
  static_assert(C::GROUPS >= 1 && C::LANES >= 1, "mvu: GROUPS and LANES must be 1 or more");
  static_assert(C::Engine::template takes<typename IN::Elem, typename C::Weight>(),
                "mvu: Select and Xnor take weights of 1 bit, Xnor takes inputs of 1 bit");
  static_assert(IN::SIZE == C::LANES * C::SIMD, "mvu: a beat in is SIMD elements of each lane");
  static_assert(OUT::SIZE == C::LANES * C::PE, "mvu: a beat out is PE elements of each lane");
  static_assert(C::BEATS % (C::GROUPS * SF) == 0, "mvu: a frame is whole vectors of every group");
  static_assert(WORDS == C::GROUPS * NF * SF, "mvu: the weights must be one word for each fold");

  // The vector is kept while further rows of the matrix need it.
  IN vector[SF];
#pragma HLS aggregate variable = vector compact = bit
  Acc sums[C::LANES][C::PE];
#pragma HLS array_partition variable = sums complete dim = 0
  unsigned word = 0;
  unsigned nf = 0;
  unsigned sf = 0;

  for (unsigned step = 0; step < C::BEATS * NF; step++) {
#pragma HLS pipeline II = 1 style = flp
    IN x;
    if (nf == 0) {
      x = in.read();
      vector[sf] = x;
    } else {
      x = vector[sf];
    }
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        Acc dot = 0;
        for (unsigned i = 0; i < C::SIMD; i++) {
#pragma HLS unroll
          dot += C::Engine::template product<Acc>(x.data[lane * C::SIMD + i],
                                                  weights[word][pe * C::SIMD + i]);
        }
        if (sf > 0) dot += sums[lane][pe];
        sums[lane][pe] = dot;
        y.data[lane * C::PE + pe] = stored<Elem>(dot);
      }
    }
    word = word + 1 == WORDS ? 0 : word + 1;
    if (sf + 1 == SF) {
      out.write(y);
      nf = nf + 1 == NF ? 0 : nf + 1;
      sf = 0;
    } else {
      sf++;
    }
  }
}

}  // namespace bitmason

#endif
