// SPDX-License-Identifier: Apache-2.0
//
// bit_length.hpp: how many bits a constant needs.

#ifndef BITMASON_BIT_LENGTH_HPP
#define BITMASON_BIT_LENGTH_HPP

namespace bitmason {

// Bits of n as an unsigned number, 0 for 0.
constexpr int bit_length(unsigned n) { return n == 0 ? 0 : 1 + bit_length(n / 2); }

}  // namespace bitmason

#endif
