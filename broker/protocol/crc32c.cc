// CRC32C by ISA-L, which uses the processor's instructions where it has them.
#include "broker/protocol/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace broker::protocol {

std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kChunkMax = 1U << 30U;  // ISA-L takes the length as an int
  std::uint32_t crc = 0xffffffffU;
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(bytes.size(), kChunkMax));
    // ISA-L only reads, but its signature lacks the const.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(chunk.data()));
    crc = crc32_iscsi(data, static_cast<int>(chunk.size()), crc);
    bytes = bytes.subspan(chunk.size());
  }
  return ~crc;
}

}  // namespace broker::protocol
