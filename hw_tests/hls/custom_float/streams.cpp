// SPDX-License-Identifier: Apache-2.0
//
// Plays one frame through each stream function at each shape of shapes.hpp: patterns are compressed
// and packed, unpacked and decompressed, with a format that is fixed and with one of run time.

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "lib/float_compressor.hpp"
#include "lib/float_decompressor.hpp"
#include "lib/float_expand.hpp"
#include "lib/pack.hpp"
#include "lib/unpack.hpp"

namespace {

std::uint32_t next() {
  std::uint32_t word = 0;
  if (std::fread(&word, sizeof word, 1, stdin) != 1) throw std::runtime_error("no input");
  return word;
}

// Tells what a stream holds, and leaves it as it was.
template <class T, unsigned N>
void show(hls::stream<bitmason::Beat<T, N>>& stream) {
  const std::size_t beats = stream.size();
  const std::uint64_t count = beats * N;
  std::fwrite(&count, sizeof count, 1, stdout);
  for (std::size_t beat = 0; beat < beats; beat++) {
    const auto x = stream.read();
    for (const auto& element : x.data) {
      const auto value = static_cast<std::int64_t>(element);
      std::fwrite(&value, sizeof value, 1, stdout);
    }
    stream.write(x);
  }
}

template <class C>
using Words = bitmason::Beat<ap_uint<C::WORD_ELEM>, C::WORD_ELEMS>;

// Packs what a stream holds and puts it back there.
template <class C, class BEAT>
void store(hls::stream<BEAT>& codes) {
  hls::stream<Words<C>> words("words");
  bitmason::pack<C>(codes, words);
  if (!codes.empty()) throw std::logic_error("beats were left");
  show(words);
  bitmason::unpack<C>(words, codes);
  if (!words.empty()) throw std::logic_error("words were left");
  show(codes);
}

template <class C>
void play() {
  constexpr unsigned WIDTH = 1 + C::E_BITS + C::M_BITS;
  hls::stream<bitmason::Beat<ap_uint<32>, C::LANES>> in("in"), back("back");
  hls::stream<bitmason::Beat<ap_uint<WIDTH>, C::LANES>> codes("codes");
  hls::stream<bitmason::Beat<ap_uint<C::SLOT>, C::LANES>> slots("slots");
  for (unsigned beat = 0; beat < C::BEATS; beat++) {
    bitmason::Beat<ap_uint<32>, C::LANES> x;
    for (auto& element : x.data) element = bitmason::stored<ap_uint<32>>(std::int64_t(next()));
    in.write(x);
    back.write(x);
  }
  bitmason::float_compressor<C>(in, codes);
  store<C>(codes);
  bitmason::float_decompressor<C>(codes, in);
  show(in);
  while (!in.empty()) in.read();

  const bitmason::FloatFormat format = {next(), next(), static_cast<int>(next()), next(),
                                        next() != 0};
  bitmason::float_compressor_var<C>(format, back, slots);
  store<C>(slots);
  bitmason::float_decompressor_var<C>(format, slots, in);
  show(in);
  while (!in.empty()) in.read();
}

// Expands ranks of elements T to elements Y.
template <class C, class T, class Y>
void expand() {
  constexpr unsigned SIZE = C::PE * C::LANES;
  hls::stream<bitmason::Beat<T, SIZE>> in("ranks");
  hls::stream<bitmason::Beat<Y, SIZE>> out("numbers");
  for (unsigned beat = 0; beat < C::BEATS; beat++) {
    bitmason::Beat<T, SIZE> x;
    for (auto& element : x.data) element = bitmason::stored<T>(static_cast<int>(next()));
    in.write(x);
  }
  bitmason::float_expand<C>(in, out);
  show(out);
  while (!out.empty()) out.read();
}

}  // namespace

#include "shapes.hpp"

int main() { play_all(); }
