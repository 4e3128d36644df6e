// What the storage's tests share: record batches with true checksums, a state machine that keeps what it was told, a
// clock that stands still.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "broker/storage/record.h"
#include "broker/storage/store.h"
#include "common/clock.h"

namespace broker::storage::test {

// One batch v2 of `count` records whose body is `payload` (the storage never looks inside).
SharedBytes make_batch(Offset base, std::int32_t count, std::int64_t timestamp_ms, const std::string& payload);
Append make_append(const PartitionRef& partition, Offset base, std::int32_t count, std::int64_t timestamp_ms,
                   const SharedBytes& bytes);
TopicId topic_id(std::uint8_t number);
PartitionRef partition_of(std::uint8_t topic, std::int32_t partition);
// Removed when the object goes.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Topics, group offsets, producers: enough of the broker's state to see whether replay brings it back.
class MemoryState final : public StateMachine {
 public:
  struct Producer {
    std::int16_t epoch = 0;
    std::int32_t last_sequence = -1;
    auto operator<=>(const Producer&) const = default;
  };
  std::map<TopicId, TopicMade> topics;
  std::map<std::pair<std::string, PartitionRef>, std::int64_t> group_offsets;
  std::map<std::pair<PartitionRef, ProducerId>, Producer> producers;
  std::map<PartitionRef, std::int64_t> starts;
  std::map<std::string, std::int32_t> generations;  // of groups
  std::int32_t epoch = 0;
  std::uint64_t applied = 0;

  void apply(const Record& record) override;
  [[nodiscard]] std::vector<Record> snapshot() const override;
  [[nodiscard]] bool same_as(const MemoryState& other) const;
};

class ManualClock final : public common::Clock {
 public:
  std::chrono::nanoseconds now{0};
  [[nodiscard]] std::chrono::nanoseconds steady() const override { return now; }
  [[nodiscard]] std::chrono::microseconds wall() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(now);
  }
};

// Waits for the store's thread; fails the test after 60 s.
void wait_durable(const Store& store, Ticket ticket);

}  // namespace broker::storage::test
