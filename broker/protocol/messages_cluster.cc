// Compiles the codec of what clients ask about the cluster: ApiVersions, Metadata, FindCoordinator.
#include "broker/protocol/api_versions.h"
#include "broker/protocol/compile_message.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/metadata.h"

namespace broker::protocol {

COMPILE_REQUEST(ApiVersionsRequest);
COMPILE_RESPONSE(ApiVersionsResponse);
COMPILE_REQUEST(MetadataRequest);
COMPILE_RESPONSE(MetadataResponse);
COMPILE_REQUEST(FindCoordinatorRequest);
COMPILE_RESPONSE(FindCoordinatorResponse);

}  // namespace broker::protocol
