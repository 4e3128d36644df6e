// Passes, slices, and the partitions that wait for a flush.
#include "broker/core/retention.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/log.h"

namespace broker::core {

using storage::Offset;
using storage::PartitionRef;

namespace {

RetentionCase case_of(const Topic& topic, const storage::PartitionBounds& bounds,
                      std::span<const storage::SegmentInfo> segments, const Consumed& consumed, std::int64_t now_ms) {
  return {.segments = segments,
          .bounds = bounds,
          .retention_ms = topic.settings.retention_ms,
          .retention_bytes = topic.settings.retention_bytes,
          .keep_until_consumed = topic.settings.keep_until_consumed,
          .consumed = consumed.below,
          .now_ms = now_ms};
}

}  // namespace

Retention::Retention(State& state, storage::Store& store, RetentionSettings settings, MoveStart move_start, Time now)
    : state_(state),
      store_(store),
      settings_(settings),
      move_start_(std::move(move_start)),
      due_(now),
      pass_due_(now) {}

void Retention::tick(Time now, std::int64_t now_ms) {
  if (now < due_) return;
  const storage::Burst one_frame(store_);
  decide_waiting(now_ms);
  if (!pass_ && now >= pass_due_) {
    pass_ = Pass{};
    pass_->freed_before = freed_bytes_;
    pass_due_ = now + settings_.interval;
  }
  if (pass_ && !slice(now_ms)) finish_pass();
  due_ = pass_ || !waiting_.empty() ? now + kPause : pass_due_;
}

// In the journal a moved start stands behind the commits it rests on, so no crash can keep the one and forget the
// others. Still it is decided by what is durable: nobody is told of a start that a crash would take back.
void Retention::decide_waiting(std::int64_t now_ms) {
  std::int64_t steps = kStepsPerSlice;
  std::vector<Waiting> ready;
  std::erase_if(waiting_, [&](Waiting& waiting) {
    if (steps <= 0 || waiting.consumed.ticket > store_.durable()) return false;
    const auto* topic = state_.find_topic(waiting.partition.topic);
    if (topic != nullptr && topic->ticket > store_.durable()) {
      waiting.consumed.ticket = topic->ticket;  // it was configured meanwhile
      return false;
    }
    steps -= static_cast<std::int64_t>(state_.groups().size()) + 1;
    ready.push_back(waiting);
    return true;
  });
  for (const auto& waiting : ready) decide_late(waiting, now_ms);
}

void Retention::decide_late(const Waiting& waiting, std::int64_t now_ms) {
  auto* topic = state_.find_topic(waiting.partition.topic);
  const auto bounds = store_.bounds(waiting.partition);
  if (topic == nullptr || !bounds) return;
  // The group may have gone back meanwhile: the lower one counts.
  auto consumed = consumed_of(counting_groups(state_, *topic), waiting.partition, bounds->start);
  if (consumed.below && waiting.consumed.below) consumed.below = std::min(*consumed.below, *waiting.consumed.below);
  const auto segments = store_.segments(waiting.partition);
  let_go(*topic, waiting.partition.partition, decide_retention(case_of(*topic, *bounds, segments, consumed, now_ms)));
}

bool Retention::slice(std::int64_t now_ms) {
  std::int64_t steps = kStepsPerSlice;
  while (steps > 0) {
    auto* topic = next_topic();
    if (topic == nullptr) return false;
    const auto settled = topic->ticket;  // each start that is moved changes it
    const auto groups = counting_groups(state_, *topic);
    // With very many groups looking them up is most of the work: some partitions at least for each time.
    steps = std::max(steps - static_cast<std::int64_t>(state_.groups().size()), kStepsPerSlice / 4);
    while (steps > 0 && pass_->partition < topic->partitions) steps -= visit(*topic, groups, settled, now_ms);
  }
  return true;
}

Topic* Retention::next_topic() {
  auto& pass = *pass_;
  if (pass.topic) {
    auto* topic = state_.find_topic(pass.topic->id);
    if (topic != nullptr && pass.partition < topic->partitions) return topic;
    if (topic != nullptr) finish_topic();
    pass.topic.reset();
  }
  const auto next = state_.topics().upper_bound(pass.last_topic);
  if (next == state_.topics().end()) return nullptr;
  auto& topic = *next->second;
  pass.last_topic = topic.name;
  pass.partition = 0;
  pass.groups.clear();
  pass.topic.emplace();
  pass.topic->name = topic.name;
  pass.topic->id = topic.id;
  return &topic;
}

std::int64_t Retention::visit(Topic& topic, std::span<const CountingGroup> groups, storage::Ticket settled,
                              std::int64_t now_ms) {
  const PartitionRef partition{topic.id, storage::PartitionIndex(pass_->partition++)};
  pass_->topic->until_consumed = topic.settings.keep_until_consumed;
  pass_->topic->groups_total = groups.size();
  pass_->topic->required = topic.settings.required_groups;
  const auto bounds = store_.bounds(partition);
  if (!bounds) return 1;
  const auto segments = store_.segments(partition);
  auto consumed = consumed_of(groups, partition, bounds->start);
  if (!topic.settings.keep_until_consumed) consumed.ticket = {};
  consumed.ticket = std::max(consumed.ticket, settled);
  auto seen = case_of(topic, *bounds, segments, consumed, now_ms);
  const auto finding = decide_retention(seen);
  if (finding.roll) store_.roll(partition);
  if (finding.start > bounds->start) {
    if (consumed.ticket <= store_.durable()) {
      let_go(topic, partition.partition, finding);
      seen.bounds.start = finding.start;
    } else if (waiting_.size() < kWaitingMax) {
      waiting_.push_back({partition, consumed});
    }
  }
  note(groups, partition, seen, finding);
  return 1 + static_cast<std::int64_t>(segments.size() / 8 + groups.size());
}

void Retention::let_go(Topic& topic, storage::PartitionIndex partition, const RetentionFinding& finding) {
  if (finding.freed_bytes == 0) return;
  move_start_(topic, partition, finding.start);
  freed_bytes_ += finding.freed_bytes;
}

void Retention::note(std::span<const CountingGroup> groups, const PartitionRef& partition, const RetentionCase& seen,
                     const RetentionFinding& finding) {
  auto& topic = *pass_->topic;
  const SegmentSums sums(seen.segments);
  topic.bytes += sums.between(seen.bounds.start, seen.bounds.end);
  topic.held_bytes += finding.held_bytes;
  topic.held_segments += finding.held_segments;
  for (const auto& group : groups) {
    auto& usage = pass_->groups[std::string(group.name)];
    const auto* commit = commit_of(group, partition);
    const Offset read = commit == nullptr ? seen.bounds.start : std::max(commit->offset, seen.bounds.start);
    usage.required = group.required;
    usage.partitions_unread += commit == nullptr ? 1 : 0;
    usage.unread_bytes += sums.between(read, seen.bounds.end);
    usage.lag += std::max<std::int64_t>(0, seen.bounds.durable_end.value() - read.value());
    if (seen.keep_until_consumed) usage.pinned_bytes += sums.between(read, finding.due);
  }
}

void Retention::finish_topic() {
  auto& topic = *pass_->topic;
  for (auto& [name, usage] : pass_->groups) {
    usage.name = name;
    topic.groups.push_back(std::move(usage));
  }
  const auto worst_first = [](const GroupUsage& a, const GroupUsage& b) {
    const auto a_needs = std::tie(a.pinned_bytes, a.unread_bytes, a.lag);
    const auto b_needs = std::tie(b.pinned_bytes, b.unread_bytes, b.lag);
    return a_needs != b_needs ? a_needs > b_needs : a.name < b.name;
  };
  std::ranges::sort(topic.groups, worst_first);
  if (topic.groups.size() > kGroupsShown) topic.groups.resize(kGroupsShown);
  pass_->report.bytes += topic.bytes;
  pass_->report.topics.push_back(std::move(topic));
}

void Retention::finish_pass() {
  const auto freed = freed_bytes_ - pass_->freed_before;
  if (freed > 0) common::log::info("retention: old segments may go", {{"bytes", freed}});
  pass_->report.passes = ++passes_;
  report_ = std::make_shared<const RetentionReport>(std::move(pass_->report));
  pass_.reset();
}

}  // namespace broker::core
