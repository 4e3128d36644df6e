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
#include <vector>

#include "broker/protocol/error_code.h"
#include "broker/storage/store.h"

namespace broker::core {

using Time = std::chrono::nanoseconds;  // of Clock::steady()
using Generation = common::Strong<struct GenerationTag, std::int32_t>;

struct GroupProtocol {
  std::string name;
  std::vector<std::byte> metadata;
  bool operator==(const GroupProtocol&) const = default;
};

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

enum class GroupPhase { empty, preparing_rebalance, completing_rebalance, stable };

struct Member {
  std::string id;
  std::optional<std::string> instance;
  std::string client_id;
  std::string client_host;
  std::chrono::milliseconds session_timeout{};
  std::chrono::milliseconds rebalance_timeout{};
  std::vector<GroupProtocol> protocols;
  std::vector<std::byte> assignment;
  JoinReply join;       // set while a JoinGroup waits
  SyncReply sync;       // set while a SyncGroup waits
  Time deadline{};      // expires then, unless it waits for one of the two
  bool synced = false;  // in this generation

  [[nodiscard]] bool waits() const { return join != nullptr || sync != nullptr; }
  [[nodiscard]] const GroupProtocol* find_protocol(std::string_view name) const;
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
  Time sync_until{};                             // while completing: who has not synced then is out
  bool recovered = false;                        // known from the journal alone, nobody has rejoined yet
  storage::Ticket ticket;                        // of the generation's record
  std::optional<Time> scheduled;                 // when Groups looks at it again

  // A protocol type, and at least one protocol, in common with all members.
  [[nodiscard]] bool fits(std::string_view type, const std::vector<GroupProtocol>& protocols) const;
  // Among what all members know, the one that most prefer.
  [[nodiscard]] std::string elect_protocol() const;
  [[nodiscard]] std::chrono::milliseconds longest_rebalance_timeout() const;
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] std::size_t waiting_joins() const;
  [[nodiscard]] std::vector<JoinedMember> joined_members() const;
  [[nodiscard]] storage::GroupState record() const;
};

}  // namespace broker::core
