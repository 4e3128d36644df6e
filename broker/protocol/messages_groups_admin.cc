// Compiles the codec of groups' administration: DescribeGroups, ListGroups, DeleteGroups, OffsetDelete.
#include "broker/protocol/compile_message.h"
#include "broker/protocol/groups_admin.h"

namespace broker::protocol {

COMPILE_REQUEST(DescribeGroupsRequest);
COMPILE_RESPONSE(DescribeGroupsResponse);
COMPILE_REQUEST(ListGroupsRequest);
COMPILE_RESPONSE(ListGroupsResponse);
COMPILE_REQUEST(DeleteGroupsRequest);
COMPILE_RESPONSE(DeleteGroupsResponse);
COMPILE_REQUEST(OffsetDeleteRequest);
COMPILE_RESPONSE(OffsetDeleteResponse);

}  // namespace broker::protocol
