// CRC32C (Castagnoli), as record batches carry it. Check value: "123456789" → 0xe3069283.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace broker::protocol {

[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept;

}  // namespace broker::protocol
