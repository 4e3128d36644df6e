// A store in memory: what is submitted becomes durable when the test says so, or at once. For tests of core and
// handlers.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/storage/store.h"

namespace broker_tests {

class MemoryStore : public broker::storage::Store {
 public:
  static constexpr std::int32_t kLeaderEpoch = 7;
  // True: each submit is durable before it returns.
  explicit MemoryStore(bool durable_at_once = true) : durable_at_once_(durable_at_once) {}

  broker::storage::Ticket submit(broker::storage::Record record, broker::storage::SharedBytes keep_alive) override;
  broker::storage::RoomRefusal make_room(const broker::storage::PartitionRef&, std::uint64_t) override {
    return full_ ? broker::storage::RoomRefusal::disk_full : broker::storage::RoomRefusal::none;
  }
  [[nodiscard]] broker::storage::Ticket durable() const override { return durable_; }
  [[nodiscard]] int durable_fd() const override { return -1; }
  std::vector<broker::storage::PartitionRef> take_advanced() override { return std::exchange(advanced_, {}); }
  [[nodiscard]] std::optional<std::string> poisoned() const override { return std::nullopt; }
  [[nodiscard]] std::optional<broker::storage::PartitionBounds> bounds(
      const broker::storage::PartitionRef& partition) const override;
  broker::storage::ReadResult read(const broker::storage::PartitionRef& partition, broker::storage::Offset from,
                                   std::uint64_t bytes_max) override;
  broker::storage::FoundTime find_time(const broker::storage::PartitionRef& partition,
                                       std::int64_t timestamp_ms) override;
  std::optional<broker::storage::ReadResult> try_read(const broker::storage::PartitionRef& partition,
                                                      broker::storage::Offset from, std::uint64_t bytes_max) override;
  std::optional<broker::storage::FoundTime> try_find_time(const broker::storage::PartitionRef& partition,
                                                          std::int64_t timestamp_ms) override;
  // Every batch is a segment of its own.
  [[nodiscard]] std::vector<broker::storage::SegmentInfo> segments(
      const broker::storage::PartitionRef& partition) const override;
  void maybe_checkpoint() override {}
  void close() override {}
  [[nodiscard]] std::string uuid() const override { return "memory"; }
  [[nodiscard]] std::int32_t leader_epoch() const override { return kLeaderEpoch; }

  // Everything submitted so far is durable now.
  void flush();
  void set_durable_at_once(bool at_once) { durable_at_once_ = at_once; }
  void set_full(bool full) { full_ = full; }
  // From now on nothing of these partitions is in memory: what is asked for comes when the test lets the disk answer.
  void set_cold(broker::storage::PartitionIndex partition) { cold_.insert(partition); }
  void set_warm(broker::storage::PartitionIndex partition) { cold_.erase(partition); }
  // What was asked for is there, to be taken once.
  void let_disk_answer();
  // Questions that the disk has not answered.
  [[nodiscard]] std::size_t asked_of_disk() const { return asked_.size(); }
  // How often segments() was asked.
  [[nodiscard]] std::size_t segments_asked() const { return segments_asked_; }
  // Each record as it was submitted, Appends with their bytes kept.
  [[nodiscard]] const std::vector<broker::storage::Record>& journal() const { return journal_; }

 private:
  struct Batch {
    broker::storage::Offset base;
    std::int32_t count = 0;
    std::int64_t max_timestamp_ms = -1;
    std::int64_t appended_at_ms = 0;
    std::vector<std::byte> bytes;
  };
  struct Log {
    std::vector<Batch> batches;
    broker::storage::PartitionBounds bounds{};
  };

  static void move_start(Log& log, broker::storage::Offset start);

  // A read at an offset, or a search by time.
  using Question = std::pair<broker::storage::PartitionRef, std::variant<broker::storage::Offset, std::int64_t>>;
  // False: it waits for the disk now.
  [[nodiscard]] bool in_memory(const Question& question);

  void apply_to_logs(const broker::storage::Record& record);

  bool durable_at_once_;
  bool full_ = false;
  mutable std::size_t segments_asked_ = 0;
  broker::storage::Ticket submitted_{0};
  broker::storage::Ticket durable_{0};
  std::vector<broker::storage::Record> journal_;
  std::vector<broker::storage::SharedBytes> kept_;
  std::map<broker::storage::PartitionRef, Log> logs_;
  std::vector<broker::storage::PartitionRef> advanced_;
  std::set<broker::storage::PartitionIndex> cold_;
  std::set<Question> asked_;
  std::set<Question> answered_;
};

// A record as text, so that states can be compared and differences read.
[[nodiscard]] std::string to_text(const broker::storage::Record& record);
[[nodiscard]] std::vector<std::string> to_text(const std::vector<broker::storage::Record>& records);

}  // namespace broker_tests
