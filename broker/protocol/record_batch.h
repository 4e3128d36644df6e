// Record batches, format 2 (KIP-98): a view of one, the checks that Produce makes, and the two fields it may rewrite.
// Compressed batches are opaque; their records are never unpacked. No function here allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "broker/protocol/error_code.h"
#include "broker/protocol/types.h"

namespace broker::protocol {

enum class Codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

inline constexpr std::size_t kBatchHeaderBytes = 61;
inline constexpr std::size_t kBatchLengthOffset = 8;    // the length counts what follows it
inline constexpr std::size_t kBatchOverheadBytes = 12;  // base offset and length
inline constexpr std::size_t kBatchCrcFrom = 21;        // the checksummed part runs from here to the end

// The header of one batch, decoded; `bytes` is the batch whole, a view of the blob it lies in.
struct BatchHeader {
  std::int64_t base_offset = 0;
  std::int32_t length = 0;
  std::int32_t leader_epoch = -1;
  std::int8_t magic = 2;
  std::uint32_t crc = 0;
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp_ms = -1;
  std::int64_t max_timestamp_ms = -1;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t record_count = 0;
  BytesView bytes{};

  [[nodiscard]] std::size_t size() const { return kBatchOverheadBytes + static_cast<std::size_t>(length); }
  [[nodiscard]] std::uint8_t codec_bits() const { return static_cast<std::uint8_t>(attributes & 0x07); }
  [[nodiscard]] bool log_append_time() const { return (attributes & 0x08) != 0; }
  [[nodiscard]] bool transactional() const { return (attributes & 0x10) != 0; }
  [[nodiscard]] bool control() const { return (attributes & 0x20) != 0; }
  [[nodiscard]] std::int64_t last_offset() const { return base_offset + last_offset_delta; }
};

enum class BatchFault : std::uint8_t {
  none,
  empty,       // no batch where one is due
  truncated,   // fewer bytes than the header, or than the declared length
  bad_length,  // a declared length below the header's
  too_large,   // beyond max.message.bytes
  bad_magic,   // not 2
  bad_crc,
  bad_base_offset,      // not 0
  bad_count,            // not positive, or not last offset delta + 1, or more than the bytes can hold
  control_batch,        // only a broker writes those
  transactional_batch,  // no transactions here
  bad_producer,         // a producer id without epoch or sequence, or the reverse
  log_append_time,      // only a broker sets that
  unknown_codec,
  no_timestamp,     // none of the records has one, or a maximum of −1 over records that we cannot read
  bad_record,       // a record that is malformed or not numbered in order
  trailing_bytes,   // behind the last record
  several_batches,  // more than one batch for a partition
};
[[nodiscard]] std::string_view name(BatchFault fault) noexcept;
[[nodiscard]] ErrorCode error_code(BatchFault fault) noexcept;

// Reads the header of the first batch in `blob`; none: too short for what it declares. Checks lengths only.
[[nodiscard]] std::optional<BatchHeader> peek_batch(std::span<const std::byte> blob) noexcept;

struct CheckedBatch {
  BatchFault fault = BatchFault::none;
  BatchHeader header;  // whole when there is no fault
  // The records' true maximum where they could be read, else what the header says. kafkajs writes a header that
  // disagrees: such a batch is good, but is to be mended by set_max_timestamp before it is stored.
  std::int64_t max_timestamp_ms = -1;

  explicit operator bool() const { return fault == BatchFault::none; }
};
// All of what a Produce of one partition may carry: exactly one batch, by the rules of README.md.
[[nodiscard]] CheckedBatch check_produced(std::span<const std::byte> records, std::size_t size_max_bytes) noexcept;

// Both fields lie before the checksummed part. `batch` has at least a header's bytes.
void set_base_offset(std::span<std::byte> batch, std::int64_t base_offset) noexcept;
void set_leader_epoch(std::span<std::byte> batch, std::int32_t leader_epoch) noexcept;
// These two lie inside it, so the CRC is made anew; set_log_append_time also sets the attribute bit that
// message.timestamp.type=LogAppendTime asks for.
void set_max_timestamp(std::span<std::byte> batch, std::int64_t timestamp_ms) noexcept;
void set_log_append_time(std::span<std::byte> batch, std::int64_t timestamp_ms) noexcept;

// True when the CRC in the header is that of the bytes. `batch` is exactly one batch.
[[nodiscard]] bool crc_matches(const BatchHeader& batch) noexcept;

struct RecordPlace {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
};
// The first record at or past the offset that is at least as late. None: there is none, or the batch is compressed.
[[nodiscard]] std::optional<RecordPlace> find_record(const BatchHeader& batch, std::int64_t from_offset,
                                                     std::int64_t timestamp_ms) noexcept;

// Goes over the batches of a blob (a segment, a Fetch response). Stops at the first that is not whole.
class BatchIterator {
 public:
  explicit BatchIterator(std::span<const std::byte> blob) : rest_(blob) {}
  // None: the end, or rest() holds a partial or malformed batch.
  [[nodiscard]] std::optional<BatchHeader> next() noexcept;
  [[nodiscard]] std::span<const std::byte> rest() const { return rest_; }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace broker::protocol
