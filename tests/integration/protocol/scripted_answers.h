// What the scripted broker answers: one function per API over a little state. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/protocol/api_versions.h"
#include "broker/protocol/configs.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/groups.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/offsets.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/producer_id.h"
#include "broker/protocol/topics.h"

namespace broker::protocol {

struct ScriptedState {
  struct Partition {
    std::vector<std::byte> log;
    std::int64_t end = 0;
  };
  std::uint16_t port = 0;
  std::map<std::pair<std::string, std::int32_t>, Partition> partitions;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> committed;
  std::vector<std::string> complaints;
};

ApiVersionsResponse respond(ScriptedState& state, const ApiVersionsRequest& request, ApiVersion version);
MetadataResponse respond(ScriptedState& state, const MetadataRequest& request, ApiVersion version);
ProduceResponse respond(ScriptedState& state, const ProduceRequest& request, ApiVersion version);
FetchResponse respond(ScriptedState& state, const FetchRequest& request, ApiVersion version);
ListOffsetsResponse respond(ScriptedState& state, const ListOffsetsRequest& request, ApiVersion version);
InitProducerIdResponse respond(ScriptedState& state, const InitProducerIdRequest& request, ApiVersion version);
FindCoordinatorResponse respond(ScriptedState& state, const FindCoordinatorRequest& request, ApiVersion version);
JoinGroupResponse respond(ScriptedState& state, const JoinGroupRequest& request, ApiVersion version);
SyncGroupResponse respond(ScriptedState& state, const SyncGroupRequest& request, ApiVersion version);
HeartbeatResponse respond(ScriptedState& state, const HeartbeatRequest& request, ApiVersion version);
LeaveGroupResponse respond(ScriptedState& state, const LeaveGroupRequest& request, ApiVersion version);
OffsetCommitResponse respond(ScriptedState& state, const OffsetCommitRequest& request, ApiVersion version);
OffsetFetchResponse respond(ScriptedState& state, const OffsetFetchRequest& request, ApiVersion version);
CreateTopicsResponse respond(ScriptedState& state, const CreateTopicsRequest& request, ApiVersion version);
DescribeConfigsResponse respond(ScriptedState& state, const DescribeConfigsRequest& request, ApiVersion version);

}  // namespace broker::protocol
