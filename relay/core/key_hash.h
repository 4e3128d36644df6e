// A key of order, (topic, message_key), as 64 bits. Two keys that meet in one number only wait for each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace relay::core {

// 0: no order (the row has no key).
using KeyHash = std::uint64_t;
inline constexpr KeyHash kNoKey = 0;

// Spreads the bits of `value`; a bijection.
[[nodiscard]] constexpr std::uint64_t mix_bits(std::uint64_t value) {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9ULL;
  value ^= value >> 27;
  value *= 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

[[nodiscard]] std::uint64_t hash_text(std::string_view text, std::uint64_t seed);
[[nodiscard]] KeyHash key_hash(std::string_view topic, const std::optional<std::string>& key);

}  // namespace relay::core
