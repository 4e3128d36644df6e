// Heartbeat (key 12), versions 0–4, and LeaveGroup (key 13), versions 0–5: a member lives on, or goes.
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

struct HeartbeatRequest {
  static constexpr ApiKey kKey = ApiKey::heartbeat;
  std::string group_id{};
  std::int32_t generation_id = 0;
  std::string member_id{};
  std::optional<std::string> group_instance_id{};  // v3
  bool operator==(const HeartbeatRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, HeartbeatRequest>& m) {
  io.field(m.group_id);
  io.field(m.generation_id);
  io.field(m.member_id);
  io.field(m.group_instance_id, since(3));
}

struct HeartbeatResponse {
  static constexpr ApiKey kKey = ApiKey::heartbeat;
  std::int32_t throttle_time_ms = 0;  // v1
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const HeartbeatResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, HeartbeatResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.error_code);
}

struct LeavingMember {
  std::string member_id{};
  std::optional<std::string> group_instance_id{};
  std::optional<std::string> reason{};  // v5
  bool operator==(const LeavingMember&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, LeavingMember>& m) {
  io.field(m.member_id);
  io.field(m.group_instance_id);
  io.field(m.reason, since(5));
}

struct LeaveGroupRequest {
  static constexpr ApiKey kKey = ApiKey::leave_group;
  std::string group_id{};
  std::string member_id{};               // until v2
  std::vector<LeavingMember> members{};  // v3
  bool operator==(const LeaveGroupRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, LeaveGroupRequest>& m) {
  io.field(m.group_id);
  io.field(m.member_id, until(2));
  io.field(m.members, since(3));
}

struct LeftMember {
  std::string member_id{};
  std::optional<std::string> group_instance_id{};
  ErrorCode error_code = ErrorCode::none;
  bool operator==(const LeftMember&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, LeftMember>& m) {
  io.field(m.member_id);
  io.field(m.group_instance_id);
  io.field(m.error_code);
}

struct LeaveGroupResponse {
  static constexpr ApiKey kKey = ApiKey::leave_group;
  std::int32_t throttle_time_ms = 0;  // v1
  ErrorCode error_code = ErrorCode::none;
  std::vector<LeftMember> members{};  // v3
  bool operator==(const LeaveGroupResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, LeaveGroupResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.error_code);
  io.field(m.members, since(3));
}

}  // namespace broker::protocol
