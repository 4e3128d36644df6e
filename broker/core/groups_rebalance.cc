// The course of a rebalance: who is waited for and how long, who is out, what the others are told.
#include <algorithm>
#include <utility>

#include "broker/core/groups.h"
#include "common/log.h"

namespace broker::core {

using protocol::ErrorCode;

void Groups::prepare_rebalance(Group& group, Time now) {
  if (group.phase == GroupPhase::completing_rebalance) answer_syncs(group, ErrorCode::rebalance_in_progress, now);
  group.rebalance_until = now + group.longest_rebalance_timeout();
  group.delay_until.reset();
  group.sync_until.reset();
  if (group.phase == GroupPhase::empty) {
    group.delay_until = std::min<Time>(now + limits_.initial_delay, group.rebalance_until);
  }
  group.phase = GroupPhase::preparing_rebalance;
  try_complete(group, now);
}

void Groups::try_complete(Group& group, Time now) {
  if (group.phase != GroupPhase::preparing_rebalance) return;
  if (group.delay_until) {
    if (now >= *group.delay_until) complete_join(group, now);
    return;
  }
  const bool all_here = group.waiting_joins() == group.members.size() && group.pending.empty();
  if (all_here || now >= group.rebalance_until) complete_join(group, now);
}

void Groups::complete_join(Group& group, Time now) {
  group.delay_until.reset();
  // Who did not come is out; a static member keeps its place until its session ends.
  std::vector<std::string> missing;
  for (const auto& [id, member] : group.members) {
    if (!member.join && !member.data.instance) missing.push_back(id);
  }
  for (const auto& id : missing) remove_member(group, id);
  if (group.members.empty()) return become_empty(group, now);
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
  for (auto& [id, member] : group.members) {
    subtract_bytes(group, member);
    member.data.assignment.clear();
    add_bytes(group, member);
    member.synced = member.join == nullptr;  // who is away owes no SyncGroup
    if (!member.join) continue;
    member.deadline = now + member.session_timeout();
    answer_join(group, member);
  }
  record_whole(group);
  common::log::info("group rebalanced", {{"group", group.name},
                                         {"generation", group.generation.value()},
                                         {"members", group.members.size()},
                                         {"protocol", group.protocol}});
}

void Groups::become_empty(Group& group, Time now) {
  group.phase = GroupPhase::empty;
  group.protocol.clear();
  group.leader.clear();
  group.sync_until.reset();
  group.idle_since = now;
  if (group.recorded_phase == GroupPhase::empty) return;  // nobody was ever told of a generation
  group.generation = Generation(group.generation.value() + 1);
  record_whole(group);
  common::log::info("group is empty", {{"group", group.name}, {"generation", group.generation.value()}});
}

void Groups::answer_join(Group& group, Member& member) {
  JoinAnswer answer;
  answer.generation = group.generation;
  answer.protocol_type = group.protocol_type;
  answer.protocol = group.protocol;
  answer.leader = group.leader;
  answer.member = member.data.id;
  if (group.leader == member.data.id) answer.members = group.joined_members();
  say(std::exchange(member.join, nullptr), std::move(answer));
}

void Groups::answer_syncs(Group& group, ErrorCode error, Time now) {
  for (auto& [id, member] : group.members) {
    if (!member.sync) continue;
    SyncAnswer answer;
    answer.error = error;
    answer.protocol_type = group.protocol_type;
    answer.protocol = group.protocol;
    if (error == ErrorCode::none) answer.assignment = member.data.assignment;
    member.deadline = now + member.session_timeout();
    say(std::exchange(member.sync, nullptr), std::move(answer));
  }
}

void Groups::remove_member(Group& group, const std::string& id) {
  auto node = group.members.extract(id);
  auto& member = node.mapped();
  subtract_bytes(group, member);
  if (member.recorded) group.removed.push_back(node.key());
  if (member.data.instance) group.instances.erase(*member.data.instance);
  if (group.leader == member.data.id) group.leader.clear();
  if (member.join) refuse(std::move(member.join), ErrorCode::unknown_member_id, member.data.id);
  if (member.sync) refuse(std::move(member.sync), ErrorCode::unknown_member_id);
}

void Groups::after_removal(Group& group, Time now) {
  switch (group.phase) {
    case GroupPhase::empty:
    case GroupPhase::dead:
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
  const bool sync_over = group.sync_until && *group.sync_until <= now;
  if (sync_over) group.sync_until.reset();
  std::vector<std::string> gone;
  for (const auto& [id, member] : group.members) {
    const bool silent = !member.waits() && member.deadline <= now;
    if (!silent && (!sync_over || member.synced)) continue;
    gone.push_back(id);
    common::log::info("group member is out", {{"group", group.name},
                                              {"member", id},
                                              {"host", member.data.client_host},
                                              {"why", silent ? "its session timed out" : "it never synchronised"}});
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
    finish(*group);
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

}  // namespace broker::core
