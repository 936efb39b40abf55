// SPDX-License-Identifier: Apache-2.0
//
// Reads requests and answers them until its input ends: a request is a header and words, the answer
// what the engines of one kind made of each word, engine by engine.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

namespace {

enum Kind : std::uint32_t { ENCODE, DECODE, COMPRESS, DECOMPRESS };

struct Header {
  std::uint32_t kind, count, e_bits, m_bits, bias, full, nearest;
};

constexpr std::uint32_t LANES = 16;

using Words = std::vector<std::uint32_t>;

template <class Bits>
constexpr std::size_t words_of(const Bits& bits) {
  return sizeof(bits) / sizeof(std::uint32_t);
}

void tick(Vtop& top, CData& clock) {
  clock = 1;
  top.eval();
  clock = 0;
  top.eval();
}

// All words of `bits`, one array each.
template <class Bits>
void keep(const Bits& bits, Words& answer, std::size_t first, std::size_t i, std::size_t count) {
  for (std::size_t n = 0; n < words_of(bits); n++) answer[(first + n) * count + i] = bits[n];
}

Words encode(Vtop& top, const Words& words) {
  Words answer(words_of(top.codes) * words.size());
  for (std::size_t i = 0; i < words.size(); i++) {
    top.word = words[i];
    tick(top, top.clk_encode);
    keep(top.codes, answer, 0, i, words.size());
  }
  return answer;
}

Words decode(Vtop& top, const Words& words) {
  const std::size_t numbers = words_of(top.numbers);
  Words answer((numbers + words_of(top.fixed)) * words.size());
  for (std::size_t i = 0; i < words.size(); i++) {
    top.word = words[i];
    tick(top, top.clk_decode);
    keep(top.numbers, answer, 0, i, words.size());
    keep(top.fixed, answer, numbers, i, words.size());
  }
  return answer;
}

template <class Bits>
Words stream(Vtop& top, const Header& header, const Words& words, const Bits& out) {
  top.e_bits = header.e_bits;
  top.m_bits = header.m_bits;
  top.bias = static_cast<CData>(header.bias);
  top.full = header.full != 0;
  top.nearest = header.nearest != 0;
  Words answer(words.size());
  // A beat is taken a cycle behind its words, and comes out the cycle after.
  for (std::size_t i = 0; i < words.size() + LANES; i += LANES) {
    for (std::size_t lane = 0; lane < LANES && i < words.size(); lane++) {
      top.lane_words[lane] = words[i + lane];
    }
    tick(top, top.clk_var);
    if (i < LANES) continue;
    for (std::size_t lane = 0; lane < LANES; lane++) answer[i - LANES + lane] = out[lane];
  }
  return answer;
}

Words answer_to(Vtop& top, const Header& header, const Words& words) {
  switch (header.kind) {
    case ENCODE:
      return encode(top, words);
    case DECODE:
      return decode(top, words);
    case COMPRESS:
      return stream(top, header, words, top.lane_codes);
    default:
      return stream(top, header, words, top.lane_numbers);
  }
}

}  // namespace

int main() {
  const auto context = std::make_unique<VerilatedContext>();
  const auto top = std::make_unique<Vtop>(context.get());
  top->eval();
  Header header;
  while (std::fread(&header, sizeof header, 1, stdin) == 1) {
    Words words(header.count);
    if (std::fread(words.data(), sizeof words[0], words.size(), stdin) != words.size()) return 1;
    const Words answer = answer_to(*top, header, words);
    std::fwrite(answer.data(), sizeof answer[0], answer.size(), stdout);
    std::fflush(stdout);
  }
  return 0;
}
