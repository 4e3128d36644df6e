// What may go of one partition: a pure function of what it is given. Segments go from the oldest on, each when it is
// due (by age or by size) and every group that counts has committed past its end.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/core/state.h"

namespace broker::core {

// How far the groups of a topic have come on one partition.
struct Consumed {
  // Every group that counts has committed at least this; none: no group counts, so nothing is known to be consumed.
  std::optional<storage::Offset> below;
  storage::Ticket ticket;  // what it rests on is durable with this frame
};

inline constexpr std::int64_t kRollAgeMinMs = 60'000;

struct RetentionCase {
  std::span<const storage::SegmentInfo> segments;
  storage::PartitionBounds bounds;
  std::int64_t retention_ms = -1;     // −1: age does not count
  std::int64_t retention_bytes = -1;  // −1: size does not count
  bool keep_until_consumed = true;
  std::optional<storage::Offset> consumed;
  std::int64_t now_ms = 0;  // of RetentionClock, as the segments' stamps
};

struct RetentionFinding {
  storage::Offset start;           // where the log may begin from now on
  storage::Offset due;             // segments that end at or before it are due
  std::uint64_t freed_bytes = 0;   // of segments before `start`
  std::uint64_t held_bytes = 0;    // due, but some group has not passed them, or there is none
  std::int64_t held_segments = 0;  // the same
  // The last segment is all that is left, has been read in part, and still grows although its oldest records are due:
  // its next append is to begin a new one. At most once in kRollAgeMinMs.
  bool roll = false;
};
[[nodiscard]] RetentionFinding decide_retention(const RetentionCase& what);

// Sums over a partition's segments, for many groups at once.
class SegmentSums {
 public:
  explicit SegmentSums(std::span<const storage::SegmentInfo> segments);
  // Bytes of the segments that end after `from` and at or before `to`.
  [[nodiscard]] std::uint64_t between(storage::Offset from, storage::Offset to) const;

 private:
  [[nodiscard]] std::uint64_t up_to(storage::Offset end) const;
  std::span<const storage::SegmentInfo> segments_;
  std::vector<std::uint64_t> sums_;  // of the first 0, 1, 2 … segments
};

// A group that counts for a topic: it has committed there, or the topic's configuration requires it.
struct CountingGroup {
  std::string_view name;                // lives as long as state and topic are not changed
  const GroupRecord* record = nullptr;  // null: required, and nothing is known of it yet
  bool required = false;
};
[[nodiscard]] std::vector<CountingGroup> counting_groups(const State& state, const Topic& topic);

// The offset below which this group holds nothing back. Without a commit on this partition: the log's start.
[[nodiscard]] const CommittedOffset* commit_of(const CountingGroup& group, const storage::PartitionRef& partition);
[[nodiscard]] Consumed consumed_of(std::span<const CountingGroup> groups, const storage::PartitionRef& partition,
                                   storage::Offset log_start);

}  // namespace broker::core
