// Little-endian numbers, strings and lists into and out of memory, for the formats of this folder.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/storage/file.h"

namespace broker::storage {

static_assert(std::endian::native == std::endian::little,
              "formats are little-endian and written as they lie in memory");

class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& out) : out_(out) {}

  template <std::integral T>
  void put(T value) {
    put_bytes(std::as_bytes(std::span(&value, 1)));
  }
  void put_bytes(ConstBuffer bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void put_string(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    put_bytes(std::as_bytes(std::span(text.data(), text.size())));
  }
  void put_zeros(std::size_t count) { out_.resize(out_.size() + count); }
  [[nodiscard]] std::size_t size() const { return out_.size(); }
  template <std::integral T>
  void set(std::size_t at, T value) {
    std::memcpy(out_.data() + at, &value, sizeof value);
  }

 private:
  std::vector<std::byte>& out_;
};

// Throws CorruptError when the bytes end too early; a length is checked before anything is made by it.
class ByteReader {
 public:
  explicit ByteReader(ConstBuffer bytes) : bytes_(bytes) {}

  template <std::integral T>
  [[nodiscard]] T get() {
    T value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  [[nodiscard]] ConstBuffer take(std::size_t count) {
    if (count > bytes_.size()) throw CorruptError("record ends too early");
    const ConstBuffer part = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return part;
  }
  [[nodiscard]] std::string get_string() {
    const ConstBuffer text = take(get<std::uint32_t>());
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }
  // The number of a list's items, none smaller than `item_bytes_min`.
  [[nodiscard]] std::size_t get_count(std::size_t item_bytes_min) {
    const auto count = get<std::uint32_t>();
    if (count > bytes_.size() / item_bytes_min) throw CorruptError("list longer than its record");
    return count;
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  ConstBuffer bytes_;
};

}  // namespace broker::storage
