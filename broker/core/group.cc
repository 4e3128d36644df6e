// Questions about one group.
#include "broker/core/group.h"

#include <algorithm>

namespace broker::core {

const GroupProtocol* Member::find_protocol(std::string_view name) const {
  const auto found = std::ranges::find(protocols, name, &GroupProtocol::name);
  return found == protocols.end() ? nullptr : &*found;
}

std::size_t Member::bytes() const {
  std::size_t sum = id.size() + client_id.size() + (instance ? instance->size() : 0) + assignment.size();
  for (const auto& one : protocols) sum += one.name.size() + one.metadata.size();
  return sum;
}

bool Group::fits(std::string_view type, const std::vector<GroupProtocol>& protocols) const {
  if (type.empty() || protocols.empty()) return false;
  if (members.empty()) return true;
  if (type != protocol_type) return false;
  return std::ranges::any_of(protocols, [this](const GroupProtocol& one) {
    return std::ranges::all_of(members,
                               [&](const auto& entry) { return entry.second.find_protocol(one.name) != nullptr; });
  });
}

std::string Group::elect_protocol() const {
  std::map<std::string_view, int> votes;
  for (const auto& [voter, member] : members) {
    for (const auto& one : member.protocols) {
      const bool common = std::ranges::all_of(
          members, [&](const auto& entry) { return entry.second.find_protocol(one.name) != nullptr; });
      if (!common) continue;
      ++votes[one.name];
      break;
    }
  }
  if (votes.empty()) return {};
  return std::string(std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; })->first);
}

std::chrono::milliseconds Group::longest_rebalance_timeout() const {
  std::chrono::milliseconds longest{0};
  for (const auto& [id, member] : members) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

std::optional<Time> Group::next_deadline() const {
  std::optional<Time> next;
  const auto consider = [&next](Time time) { next = next ? std::min(*next, time) : time; };
  for (const auto& [id, member] : members) {
    if (!member.waits()) consider(member.deadline);
  }
  for (const auto& [id, lapses] : pending) consider(lapses);
  if (phase == GroupPhase::preparing_rebalance) consider(delay_until ? *delay_until : rebalance_until);
  if (phase == GroupPhase::completing_rebalance) consider(sync_until);
  return next;
}

std::size_t Group::waiting_joins() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members, [](const auto& entry) { return entry.second.join != nullptr; }));
}

std::vector<JoinedMember> Group::joined_members() const {
  std::vector<JoinedMember> joined;
  joined.reserve(members.size());
  for (const auto& [id, member] : members) {
    const auto* chosen = member.find_protocol(protocol);
    joined.push_back({.id = id,
                      .instance = member.instance,
                      .metadata = chosen == nullptr ? std::vector<std::byte>{} : chosen->metadata});
  }
  return joined;
}

storage::GroupState Group::record() const {
  storage::GroupState state{.group = name,
                            .generation = generation.value(),
                            .protocol_type = protocol_type,
                            .protocol = protocol,
                            .leader = leader,
                            .static_members = {},
                            .deleted = false};
  for (const auto& [instance, member] : instances) state.static_members.push_back({instance, member});
  return state;
}

}  // namespace broker::core
