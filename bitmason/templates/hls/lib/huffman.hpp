// SPDX-License-Identifier: Apache-2.0
//
// huffman.hpp: reads the stream of one layer: words in, checked; the entries of its matrix out, row
// by row.
//
// Golden model: `read` of coding/streams.py. Throughput: II 1: a word and a symbol each step; a run
// through several ends of rows and the end of a matrix take a step for each of these.
//
// In: words up to the one that is marked as the last, the first bit of a word in its bit 15; the
// last two hold the checksum. Out: entries, each with its column, its code and whether it ends its
// row; a row without entries is a beat of its own. However wrong a stream is, all of its words are
// read and none behind them, and exactly ROWS ends of rows come.
//
// C: ROWS, COLUMNS; CODE_BITS, from 0 to 4; SYMBOLS, from 3 to 32; length(symbol), the bits of its
// code, from 1 to 12 or 0 where it has none; SEED, where the checksum starts.

#ifndef BITMASON_HUFFMAN_HPP
#define BITMASON_HUFFMAN_HPP

#include <cstdint>
#include <utility>

#include "beat.hpp"
#include "bit_length.hpp"

namespace bitmason {

struct CodedWord {
  Stored<ap_uint<16>> data;
  bool last;
};

template <class C>
struct WeightBeat {
  static constexpr int COLUMN_W = C::COLUMNS > 1 ? bit_length(C::COLUMNS - 1) : 1;
  static constexpr int CODE_W = C::CODE_BITS > 0 ? C::CODE_BITS : 1;

  Stored<ap_uint<COLUMN_W>> column;
  Stored<ap_uint<CODE_W>> code;
  bool is_entry;
  bool row_ends;
};

// Of lengths that are a type.
template <unsigned... LENGTHS>
constexpr unsigned code_length(unsigned symbol, std::integer_sequence<unsigned, LENGTHS...>) {
  const unsigned lengths[] = {LENGTHS...};
  return lengths[symbol];
}

// Of the canonical code: of each length the first number behind its codes, and what leads from the
// number of a code to its place among all of them; and the symbols in that order.
template <class C>
struct CodeTable {
  static constexpr unsigned MOST = 12;
  unsigned behind[MOST + 1] = {};
  unsigned offset[MOST + 1] = {};
  unsigned char ordered[C::SYMBOLS] = {};

  constexpr CodeTable() {
    unsigned number = 0;
    unsigned place = 0;
    for (unsigned bits = 1; bits <= MOST; bits++) {
      number *= 2;
      for (unsigned symbol = 0; symbol < C::SYMBOLS; symbol++) {
        if (C::length(symbol) != bits) continue;
        ordered[place] = static_cast<unsigned char>(symbol);
        place++;
        number++;
      }
      behind[bits] = number;
      offset[bits] = place - number;
    }
  }

  constexpr bool fits() const { return behind[MOST] <= 1U << MOST; }
};

// Takes words one by one, and gives back the second one before: behind the last one, that is the
// last one of the content.
class WordCheck {
 public:
  explicit WordCheck(std::uint32_t seed) : crc_(~seed) {}

  bool ended() const { return ended_; }
  // Whether the stream has content, and the checksum is right.
  bool right() const { return right_; }

  // Returns whether `content` is there.
  bool take(const CodedWord& word, unsigned& content) {
#pragma HLS inline
    const unsigned bits = code<ap_uint<16>>(word.data);
    for (unsigned i = 0; i < 16; i++) {
#pragma HLS unroll
      const bool odd = ((crc_ ^ (bits >> i)) & 1) != 0;
      crc_ = (crc_ >> 1) ^ (odd ? 0xEDB88320U : 0U);
    }
    const bool full = held_ == 2;
    content = older_;
    older_ = newer_;
    newer_ = bits;
    held_ = full ? held_ : held_ + 1;
    ended_ = word.last;
    right_ = full && word.last && crc_ == 0xDEBB20E3U;
    return full;
  }

 private:
  std::uint32_t crc_;
  unsigned newer_ = 0, older_ = 0, held_ = 0;
  bool ended_ = false, right_ = false;
};

// What the next bits are.
enum class Found : std::uint8_t { WAITING, SYMBOL, WRONG };

// Holds the bits that are not read yet.
template <class C>
class SymbolReader {
 public:
  unsigned symbol = 0;
  unsigned code = 0;

  unsigned bits() const { return count_; }
  bool has_room() const { return count_ <= 16; }

  void put(unsigned word) {
#pragma HLS inline
    bits_ |= static_cast<std::uint64_t>(word) << (48 - count_);
    count_ += 16;
  }

  // Reads a symbol if all of its bits are there; those that are missing read as zeros.
  Found read(bool ended) {
#pragma HLS inline
    constexpr CodeTable<C> table{};
    constexpr unsigned MOST = CodeTable<C>::MOST;
    static_assert(table.fits(), "huffman: there are no codes of these lengths");
    const unsigned window = static_cast<unsigned>(bits_ >> (64 - MOST));
    unsigned length = 0;
    for (unsigned bits = MOST; bits >= 1; bits--) {
#pragma HLS unroll
      if (window >> (MOST - bits) < table.behind[bits]) length = bits;
    }
    if (length == 0) return ended || count_ >= MOST ? Found::WRONG : Found::WAITING;
    const unsigned place = (window >> (MOST - length)) + table.offset[length];
    symbol = table.ordered[place];
    const unsigned code_bits = symbol < C::SYMBOLS - 2 ? C::CODE_BITS : 0;
    if (length + code_bits > count_) return ended ? Found::WRONG : Found::WAITING;
    const unsigned behind = static_cast<unsigned>((bits_ << length) >> 48);
    code = behind >> (16 - code_bits);
    bits_ <<= length + code_bits;
    count_ -= length + code_bits;
    return Found::SYMBOL;
  }

 private:
  std::uint64_t bits_ = 0;  // from the most significant one on
  unsigned count_ = 0;
};

// Walks through the matrix by its runs; the last entry waits for what follows it.
template <class C>
class MatrixWalker {
 public:
  bool outside() const { return outside_; }
  bool done() const { return row_ == C::ROWS; }

  // Goes on by a symbol, or by a row of it, which writes one beat at most. Returns whether it is
  // done with it.
  template <class OUT>
  bool step(unsigned symbol, unsigned code, OUT& out) {
#pragma HLS inline
    if (symbol == C::SYMBOLS - 1) {
      end_row(out);
      return done();
    }
    const bool is_entry = symbol != C::SYMBOLS - 2;
    const int here = place_ + static_cast<int>(symbol);
    const bool wraps = here >= COLUMNS;
    if (outside_ || (wraps && row_ + 1 == C::ROWS)) {
      outside_ = true;
      return true;
    }
    if (wraps) {
      end_row(out);
      place_ -= COLUMNS;
      if (here >= 2 * COLUMNS) return false;
    } else if (is_entry && beat_.is_entry) {
      out.write(beat_);
    }
    const int column = wraps ? here - COLUMNS : here;
    place_ = column + is_entry;
    if (is_entry) {
      beat_.column = static_cast<int>(column);
      beat_.code = static_cast<int>(code);
      beat_.is_entry = true;
    }
    return true;
  }

 private:
  static constexpr int COLUMNS = C::COLUMNS;

  template <class OUT>
  void end_row(OUT& out) {
#pragma HLS inline
    beat_.row_ends = true;
    out.write(beat_);
    beat_.row_ends = false;
    beat_.is_entry = false;
    row_++;
  }

  WeightBeat<C> beat_ = {};
  int place_ = 0;  // behind what was read; before the first column while a run is cut
  unsigned row_ = 0;
  bool outside_ = false;
};

// Returns whether the stream is right; what came out of a wrong one has no meaning.
template <class C>
bool read_weights(hls::stream<CodedWord>& in, hls::stream<WeightBeat<C>>& out) {
  static_assert(C::ROWS >= 1 && C::COLUMNS >= 1, "huffman: ROWS and COLUMNS must be 1 or more");
  static_assert(C::SYMBOLS >= 3 && C::SYMBOLS <= 32, "huffman: SYMBOLS must be from 3 to 32");
  static_assert(C::CODE_BITS <= 4, "huffman: CODE_BITS must be 4 or less");
  static_assert(C::length(C::SYMBOLS - 1) != 0, "huffman: the end needs a code");

  WordCheck check(C::SEED);
  SymbolReader<C> reader;
  MatrixWalker<C> walker;
  bool waits = true;  // for a symbol
  bool right = true;

  while (!walker.done() || !check.ended()) {
#pragma HLS pipeline II = 1 style = flp
    if (!check.ended() && (reader.has_room() || walker.done())) {
      unsigned content;
      if (check.take(in.read(), content) && reader.has_room()) reader.put(content);
    }
    if (waits) {
      const Found found = reader.read(check.ended());
      if (found == Found::WAITING) continue;
      const bool ends = found == Found::SYMBOL && reader.symbol == C::SYMBOLS - 1;
      if (found == Found::WRONG || (ends && !(check.ended() && reader.bits() < 16))) {
        right = false;
        reader.symbol = C::SYMBOLS - 1;
      }
      waits = false;
    }
    if (!walker.done()) {
      waits = walker.step(reader.symbol, reader.code, out) && reader.symbol != C::SYMBOLS - 1;
    }
  }
  return right && check.right() && !walker.outside();
}

}  // namespace bitmason

#endif
