// The types that messages are made of. Strings are owned; bytes and records are views into the frame they came from.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/strong.h"

namespace broker::protocol {

using ApiVersion = common::Strong<struct ApiVersionTag, std::int16_t>;
using CorrelationId = common::Strong<struct CorrelationIdTag, std::int32_t>;
using Uuid = std::array<std::uint8_t, 16>;  // the same type as storage::TopicId; all zero: none

// Bytes or records of a message, not copied: whoever keeps it keeps the frame (decoded) or the buffer it was made of
// (to be encoded) alive, or takes copy(). Equality compares the contents.
class BytesView {
 public:
  constexpr BytesView() = default;
  constexpr explicit BytesView(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] constexpr std::span<const std::byte> span() const { return bytes_; }
  [[nodiscard]] constexpr const std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] constexpr std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] constexpr bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::vector<std::byte> copy() const { return {bytes_.begin(), bytes_.end()}; }

  friend bool operator==(const BytesView& left, const BytesView& right) {
    return std::ranges::equal(left.bytes_, right.bytes_);
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace broker::protocol
