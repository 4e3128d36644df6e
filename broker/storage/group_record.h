// The journal's records of consumer groups, part of record.h. Formats: README.md of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace broker::storage {

// As numbers on the disk. `dead`: the group is no more, nor are its offsets.
enum class GroupPhase : std::uint8_t {
  empty = 0,
  preparing_rebalance = 1,
  completing_rebalance = 2,
  stable = 3,
  dead = 4,
};

struct GroupProtocol {
  std::string name;
  std::vector<std::byte> metadata;
  bool operator==(const GroupProtocol&) const = default;
};

struct GroupMember {
  std::string id;
  std::optional<std::string> instance;  // static
  std::string client_id;
  std::string client_host;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;  // in order of preference
  std::vector<std::byte> assignment;
};

// A group as it is from here on: everything that a member was told of it.
struct GroupGeneration {
  std::string group;
  std::int32_t generation = 0;
  GroupPhase phase = GroupPhase::empty;
  std::string protocol_type;
  std::string protocol;
  std::string leader;  // a member's id, or empty
  // Whole: `members` are all there are. Otherwise they are new or changed, and `removed` (ids) are gone.
  bool whole = true;
  std::vector<std::string> removed;
  std::vector<GroupMember> members;
};

struct StaticMember {
  std::string instance;
  std::string member;
};
// What format 1 knew of a group: no members. Read, never written.
struct GroupState {
  std::string group;
  std::int32_t generation = 0;
  std::string protocol_type;
  std::string protocol;
  std::string leader;
  std::vector<StaticMember> static_members;
  bool deleted = false;
};

}  // namespace broker::storage
