// Wire primitives: a bounded reader and a writer of exactly measured size. Big endian; varints are zigzag (KIP-98) or
// unsigned (KIP-482).
//
// Errors of the reader are sticky: the first one is kept, everything read after it is zero or empty, so the code above
// needs no check per field and costs no exception; whoever finishes asks error() once. No length is believed: every one
// is compared with what is left before anything is done with it.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "broker/protocol/codec.h"
#include "common/ensure.h"

namespace broker::protocol {

template <std::integral T>
[[nodiscard]] T load_big_endian(const std::byte* from) noexcept {
  using Bits = std::make_unsigned_t<T>;
  Bits bits;
  std::memcpy(&bits, from, sizeof(bits));
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 2) bits = __builtin_bswap16(bits);
    if constexpr (sizeof(T) == 4) bits = __builtin_bswap32(bits);
    if constexpr (sizeof(T) == 8) bits = __builtin_bswap64(bits);
  }
  return static_cast<T>(bits);
}

template <std::integral T>
void store_big_endian(std::byte* to, T value) noexcept {
  const T swapped = load_big_endian<T>(reinterpret_cast<const std::byte*>(&value));
  std::memcpy(to, &swapped, sizeof(swapped));
}

class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> input) : at_(input.data()), end_(input.data() + input.size()) {}

  [[nodiscard]] DecodeError error() const { return error_; }
  [[nodiscard]] bool ok() const { return error_ == DecodeError::none; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  // Keeps the first error and leaves nothing to read.
  void fail(DecodeError error) {
    if (ok()) error_ = error;
    at_ = end_;
  }

  template <std::integral T>
  [[nodiscard]] T integer() {
    if (remaining() < sizeof(T)) [[unlikely]] {
      fail(DecodeError::truncated);
      return 0;
    }
    const T value = load_big_endian<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  // At most 5 bytes and 32 bits.
  [[nodiscard]] std::uint32_t unsigned_varint();
  // Zigzag; at most 5 bytes and 32 bits, or 10 bytes and 64 bits.
  [[nodiscard]] std::int32_t varint();
  [[nodiscard]] std::int64_t varlong();
  // A view of the next bytes; fails when there are fewer.
  [[nodiscard]] std::span<const std::byte> take(std::size_t size) {
    if (remaining() < size) [[unlikely]] {
      fail(DecodeError::truncated);
      return {};
    }
    const std::span<const std::byte> taken(at_, size);
    at_ += size;
    return taken;
  }

 private:
  template <class Bits, int kBytesMax>
  [[nodiscard]] Bits base128();

  const std::byte* at_;
  const std::byte* end_;
  DecodeError error_ = DecodeError::none;
};

// Counts what WireWriter would write.
class WireSizer {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  template <std::integral T>
  void integer(T) {
    size_ += sizeof(T);
  }
  void unsigned_varint(std::uint32_t value) { size_ += (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7; }
  void bytes(std::span<const std::byte> bytes) { size_ += bytes.size(); }
  // Bytes that a BytesView shows: another sizer need not count them (borrowing.h).
  void view(std::span<const std::byte> view) { bytes(view); }

 private:
  std::size_t size_ = 0;
};

// Writes into a span that was measured before; a byte too many is a broken invariant.
class WireWriter {
 public:
  explicit WireWriter(std::span<std::byte> output) : at_(output.data()), end_(output.data() + output.size()) {}

  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }

  template <std::integral T>
  void integer(T value) {
    ENSURE(remaining() >= sizeof(T), "a message is longer than it was measured");
    store_big_endian(at_, value);
    at_ += sizeof(T);
  }
  void unsigned_varint(std::uint32_t value);
  void bytes(std::span<const std::byte> bytes);
  void view(std::span<const std::byte> view) { bytes(view); }

 private:
  std::byte* at_;
  std::byte* end_;
};

}  // namespace broker::protocol
