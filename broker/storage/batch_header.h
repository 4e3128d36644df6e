// The little that the storage reads of a record batch v2 (Kafka's "message format"): its offsets, length, time,
// checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "broker/storage/file.h"
#include "broker/storage/record.h"
#include "common/crc32c.h"

namespace broker::storage {

inline constexpr std::size_t kBatchHeaderBytes = 61;

struct BatchHeader {
  Offset base;
  Offset end;  // behind its last record
  std::uint64_t bytes = 0;
  std::int64_t max_timestamp_ms = -1;
  std::uint32_t crc = 0;
};

template <class T>
[[nodiscard]] T load_big_endian(ConstBuffer bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return static_cast<T>(value);
}

// None: not the beginning of a batch v2.
[[nodiscard]] inline std::optional<BatchHeader> parse_batch_header(ConstBuffer bytes) {
  if (bytes.size() < kBatchHeaderBytes || std::to_integer<int>(bytes[16]) != 2) return std::nullopt;
  BatchHeader header;
  header.base = Offset(load_big_endian<std::int64_t>(bytes, 0));
  const auto length = load_big_endian<std::int32_t>(bytes, 8);
  const auto last_delta = load_big_endian<std::int32_t>(bytes, 23);
  if (length < static_cast<std::int32_t>(kBatchHeaderBytes) - 12 || last_delta < 0) return std::nullopt;
  header.bytes = 12 + static_cast<std::uint64_t>(length);
  header.end = Offset(header.base.value() + last_delta + 1);
  header.crc = load_big_endian<std::uint32_t>(bytes, 17);
  header.max_timestamp_ms = load_big_endian<std::int64_t>(bytes, 35);
  return header;
}

// Of the whole batch.
[[nodiscard]] inline bool batch_is_whole(const BatchHeader& header, ConstBuffer bytes) {
  return bytes.size() == header.bytes && common::crc32c(bytes.subspan(21)) == header.crc;
}

}  // namespace broker::storage
