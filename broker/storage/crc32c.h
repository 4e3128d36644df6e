// CRC-32C (Castagnoli) of everything here that lies on a disk; through ISA-L, which uses the processor's instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace broker::storage {

// `seed` is the crc of the bytes before (0: none), so that crc32c(b, crc32c(a)) is that of a followed by b. At most 2
// GiB.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

}  // namespace broker::storage
