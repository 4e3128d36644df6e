// What a `describe` needs: the constness of its message and the versions of a field. The engine itself: decoder.h,
// encoder.h.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

namespace broker::protocol {

// The message's type inside describe: const unless the io decodes (or fills) it.
template <class Io, class Message>
using In = std::conditional_t<Io::kWritesMessage, Message, const Message>;

// The versions in which a field exists, and from which on it may be null.
struct Versions {
  std::int16_t from = 0;
  std::int16_t to = std::numeric_limits<std::int16_t>::max();
  std::int16_t null_from = 0;

  [[nodiscard]] constexpr bool contain(std::int16_t version) const { return version >= from && version <= to; }
  // Before that version null is written as an empty string or array.
  [[nodiscard]] constexpr Versions null_since(std::int16_t version) const { return {from, to, version}; }
};

[[nodiscard]] constexpr Versions since(std::int16_t version) { return {.from = version}; }
[[nodiscard]] constexpr Versions until(std::int16_t version) { return {.to = version}; }
[[nodiscard]] constexpr Versions between(std::int16_t first, std::int16_t last) { return {.from = first, .to = last}; }
[[nodiscard]] constexpr Versions null_since(std::int16_t version) { return {.null_from = version}; }

}  // namespace broker::protocol
