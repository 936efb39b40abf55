// SPDX-License-Identifier: Apache-2.0
//
// crop.hpp: keeps some rows of an image, some columns of those and some words of their pixels.
//
// Golden model: ir/ops/arrange.py. Throughput: II 1, a step for each input beat.
// In: CF words a pixel. Out: OUT_CF words a pixel.
// C: H, W, CF; Y0, SY, OUT_H: first row kept, from one to the next, how many; X0, SX, OUT_W: of
// columns; C0, SC, OUT_CF: of words.

#ifndef BITMASON_CROP_HPP
#define BITMASON_CROP_HPP

#include "beat.hpp"
#include "stride_counter.hpp"

namespace bitmason {

template <class C, class BEAT>
void crop(hls::stream<BEAT>& in, hls::stream<BEAT>& out) {
  static_assert(C::SY >= 1 && C::SX >= 1 && C::SC >= 1, "crop: SY, SX and SC must be 1 or more");
  static_assert(C::OUT_H >= 1 && C::OUT_W >= 1 && C::OUT_CF >= 1,
                "crop: OUT_H, OUT_W and OUT_CF must be 1 or more");
  static_assert(C::Y0 + (C::OUT_H - 1) * C::SY < C::H, "crop: rows kept must lie within H");
  static_assert(C::X0 + (C::OUT_W - 1) * C::SX < C::W, "crop: columns kept must lie within W");
  static_assert(C::C0 + (C::OUT_CF - 1) * C::SC < C::CF, "crop: words kept must lie within CF");

  StrideCounter<C::H, C::Y0, C::SY, C::OUT_H> row;
  StrideCounter<C::W, C::X0, C::SX, C::OUT_W> column;
  StrideCounter<C::CF, C::C0, C::SC, C::OUT_CF> word;
  for (unsigned step = 0; step < C::H * C::W * C::CF; step++) {
#pragma HLS pipeline II = 1 style = flp
    const BEAT x = in.read();
    if (row.marked() && column.marked() && word.marked()) out.write(x);
    if (word.last() && column.last()) row.advance();
    if (word.last()) column.advance();
    word.advance();
  }
}

}  // namespace bitmason

#endif
