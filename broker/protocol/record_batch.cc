// Headers of record batches: reading, rewriting, iterating; see record_batch.h. The checks: record_batch_check.cc.
#include "broker/protocol/record_batch.h"

#include <algorithm>

#include "broker/protocol/wire.h"
#include "common/crc32c.h"
#include "common/ensure.h"

namespace broker::protocol {
namespace {

// Where the fields lie: the format's definition, KIP-98.
constexpr std::size_t kLeaderEpochAt = 12;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::size_t kBaseTimestampAt = 27;
constexpr std::size_t kMaxTimestampAt = 35;
constexpr std::size_t kProducerIdAt = 43;
constexpr std::size_t kProducerEpochAt = 51;
constexpr std::size_t kBaseSequenceAt = 53;
constexpr std::size_t kRecordCountAt = 57;
constexpr std::int16_t kLogAppendTimeBit = 0x08;

template <class T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  return load_big_endian<T>(bytes.data() + at);
}

void seal(std::span<std::byte> batch) {
  store_big_endian(batch.data() + kCrcAt, common::crc32c(batch.subspan(kBatchCrcFrom)));
}

}  // namespace

std::optional<BatchHeader> peek_batch(std::span<const std::byte> blob) noexcept {
  if (blob.size() < kBatchHeaderBytes) return std::nullopt;
  BatchHeader header;
  header.length = load<std::int32_t>(blob, kBatchLengthOffset);
  constexpr auto kLengthMin = static_cast<std::int32_t>(kBatchHeaderBytes - kBatchOverheadBytes);
  if (header.length < kLengthMin || header.size() > blob.size()) return std::nullopt;
  header.base_offset = load<std::int64_t>(blob, 0);
  header.leader_epoch = load<std::int32_t>(blob, kLeaderEpochAt);
  header.magic = load<std::int8_t>(blob, kMagicAt);
  header.crc = load<std::uint32_t>(blob, kCrcAt);
  header.attributes = load<std::int16_t>(blob, kAttributesAt);
  header.last_offset_delta = load<std::int32_t>(blob, kLastOffsetDeltaAt);
  header.base_timestamp_ms = load<std::int64_t>(blob, kBaseTimestampAt);
  header.max_timestamp_ms = load<std::int64_t>(blob, kMaxTimestampAt);
  header.producer_id = load<std::int64_t>(blob, kProducerIdAt);
  header.producer_epoch = load<std::int16_t>(blob, kProducerEpochAt);
  header.base_sequence = load<std::int32_t>(blob, kBaseSequenceAt);
  header.record_count = load<std::int32_t>(blob, kRecordCountAt);
  header.bytes = BytesView(blob.first(header.size()));
  return header;
}

void set_base_offset(std::span<std::byte> batch, std::int64_t base_offset) noexcept {
  ENSURE(batch.size() >= kBatchHeaderBytes, "a batch has a header");
  store_big_endian(batch.data(), base_offset);
}

void set_leader_epoch(std::span<std::byte> batch, std::int32_t leader_epoch) noexcept {
  ENSURE(batch.size() >= kBatchHeaderBytes, "a batch has a header");
  store_big_endian(batch.data() + kLeaderEpochAt, leader_epoch);
}

void set_max_timestamp(std::span<std::byte> batch, std::int64_t timestamp_ms) noexcept {
  ENSURE(batch.size() >= kBatchHeaderBytes, "a batch has a header");
  store_big_endian(batch.data() + kMaxTimestampAt, timestamp_ms);
  seal(batch);
}

void set_log_append_time(std::span<std::byte> batch, std::int64_t timestamp_ms) noexcept {
  ENSURE(batch.size() >= kBatchHeaderBytes, "a batch has a header");
  const auto attributes = load<std::int16_t>(batch, kAttributesAt);
  store_big_endian(batch.data() + kAttributesAt, static_cast<std::int16_t>(attributes | kLogAppendTimeBit));
  set_max_timestamp(batch, timestamp_ms);
}

bool crc_matches(const BatchHeader& batch) noexcept {
  return common::crc32c(batch.bytes.span().subspan(kBatchCrcFrom)) == batch.crc;
}

std::optional<RecordPlace> find_record(const BatchHeader& batch, std::int64_t from_offset,
                                       std::int64_t timestamp_ms) noexcept {
  if (batch.log_append_time()) {  // one time for all
    const auto first = std::max(batch.base_offset, from_offset);
    if (batch.max_timestamp_ms < timestamp_ms || first > batch.last_offset()) return std::nullopt;
    return RecordPlace{first, batch.max_timestamp_ms};
  }
  if (batch.codec_bits() != static_cast<std::uint8_t>(Codec::none)) return std::nullopt;
  WireReader in(batch.bytes.span().subspan(kBatchHeaderBytes));
  for (std::int32_t index = 0; index < batch.record_count && in.ok(); ++index) {
    const std::int32_t length = in.varint();
    WireReader record(in.take(length < 0 ? 0 : static_cast<std::size_t>(length)));
    static_cast<void>(record.integer<std::int8_t>());  // attributes
    RecordPlace place{.offset = batch.base_offset + index};
    const bool overflow = __builtin_add_overflow(batch.base_timestamp_ms, record.varlong(), &place.timestamp_ms);
    if (!overflow && record.ok() && place.offset >= from_offset && place.timestamp_ms >= timestamp_ms) return place;
  }
  return std::nullopt;
}

std::optional<BatchHeader> BatchIterator::next() noexcept {
  std::optional<BatchHeader> header = peek_batch(rest_);
  if (!header || header->magic != 2) return std::nullopt;
  rest_ = rest_.subspan(header->size());
  return header;
}

}  // namespace broker::protocol
