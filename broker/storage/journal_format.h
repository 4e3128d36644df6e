// The journal's headers in memory and as they lie on the disk. Format: README.md, "Journal".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "broker/storage/file.h"

namespace broker::storage {

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::uint64_t kFrameBytesMax = 16ULL << 20;

using Uuid = std::array<std::uint8_t, 16>;
using Secret = std::array<std::byte, 32>;
using HeaderBytes = std::array<std::byte, kHeaderBytes>;

struct FileHeader {
  Uuid uuid{};
  std::uint64_t generation = 0;  // 0: prepared, never used
  std::uint64_t first_sequence = 0;
  std::uint32_t previous_crc = 0;
};

struct FrameHeader {
  std::uint32_t crc = 0;  // of this header, hence of the frame
  std::uint32_t length = 0;
  std::uint32_t payload_crc = 0;
  std::uint64_t generation = 0;
  std::uint64_t sequence = 0;
  std::uint32_t previous_crc = 0;
  std::uint32_t count = 0;
  std::uint32_t meta_bytes = 0;
  std::uint32_t data_bytes = 0;
};

// A place between two frames: where the next one is to be looked for, and what it must continue.
struct JournalPosition {
  std::uint64_t sequence = 0;  // of the frame before it
  std::uint64_t generation = 0;
  std::uint64_t offset = 0;
  std::uint32_t previous_crc = 0;
};

[[nodiscard]] constexpr std::uint64_t whole_pages(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

[[nodiscard]] HeaderBytes encode_file_header(const FileHeader& header, const Secret& secret);
// None: no valid header of this store.
[[nodiscard]] std::optional<FileHeader> decode_file_header(ConstBuffer bytes, const Uuid& uuid, const Secret& secret);

[[nodiscard]] std::uint32_t frame_seed(const Secret& secret, std::uint64_t generation, std::uint32_t previous_crc);
// Fills in header.crc.
[[nodiscard]] HeaderBytes encode_frame_header(FrameHeader& header, const Secret& secret);
// None: not a frame header that proves itself with the generation and the chain it names. Its lengths agree with each
// other.
[[nodiscard]] std::optional<FrameHeader> decode_frame_header(ConstBuffer bytes, const Secret& secret);

}  // namespace broker::storage
