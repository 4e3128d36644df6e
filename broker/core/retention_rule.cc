// The rule of retention.
#include "broker/core/retention_rule.h"

#include <algorithm>

namespace broker::core {

using storage::Offset;

namespace {

bool too_old(const RetentionCase& what, const storage::SegmentInfo& segment) {
  return what.retention_ms >= 0 && what.now_ms - segment.last_append_ms >= what.retention_ms;
}

// Without this segment the partition would still be as large as it may be.
bool too_much(const RetentionCase& what, std::uint64_t remaining, const storage::SegmentInfo& segment) {
  return what.retention_bytes >= 0 && remaining - segment.bytes >= static_cast<std::uint64_t>(what.retention_bytes);
}

bool wants_rolling(const RetentionCase& what, const RetentionFinding& finding, Offset passed) {
  if (what.segments.empty() || what.retention_ms < 0) return false;
  const auto& last = what.segments.back();
  if (last.end <= finding.start || last.base > finding.start || passed <= last.base) return false;
  return what.now_ms - last.first_append_ms >= std::max(what.retention_ms, kRollAgeMinMs);
}

}  // namespace

RetentionFinding decide_retention(const RetentionCase& what) {
  RetentionFinding finding{.start = what.bounds.start, .due = what.bounds.start};
  Offset passed = what.bounds.durable_end;
  if (what.keep_until_consumed) passed = std::min(passed, what.consumed.value_or(what.bounds.start));
  std::uint64_t remaining = SegmentSums(what.segments).between(what.bounds.start, what.bounds.end);
  for (const auto& segment : what.segments) {
    if (segment.end <= what.bounds.start) continue;
    if (!too_old(what, segment) && !too_much(what, remaining, segment)) break;
    remaining -= segment.bytes;
    finding.due = segment.end;
    if (segment.end <= passed) {
      finding.start = segment.end;
      finding.freed_bytes += segment.bytes;
    } else {
      finding.held_bytes += segment.bytes;
      ++finding.held_segments;
    }
  }
  finding.roll = wants_rolling(what, finding, passed);
  return finding;
}

SegmentSums::SegmentSums(std::span<const storage::SegmentInfo> segments) : segments_(segments) {
  sums_.reserve(segments.size() + 1);
  sums_.push_back(0);
  for (const auto& segment : segments) sums_.push_back(sums_.back() + segment.bytes);
}

std::uint64_t SegmentSums::up_to(Offset end) const {
  const auto past = std::ranges::upper_bound(segments_, end, {}, &storage::SegmentInfo::end);
  return sums_[static_cast<std::size_t>(past - segments_.begin())];
}

std::uint64_t SegmentSums::between(Offset from, Offset to) const { return to > from ? up_to(to) - up_to(from) : 0; }

std::vector<CountingGroup> counting_groups(const State& state, const Topic& topic) {
  std::vector<CountingGroup> groups;
  const auto& required = topic.settings.required_groups;  // in order
  const storage::PartitionRef first{topic.id, storage::PartitionIndex(0)};
  for (const auto& [name, record] : state.groups()) {
    const auto commit = record.offsets.lower_bound(first);
    const bool committed = commit != record.offsets.end() && commit->first.topic == topic.id;
    const bool named = std::ranges::binary_search(required, name);
    if (committed || named) groups.push_back({name, &record, named});
  }
  for (const auto& name : required) {
    if (!state.groups().contains(name)) groups.push_back({name, nullptr, true});
  }
  return groups;
}

const CommittedOffset* commit_of(const CountingGroup& group, const storage::PartitionRef& partition) {
  if (group.record == nullptr) return nullptr;
  const auto found = group.record->offsets.find(partition);
  return found == group.record->offsets.end() ? nullptr : &found->second;
}

Consumed consumed_of(std::span<const CountingGroup> groups, const storage::PartitionRef& partition, Offset log_start) {
  Consumed consumed;
  for (const auto& group : groups) {
    // A group that has begun elsewhere on the topic will come here too: until then everything waits for it.
    const auto* commit = commit_of(group, partition);
    const Offset offset = commit == nullptr ? log_start : commit->offset;
    consumed.below = std::min(consumed.below.value_or(offset), offset);
    if (commit != nullptr) consumed.ticket = std::max(consumed.ticket, commit->ticket);
  }
  return consumed;
}

}  // namespace broker::core
