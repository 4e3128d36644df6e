// Compiles the codec of groups: JoinGroup, SyncGroup, Heartbeat, LeaveGroup, OffsetCommit, OffsetFetch.
#include "broker/protocol/compile_message.h"
#include "broker/protocol/groups.h"
#include "broker/protocol/offsets.h"

namespace broker::protocol {

COMPILE_REQUEST(JoinGroupRequest);
COMPILE_RESPONSE(JoinGroupResponse);
COMPILE_REQUEST(SyncGroupRequest);
COMPILE_RESPONSE(SyncGroupResponse);
COMPILE_REQUEST(HeartbeatRequest);
COMPILE_RESPONSE(HeartbeatResponse);
COMPILE_REQUEST(LeaveGroupRequest);
COMPILE_RESPONSE(LeaveGroupResponse);
COMPILE_REQUEST(OffsetCommitRequest);
COMPILE_RESPONSE(OffsetCommitResponse);
COMPILE_REQUEST(OffsetFetchRequest);
COMPILE_RESPONSE(OffsetFetchResponse);

}  // namespace broker::protocol
