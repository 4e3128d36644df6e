// One consumer group: its members, their protocols, its state. Data and questions; what happens when stands in
// groups.cc. Source: the classic group protocol (KIP-62, KIP-345, KIP-394).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/protocol/error_code.h"
#include "broker/storage/store.h"

namespace broker::core {

using Time = std::chrono::nanoseconds;  // of Clock::steady()
using Generation = common::Strong<struct GenerationTag, std::int32_t>;
using storage::GroupPhase;
using storage::GroupProtocol;

struct JoinedMember {
  std::string id;
  std::optional<std::string> instance;
  std::vector<std::byte> metadata;
};
struct JoinAnswer {
  protocol::ErrorCode error = protocol::ErrorCode::none;
  Generation generation{-1};
  std::string protocol_type;
  std::string protocol;
  std::string leader;
  std::string member;
  bool skip_assignment = false;
  std::vector<JoinedMember> members;  // for the leader only
  storage::Ticket ticket;             // leaves when this frame is durable
};
struct SyncAnswer {
  protocol::ErrorCode error = protocol::ErrorCode::none;
  std::string protocol_type;
  std::string protocol;
  std::vector<std::byte> assignment;
  storage::Ticket ticket;
};
// Called exactly once, on the core thread; must not call back into Groups.
using JoinReply = std::function<void(JoinAnswer)>;
using SyncReply = std::function<void(SyncAnswer)>;

struct Member {
  storage::GroupMember data;  // what the journal keeps of it
  JoinReply join;             // set while a JoinGroup waits
  SyncReply sync;             // set while a SyncGroup waits
  Time deadline{};            // expires then, unless it waits for one of the two
  bool synced = false;        // in this generation
  bool recorded = false;      // the journal knows this id

  [[nodiscard]] bool waits() const { return join != nullptr || sync != nullptr; }
  [[nodiscard]] std::chrono::milliseconds session_timeout() const {
    return std::chrono::milliseconds(data.session_timeout_ms);
  }
  [[nodiscard]] const GroupProtocol* find_protocol(std::string_view name) const;
  // What it takes in the journal, and about what it takes in memory.
  [[nodiscard]] std::size_t bytes() const;
};

struct Group {
  std::string name;
  GroupPhase phase = GroupPhase::empty;
  Generation generation{0};
  std::string protocol_type;
  std::string protocol;
  std::string leader;  // a member id, or empty
  std::map<std::string, Member> members;
  std::map<std::string, std::string> instances;  // static instance → member id
  std::map<std::string, Time> pending;           // ids given out by MEMBER_ID_REQUIRED → when they lapse
  Time rebalance_until{};                        // while preparing: who has not rejoined then is out
  std::optional<Time> delay_until;               // while preparing the first generation: wait for others
  std::optional<Time> sync_until;                // of this generation: who has not synced then is out
  Time idle_since{};                             // the last time a member was here or an offset was committed
  std::size_t bytes = 0;                         // of its members
  std::optional<Time> scheduled;                 // when Groups looks at it again

  // What the journal does not know yet (groups_record.cc).
  GroupPhase recorded_phase = GroupPhase::empty;
  std::vector<std::string> removed;  // ids that it has and that are gone
  std::vector<std::string> changed;  // ids that are new or other than it has them, in a generation that goes on

  // A protocol type, and at least one protocol, in common with all members.
  [[nodiscard]] bool fits(std::string_view type, const std::vector<GroupProtocol>& protocols) const;
  // Among what all members know, the one that most prefer.
  [[nodiscard]] std::string elect_protocol() const;
  [[nodiscard]] std::chrono::milliseconds longest_rebalance_timeout() const;
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] std::size_t waiting_joins() const;
  [[nodiscard]] bool all_synced() const;
  [[nodiscard]] std::vector<JoinedMember> joined_members() const;
  // Nobody is in it or about to be.
  [[nodiscard]] bool deserted() const { return phase == GroupPhase::empty && members.empty() && pending.empty(); }
  // Is a member subscribed to this topic, or can that not be told?
  [[nodiscard]] bool may_read(std::string_view topic) const;
};

// As DescribeGroups and ListGroups call it.
[[nodiscard]] std::string_view name(GroupPhase phase);

}  // namespace broker::core
