// SPDX-License-Identifier: Apache-2.0
//
// mvu_bitserial.hpp: a matrix-vector unit that multiplies planes of bits: each plane of the weights
// with each of the inputs, by falling significance.
//
// Golden model: ir/ops/dense.py, ir/ops/xnor_popcount.py and ir/ops/depthwise.py. Fewer planes than
// there are may be kept; the lower ones count as zeros then, and cost no time.
// Throughput: II 1, wbits*abits * MH/PE * MW/SIMD cycles per vector, while the next vector comes
// in, at abits cycles for each beat.
//
// In and out: as mvu, with DEPTHWISE as vvu; but the elements of one of their beats may come in
// several, the lowest first. Knobs: a beat for each frame, the planes of weights and of inputs that
// are kept, from 1 to all. Weights: with SF = MW/SIMD, NF = MH/PE and W planes, the word at
// ((group*NF + nf)*W + plane)*SF + sf holds a bit of the weight of neuron nf*PE + pe and element
// sf*SIMD + i of that group at pe*SIMD + i; with DEPTHWISE neurons are channels, elements taps.
//
// C: MW, MH, GROUPS, LANES, PE, SIMD; BEATS in of a frame; Weight, the type of the weights;
// Product, And of planes.hpp, Select or Xnor of dot.hpp; DEPTHWISE, whether each of the MH = PE
// neurons of a group has elements of its own.

#ifndef BITMASON_MVU_BITSERIAL_HPP
#define BITMASON_MVU_BITSERIAL_HPP

#include "beat.hpp"
#include "planes.hpp"

namespace bitmason {

// What a configuration and the types of the streams say of a unit.
template <class C, class IN, class OUT, unsigned WORDS>
struct BitserialShape {
  using Weight = typename C::Weight;
  using Input = typename IN::Elem;
  static constexpr unsigned W = Weight::width;
  static constexpr unsigned A = Input::width;
  static constexpr unsigned SF = C::MW / C::SIMD;
  static constexpr unsigned NF = C::MH / C::PE;
  static constexpr unsigned TAKE = IN::SIZE / C::LANES;
  static constexpr unsigned WORD = C::DEPTHWISE ? C::PE * C::SIMD : C::SIMD;  // of one lane
  static constexpr unsigned PARTS = WORD / TAKE;
  static constexpr unsigned VECTORS = C::BEATS * TAKE / (SF * WORD);
  static constexpr unsigned ROWS = C::DEPTHWISE ? C::LANES * C::PE : C::LANES;
  // Words in memory: those of the vector at work and of the next one.
  static constexpr unsigned HELD = VECTORS > 1 ? 2 * SF : SF;

  static_assert(C::MW % C::SIMD == 0, "mvu_bitserial: MW must be a multiple of SIMD");
  static_assert(C::MH % C::PE == 0, "mvu_bitserial: MH must be a multiple of PE");
  static_assert(C::GROUPS >= 1, "mvu_bitserial: GROUPS must be 1 or more");
  static_assert(!C::DEPTHWISE || NF == 1, "mvu_bitserial: DEPTHWISE needs MH to be PE");
  static_assert(C::Product::template takes<Input, Weight>(),
                "mvu_bitserial: Select and Xnor take weights of 1 bit, Xnor takes inputs of 1 bit");
  static_assert(IN::SIZE == C::LANES * TAKE && WORD == PARTS * TAKE,
                "mvu_bitserial: a beat in must be an equal part of a word of each lane");
  static_assert(OUT::SIZE == C::LANES * C::PE,
                "mvu_bitserial: a beat out is PE elements of each lane");
  static_assert(C::BEATS == VECTORS * SF * PARTS && VECTORS % C::GROUPS == 0,
                "mvu_bitserial: a frame is whole vectors of every group");
  static_assert(WORDS == C::GROUPS * NF * W * SF,
                "mvu_bitserial: the weights must be one word for each plane of each fold");
};

// Takes beats and writes them to a memory as planes, one a step: plane p of word w to p*HELD + w.
template <class S, class IN>
class PlaneWriter {
 public:
  using Plane = Beat<Bit, IN::SIZE>;

  // Whether the planes of the beat at hand are all written.
  bool idle() const { return left_ == 0; }

  void take(const IN& x, unsigned abits) {
#pragma HLS inline
    x_ = x;
    left_ = abits;
    plane_ = 0;
  }

  // Returns whether this was the last plane of a word.
  bool write(Plane (&planes)[S::PARTS][S::A * S::HELD]) {
#pragma HLS inline
    Plane plane;
    for (unsigned i = 0; i < IN::SIZE; i++) {
#pragma HLS unroll
      const std::uint64_t bits = wide_code<typename IN::Elem>(x_.data[i]);
      plane.data[i] = Stored<Bit>(bits >> (S::A - 1 - plane_) & 1);
    }
    planes[part_][plane_ * S::HELD + word_] = plane;
    plane_++;
    left_--;
    if (left_ != 0) return false;
    part_ = part_ + 1 == S::PARTS ? 0 : part_ + 1;
    if (part_ != 0) return false;
    word_ = word_ + 1 == S::HELD ? 0 : word_ + 1;
    return true;
  }

 private:
  IN x_ = {};
  unsigned left_ = 0, plane_ = 0, part_ = 0, word_ = 0;
};

// Lays out a plane of a word as rows of SIMD bits: one a lane, or one a channel of each.
template <class C, class S, class PLANE>
void arrange(const PLANE (&planes)[S::PARTS][S::A * S::HELD], unsigned at,
             Stored<Bit> (&rows)[S::ROWS][C::SIMD]) {
#pragma HLS inline
  for (unsigned part = 0; part < S::PARTS; part++) {
#pragma HLS unroll
    const PLANE plane = planes[part][at];
    for (unsigned i = 0; i < PLANE::SIZE; i++) {
#pragma HLS unroll
      const unsigned lane = i / S::TAKE;
      const unsigned place = part * S::TAKE + i % S::TAKE;
      const unsigned row = C::DEPTHWISE ? lane * C::PE + place % C::PE : lane;
      rows[row][C::DEPTHWISE ? place / C::PE : place] = plane.data[i];
    }
  }
}

template <class C, class IN, class OUT, unsigned WORDS>
void multiply_planes(hls::stream<IN>& in, hls::stream<OUT>& out,
                     const Stored<Bit> (&weights)[WORDS][C::PE * C::SIMD], unsigned wbits,
                     unsigned abits) {
#pragma HLS inline
  using S = BitserialShape<C, IN, OUT, WORDS>;
  using Sum = PlaneSum<typename OUT::Elem, C::MW>;
  constexpr bool SELECT = std::is_same<typename C::Product, Select>::value;
  using Engine = std::conditional_t<SELECT, And, typename C::Product>;

  BITMASON_MEMORY Beat<Bit, IN::SIZE> planes[S::PARTS][S::A * S::HELD];
#pragma HLS array_partition variable = planes complete dim = 1
#pragma HLS aggregate variable = planes compact = bit
// A step reads words that are complete and writes to one that is not.
#pragma HLS dependence variable = planes type = intra false
  Sum sums[C::LANES][C::PE];
#pragma HLS array_partition variable = sums complete dim = 0
  Sum totals[S::ROWS];  // of the inputs alone, for Select
#pragma HLS array_partition variable = totals complete dim = 0
  PlaneWriter<S, IN> writer;
  PlanePairs pairs(wbits, abits);
  const unsigned places = S::W - wbits + (S::A - abits);
  unsigned taken = 0;
  unsigned held = 0;   // complete words, from the start of the vector at work
  unsigned start = 0;  // where that vector starts
  unsigned vectors = 0;
  unsigned fold = 0;  // of the rows of all groups
  unsigned nf = 0;
  unsigned sf = 0;

  while (vectors != S::VECTORS) {
#pragma HLS pipeline II = 1 style = flp
    const bool multiplies = sf < held;
    if (writer.idle() && taken != C::BEATS && held != S::HELD && (!multiplies || !in.empty())) {
      writer.take(in.read(), abits);
      taken++;
    }
    if (!writer.idle() && writer.write(planes)) held++;
    if (!multiplies) continue;

    const unsigned u = pairs.weight_plane();
    const unsigned v = pairs.input_plane();
    const PlaneStep step = {sf == 0, sf + 1 == S::SF, pairs.first(), pairs.starts_diagonal(),
                            (is_signed<typename S::Weight>::value && u == 0) !=
                                (is_signed<typename S::Input>::value && v == 0)};
    Stored<Bit> x[S::ROWS][C::SIMD];
#pragma HLS array_partition variable = x complete dim = 0
    arrange<C, S>(planes, v * S::HELD + start + sf, x);
    if (SELECT) {
      for (unsigned row = 0; row < S::ROWS; row++) {
#pragma HLS unroll
        totals[row].add(count<And>(x[row], x[row], 0), step);
      }
    }
    const unsigned word = (fold * S::W + u) * S::SF + sf;
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      for (unsigned pe = 0; pe < C::PE; pe++) {
#pragma HLS unroll
        const unsigned row = C::DEPTHWISE ? lane * C::PE + pe : lane;
        Sum& sum = sums[lane][pe];
        sum.add(count<Engine>(x[row], weights[word], pe * C::SIMD), step);
        y.data[lane * C::PE + pe] =
            SELECT ? sum.doubled_less(totals[row], places) : sum.shifted(places);
      }
    }

    sf = step.last_word ? 0 : sf + 1;
    if (!step.last_word) continue;
    if (pairs.last()) {
      out.write(y);
      fold = fold + 1 == C::GROUPS * S::NF ? 0 : fold + 1;
      nf = nf + 1 == S::NF ? 0 : nf + 1;
      if (nf == 0) {
        vectors++;
        held -= S::SF;
        start = start + S::SF == S::HELD ? 0 : start + S::SF;
      }
    }
    pairs.step();
  }
}

// n, or the nearest number from 1 to `most`.
inline unsigned within(unsigned n, unsigned most) {
#pragma HLS inline
  return n == 0 ? 1 : n > most ? most : n;
}

template <class C, class IN, class OUT, unsigned WORDS>
void mvu_bitserial(hls::stream<IN>& in, hls::stream<OUT>& out,
                   const Stored<Bit> (&weights)[WORDS][C::PE * C::SIMD]) {
  multiply_planes<C>(in, out, weights, C::Weight::width, IN::Elem::width);
}

template <class C, class IN, class KNOBS, class OUT, unsigned WORDS>
void mvu_bitserial(hls::stream<IN>& in, hls::stream<KNOBS>& knobs, hls::stream<OUT>& out,
                   const Stored<Bit> (&weights)[WORDS][C::PE * C::SIMD]) {
  static_assert(KNOBS::SIZE == 2, "mvu_bitserial: a beat of knobs is two numbers");
  using Elem = typename KNOBS::Elem;
  const KNOBS kept = knobs.read();
  multiply_planes<C>(in, out, weights, within(code<Elem>(kept.data[0]), C::Weight::width),
                     within(code<Elem>(kept.data[1]), IN::Elem::width));
}

}  // namespace bitmason

#endif
