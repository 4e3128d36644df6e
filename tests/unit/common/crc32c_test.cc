// CRC-32C: its check value, and that it goes on from a seed.
#include "common/crc32c.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace common {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Crc32c, HasTheCheckValue) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, GoesOnFromTheCrcOfTheBytesBefore) {
  constexpr std::string_view kDigits = "123456789";
  for (std::size_t split = 0; split <= kDigits.size(); ++split) {
    EXPECT_EQ(crc32c(bytes_of(kDigits.substr(split)), crc32c(bytes_of(kDigits.substr(0, split)))), 0xe3069283U)
        << split;
  }
}

}  // namespace
}  // namespace common
