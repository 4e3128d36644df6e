// Questions about one group.
#include "broker/core/group.h"

#include <algorithm>

#include "broker/protocol/consumer_subscription.h"
#include "broker/storage/group_codec.h"

namespace broker::core {

const GroupProtocol* Member::find_protocol(std::string_view name) const {
  const auto found = std::ranges::find(data.protocols, name, &GroupProtocol::name);
  return found == data.protocols.end() ? nullptr : &*found;
}

std::size_t Member::bytes() const { return storage::encoded_bytes(data); }

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
    for (const auto& one : member.data.protocols) {
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
  std::int32_t longest_ms = 0;
  for (const auto& [id, member] : members) longest_ms = std::max(longest_ms, member.data.rebalance_timeout_ms);
  return std::chrono::milliseconds(longest_ms);
}

std::optional<Time> Group::next_deadline() const {
  std::optional<Time> next;
  const auto consider = [&next](Time time) { next = next ? std::min(*next, time) : time; };
  for (const auto& [id, member] : members) {
    if (!member.waits()) consider(member.deadline);
  }
  for (const auto& [id, lapses] : pending) consider(lapses);
  if (phase == GroupPhase::preparing_rebalance) consider(delay_until ? *delay_until : rebalance_until);
  if (sync_until) consider(*sync_until);
  return next;
}

std::size_t Group::waiting_joins() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members, [](const auto& entry) { return entry.second.join != nullptr; }));
}

bool Group::all_synced() const {
  return std::ranges::all_of(members, [](const auto& entry) { return entry.second.synced; });
}

std::vector<JoinedMember> Group::joined_members() const {
  std::vector<JoinedMember> joined;
  joined.reserve(members.size());
  for (const auto& [id, member] : members) {
    const auto* chosen = member.find_protocol(protocol);
    joined.push_back({.id = id,
                      .instance = member.data.instance,
                      .metadata = chosen == nullptr ? std::vector<std::byte>{} : chosen->metadata});
  }
  return joined;
}

bool Group::may_read(std::string_view topic) const {
  return std::ranges::any_of(members, [&](const auto& entry) {
    const auto* chosen = entry.second.find_protocol(protocol);
    return chosen == nullptr || protocol::names_topic(chosen->metadata, topic).value_or(true);
  });
}

std::string_view name(GroupPhase phase) {
  switch (phase) {
    case GroupPhase::empty:
      return "Empty";
    case GroupPhase::preparing_rebalance:
      return "PreparingRebalance";
    case GroupPhase::completing_rebalance:
      return "CompletingRebalance";
    case GroupPhase::stable:
      return "Stable";
    case GroupPhase::dead:
      break;
  }
  return "Dead";
}

}  // namespace broker::core
