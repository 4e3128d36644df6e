// Compiles the codec of what clients ask about the cluster: versions, topics, coordinators, brokers, leader epochs.
#include "broker/protocol/api_versions.h"
#include "broker/protocol/compile_message.h"
#include "broker/protocol/describe_cluster.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/offset_for_leader_epoch.h"

namespace broker::protocol {

COMPILE_REQUEST(ApiVersionsRequest);
COMPILE_RESPONSE(ApiVersionsResponse);
COMPILE_REQUEST(MetadataRequest);
COMPILE_RESPONSE(MetadataResponse);
COMPILE_REQUEST(FindCoordinatorRequest);
COMPILE_RESPONSE(FindCoordinatorResponse);
COMPILE_REQUEST(DescribeClusterRequest);
COMPILE_RESPONSE(DescribeClusterResponse);
COMPILE_REQUEST(OffsetForLeaderEpochRequest);
COMPILE_RESPONSE(OffsetForLeaderEpochResponse);

}  // namespace broker::protocol
