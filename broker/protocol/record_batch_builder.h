// Makes valid, uncompressed record batches for tests, benchmarks and tools; the broker itself makes none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace broker::protocol {

struct RecordToBuild {
  std::optional<std::string> key{};
  std::optional<std::string> value{};
  std::int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers{};
};

// As the header has them; −1: not idempotent.
struct BatchProducer {
  std::int64_t id = -1;
  std::int16_t epoch = -1;
  std::int32_t base_sequence = -1;
};

class RecordBatchBuilder {
 public:
  RecordBatchBuilder& add(RecordToBuild record);
  RecordBatchBuilder& producer(BatchProducer producer);
  RecordBatchBuilder& attributes(std::int16_t attributes);
  // One batch with base offset 0 and a CRC; needs at least one record.
  [[nodiscard]] std::vector<std::byte> build() const;

 private:
  std::vector<RecordToBuild> records_;
  BatchProducer producer_;
  std::int16_t attributes_ = 0;
};

// Batch of `count` records of `value_bytes` zeros each, keyed "0", "1", …: load for tests and benchmarks.
[[nodiscard]] std::vector<std::byte> plain_batch(std::int32_t count, std::size_t value_bytes,
                                                 std::int64_t timestamp_ms = 1'700'000'000'000);
// Makes the CRC of a batch that was altered on purpose right again.
void reseal(std::vector<std::byte>& batch);

}  // namespace broker::protocol
