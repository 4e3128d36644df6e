// Who holds how much: what a pass of retention has seen, for health pages, metrics and the log. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/storage/record.h"

namespace broker::core {

inline constexpr std::size_t kGroupsShown = 10;  // of one topic: those that hold most

struct GroupUsage {
  std::string name;
  bool required = false;               // named in outbox.required.groups
  std::int32_t partitions_unread = 0;  // on which it has never committed
  std::uint64_t pinned_bytes = 0;      // due to go, and this group has not passed them
  std::uint64_t unread_bytes = 0;      // of all segments that it has not passed
  std::int64_t lag = 0;                // records from its commits to the end
  auto operator<=>(const GroupUsage&) const = default;
};

struct TopicUsage {
  std::string name;
  storage::TopicId id{};
  bool until_consumed = true;  // outbox.retention
  std::uint64_t bytes = 0;
  std::uint64_t held_bytes = 0;  // of segments that are due and wait for a group, or for there to be one
  std::int64_t held_segments = 0;
  std::vector<std::string> required;  // outbox.required.groups
  std::size_t groups_total = 0;       // that count
  std::vector<GroupUsage> groups;     // kGroupsShown of them, who pins most first

  // Nothing of it ever goes by itself.
  [[nodiscard]] bool without_group() const { return until_consumed && groups_total == 0; }
};

struct RetentionReport {
  std::uint64_t passes = 0;  // whole passes so far
  std::uint64_t bytes = 0;
  std::vector<TopicUsage> topics;  // in order of names
};

// "orders 12 MiB (group billing 9 MiB), …": at most `most` topics, who holds most first; empty: none holds anything.
[[nodiscard]] std::string name_holders(const RetentionReport& report, std::size_t most);
// "audit 3 MiB, …": topics that no group reads, the largest first.
[[nodiscard]] std::string name_groupless(const RetentionReport& report, std::size_t most);
// What a person types to free what is held; `address`: where clients connect. Empty: nothing is held.
[[nodiscard]] std::string freeing_command(const RetentionReport& report, const std::string& address);
// A size for people: "9 MiB".
[[nodiscard]] std::string rough_size(std::uint64_t bytes);

}  // namespace broker::core
