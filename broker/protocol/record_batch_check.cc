// What Produce checks before a batch may enter the log; the rules and their reasons: README.md of this folder.
#include <algorithm>
#include <string_view>

#include "broker/protocol/record_batch.h"
#include "broker/protocol/wire.h"

namespace broker::protocol {
namespace {

constexpr std::size_t kMagicAt = 16;  // in every format of batches and messages there ever was
constexpr std::size_t kRecordBytesMin = 7;

// Skips a length-prefixed part; −1 is null where that is allowed.
void skip_part(WireReader& in, bool nullable) {
  const std::int32_t length = in.varint();
  if (length >= 0) {
    static_cast<void>(in.take(static_cast<std::size_t>(length)));
  } else if (length < -1 || !nullable) {
    in.fail(DecodeError::bad_length);
  }
}

struct RecordStamp {
  std::int64_t timestamp_delta_ms = 0;
  std::int32_t offset_delta = 0;
};

// One record, from behind its length to its end.
RecordStamp read_record(WireReader& in) {
  RecordStamp stamp;
  static_cast<void>(in.integer<std::int8_t>());  // attributes: none are defined
  stamp.timestamp_delta_ms = in.varlong();
  stamp.offset_delta = in.varint();
  skip_part(in, true);
  skip_part(in, true);
  const std::int32_t headers = in.varint();
  if (headers < 0) in.fail(DecodeError::bad_length);
  for (std::int32_t index = 0; index < headers && in.ok(); ++index) {
    skip_part(in, false);
    skip_part(in, true);
  }
  return stamp;
}

// Goes over uncompressed records; sets the true maximum of their timestamps.
BatchFault walk_records(const BatchHeader& header, std::int64_t& max_timestamp_ms) {
  WireReader in(header.bytes.span().subspan(kBatchHeaderBytes));
  if (static_cast<std::size_t>(header.record_count) > in.remaining() / kRecordBytesMin) return BatchFault::bad_count;
  std::int64_t largest = -1;
  for (std::int32_t index = 0; index < header.record_count; ++index) {
    const std::int32_t length = in.varint();
    if (length < 0) return BatchFault::bad_record;
    WireReader record(in.take(static_cast<std::size_t>(length)));
    if (!in.ok()) return BatchFault::bad_record;
    const RecordStamp stamp = read_record(record);
    if (!record.ok() || record.remaining() != 0 || stamp.offset_delta != index) return BatchFault::bad_record;
    std::int64_t timestamp_ms = 0;
    if (__builtin_add_overflow(header.base_timestamp_ms, stamp.timestamp_delta_ms, &timestamp_ms)) {
      return BatchFault::bad_record;
    }
    largest = std::max(largest, timestamp_ms);
  }
  if (in.remaining() != 0) return BatchFault::trailing_bytes;
  max_timestamp_ms = largest;
  return BatchFault::none;
}

// Lengths and sums: is this one whole batch that arrived as it was sent?
BatchFault check_frame(std::span<const std::byte> records, std::size_t size_max_bytes, BatchHeader& header) {
  if (records.empty()) return BatchFault::empty;
  if (records.size() <= kMagicAt) return BatchFault::truncated;
  if (records[kMagicAt] != std::byte{2}) return BatchFault::bad_magic;
  const auto length = load_big_endian<std::int32_t>(records.data() + kBatchLengthOffset);
  if (length < static_cast<std::int32_t>(kBatchHeaderBytes - kBatchOverheadBytes)) return BatchFault::bad_length;
  const std::optional<BatchHeader> peeked = peek_batch(records);
  if (!peeked) return BatchFault::truncated;
  header = *peeked;
  const auto behind = records.subspan(header.size());
  if (!behind.empty()) {
    const bool another = behind.size() > kMagicAt && behind[kMagicAt] == std::byte{2};
    return another ? BatchFault::several_batches : BatchFault::trailing_bytes;
  }
  if (header.size() > size_max_bytes) return BatchFault::too_large;
  return crc_matches(header) ? BatchFault::none : BatchFault::bad_crc;
}

// What the header's fields may say when a producer wrote them.
BatchFault check_fields(const BatchHeader& header) {
  if (header.base_offset != 0) return BatchFault::bad_base_offset;
  if (header.record_count <= 0 || header.last_offset_delta != header.record_count - 1) return BatchFault::bad_count;
  if (header.control()) return BatchFault::control_batch;
  if (header.transactional()) return BatchFault::transactional_batch;
  if (header.log_append_time()) return BatchFault::log_append_time;
  if (header.codec_bits() > static_cast<std::uint8_t>(Codec::zstd)) return BatchFault::unknown_codec;
  if (header.producer_id < -1) return BatchFault::bad_producer;
  // Without a producer id, epoch and sequence mean nothing: kafkajs writes zeros there.
  const bool idempotent = header.producer_id >= 0;
  if (idempotent && (header.producer_epoch < 0 || header.base_sequence < 0)) return BatchFault::bad_producer;
  return BatchFault::none;
}

}  // namespace

CheckedBatch check_produced(std::span<const std::byte> records, std::size_t size_max_bytes) noexcept {
  CheckedBatch checked;
  checked.fault = check_frame(records, size_max_bytes, checked.header);
  if (!checked) return checked;
  checked.fault = check_fields(checked.header);
  if (!checked) return checked;
  checked.max_timestamp_ms = checked.header.max_timestamp_ms;
  if (checked.header.codec_bits() == static_cast<std::uint8_t>(Codec::none)) {
    checked.fault = walk_records(checked.header, checked.max_timestamp_ms);
  } else if (checked.header.size() == kBatchHeaderBytes) {
    checked.fault = BatchFault::bad_record;
  }
  if (checked && checked.max_timestamp_ms < 0) checked.fault = BatchFault::no_timestamp;
  return checked;
}

std::string_view name(BatchFault fault) noexcept {
  switch (fault) {
    case BatchFault::none:
      return "none";
    case BatchFault::empty:
      return "no record batch";
    case BatchFault::truncated:
      return "the batch is shorter than it declares";
    case BatchFault::bad_length:
      return "the declared length is below a header's";
    case BatchFault::too_large:
      return "the batch is larger than max.message.bytes";
    case BatchFault::bad_magic:
      return "the record format is not version 2";
    case BatchFault::bad_crc:
      return "the CRC does not match";
    case BatchFault::bad_base_offset:
      return "the base offset is not 0";
    case BatchFault::bad_count:
      return "the record count does not fit";
    case BatchFault::control_batch:
      return "control batches are not accepted";
    case BatchFault::transactional_batch:
      return "transactions are not supported";
    case BatchFault::bad_producer:
      return "a producer id without epoch or sequence";
    case BatchFault::log_append_time:
      return "only the broker sets the append time";
    case BatchFault::unknown_codec:
      return "unknown compression";
    case BatchFault::no_timestamp:
      return "no timestamp";
    case BatchFault::bad_record:
      return "a record is malformed";
    case BatchFault::trailing_bytes:
      return "bytes behind the last record";
    case BatchFault::several_batches:
      return "more than one batch for a partition";
  }
  return "unknown";
}

ErrorCode error_code(BatchFault fault) noexcept {
  switch (fault) {
    case BatchFault::none:
      return ErrorCode::none;
    case BatchFault::truncated:
    case BatchFault::bad_length:
    case BatchFault::bad_crc:
      return ErrorCode::corrupt_message;
    case BatchFault::too_large:
      return ErrorCode::message_too_large;
    case BatchFault::transactional_batch:
      return ErrorCode::invalid_txn_state;
    case BatchFault::log_append_time:
    case BatchFault::no_timestamp:
      return ErrorCode::invalid_timestamp;
    case BatchFault::unknown_codec:
      return ErrorCode::unsupported_compression_type;
    default:
      return ErrorCode::invalid_record;
  }
}

}  // namespace broker::protocol
