// SPDX-License-Identifier: Apache-2.0
//
// numbers.hpp: how elements are stored and calculated with.
//
// An element type is ap_uint<W> or ap_int<W>; bipolar elements are ap_uint<1>, 0 for -1, 1 for +1.
// Vitis HLS stores and calculates in these types. With BITMASON_NATIVE the host's own integers do
// both, which is ten times faster under g++ and gives the same bits: whatever is stored passes
// through `stored`, which keeps the bits of its element type, and no value on the way exceeds 64.

#ifndef BITMASON_NUMBERS_HPP
#define BITMASON_NUMBERS_HPP

#include <ap_int.h>

#include <cstdint>
#include <type_traits>

namespace bitmason {

template <class T>
struct is_signed : std::false_type {};
template <int W>
struct is_signed<ap_int<W>> : std::true_type {};

// How a function declares a memory that may be larger than a stack. Frames that several threads of
// a host run at once do not share it.
#ifdef __SYNTHESIS__
#define BITMASON_MEMORY static
#else
#define BITMASON_MEMORY static thread_local
#endif

#ifdef BITMASON_NATIVE

// Bits of T as a signed number.
template <class T>
struct signed_width : std::integral_constant<int, T::width + !is_signed<T>::value> {};

template <class T>
using Stored =
    std::conditional_t<signed_width<T>::value <= 8, std::int8_t,
                       std::conditional_t<signed_width<T>::value <= 16, std::int16_t,
                                          std::conditional_t<signed_width<T>::value <= 32,
                                                             std::int32_t, std::int64_t>>>;

// An integer for sums and products of what `T` holds.
template <class T>
using Number = std::conditional_t<signed_width<T>::value <= 32, int, std::int64_t>;

// The element of type T that has the lowest bits of `value`.
template <class T>
Stored<T> stored(Number<T> value) {
  using Bits = std::make_unsigned_t<Number<T>>;
  constexpr unsigned SPARE = 8 * sizeof(Bits) - T::width;
  const Bits high = static_cast<Bits>(value) << SPARE;
  return is_signed<T>::value ? static_cast<Stored<T>>(static_cast<Number<T>>(high) >> SPARE)
                             : static_cast<Stored<T>>(high >> SPARE);
}

// The bits of a stored element as an unsigned number.
template <class T>
std::uint64_t wide_code(Stored<T> x) {
  static_assert(T::width < 64, "elements have less than 64 bits");
  return static_cast<std::uint64_t>(x) & ((std::uint64_t(1) << T::width) - 1U);
}

// The same, to address tables with.
template <class T>
unsigned code(Stored<T> x) {
  static_assert(T::width < 32, "elements of 32 bits and more address no table");
  return static_cast<unsigned>(wide_code<T>(x));
}

#else

template <class T>
using Stored = T;

template <class T>
using Number = T;

template <class T, class X>
T stored(const X& value) {
#pragma HLS inline
  return T(value);
}

template <class T>
std::uint64_t wide_code(const T& x) {
#pragma HLS inline
  return ap_uint<T::width>(x).to_uint64();
}

template <class T>
unsigned code(const T& x) {
#pragma HLS inline
  static_assert(T::width < 32, "elements of 32 bits and more address no table");
  return ap_uint<T::width>(x).to_uint();
}

#endif

}  // namespace bitmason

#endif
