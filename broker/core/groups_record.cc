// What of a group is in the journal, and how it comes back. Everything that a member is told goes through here, last:
// first the record, then the answers with its ticket.
#include <utility>

#include "broker/core/groups.h"

namespace broker::core {

using protocol::ErrorCode;

namespace {

// Without members.
storage::GroupGeneration head_of(const Group& group) {
  return {.group = group.name,
          .generation = group.generation.value(),
          .phase = group.phase,
          .protocol_type = group.protocol_type,
          .protocol = group.protocol,
          .leader = group.leader,
          .whole = false,
          .removed = {},
          .members = {}};
}

}  // namespace

// A group that was in the middle of a rebalance goes on there: who prepared is told to rejoin at its next heartbeat;
// who had joined and joins again is told the same generation again, so that its leader can assign.
void Groups::recover(const storage::GroupGeneration& state, Time now) {
  auto made = std::make_unique<Group>();
  auto& group = *made;
  group.name = state.group;
  group.phase = group.recorded_phase = state.phase;
  group.generation = Generation(state.generation);
  group.protocol_type = state.protocol_type;
  group.protocol = state.protocol;
  group.leader = state.leader;
  group.idle_since = now;
  for (const auto& data : state.members) {
    auto& member = group.members[data.id];
    member.data = data;
    member.deadline = now + member.session_timeout();
    member.synced = state.phase == GroupPhase::stable;
    member.recorded = true;
    if (data.instance) group.instances[*data.instance] = data.id;
    add_bytes(group, member);
  }
  if (group.phase == GroupPhase::preparing_rebalance) group.rebalance_until = now + group.longest_rebalance_timeout();
  if (group.phase == GroupPhase::completing_rebalance) group.sync_until = now + group.longest_rebalance_timeout();
  groups_[state.group] = std::move(made);
  schedule(group);
}

void Groups::add_bytes(Group& group, const Member& member) {
  group.bytes += member.bytes();
  bytes_ += member.bytes();
}

void Groups::subtract_bytes(Group& group, const Member& member) {
  group.bytes -= member.bytes();
  bytes_ -= member.bytes();
}

void Groups::record_whole(Group& group) {
  auto record = head_of(group);
  record.whole = true;
  record.members.reserve(group.members.size());
  for (auto& [id, member] : group.members) {
    record.members.push_back(member.data);
    member.recorded = true;
  }
  group.recorded_phase = group.phase;
  group.removed.clear();
  group.changed.clear();
  ticket_ = around_.journal(std::move(record));
}

// In a generation that goes on, or ends: who is gone, whose place was taken, that a rebalance has begun. Of a group
// that the journal knows no member of, there is nothing to say.
void Groups::record_changes(Group& group) {
  if (group.recorded_phase == GroupPhase::empty) return;
  if (group.removed.empty() && group.changed.empty() && group.phase == group.recorded_phase) return;
  auto record = head_of(group);
  record.removed = std::exchange(group.removed, {});
  for (const auto& id : std::exchange(group.changed, {})) {
    if (const auto found = group.members.find(id); found != group.members.end()) {
      record.members.push_back(found->second.data);
    }
  }
  group.recorded_phase = group.phase;
  ticket_ = around_.journal(std::move(record));
}

void Groups::forget_if_unused(Group& group) {
  if (group.deserted() && around_.offsets(group.name).value_or(0) == 0) forget(group);
}

void Groups::forget(Group& group) {
  if (around_.offsets(group.name)) {
    auto record = head_of(group);
    record.phase = GroupPhase::dead;
    ticket_ = around_.journal(std::move(record));
  }
  if (group.scheduled) due_.erase({*group.scheduled, &group});
  groups_.erase(group.name);
}

void Groups::say(JoinReply reply, JoinAnswer answer) { joins_said_.emplace_back(std::move(reply), std::move(answer)); }
void Groups::say(SyncReply reply, SyncAnswer answer) { syncs_said_.emplace_back(std::move(reply), std::move(answer)); }

void Groups::refuse(JoinReply reply, ErrorCode error, const std::string& member) {
  JoinAnswer answer;
  answer.error = error;
  answer.member = member;
  say(std::move(reply), std::move(answer));
}

void Groups::refuse(SyncReply reply, ErrorCode error) {
  SyncAnswer answer;
  answer.error = error;
  say(std::move(reply), std::move(answer));
}

void Groups::finish(Group& group) {
  record_changes(group);
  schedule(group);
  forget_if_unused(group);
  send_answers();
}

void Groups::send_answers() {
  for (auto& [reply, answer] : std::exchange(joins_said_, {})) {
    answer.ticket = ticket_;
    reply(std::move(answer));
  }
  for (auto& [reply, answer] : std::exchange(syncs_said_, {})) {
    answer.ticket = ticket_;
    reply(std::move(answer));
  }
}

}  // namespace broker::core
