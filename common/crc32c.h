// CRC-32C (Castagnoli, RFC 3720 appendix B.4): of record batches and of what the broker's storage writes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace common {

// `seed` is the CRC of the bytes before (0: none), so that crc32c(b, crc32c(a)) is that of a followed by b. Any length.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0) noexcept;

}  // namespace common
