// SPDX-License-Identifier: Apache-2.0
//
// ap_axi_sdata.h: the beats of an AXI4-Stream port for g++, named as in Vitis HLS.
//
// With BITMASON_NATIVE a beat is the host's own integers, as in numbers.hpp: ap_uint takes fifty
// times as long to get an element out of a wide beat.

#ifndef BITMASON_SIM_AP_AXI_SDATA_H
#define BITMASON_SIM_AP_AXI_SDATA_H

#include <ap_int.h>

#include <cstdint>

namespace hls {

namespace sim {

#ifdef BITMASON_NATIVE

// What ports need of ap_uint<WIDTH>: to be filled, and parts of up to 64 bits.
template <int WIDTH>
class Word {
 public:
  static constexpr int width = WIDTH;

  class Part {
   public:
    Part(Word& word, int high, int low) : word_(word), high_(high), low_(low) {}
    operator std::uint64_t() const { return word_.get(high_, low_); }
    Part& operator=(std::uint64_t value) {
      word_.set(high_, low_, value);
      return *this;
    }

   private:
    Word& word_;
    int high_, low_;
  };

  Word& operator=(std::int64_t value) {
    for (std::uint64_t& limb : limbs_) limb = value < 0 ? ~std::uint64_t{0} : 0;
    limbs_[0] = static_cast<std::uint64_t>(value);
    return *this;
  }
  Part range(int high, int low) { return {*this, high, low}; }
  std::uint64_t range(int high, int low) const { return get(high, low); }

 private:
  static constexpr unsigned LIMB = 64;

  static std::uint64_t ones(unsigned count) { return ~std::uint64_t{0} >> (LIMB - count); }

  std::uint64_t get(int high, int low) const {
    const auto count = static_cast<unsigned>(high - low + 1), first = static_cast<unsigned>(low);
    const unsigned at = first % LIMB, own = LIMB - at;
    std::uint64_t value = limbs_[first / LIMB] >> at;
    if (count > own) value |= limbs_[first / LIMB + 1] << own;
    return value & ones(count);
  }

  void set(int high, int low, std::uint64_t value) {
    const auto count = static_cast<unsigned>(high - low + 1), first = static_cast<unsigned>(low);
    const unsigned at = first % LIMB, own = LIMB - at;
    value &= ones(count);
    std::uint64_t& limb = limbs_[first / LIMB];
    limb = (limb & ~(ones(count) << at)) | value << at;
    if (count <= own) return;
    std::uint64_t& next = limbs_[first / LIMB + 1];
    next = (next & ~ones(count - own)) | value >> own;
  }

  std::uint64_t limbs_[(WIDTH + 63) / 64] = {};
};

using Bit = bool;

#else

template <int WIDTH>
using Word = ap_uint<WIDTH>;
using Bit = ap_uint<1>;

#endif

}  // namespace sim

// Side channels other than TLAST, TKEEP and TSTRB have no bits in our designs.
template <int WIDTH, int WUSER, int WID, int WDEST>
struct axis {
  static_assert(WUSER == 0 && WID == 0 && WDEST == 0, "TUSER, TID and TDEST are not simulated");
  sim::Word<WIDTH> data;
  sim::Word<(WIDTH + 7) / 8> keep, strb;
  sim::Bit last = 0;
};

}  // namespace hls

template <int WIDTH, int WUSER, int WID, int WDEST>
using ap_axiu = hls::axis<WIDTH, WUSER, WID, WDEST>;

#endif
