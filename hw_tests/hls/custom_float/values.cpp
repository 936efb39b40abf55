// SPDX-License-Identifier: Apache-2.0
//
// Plays patterns through the float32 engines of each format of formats.hpp, the fixed one and the
// one of run time, and all codes and ranks back.

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "lib/float_compressor.hpp"
#include "lib/float_decompressor.hpp"
#include "lib/float_expand.hpp"

namespace {

std::vector<std::uint32_t> take(std::size_t count) {
  std::vector<std::uint32_t> words(count);
  const std::size_t found = std::fread(words.data(), sizeof(std::uint32_t), count, stdin);
  if (found != count) throw std::runtime_error("the input is too short");
  return words;
}

template <class T>
void say(T value) {
  std::fwrite(&value, sizeof value, 1, stdout);
}

template <class F>
struct WithSubnormals : F {
  static constexpr bool SUBNORMALS = true;
};

template <class F>
void expand(std::true_type) {
  constexpr int HALF = 1 << (F::E_BITS + F::M_BITS);
  for (unsigned code = 0; code < 2 * HALF; code++) {
    say(bitmason::fixed_of_code<F, std::int64_t>(code));
  }
  for (int rank = -HALF; rank < HALF; rank++) {
    say(bitmason::fixed_of_rank<F, std::int64_t>(rank));
  }
}

template <class F>
void expand(std::false_type) {}

template <class F>
void play() {
  const auto set = take(6);
  const bitmason::FloatFormat format = {set[0], set[1], static_cast<int>(set[2]), set[3],
                                        set[4] != 0};
  const bitmason::FloatConstants constants = bitmason::float_constants(format);
  const auto patterns = take(set[5]);
  for (const std::uint32_t x : patterns) say(bitmason::float_code<F>(x));
  for (const std::uint32_t x : patterns) say(bitmason::float_code(x, constants));
  constexpr std::uint32_t CODES = 2U << (F::E_BITS + F::M_BITS);
  for (std::uint32_t code = 0; code < CODES; code++) {
    say(bitmason::float_pattern<F>(code));
    say(bitmason::float_pattern(code, constants));
    say(bitmason::float_pattern<WithSubnormals<F>>(code));
  }
  using Small = std::integral_constant<bool, (F::E_BITS < 6)>;
  expand<F>(Small{});
  expand<WithSubnormals<F>>(Small{});
}

}  // namespace

#include "formats.hpp"

int main() { play_all(); }
