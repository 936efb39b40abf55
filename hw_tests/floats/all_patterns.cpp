// SPDX-License-Identifier: Apache-2.0
//
// Passes float32 patterns through the verilated cells and the HLS functions of every format of
// cells.hpp, compares the two, and writes the codes for someone who knows the golden model:
//
//   all_patterns FIRST COUNT STEP
//
// writes, for each BLOCK of the patterns FIRST + i * STEP modulo 2**32, the codes of each format in
// 16 bits. COUNT is whole blocks.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "Vdut.h"
#include "lib/float_compressor.hpp"
#include "lib/float_decompressor.hpp"

namespace {

using Patterns = std::vector<std::uint32_t>;
using Codes = std::vector<std::uint16_t>;

template <class F>
void encode(const Patterns& patterns, Codes& codes) {
  for (std::size_t i = 0; i < patterns.size(); i++) {
    codes[i] = static_cast<std::uint16_t>(bitmason::float_code<F>(patterns[i]));
  }
}

// Returns whether each code is the code of the number that it stands for.
template <class F>
bool decode(const Codes& codes, Patterns& numbers) {
  std::uint32_t wrong = 0;
  for (std::size_t i = 0; i < codes.size(); i++) {
    numbers[i] = bitmason::float_pattern<F>(codes[i]);
    wrong |= bitmason::float_code<F>(numbers[i]) ^ codes[i];
  }
  return wrong == 0;
}

struct Functions {
  void (*encode)(const Patterns&, Codes&);
  bool (*decode)(const Codes&, Patterns&);
};

#include "cells.hpp"

constexpr std::size_t FORMATS = sizeof FUNCTIONS / sizeof *FUNCTIONS;

// What the cells made of a block: codes, and the numbers that these stand for.
struct Made {
  std::vector<Codes> codes;
  std::vector<Patterns> numbers;
  Made() : codes(FORMATS, Codes(BLOCK)), numbers(FORMATS, Patterns(BLOCK)) {}
};

void simulate(Vdut& cells, const Patterns& patterns, Made& made) {
  for (std::size_t at = 0; at < BLOCK; at += LANES) {
    std::memcpy(&cells.x[0], &patterns[at], LANES * sizeof(std::uint32_t));
    cells.eval();
    const char* const codes = reinterpret_cast<const char*>(&cells.codes[0]);
    const char* const numbers = reinterpret_cast<const char*>(&cells.numbers[0]);
    for (std::size_t f = 0; f < FORMATS; f++) {
      std::memcpy(&made.codes[f][at], codes + f * LANES * 2, LANES * 2);
      std::memcpy(&made.numbers[f][at], numbers + f * LANES * 4, LANES * 4);
    }
  }
}

int differ(std::size_t format, const char* what, std::uint32_t first) {
  std::fprintf(stderr, "format %zu, block from %08x: %s\n", format, first, what);
  return 1;
}

int check(const Patterns& patterns, const Made& made) {
  Codes codes(BLOCK);
  Patterns numbers(BLOCK);
  for (std::size_t f = 0; f < FORMATS; f++) {
    FUNCTIONS[f].encode(patterns, codes);
    if (codes != made.codes[f]) return differ(f, "RTL and HLS give other codes", patterns[0]);
    if (!FUNCTIONS[f].decode(codes, numbers)) return differ(f, "codes change", patterns[0]);
    if (numbers != made.numbers[f]) return differ(f, "RTL and HLS give other numbers", patterns[0]);
    if (std::fwrite(codes.data(), 2, BLOCK, stdout) != BLOCK) return 1;
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 2;
  auto next = static_cast<std::uint32_t>(std::strtoull(words[1], nullptr, 10));
  const std::uint64_t blocks = std::strtoull(words[2], nullptr, 10) / BLOCK;
  const auto step = static_cast<std::uint32_t>(std::strtoull(words[3], nullptr, 10));
  const auto cells = std::make_unique<Vdut>();
  Patterns patterns(BLOCK);
  Made made;
  for (std::uint64_t block = 0; block < blocks; block++) {
    for (auto& pattern : patterns) {
      pattern = next;
      next += step;
    }
    simulate(*cells, patterns, made);
    if (check(patterns, made) != 0) return 1;
  }
  return 0;
}
