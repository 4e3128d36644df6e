// See record_batch_builder.h. Written for clarity, not for speed.
#include "broker/protocol/record_batch_builder.h"

#include <algorithm>
#include <concepts>
#include <span>

#include "broker/protocol/record_batch.h"
#include "broker/protocol/wire.h"
#include "common/crc32c.h"
#include "common/ensure.h"

namespace broker::protocol {
namespace {

class Bytes {
 public:
  template <std::integral T>
  void integer(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    store_big_endian(bytes_.data() + bytes_.size() - sizeof(T), value);
  }
  void varlong(std::int64_t value) {
    std::uint64_t bits = (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
    for (; bits >= 0x80U; bits >>= 7U) integer(static_cast<std::uint8_t>(bits | 0x80U));
    integer(static_cast<std::uint8_t>(bits));
  }
  void raw(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void part(const std::optional<std::string>& text) {
    varlong(text ? static_cast<std::int64_t>(text->size()) : -1);
    if (text) raw(std::as_bytes(std::span(*text)));
  }
  [[nodiscard]] std::vector<std::byte>& get() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

Bytes encode_record(const RecordToBuild& record, std::int64_t base_timestamp_ms, std::size_t index) {
  Bytes bytes;
  bytes.integer(std::int8_t{0});
  bytes.varlong(record.timestamp_ms - base_timestamp_ms);
  bytes.varlong(static_cast<std::int64_t>(index));
  bytes.part(record.key);
  bytes.part(record.value);
  bytes.varlong(static_cast<std::int64_t>(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    bytes.part(name);
    bytes.part(value);
  }
  return bytes;
}

}  // namespace

RecordBatchBuilder& RecordBatchBuilder::add(RecordToBuild record) {
  records_.push_back(std::move(record));
  return *this;
}

RecordBatchBuilder& RecordBatchBuilder::producer(BatchProducer producer) {
  producer_ = producer;
  return *this;
}

RecordBatchBuilder& RecordBatchBuilder::attributes(std::int16_t attributes) {
  attributes_ = attributes;
  return *this;
}

std::vector<std::byte> RecordBatchBuilder::build() const {
  ENSURE(!records_.empty(), "a batch has at least one record");
  const std::int64_t base_timestamp_ms = records_.front().timestamp_ms;
  const auto latest = std::ranges::max_element(records_, {}, &RecordToBuild::timestamp_ms);
  const auto count = static_cast<std::int32_t>(records_.size());
  Bytes batch;
  batch.integer(std::int64_t{0});   // base offset
  batch.integer(std::int32_t{0});   // length, below
  batch.integer(std::int32_t{-1});  // leader epoch
  batch.integer(std::int8_t{2});    // magic
  batch.integer(std::uint32_t{0});  // CRC, below
  batch.integer(attributes_);
  batch.integer(count - 1);
  batch.integer(base_timestamp_ms);
  batch.integer(latest->timestamp_ms);
  batch.integer(producer_.id);
  batch.integer(producer_.epoch);
  batch.integer(producer_.base_sequence);
  batch.integer(count);
  for (std::size_t index = 0; index < records_.size(); ++index) {
    Bytes record = encode_record(records_[index], base_timestamp_ms, index);
    batch.varlong(static_cast<std::int64_t>(record.get().size()));
    batch.raw(record.get());
  }
  store_big_endian(batch.get().data() + kBatchLengthOffset,
                   static_cast<std::int32_t>(batch.get().size() - kBatchOverheadBytes));
  reseal(batch.get());
  return std::move(batch.get());
}

std::vector<std::byte> plain_batch(std::int32_t count, std::size_t value_bytes, std::int64_t timestamp_ms) {
  RecordBatchBuilder builder;
  for (std::int32_t index = 0; index < count; ++index) {
    builder.add({.key = std::to_string(index),
                 .value = std::string(value_bytes, '\0'),
                 .timestamp_ms = timestamp_ms + index,
                 .headers = {}});
  }
  return builder.build();
}

void reseal(std::vector<std::byte>& batch) {
  constexpr std::size_t kCrcAt = 17;
  ENSURE(batch.size() >= kBatchHeaderBytes, "a batch has a header");
  store_big_endian(batch.data() + kCrcAt, common::crc32c(std::span(batch).subspan(kBatchCrcFrom)));
}

}  // namespace broker::protocol
