// What members ask of the coordinator, and how much of it is granted.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/group.h"

namespace broker::core {

struct GroupLimits {
  std::chrono::milliseconds session_timeout_min{1'000};
  std::chrono::milliseconds session_timeout_max{1'800'000};
  std::chrono::milliseconds initial_delay{500};  // an empty group waits so long for more members
  std::size_t groups_max = 10'000;
  std::size_t members_max = 1'000;           // of one group
  std::size_t member_bytes_max = 256 << 10;  // what a member sends of itself
  std::size_t group_bytes_max = 4 << 20;     // of all members of one group: they share a journal record
  std::size_t bytes_max = 16 << 20;          // of all members of all groups
};

struct JoinRequest {
  std::string group;
  std::string member;  // empty: new
  std::optional<std::string> instance;
  std::string client_id;
  std::string client_host;
  std::string protocol_type;
  std::vector<GroupProtocol> protocols;
  std::chrono::milliseconds session_timeout{};
  std::chrono::milliseconds rebalance_timeout{};
  bool id_first = false;             // v4: a new member is given its id and asked to come again
  bool may_skip_assignment = false;  // v9: knows skip_assignment
};
struct SyncRequest {
  std::string group;
  Generation generation;
  std::string member;
  std::optional<std::string> instance;
  std::optional<std::string> protocol_type;  // v5
  std::optional<std::string> protocol;       // v5
  std::vector<std::pair<std::string, std::vector<std::byte>>> assignments;
};
// Who speaks, in heartbeats and commits.
struct MemberRef {
  std::string group;
  Generation generation;
  std::string member;
  std::optional<std::string> instance;
};
struct Leaving {
  std::string member;
  std::optional<std::string> instance;
};

}  // namespace broker::core
