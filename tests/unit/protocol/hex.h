// Hex in tests: blanks and line ends between the digits are skipped.
#pragma once

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace broker::protocol {

inline std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char letter : text) {
    if (std::isxdigit(static_cast<unsigned char>(letter)) == 0) continue;
    const int digit = letter <= '9' ? letter - '0' : (letter | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::byte>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte octet : bytes) {
    text += kDigits[std::to_integer<std::size_t>(octet) >> 4U];
    text += kDigits[std::to_integer<std::size_t>(octet) & 15U];
  }
  return text;
}

}  // namespace broker::protocol
