// SPDX-License-Identifier: Apache-2.0
//
// When a side holds back. Marsaglia's xorshift64; one for each side, so that the sides stall
// independently of each other.

#ifndef BITMASON_STALLS_HPP
#define BITMASON_STALLS_HPP

#include <cstdint>

class StallGenerator {
 public:
  StallGenerator(double probability, uint64_t seed)
      : threshold_(static_cast<uint64_t>(probability * 4294967296.0)),
        // An odd multiple spreads neighbouring seeds; the state must not be zero.
        state_((seed + 1) * 0x9E3779B97F4A7C15u | 1u) {
    for (int i = 0; i < 16; ++i) next();
  }

  bool stalls() { return threshold_ != 0 && (next() >> 32) < threshold_; }

 private:
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  uint64_t threshold_;
  uint64_t state_;
};

#endif
