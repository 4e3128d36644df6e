// Who leads a partition and where it listens: what Produce (v10) and Fetch (v12, v16) tell a client that asked the
// wrong broker. KIP-951.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/protocol/fields.h"

namespace broker::protocol {

struct CurrentLeader {
  std::int32_t leader_id = -1;
  std::int32_t leader_epoch = -1;
  bool operator==(const CurrentLeader&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, CurrentLeader>& m) {
  io.field(m.leader_id);
  io.field(m.leader_epoch);
}

struct NodeEndpoint {
  std::int32_t node_id = 0;
  std::string host{};
  std::int32_t port = 0;
  std::optional<std::string> rack{};
  bool operator==(const NodeEndpoint&) const = default;
};
template <class Io>
void describe(Io& io, In<Io, NodeEndpoint>& m) {
  io.field(m.node_id);
  io.field(m.host);
  io.field(m.port);
  io.field(m.rack);
}

}  // namespace broker::protocol
