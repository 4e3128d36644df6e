// JoinGroup (key 11), versions 0–9, and SyncGroup (key 14), versions 0–5: a generation of a group is made.
// The classic group protocol; static members KIP-345, reasons KIP-800, skipped assignment KIP-814.
// Heartbeat and LeaveGroup: group_life.h. All four: groups.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct JoinGroupProtocol {
  std::string name{};
  BytesView metadata{};
  bool operator==(const JoinGroupProtocol&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, JoinGroupProtocol>& m) {
  io.field(m.name);
  io.field(m.metadata);
}

struct JoinGroupRequest {
  static constexpr ApiKey kKey = ApiKey::join_group;
  std::string group_id{};
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;  // v1; −1: the session timeout
  std::string member_id{};
  std::optional<std::string> group_instance_id{};  // v5
  std::string protocol_type{};
  std::vector<JoinGroupProtocol> protocols{};
  std::optional<std::string> reason{};  // v8
  bool operator==(const JoinGroupRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, JoinGroupRequest>& m) {
  io.field(m.group_id);
  io.field(m.session_timeout_ms);
  io.field(m.rebalance_timeout_ms, since(1));
  io.field(m.member_id);
  io.field(m.group_instance_id, since(5));
  io.field(m.protocol_type);
  io.field(m.protocols);
  io.field(m.reason, since(8));
}

struct JoinGroupMember {
  std::string member_id{};
  std::optional<std::string> group_instance_id{};  // v5
  BytesView metadata{};
  bool operator==(const JoinGroupMember&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, JoinGroupMember>& m) {
  io.field(m.member_id);
  io.field(m.group_instance_id, since(5));
  io.field(m.metadata);
}

struct JoinGroupResponse {
  static constexpr ApiKey kKey = ApiKey::join_group;
  std::int32_t throttle_time_ms = 0;  // v2
  ErrorCode error_code = ErrorCode::none;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type{};  // v7
  std::optional<std::string> protocol_name{};  // null from v7; before that written as ""
  std::string leader{};
  bool skip_assignment = false;  // v9
  std::string member_id{};
  std::vector<JoinGroupMember> members{};  // for the leader only
  bool operator==(const JoinGroupResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, JoinGroupResponse>& m) {
  io.field(m.throttle_time_ms, since(2));
  io.field(m.error_code);
  io.field(m.generation_id);
  io.field(m.protocol_type, since(7));
  io.field(m.protocol_name, null_since(7));
  io.field(m.leader);
  io.field(m.skip_assignment, since(9));
  io.field(m.member_id);
  io.field(m.members);
}

struct SyncGroupAssignment {
  std::string member_id{};
  BytesView assignment{};
  bool operator==(const SyncGroupAssignment&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, SyncGroupAssignment>& m) {
  io.field(m.member_id);
  io.field(m.assignment);
}

struct SyncGroupRequest {
  static constexpr ApiKey kKey = ApiKey::sync_group;
  std::string group_id{};
  std::int32_t generation_id = 0;
  std::string member_id{};
  std::optional<std::string> group_instance_id{};  // v3
  std::optional<std::string> protocol_type{};      // v5
  std::optional<std::string> protocol_name{};      // v5
  std::vector<SyncGroupAssignment> assignments{};  // from the leader only
  bool operator==(const SyncGroupRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, SyncGroupRequest>& m) {
  io.field(m.group_id);
  io.field(m.generation_id);
  io.field(m.member_id);
  io.field(m.group_instance_id, since(3));
  io.field(m.protocol_type, since(5));
  io.field(m.protocol_name, since(5));
  io.field(m.assignments);
}

struct SyncGroupResponse {
  static constexpr ApiKey kKey = ApiKey::sync_group;
  std::int32_t throttle_time_ms = 0;  // v1
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> protocol_type{};  // v5
  std::optional<std::string> protocol_name{};  // v5
  BytesView assignment{};
  bool operator==(const SyncGroupResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, SyncGroupResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.error_code);
  io.field(m.protocol_type, since(5));
  io.field(m.protocol_name, since(5));
  io.field(m.assignment);
}

}  // namespace broker::protocol
