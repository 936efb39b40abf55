// SPDX-License-Identifier: Apache-2.0
//
// ras.hpp: a matrix-vector unit for weights of few values, most of them zero (Reduce-and-Scale):
// the inputs that meet equal weights are added up first, and only their sums are multiplied.
//
// Golden model: ir/ops/dense.py.
// Throughput: II 1, STEPS cycles per vector, while the next vector comes in, a beat a cycle.
//
// In: TAKE elements of each lane, MW/TAKE beats a vector. Out: a row of each lane, a beat for each
// row of a group. Step `step` of a vector of group `group` finds its words at group*STEPS + step.
// Lists: for each adder pe*SIMD + s {first, slot}: it adds column slot*SIMD + s, and `first` begins
// a run of additions. Picks: for each scaler {emits, opens, place, adder, value}: the sum of the
// adder adder*SCALERS + scaler times value joins this scaler's part of the row at `place`, which it
// opens or goes on with. The parts of all scalers that emit in a step are those of a complete row,
// which goes out.
//
// C: MW, GROUPS, LANES, PE, SIMD, STEPS, SCALERS, PLACES; BEATS in of a frame; Entry and Pick, the
// types of the words; Value, the type of the weights; Sum, that of the sum of a run.

#ifndef BITMASON_RAS_HPP
#define BITMASON_RAS_HPP

#include "beat.hpp"
#include "bit_length.hpp"

namespace bitmason {

// Bits of an index into n things, at least one.
constexpr unsigned index_bits(unsigned n) { return n > 2 ? bit_length(n - 1) : 1; }

// What a configuration and the types of the streams say of a unit.
template <class C, class IN, class OUT, unsigned WORDS>
struct RasShape {
  static constexpr unsigned TAKE = IN::SIZE / C::LANES;
  static constexpr unsigned ADDERS = C::PE * C::SIMD;
  static constexpr unsigned SOURCES = ADDERS / C::SCALERS;
  static constexpr unsigned PARTS = C::SIMD / TAKE;
  static constexpr unsigned SLOTS = C::MW / C::SIMD;
  static constexpr unsigned VECTORS = C::BEATS * TAKE / C::MW;
  static constexpr unsigned SLOT_W = index_bits(SLOTS);
  static constexpr unsigned ADDER_W = index_bits(SOURCES);
  static constexpr unsigned PLACE_W = index_bits(C::PLACES);
  static constexpr unsigned VALUE_W = C::Value::width;

  static_assert(C::MW % C::SIMD == 0, "ras: MW must be a multiple of SIMD");
  static_assert(IN::SIZE == C::LANES * TAKE && C::SIMD % TAKE == 0,
                "ras: a beat in must be an equal part of SIMD elements of each lane");
  static_assert(OUT::SIZE == C::LANES, "ras: a beat out is an element of each lane");
  static_assert(C::BEATS * TAKE == VECTORS * C::MW && VECTORS % C::GROUPS == 0,
                "ras: a frame is whole vectors of every group");
  static_assert(ADDERS % C::SCALERS == 0, "ras: PE*SIMD must be a multiple of SCALERS");
  static_assert(WORDS == C::GROUPS * C::STEPS, "ras: the lists must be a word for each step");
  static_assert(C::Entry::width == 1 + SLOT_W, "ras: an entry is {first, slot}");
  static_assert(C::Pick::width == 2 + PLACE_W + ADDER_W + VALUE_W,
                "ras: a pick is {emits, opens, place, adder, value}");
};

// Takes beats, and writes each element to the bank of its column, for every reader of that bank.
template <class C, class S, class IN>
class VectorWriter {
 public:
  using Elem = typename IN::Elem;

  // Returns whether this was the last beat of a vector.
  bool write(const IN& x, Stored<Elem> (&banks)[C::LANES][S::ADDERS][2 * S::SLOTS]) {
#pragma HLS inline
    for (unsigned i = 0; i < IN::SIZE; i++) {
#pragma HLS unroll
      for (unsigned adder = 0; adder < S::ADDERS; adder++) {
#pragma HLS unroll
        const unsigned bank = adder % C::SIMD;
        if (bank % S::TAKE == i % S::TAKE && bank / S::TAKE == part_)
          banks[i / S::TAKE][adder][half_ + slot_] = x.data[i];
      }
    }
    part_ = part_ + 1 == S::PARTS ? 0 : part_ + 1;
    if (part_ != 0) return false;
    slot_ = slot_ + 1 == S::SLOTS ? 0 : slot_ + 1;
    if (slot_ != 0) return false;
    half_ = S::SLOTS - half_;
    return true;
  }

 private:
  unsigned part_ = 0, slot_ = 0, half_ = 0;
};

template <class C, class IN, class OUT, unsigned WORDS>
void ras(hls::stream<IN>& in, hls::stream<OUT>& out,
         const Stored<typename C::Entry> (&lists)[WORDS][C::PE * C::SIMD],
         const Stored<typename C::Pick> (&picks)[WORDS][C::SCALERS]) {
  using S = RasShape<C, IN, OUT, WORDS>;
  using Elem = typename OUT::Elem;
  using Acc = Number<Elem>;
  using Sum = typename C::Sum;

  BITMASON_MEMORY Stored<typename IN::Elem> banks[C::LANES][S::ADDERS][2 * S::SLOTS];
#pragma HLS array_partition variable = banks complete dim = 1
#pragma HLS array_partition variable = banks complete dim = 2
// A step reads vectors that are whole and writes to one that is not.
#pragma HLS dependence variable = banks type = intra false
  Stored<Sum> sums[C::LANES][S::ADDERS] = {};
#pragma HLS array_partition variable = sums complete dim = 0
  Stored<Elem> rows[C::LANES][C::SCALERS][C::PLACES] = {};
#pragma HLS array_partition variable = rows complete dim = 0
  VectorWriter<C, S, IN> writer;
  unsigned taken = 0;
  unsigned whole = 0;  // vectors held
  unsigned half = 0;   // where the vector at work starts
  unsigned vectors = 0;
  unsigned word = 0;
  unsigned step = 0;

  while (vectors != S::VECTORS) {
#pragma HLS pipeline II = 1 style = flp
    const bool steps = whole != 0;
    if (taken != C::BEATS && whole != 2 && (!steps || !in.empty())) {
      if (writer.write(in.read(), banks)) whole++;
      taken++;
    }
    if (!steps) continue;

    for (unsigned adder = 0; adder < S::ADDERS; adder++) {
#pragma HLS unroll
      const unsigned entry = code<typename C::Entry>(lists[word][adder]);
      const bool first = (entry >> S::SLOT_W) != 0;
      const unsigned slot = entry & ((1U << S::SLOT_W) - 1U);
      for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
        Number<Sum> sum = banks[lane][adder][half + slot];
        if (!first) sum += sums[lane][adder];
        sums[lane][adder] = stored<Sum>(sum);
      }
    }
    OUT y;
    for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
      y.data[lane] = 0;
    }
    bool complete = false;
    for (unsigned scaler = 0; scaler < C::SCALERS; scaler++) {
#pragma HLS unroll
      const unsigned pick = code<typename C::Pick>(picks[word][scaler]);
      const unsigned adder = pick >> S::VALUE_W & ((1U << S::ADDER_W) - 1U);
      const unsigned place = pick >> (S::VALUE_W + S::ADDER_W) & ((1U << S::PLACE_W) - 1U);
      const bool opens = (pick >> (S::VALUE_W + S::ADDER_W + S::PLACE_W) & 1U) != 0;
      const bool emits = (pick >> (S::VALUE_W + S::ADDER_W + S::PLACE_W + 1) & 1U) != 0;
      const Stored<typename C::Value> value = stored<typename C::Value>(pick);
      for (unsigned lane = 0; lane < C::LANES; lane++) {
#pragma HLS unroll
        Acc total = Acc(sums[lane][adder * C::SCALERS + scaler]) * value;
        if (!opens) total += rows[lane][scaler][place];
        rows[lane][scaler][place] = stored<Elem>(total);
        if (emits) y.data[lane] = stored<Elem>(y.data[lane] + total);
      }
      complete = complete || emits;
    }
    if (complete) out.write(y);

    word = word + 1 == WORDS ? 0 : word + 1;
    step = step + 1 == C::STEPS ? 0 : step + 1;
    if (step == 0) {
      vectors++;
      whole--;
      half = S::SLOTS - half;
    }
  }
}

}  // namespace bitmason

#endif
