// SPDX-License-Identifier: Apache-2.0
//
// planes.hpp: dot products of numbers as counts over their bits.
//
// A plane is one bit of each of several numbers; plane 0 is the most significant. A pair of planes,
// one of the weights and one of the inputs, adds the number of places where both have a one,
// times the weights of these bits. In two's complement the most significant bit counts negative.

#ifndef BITMASON_PLANES_HPP
#define BITMASON_PLANES_HPP

#include <type_traits>

#include "bit_length.hpp"
#include "dot.hpp"

namespace bitmason {

using Bit = ap_uint<1>;

// Numbers by numbers, a bit of each at a time. An engine as those of dot.hpp.
struct And {
  template <class X, class W>
  static constexpr bool takes() {
    return true;
  }

  template <class N, class X, class W>
  static N product(const X& x, const W& w) {
#pragma HLS inline
    return N(x & w);
  }
};

// The largest divisor of n that is at most `limit`.
constexpr unsigned divisor(unsigned n, unsigned limit) {
  return n % limit == 0 ? limit : divisor(n, limit - 1);
}

// How many bits of x count together with those of w from `at` on. Partial counts are narrow: the
// host's vectors then hold as many of them as bytes.
template <class ENGINE, unsigned N, unsigned M>
Number<ap_uint<bit_length(N)>> count(const Stored<Bit> (&x)[N], const Stored<Bit> (&w)[M],
                                     unsigned at) {
#pragma HLS inline
  constexpr unsigned PART = divisor(N, N < 127 ? N : 127);
  using Part = Stored<ap_uint<bit_length(PART)>>;
  using Count = Number<ap_uint<bit_length(N)>>;
  Count sum = 0;
  for (unsigned start = 0; start < N; start += PART) {
#pragma HLS unroll
    Part part = 0;
    for (unsigned i = start; i < start + PART; i++) {
#pragma HLS unroll
      part = Part(part + ENGINE::template product<Part>(x[i], w[at + i]));
    }
    sum = Count(sum + part);
  }
  return sum;
}

// The pairs of planes of a product, by falling significance. Those of one significance form a
// diagonal; where one starts, what was summed up before counts twice.
class PlanePairs {
 public:
  PlanePairs(unsigned wbits, unsigned abits) : wbits_(wbits), abits_(abits) {}

  unsigned weight_plane() const { return weight_; }
  unsigned input_plane() const { return diagonal_ - weight_; }
  bool first() const { return diagonal_ == 0; }
  bool last() const { return diagonal_ == wbits_ + abits_ - 2; }
  bool starts_diagonal() const { return weight_ == top_weight(); }

  void step() {
#pragma HLS inline
    if (last()) {
      diagonal_ = 0;
      weight_ = 0;
    } else if (weight_ == diagonal_ || weight_ == wbits_ - 1) {
      diagonal_++;
      weight_ = top_weight();
    } else {
      weight_++;
    }
  }

 private:
  unsigned top_weight() const { return diagonal_ < abits_ ? 0 : diagonal_ - (abits_ - 1); }

  unsigned wbits_, abits_;
  unsigned diagonal_ = 0, weight_ = 0;
};

// Where a count belongs among those of a dot product.
struct PlaneStep {
  bool first_word, last_word;  // of a pair of planes
  bool first_pair, doubles, subtracts;
};

// The sum of a dot product of COLUMNS numbers, modulo the range of ELEM. That of one pair of planes
// needs few bits, so it is made apart.
template <class ELEM, unsigned COLUMNS>
class PlaneSum {
 public:
  template <class N>
  void add(const N& ones, const PlaneStep& step) {
#pragma HLS inline
    pair_ = step.first_word ? Pair(ones) : Pair(pair_ + ones);
    if (!step.last_word) return;
    Sum sum = step.first_pair ? Sum(0) : sum_;
    if (step.doubles) sum = Sum(sum << 1);
    sum_ = step.subtracts ? Sum(sum - Sum(pair_)) : Sum(sum + Sum(pair_));
  }

  Stored<ELEM> shifted(unsigned places) const {
#pragma HLS inline
    return stored<ELEM>(Number<ELEM>(Sum(sum_ << places)));
  }

  // Twice this sum less another one, shifted.
  Stored<ELEM> doubled_less(const PlaneSum& other, unsigned places) const {
#pragma HLS inline
    return stored<ELEM>(Number<ELEM>(Sum(Sum(Sum(sum_ << 1) - other.sum_) << places)));
  }

 private:
  // Unsigned integers of the host wrap, as the numbers of ELEM do.
  template <class N, bool HOST>
  struct Wrapping {
    using Type = N;
  };
  template <class N>
  struct Wrapping<N, true> {
    using Type = std::make_unsigned_t<N>;
  };
  using Sum = typename Wrapping<Number<ELEM>, std::is_integral<Number<ELEM>>::value>::Type;
  using Pair = Number<ap_uint<bit_length(COLUMNS)>>;

  Pair pair_ = 0;
  Sum sum_ = 0;
};

}  // namespace bitmason

#endif
