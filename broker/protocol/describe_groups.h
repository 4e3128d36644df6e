// DescribeGroups (key 15), versions 0–5: a group's state and members, as tools show them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct DescribeGroupsRequest {
  static constexpr ApiKey kKey = ApiKey::describe_groups;
  std::vector<std::string> groups{};
  bool include_authorized_operations = false;  // v3
  bool operator==(const DescribeGroupsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeGroupsRequest>& m) {
  io.field(m.groups);
  io.field(m.include_authorized_operations, since(3));
}

struct DescribedGroupMember {
  std::string member_id{};
  std::optional<std::string> group_instance_id{};  // v4
  std::string client_id{};
  std::string client_host{};
  BytesView member_metadata{};
  BytesView member_assignment{};
  bool operator==(const DescribedGroupMember&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribedGroupMember>& m) {
  io.field(m.member_id);
  io.field(m.group_instance_id, since(4));
  io.field(m.client_id);
  io.field(m.client_host);
  io.field(m.member_metadata);
  io.field(m.member_assignment);
}

struct DescribedGroup {
  ErrorCode error_code = ErrorCode::none;
  std::string group_id{};
  std::string group_state{};
  std::string protocol_type{};
  std::string protocol_data{};
  std::vector<DescribedGroupMember> members{};
  std::int32_t authorized_operations = std::numeric_limits<std::int32_t>::min();  // v3
  bool operator==(const DescribedGroup&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribedGroup>& m) {
  io.field(m.error_code);
  io.field(m.group_id);
  io.field(m.group_state);
  io.field(m.protocol_type);
  io.field(m.protocol_data);
  io.field(m.members);
  io.field(m.authorized_operations, since(3));
}

struct DescribeGroupsResponse {
  static constexpr ApiKey kKey = ApiKey::describe_groups;
  std::int32_t throttle_time_ms = 0;  // v1
  std::vector<DescribedGroup> groups{};
  bool operator==(const DescribeGroupsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, DescribeGroupsResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.groups);
}

}  // namespace broker::protocol
