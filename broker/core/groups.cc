// What each group request does. The course of a rebalance stands in groups_rebalance.cc.
#include "broker/core/groups.h"

#include <algorithm>

namespace broker::core {

using protocol::ErrorCode;

namespace {

constexpr std::size_t kIdBytesMax = 512;

void refuse(const JoinReply& reply, ErrorCode error, const std::string& member) {
  JoinAnswer answer;
  answer.error = error;
  answer.member = member;
  reply(std::move(answer));
}

std::size_t bytes_of(const JoinRequest& request) {
  std::size_t sum = request.client_id.size();
  for (const auto& one : request.protocols) sum += one.name.size() + one.metadata.size();
  return sum;
}

}  // namespace

Groups::Groups(GroupLimits limits, Surroundings surroundings) : limits_(limits), around_(std::move(surroundings)) {}

void Groups::recover(const storage::GroupState& state) {
  auto group = std::make_unique<Group>();
  group->name = state.group;
  group->generation = Generation(state.generation);
  group->protocol_type = state.protocol_type;
  group->protocol = state.protocol;
  group->leader = state.leader;
  for (const auto& one : state.static_members) group->instances[one.instance] = one.member;
  group->recovered = !state.protocol.empty();
  groups_[state.group] = std::move(group);
}

const Group* Groups::find(const std::string& name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : found->second.get();
}

Group* Groups::find_mutable(const std::string& name) {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : found->second.get();
}

Group* Groups::find_or_make(const std::string& name) {
  if (auto* group = find_mutable(name)) return group;
  if (groups_.size() >= limits_.groups_max) return nullptr;
  auto& made = groups_[name];
  made = std::make_unique<Group>();
  made->name = name;
  return made.get();
}

ErrorCode Groups::check_member(const Group& group, const std::string& member,
                               const std::optional<std::string>& instance) const {
  if (instance) {
    const auto known = group.instances.find(*instance);
    if (known == group.instances.end()) return ErrorCode::unknown_member_id;
    if (known->second != member) return ErrorCode::fenced_instance_id;
  }
  return group.members.contains(member) ? ErrorCode::none : ErrorCode::unknown_member_id;
}

ErrorCode Groups::refuse_join(const JoinRequest& request) const {
  if (request.group.empty() || request.group.size() > kIdBytesMax) return ErrorCode::invalid_group_id;
  if (request.session_timeout < limits_.session_timeout_min || request.session_timeout > limits_.session_timeout_max) {
    return ErrorCode::invalid_session_timeout;
  }
  if (request.member.size() > kIdBytesMax || (request.instance && request.instance->size() > kIdBytesMax)) {
    return ErrorCode::invalid_request;
  }
  if (bytes_of(request) > limits_.member_bytes_max) return ErrorCode::invalid_request;
  return ErrorCode::none;
}

void Groups::join(JoinRequest request, Time now, JoinReply reply) {
  if (const auto error = refuse_join(request); error != ErrorCode::none) return refuse(reply, error, request.member);
  auto* group = find_or_make(request.group);
  if (group == nullptr) return refuse(reply, ErrorCode::group_max_size_reached, request.member);
  const bool full = group->members.size() + group->pending.size() >= limits_.members_max ||
                    bytes_ + bytes_of(request) > limits_.bytes_max;
  if (!group->fits(request.protocol_type, request.protocols)) {
    refuse(reply, ErrorCode::inconsistent_group_protocol, request.member);
  } else if (full && !group->members.contains(request.member) && !group->pending.contains(request.member)) {
    refuse(reply, ErrorCode::group_max_size_reached, request.member);
  } else if (request.member.empty()) {
    join_new(*group, request, now, std::move(reply));
  } else if (!request.instance && group->pending.erase(request.member) > 0) {
    auto id = request.member;
    add_member(*group, request, std::move(id), now, std::move(reply));
  } else if (const auto error = check_member(*group, request.member, request.instance); error == ErrorCode::none) {
    join_known(*group, group->members.at(request.member), request, now, std::move(reply));
  } else if (error == ErrorCode::unknown_member_id && group->recovered &&
             (!request.instance || group->instances.contains(*request.instance))) {
    auto id = request.member;  // a member of before the restart comes back
    add_member(*group, request, std::move(id), now, std::move(reply));
  } else {
    refuse(reply, error, request.member);
  }
  schedule(*group);
  forget_if_unused(*group);
}

void Groups::join_new(Group& group, JoinRequest& request, Time now, JoinReply reply) {
  if (request.instance) {
    const auto known = group.instances.find(*request.instance);
    if (known != group.instances.end() && group.members.contains(known->second)) {
      return replace_static(group, request, now, std::move(reply));
    }
    return add_member(group, request, *request.instance + "-" + around_.random_suffix(), now, std::move(reply));
  }
  auto id = (request.client_id.empty() ? "member" : request.client_id) + "-" + around_.random_suffix();
  if (!request.id_first) return add_member(group, request, std::move(id), now, std::move(reply));
  group.pending[id] = now + request.session_timeout;
  refuse(reply, ErrorCode::member_id_required, id);
}

void Groups::update_member(Member& member, JoinRequest& request, JoinReply reply) {
  bytes_ -= member.bytes();
  member.client_id = std::move(request.client_id);
  member.client_host = std::move(request.client_host);
  member.session_timeout = request.session_timeout;
  member.rebalance_timeout = request.rebalance_timeout;
  member.protocols = std::move(request.protocols);
  bytes_ += member.bytes();
  // It asks again on another connection: the older question is answered, nobody may wait for ever.
  if (member.join) refuse(std::exchange(member.join, nullptr), ErrorCode::rebalance_in_progress, member.id);
  if (member.sync) {
    SyncAnswer answer;
    answer.error = ErrorCode::rebalance_in_progress;
    std::exchange(member.sync, nullptr)(std::move(answer));
  }
  member.join = std::move(reply);
}

void Groups::add_member(Group& group, JoinRequest& request, std::string id, Time now, JoinReply reply) {
  if (group.members.empty()) group.protocol_type = request.protocol_type;
  if (request.instance) group.instances[*request.instance] = id;
  auto& member = group.members[id];
  member.id = std::move(id);
  member.instance = request.instance;
  bytes_ += member.bytes();
  update_member(member, request, std::move(reply));
  if (group.phase != GroupPhase::preparing_rebalance) return prepare_rebalance(group, now);
  if (group.delay_until) {
    const auto delay = group.recovered ? limits_.recovery_delay : limits_.initial_delay;
    group.rebalance_until = std::max(group.rebalance_until, now + member.rebalance_timeout);
    if (!group.recovered) group.delay_until = std::min<Time>(now + delay, group.rebalance_until);
  }
  try_complete(group, now);
}

void Groups::join_known(Group& group, Member& member, JoinRequest& request, Time now, JoinReply reply) {
  const bool same = member.protocols == request.protocols;
  const bool leads = group.leader == member.id;
  const bool answer_as_it_is = (group.phase == GroupPhase::completing_rebalance && same) ||
                               (group.phase == GroupPhase::stable && same && !leads);
  update_member(member, request, std::move(reply));
  if (answer_as_it_is) {
    answer_join(group, member);
    member.deadline = now + member.session_timeout;
  } else if (group.phase == GroupPhase::preparing_rebalance) {
    try_complete(group, now);
  } else {
    prepare_rebalance(group, now);
  }
}

// A static member came back without its id (KIP-345): it takes the place of its old self, which is fenced.
void Groups::replace_static(Group& group, JoinRequest& request, Time now, JoinReply reply) {
  const auto old_id = group.instances.at(*request.instance);
  const auto new_id = *request.instance + "-" + around_.random_suffix();
  auto node = group.members.extract(old_id);
  auto& member = node.mapped();
  if (member.join) refuse(std::exchange(member.join, nullptr), ErrorCode::fenced_instance_id, old_id);
  if (member.sync) {
    SyncAnswer fenced;
    fenced.error = ErrorCode::fenced_instance_id;
    std::exchange(member.sync, nullptr)(std::move(fenced));
  }
  const bool led = group.leader == old_id;
  const bool may_skip = request.may_skip_assignment;
  bytes_ -= member.bytes();
  node.key() = new_id;
  member.id = new_id;
  bytes_ += member.bytes();
  update_member(member, request, std::move(reply));
  group.members.insert(std::move(node));
  group.instances[*request.instance] = new_id;
  if (led) group.leader = new_id;

  if (group.phase == GroupPhase::preparing_rebalance) return try_complete(group, now);
  if (group.phase != GroupPhase::stable || group.elect_protocol() != group.protocol) {
    return prepare_rebalance(group, now);
  }
  group.ticket = around_.journal(group.record());
  auto& replaced = group.members.at(new_id);
  replaced.deadline = now + replaced.session_timeout;
  JoinAnswer answer;
  answer.generation = group.generation;
  answer.protocol_type = group.protocol_type;
  answer.protocol = group.protocol;
  answer.member = new_id;
  answer.ticket = group.ticket;
  // A returning leader must not assign anew: it is told so, or, where it cannot be told, it is shown its old id.
  answer.skip_assignment = led && may_skip;
  answer.leader = led && !may_skip ? old_id : group.leader;
  if (answer.skip_assignment) answer.members = group.joined_members();
  std::exchange(replaced.join, nullptr)(std::move(answer));
}

void Groups::sync(SyncRequest request, Time now, SyncReply reply) {
  const auto refuse_sync = [&reply](ErrorCode error) {
    SyncAnswer answer;
    answer.error = error;
    reply(std::move(answer));
  };
  auto* group = find_mutable(request.group);
  if (group == nullptr) return refuse_sync(ErrorCode::unknown_member_id);
  if (const auto error = check_member(*group, request.member, request.instance); error != ErrorCode::none) {
    return refuse_sync(error);
  }
  if (request.generation != group->generation) return refuse_sync(ErrorCode::illegal_generation);
  if (request.protocol_type.value_or(group->protocol_type) != group->protocol_type ||
      request.protocol.value_or(group->protocol) != group->protocol) {
    return refuse_sync(ErrorCode::inconsistent_group_protocol);
  }
  switch (group->phase) {
    case GroupPhase::empty:
      return refuse_sync(ErrorCode::unknown_member_id);
    case GroupPhase::preparing_rebalance:
      return refuse_sync(ErrorCode::rebalance_in_progress);
    case GroupPhase::completing_rebalance:
    case GroupPhase::stable:
      break;
  }
  sync_stable_or_completing(*group, group->members.at(request.member), request, now, std::move(reply));
  schedule(*group);
}

void Groups::sync_stable_or_completing(Group& group, Member& member, SyncRequest& request, Time now, SyncReply reply) {
  member.deadline = now + member.session_timeout;
  member.synced = true;
  if (member.sync) {
    SyncAnswer superseded;
    superseded.error = ErrorCode::rebalance_in_progress;
    std::exchange(member.sync, nullptr)(std::move(superseded));
  }
  member.sync = std::move(reply);
  if (group.phase == GroupPhase::completing_rebalance) {
    if (group.leader != member.id) return;
    std::size_t assigned = 0;
    for (const auto& [id, assignment] : request.assignments) assigned += assignment.size();
    if (bytes_ + assigned > limits_.bytes_max) {
      return answer_syncs(group, ErrorCode::group_max_size_reached, now);
    }
    for (auto& [id, assignment] : request.assignments) {
      const auto found = group.members.find(id);
      if (found == group.members.end()) continue;
      bytes_ -= found->second.bytes();
      found->second.assignment = std::move(assignment);
      bytes_ += found->second.bytes();
    }
    group.phase = GroupPhase::stable;
  }
  answer_syncs(group, ErrorCode::none, now);
}

ErrorCode Groups::heartbeat(const MemberRef& who, Time now) {
  auto* group = find_mutable(who.group);
  if (group == nullptr) return ErrorCode::unknown_member_id;
  const auto error = check_member(*group, who.member, who.instance);
  if (error == ErrorCode::unknown_member_id && group->recovered) {
    // Of before the restart: come back, under the old id.
    return who.generation == group->generation ? ErrorCode::rebalance_in_progress : ErrorCode::unknown_member_id;
  }
  if (error != ErrorCode::none) return error;
  if (who.generation != group->generation) return ErrorCode::illegal_generation;
  auto& member = group->members.at(who.member);
  member.deadline = now + member.session_timeout;
  schedule(*group);
  switch (group->phase) {
    case GroupPhase::empty:
      return ErrorCode::unknown_member_id;
    case GroupPhase::preparing_rebalance:
      return ErrorCode::rebalance_in_progress;
    case GroupPhase::completing_rebalance:
    case GroupPhase::stable:
      break;
  }
  return ErrorCode::none;
}

std::vector<ErrorCode> Groups::leave(const std::string& name, const std::vector<Leaving>& leaving, Time now) {
  std::vector<ErrorCode> answers(leaving.size(), ErrorCode::unknown_member_id);
  auto* group = find_mutable(name);
  if (group == nullptr) return answers;
  bool removed = false;
  for (std::size_t i = 0; i < leaving.size(); ++i) {
    auto id = leaving[i].member;
    if (leaving[i].instance && id.empty()) {  // an operator removes a static member by its instance
      if (const auto known = group->instances.find(*leaving[i].instance); known != group->instances.end()) {
        id = known->second;
      }
    }
    if (!leaving[i].instance && group->pending.erase(id) > 0) {
      answers[i] = ErrorCode::none;
      removed = true;
      continue;
    }
    answers[i] = check_member(*group, id, leaving[i].instance);
    if (answers[i] != ErrorCode::none) continue;
    remove_member(*group, id);
    removed = true;
  }
  if (removed) after_removal(*group, now);
  schedule(*group);
  forget_if_unused(*group);
  return answers;
}

ErrorCode Groups::may_commit(const MemberRef& who, Time now) {
  if (who.group.empty()) return ErrorCode::invalid_group_id;
  auto* group = find_mutable(who.group);
  if (group == nullptr) return who.generation.value() < 0 ? ErrorCode::none : ErrorCode::illegal_generation;
  if (who.generation.value() < 0 && group->members.empty()) return ErrorCode::none;
  const auto error = check_member(*group, who.member, who.instance);
  if (error == ErrorCode::unknown_member_id && group->recovered) {
    return who.generation == group->generation ? ErrorCode::none : ErrorCode::illegal_generation;
  }
  if (error != ErrorCode::none) return error;
  if (who.generation != group->generation) return ErrorCode::illegal_generation;
  auto& member = group->members.at(who.member);
  member.deadline = now + member.session_timeout;
  schedule(*group);
  return group->phase == GroupPhase::completing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

}  // namespace broker::core
