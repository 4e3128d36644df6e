// CRC-32C by ISA-L, which uses the processor's instructions where it has them.
#include "common/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace common {

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) noexcept {
  constexpr std::size_t kChunkMax = 1U << 30U;  // ISA-L takes the length as an int
  std::uint32_t crc = ~seed;                    // ISA-L leaves the customary inversions to its callers
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(bytes.size(), kChunkMax));
    // It only reads, but its signature lacks the const.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(chunk.data()));
    crc = crc32_iscsi(data, static_cast<int>(chunk.size()), crc);
    bytes = bytes.subspan(chunk.size());
  }
  return ~crc;
}

}  // namespace common
