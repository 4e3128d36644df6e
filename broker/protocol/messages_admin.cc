// Compiles the codec of administration: topics and configurations.
#include "broker/protocol/compile_message.h"
#include "broker/protocol/configs.h"
#include "broker/protocol/topics.h"

namespace broker::protocol {

COMPILE_REQUEST(CreateTopicsRequest);
COMPILE_RESPONSE(CreateTopicsResponse);
COMPILE_REQUEST(DescribeConfigsRequest);
COMPILE_RESPONSE(DescribeConfigsResponse);

}  // namespace broker::protocol
