// CRC-32C through ISA-L.
#include "broker/storage/crc32c.h"

#include <isa-l/crc.h>

namespace broker::storage {

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) {
  // ISA-L has neither const nor the customary inversions.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~seed);
}

}  // namespace broker::storage
