// SPDX-License-Identifier: Apache-2.0
//
// upsample.hpp: nearest neighbour by whole factors: every row FY times, in it every pixel FX times.
//
// Golden model: ir/ops/arrange.py. Throughput: II 1, a step for each output beat.
// In and out: CF words a pixel. Memory: one row, or one pixel where FY is 1.
// C: H, W, CF, FY, FX.

#ifndef BITMASON_UPSAMPLE_HPP
#define BITMASON_UPSAMPLE_HPP

#include "beat.hpp"

namespace bitmason {

template <class C, class BEAT>
void upsample(hls::stream<BEAT>& in, hls::stream<BEAT>& out) {
  static_assert(C::H >= 1 && C::W >= 1 && C::CF >= 1, "upsample: H, W and CF must be 1 or more");
  static_assert(C::FY >= 1 && C::FX >= 1, "upsample: FY and FX must be 1 or more");

  // What is sent again.
  BITMASON_MEMORY BEAT kept[(C::FY > 1 ? C::W : 1) * C::CF];
#pragma HLS aggregate variable = kept compact = bit
  unsigned pixel = 0;  // place of the first word of the pixel in `kept`
  unsigned word = 0;
  unsigned x_visit = 0;
  unsigned column = 0;
  unsigned y_visit = 0;
  for (unsigned step = 0; step < C::H * C::FY * C::W * C::FX * C::CF; step++) {
#pragma HLS pipeline II = 1 style = flp
    BEAT x;
    if (x_visit == 0 && y_visit == 0) {
      x = in.read();
      kept[pixel + word] = x;
    } else {
      x = kept[pixel + word];
    }
    out.write(x);
    if (word != C::CF - 1) {
      word++;
      continue;
    }
    word = 0;
    if (x_visit != C::FX - 1) {
      x_visit++;
      continue;
    }
    x_visit = 0;
    if (column != C::W - 1) {
      column++;
      pixel += C::FY > 1 ? C::CF : 0;
    } else {
      column = 0;
      pixel = 0;
      y_visit = y_visit == C::FY - 1 ? 0 : y_visit + 1;
    }
  }
}

}  // namespace bitmason

#endif
