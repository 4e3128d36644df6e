// The course of a rebalance: who is waited for and how long, who is out, what the others are told.
#include <algorithm>
#include <utility>

#include "broker/core/groups.h"

namespace broker::core {

using protocol::ErrorCode;

void Groups::prepare_rebalance(Group& group, Time now) {
  if (group.phase == GroupPhase::completing_rebalance) answer_syncs(group, ErrorCode::rebalance_in_progress, now);
  group.rebalance_until = now + group.longest_rebalance_timeout();
  group.delay_until.reset();
  if (group.phase == GroupPhase::empty) {
    const auto delay = group.recovered ? limits_.recovery_delay : limits_.initial_delay;
    group.delay_until = std::min<Time>(now + delay, group.rebalance_until);
  }
  group.phase = GroupPhase::preparing_rebalance;
  try_complete(group, now);
}

void Groups::try_complete(Group& group, Time now) {
  if (group.phase != GroupPhase::preparing_rebalance) return;
  if (group.delay_until && now < *group.delay_until) return;
  group.delay_until.reset();
  const bool all_here = group.waiting_joins() == group.members.size() && group.pending.empty();
  if (all_here || now >= group.rebalance_until) complete_join(group, now);
}

void Groups::complete_join(Group& group, Time now) {
  // Who did not come is out; a static member keeps its place until its session ends.
  std::vector<std::string> missing;
  for (const auto& [id, member] : group.members) {
    if (!member.join && !member.instance) missing.push_back(id);
  }
  for (const auto& id : missing) remove_member(group, id);
  if (group.members.empty()) return become_empty(group);
  if (group.waiting_joins() == 0) {  // static members only, all away: their sessions decide
    group.rebalance_until = now + std::max(group.longest_rebalance_timeout(), std::chrono::milliseconds(1'000));
    return;
  }
  const auto leader = group.members.find(group.leader);
  if (leader == group.members.end() || !leader->second.join) {
    group.leader =
        std::ranges::find_if(group.members, [](const auto& entry) { return entry.second.join != nullptr; })->first;
  }
  group.generation = Generation(group.generation.value() + 1);
  group.protocol = group.elect_protocol();
  group.phase = GroupPhase::completing_rebalance;
  group.sync_until = now + group.longest_rebalance_timeout();
  group.recovered = false;
  std::erase_if(group.instances, [&](const auto& entry) { return !group.members.contains(entry.second); });
  group.ticket = around_.journal(group.record());
  for (auto& [id, member] : group.members) {
    bytes_ -= member.assignment.size();
    member.assignment.clear();
    member.synced = false;
    if (!member.join) continue;
    member.deadline = now + member.session_timeout;
    answer_join(group, member);
  }
}

void Groups::become_empty(Group& group) {
  group.phase = GroupPhase::empty;
  group.generation = Generation(group.generation.value() + 1);
  group.protocol.clear();
  group.leader.clear();
  group.instances.clear();
  group.recovered = false;
  group.ticket = around_.journal(group.record());
}

void Groups::answer_join(Group& group, Member& member) {
  JoinAnswer answer;
  answer.generation = group.generation;
  answer.protocol_type = group.protocol_type;
  answer.protocol = group.protocol;
  answer.leader = group.leader;
  answer.member = member.id;
  answer.ticket = group.ticket;
  if (group.leader == member.id) answer.members = group.joined_members();
  std::exchange(member.join, nullptr)(std::move(answer));
}

void Groups::answer_syncs(Group& group, ErrorCode error, Time now) {
  for (auto& [id, member] : group.members) {
    if (!member.sync) continue;
    SyncAnswer answer;
    answer.error = error;
    answer.protocol_type = group.protocol_type;
    answer.protocol = group.protocol;
    answer.ticket = group.ticket;
    if (error == ErrorCode::none) answer.assignment = member.assignment;
    member.deadline = now + member.session_timeout;
    std::exchange(member.sync, nullptr)(std::move(answer));
  }
}

void Groups::remove_member(Group& group, const std::string& id) {
  auto node = group.members.extract(id);
  auto& member = node.mapped();
  bytes_ -= member.bytes();
  if (member.instance) group.instances.erase(*member.instance);
  if (group.leader == member.id) group.leader.clear();
  if (member.join) {
    JoinAnswer answer;
    answer.error = ErrorCode::unknown_member_id;
    answer.member = member.id;
    member.join(std::move(answer));
  }
  if (member.sync) {
    SyncAnswer answer;
    answer.error = ErrorCode::unknown_member_id;
    member.sync(std::move(answer));
  }
}

void Groups::after_removal(Group& group, Time now) {
  switch (group.phase) {
    case GroupPhase::empty:
      return;
    case GroupPhase::preparing_rebalance:
      return try_complete(group, now);
    case GroupPhase::completing_rebalance:
    case GroupPhase::stable:
      return prepare_rebalance(group, now);
  }
}

void Groups::expire(Group& group, Time now) {
  std::erase_if(group.pending, [&](const auto& entry) { return entry.second <= now; });
  const bool sync_over = group.phase == GroupPhase::completing_rebalance && group.sync_until <= now;
  std::vector<std::string> gone;
  for (const auto& [id, member] : group.members) {
    const bool silent = !member.waits() && member.deadline <= now;
    if (silent || (sync_over && !member.synced)) gone.push_back(id);
  }
  for (const auto& id : gone) remove_member(group, id);
  if (gone.empty()) {
    try_complete(group, now);
  } else {
    after_removal(group, now);
  }
}

std::optional<Time> Groups::next_deadline() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

void Groups::advance(Time now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    auto* group = due_.begin()->second;
    due_.erase(due_.begin());
    group->scheduled.reset();
    expire(*group, now);
    schedule(*group);
    forget_if_unused(*group);
  }
}

// Deadlines mostly move later (heartbeats): an entry that is too early stays, and the group is looked at once in vain.
void Groups::schedule(Group& group) {
  const auto next = group.next_deadline();
  if (!next || (group.scheduled && *group.scheduled <= *next)) return;
  if (group.scheduled) due_.erase({*group.scheduled, &group});
  group.scheduled = next;
  due_.emplace(*next, &group);
}

void Groups::forget_if_unused(Group& group) {
  if (group.phase != GroupPhase::empty || !group.members.empty() || !group.pending.empty()) return;
  if (group.recovered || around_.has_offsets(group.name)) return;
  if (group.generation.value() > 0) {
    auto record = group.record();
    record.deleted = true;
    around_.journal(std::move(record));
  }
  if (group.scheduled) due_.erase({*group.scheduled, &group});
  groups_.erase(group.name);
}

}  // namespace broker::core
