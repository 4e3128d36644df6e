// ListGroups (key 16), versions 0–5: states from v4 (KIP-518), types from v5 (KIP-848).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace broker::protocol {

struct ListGroupsRequest {
  static constexpr ApiKey kKey = ApiKey::list_groups;
  std::vector<std::string> states_filter{};  // v4; empty: all
  std::vector<std::string> types_filter{};   // v5; empty: all
  bool operator==(const ListGroupsRequest&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListGroupsRequest>& m) {
  io.field(m.states_filter, since(4));
  io.field(m.types_filter, since(5));
}

struct ListedGroup {
  std::string group_id{};
  std::string protocol_type{};
  std::string group_state{};  // v4
  std::string group_type{};   // v5; "classic"
  bool operator==(const ListedGroup&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListedGroup>& m) {
  io.field(m.group_id);
  io.field(m.protocol_type);
  io.field(m.group_state, since(4));
  io.field(m.group_type, since(5));
}

struct ListGroupsResponse {
  static constexpr ApiKey kKey = ApiKey::list_groups;
  std::int32_t throttle_time_ms = 0;  // v1
  ErrorCode error_code = ErrorCode::none;
  std::vector<ListedGroup> groups{};
  bool operator==(const ListGroupsResponse&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, ListGroupsResponse>& m) {
  io.field(m.throttle_time_ms, since(1));
  io.field(m.error_code);
  io.field(m.groups);
}

}  // namespace broker::protocol
