// Retention at work: passes over all partitions, in slices, decides what may go and has it journalled. Works on the
// core thread between requests, a bounded number of steps at a time; never reads a disk.
//
//   every interval: a pass → slices of at most kStepsPerSlice steps → per partition: decide_retention → LogStartMoved
//
// A decision rests on durable facts only: when a group's commit, or the topic's configuration, is still on its way to
// the disk, the partition waits until it is there, and is then decided by the lower of the two offsets.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/core/group.h"
#include "broker/core/retention_report.h"
#include "broker/core/retention_rule.h"
#include "broker/core/state.h"

namespace broker::core {

struct RetentionSettings {
  std::chrono::milliseconds interval{10'000};  // from the beginning of a pass to the next
};

class Retention {
 public:
  // A step is a partition, 8 of its segments, or a group that is looked up.
  static constexpr std::int64_t kStepsPerSlice = 2'000;
  static constexpr std::chrono::milliseconds kPause{5};  // between slices: requests come first
  static constexpr std::size_t kWaitingMax = 1'000;

  // Journals a partition's new start.
  using MoveStart = std::function<void(Topic&, storage::PartitionIndex, storage::Offset)>;
  Retention(State& state, storage::Store& store, RetentionSettings settings, MoveStart move_start, Time now);

  [[nodiscard]] Time next_deadline() const { return due_; }
  [[nodiscard]] bool in_pass() const { return pass_.has_value(); }
  // One slice when it is due. `now_ms` is of RetentionClock.
  void tick(Time now, std::int64_t now_ms);

  // Of the last whole pass; never null.
  [[nodiscard]] const std::shared_ptr<const RetentionReport>& report() const { return report_; }
  // Since the start.
  [[nodiscard]] std::uint64_t freed_bytes() const { return freed_bytes_; }

 private:
  struct Waiting {
    storage::PartitionRef partition;
    Consumed consumed;
  };
  // Where a pass stands, and what it has seen.
  struct Pass {
    std::string last_topic;
    std::optional<TopicUsage> topic;                        // the one it is at
    std::int32_t partition = 0;                             // the next of that topic
    std::map<std::string, GroupUsage, std::less<>> groups;  // of that topic
    RetentionReport report;
    std::uint64_t freed_before = 0;
  };

  void decide_waiting(std::int64_t now_ms);
  void decide_late(const Waiting& waiting, std::int64_t now_ms);
  // False: the pass is over.
  bool slice(std::int64_t now_ms);
  Topic* next_topic();
  // `settled`: the topic's configuration is durable with this frame. Returns the steps it took.
  std::int64_t visit(Topic& topic, std::span<const CountingGroup> groups, storage::Ticket settled, std::int64_t now_ms);
  void let_go(Topic& topic, storage::PartitionIndex partition, const RetentionFinding& finding);
  void note(std::span<const CountingGroup> groups, const storage::PartitionRef& partition, const RetentionCase& seen,
            const RetentionFinding& finding);
  void finish_topic();
  void finish_pass();

  State& state_;
  storage::Store& store_;
  RetentionSettings settings_;
  MoveStart move_start_;
  Time due_;
  Time pass_due_;
  std::optional<Pass> pass_;
  std::vector<Waiting> waiting_;
  std::uint64_t passes_ = 0;
  std::uint64_t freed_bytes_ = 0;
  std::shared_ptr<const RetentionReport> report_ = std::make_shared<RetentionReport>();
};

}  // namespace broker::core
