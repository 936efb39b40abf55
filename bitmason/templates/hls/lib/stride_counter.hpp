// SPDX-License-Identifier: Apache-2.0
//
// stride_counter.hpp: counts LENGTH positions round and round and marks COUNT of them, STEP apart.
//
// Golden model: marked = position in range(FIRST, FIRST + COUNT * STEP, STEP).

#ifndef BITMASON_STRIDE_COUNTER_HPP
#define BITMASON_STRIDE_COUNTER_HPP

namespace bitmason {

template <unsigned LENGTH, unsigned FIRST, unsigned STEP, unsigned COUNT>
class StrideCounter {
 public:
  static_assert(STEP >= 1 && COUNT >= 1, "StrideCounter: STEP and COUNT must be 1 or more");
  static_assert(FIRST + (COUNT - 1) * STEP < LENGTH,
                "StrideCounter: what is marked must lie within LENGTH");

  bool marked() const {
#pragma HLS inline
    return position_ == next_;
  }

  bool last() const {
#pragma HLS inline
    return position_ == LENGTH - 1;
  }

  void advance() {
#pragma HLS inline
    if (last()) {
      position_ = 0;
      next_ = FIRST;
    } else {
      if (marked()) next_ = next_ == FIRST + (COUNT - 1) * STEP ? LENGTH : next_ + STEP;
      position_++;
    }
  }

 private:
  unsigned position_ = 0;
  unsigned next_ = FIRST;  // position to mark next, LENGTH when there is none in this round
};

}  // namespace bitmason

#endif
