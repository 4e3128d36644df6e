// What each group request does. The course of a rebalance stands in groups_rebalance.cc.
#include "broker/core/groups.h"

#include <algorithm>

namespace broker::core {

using protocol::ErrorCode;

namespace {

constexpr std::size_t kIdBytesMax = 512;

// Of what comes with a JoinGroup; ids are bounded by themselves.
std::size_t bytes_of(const JoinRequest& request) {
  std::size_t sum = request.client_id.size() + request.client_host.size();
  for (const auto& one : request.protocols) sum += one.name.size() + one.metadata.size();
  return sum;
}

}  // namespace

Groups::Groups(GroupLimits limits, Surroundings surroundings) : limits_(limits), around_(std::move(surroundings)) {}

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
  if (request.member.size() > kIdBytesMax || (request.instance && request.instance->size() > kIdBytesMax) ||
      request.protocol_type.size() > kIdBytesMax) {
    return ErrorCode::invalid_request;
  }
  if (bytes_of(request) > limits_.member_bytes_max) return ErrorCode::invalid_request;
  return ErrorCode::none;
}

bool Groups::has_place(const Group& group, const JoinRequest& request) const {
  const bool awaited = group.members.contains(request.member) || group.pending.contains(request.member);
  if (!awaited && group.members.size() + group.pending.size() >= limits_.members_max) return false;
  const auto known = group.members.find(request.member);
  const auto before = known == group.members.end() ? 0 : known->second.bytes();
  const auto assigned = known == group.members.end() ? 0 : known->second.data.assignment.size();
  const auto after = bytes_of(request) + assigned + 2 * kIdBytesMax;  // id and instance
  return group.bytes - before + after <= limits_.group_bytes_max && bytes_ - before + after <= limits_.bytes_max;
}

void Groups::join(JoinRequest request, Time now, JoinReply reply) {
  Group* group = nullptr;
  auto error = refuse_join(request);
  if (error == ErrorCode::none) {
    group = find_or_make(request.group);
    if (group == nullptr) error = ErrorCode::group_max_size_reached;
  }
  if (error != ErrorCode::none) {
    refuse(std::move(reply), error, request.member);
    return send_answers();
  }
  if (!group->fits(request.protocol_type, request.protocols)) {
    refuse(std::move(reply), ErrorCode::inconsistent_group_protocol, request.member);
  } else if (!has_place(*group, request)) {
    refuse(std::move(reply), ErrorCode::group_max_size_reached, request.member);
  } else if (request.member.empty()) {
    join_new(*group, request, now, std::move(reply));
  } else if (!request.instance && group->pending.erase(request.member) > 0) {
    auto id = request.member;
    add_member(*group, request, std::move(id), now, std::move(reply));
  } else if (error = check_member(*group, request.member, request.instance); error == ErrorCode::none) {
    join_known(*group, group->members.at(request.member), request, now, std::move(reply));
  } else {
    refuse(std::move(reply), error, request.member);
  }
  finish(*group);
}

void Groups::join_new(Group& group, JoinRequest& request, Time now, JoinReply reply) {
  if (request.instance) {
    if (group.instances.contains(*request.instance)) return replace_static(group, request, now, std::move(reply));
    return add_member(group, request, *request.instance + "-" + around_.random_suffix(), now, std::move(reply));
  }
  auto id = (request.client_id.empty() ? "member" : request.client_id) + "-" + around_.random_suffix();
  if (!request.id_first) return add_member(group, request, std::move(id), now, std::move(reply));
  group.pending[id] = now + request.session_timeout;
  refuse(std::move(reply), ErrorCode::member_id_required, id);
}

void Groups::update_member(Group& group, Member& member, JoinRequest& request, JoinReply reply) {
  subtract_bytes(group, member);
  member.data.client_id = std::move(request.client_id);
  member.data.client_host = std::move(request.client_host);
  member.data.session_timeout_ms = static_cast<std::int32_t>(request.session_timeout.count());
  member.data.rebalance_timeout_ms = static_cast<std::int32_t>(request.rebalance_timeout.count());
  member.data.protocols = std::move(request.protocols);
  add_bytes(group, member);
  // It asks again on another connection: the older question is answered, nobody may wait for ever.
  if (member.join) refuse(std::exchange(member.join, nullptr), ErrorCode::rebalance_in_progress, member.data.id);
  if (member.sync) refuse(std::exchange(member.sync, nullptr), ErrorCode::rebalance_in_progress);
  member.join = std::move(reply);
}

void Groups::add_member(Group& group, JoinRequest& request, std::string id, Time now, JoinReply reply) {
  if (group.members.empty()) group.protocol_type = request.protocol_type;
  if (request.instance) group.instances[*request.instance] = id;
  auto& member = group.members[id];
  member.data.id = std::move(id);
  member.data.instance = request.instance;
  add_bytes(group, member);
  update_member(group, member, request, std::move(reply));
  if (group.phase != GroupPhase::preparing_rebalance) return prepare_rebalance(group, now);
  if (group.delay_until) group.delay_until = std::min<Time>(now + limits_.initial_delay, group.rebalance_until);
  try_complete(group, now);
}

void Groups::join_known(Group& group, Member& member, JoinRequest& request, Time now, JoinReply reply) {
  const bool same = member.data.protocols == request.protocols;
  const bool leads = group.leader == member.data.id;
  const bool answer_as_it_is = (group.phase == GroupPhase::completing_rebalance && same) ||
                               (group.phase == GroupPhase::stable && same && !leads);
  update_member(group, member, request, std::move(reply));
  if (answer_as_it_is) {
    answer_join(group, member);
    member.deadline = now + member.session_timeout();
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
  if (member.sync) refuse(std::exchange(member.sync, nullptr), ErrorCode::fenced_instance_id);
  const bool led = group.leader == old_id;
  const bool may_skip = request.may_skip_assignment;
  if (member.recorded) {
    group.removed.push_back(old_id);
    group.changed.push_back(new_id);
  }
  subtract_bytes(group, member);
  node.key() = new_id;
  member.data.id = new_id;
  add_bytes(group, member);
  update_member(group, member, request, std::move(reply));
  group.members.insert(std::move(node));
  group.instances[*request.instance] = new_id;
  if (led) group.leader = new_id;

  if (group.phase == GroupPhase::preparing_rebalance) return try_complete(group, now);
  if (group.phase != GroupPhase::stable || group.elect_protocol() != group.protocol) {
    return prepare_rebalance(group, now);
  }
  auto& replaced = group.members.at(new_id);
  replaced.deadline = now + replaced.session_timeout();
  JoinAnswer answer;
  answer.generation = group.generation;
  answer.protocol_type = group.protocol_type;
  answer.protocol = group.protocol;
  answer.member = new_id;
  // A returning leader must not assign anew: it is told so (KIP-814), or, where it cannot be told, it is shown its old
  // id.
  answer.skip_assignment = led && may_skip;
  answer.leader = led && !may_skip ? old_id : group.leader;
  if (answer.skip_assignment) answer.members = group.joined_members();
  say(std::exchange(replaced.join, nullptr), std::move(answer));
}

ErrorCode Groups::refuse_sync(const Group& group, const SyncRequest& request) const {
  if (const auto error = check_member(group, request.member, request.instance); error != ErrorCode::none) return error;
  if (request.generation != group.generation) return ErrorCode::illegal_generation;
  if (request.protocol_type.value_or(group.protocol_type) != group.protocol_type ||
      request.protocol.value_or(group.protocol) != group.protocol) {
    return ErrorCode::inconsistent_group_protocol;
  }
  return group.phase == GroupPhase::preparing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

void Groups::sync(SyncRequest request, Time now, SyncReply reply) {
  auto* group = find_mutable(request.group);
  const auto error = group == nullptr ? ErrorCode::unknown_member_id : refuse_sync(*group, request);
  if (error != ErrorCode::none) {
    refuse(std::move(reply), error);
    return send_answers();
  }
  auto& member = group->members.at(request.member);
  member.deadline = now + member.session_timeout();
  member.synced = true;
  if (member.sync) refuse(std::exchange(member.sync, nullptr), ErrorCode::rebalance_in_progress);
  member.sync = std::move(reply);
  if (group->phase == GroupPhase::completing_rebalance && group->leader == request.member) {
    take_assignments(*group, request, now);
  }
  if (group->phase == GroupPhase::stable) answer_syncs(*group, ErrorCode::none, now);
  if (group->all_synced()) group->sync_until.reset();
  finish(*group);
}

void Groups::take_assignments(Group& group, SyncRequest& request, Time now) {
  std::size_t assigned = 0;
  for (const auto& [id, assignment] : request.assignments) assigned += assignment.size();
  if (group.bytes + assigned > limits_.group_bytes_max || bytes_ + assigned > limits_.bytes_max) {
    return answer_syncs(group, ErrorCode::group_max_size_reached, now);
  }
  for (auto& [id, assignment] : request.assignments) {
    const auto found = group.members.find(id);
    if (found == group.members.end()) continue;
    subtract_bytes(group, found->second);
    found->second.data.assignment = std::move(assignment);
    add_bytes(group, found->second);
  }
  group.phase = GroupPhase::stable;
  record_whole(group);
}

ErrorCode Groups::heartbeat(const MemberRef& who, Time now) {
  auto* group = find_mutable(who.group);
  if (group == nullptr) return ErrorCode::unknown_member_id;
  if (const auto error = check_member(*group, who.member, who.instance); error != ErrorCode::none) return error;
  if (who.generation != group->generation) return ErrorCode::illegal_generation;
  auto& member = group->members.at(who.member);
  member.deadline = now + member.session_timeout();
  schedule(*group);
  return group->phase == GroupPhase::preparing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
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
  finish(*group);
  return answers;
}

ErrorCode Groups::may_commit(const MemberRef& who, Time now) {
  const bool of_no_group = who.generation.value() < 0;
  if (who.group.size() > kIdBytesMax) return ErrorCode::invalid_group_id;
  auto* group = of_no_group ? find_or_make(who.group) : find_mutable(who.group);
  if (group == nullptr) return of_no_group ? ErrorCode::group_max_size_reached : ErrorCode::illegal_generation;
  if (of_no_group && group->phase == GroupPhase::empty) return ErrorCode::none;
  if (const auto error = check_member(*group, who.member, who.instance); error != ErrorCode::none) return error;
  if (who.generation != group->generation) return ErrorCode::illegal_generation;
  auto& member = group->members.at(who.member);
  member.deadline = now + member.session_timeout();
  schedule(*group);
  return group->phase == GroupPhase::completing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

void Groups::committed(const std::string& name, Time now) {
  auto* group = find_mutable(name);
  if (group == nullptr) return;
  group->idle_since = now;
  forget_if_unused(*group);
}

void Groups::offsets_deleted(const std::string& name, storage::Ticket ticket) {
  await(ticket);
  if (auto* group = find_mutable(name)) forget_if_unused(*group);
}

ErrorCode Groups::end(const std::string& name) {
  auto* group = find_mutable(name);
  if (group == nullptr) return ErrorCode::group_id_not_found;
  if (group->phase != GroupPhase::empty) return ErrorCode::non_empty_group;
  forget(*group);
  return ErrorCode::none;
}

}  // namespace broker::core
