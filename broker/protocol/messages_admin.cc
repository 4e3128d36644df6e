// Compiles the codec of administration: topics, records, partitions, configurations.
#include "broker/protocol/compile_message.h"
#include "broker/protocol/configs.h"
#include "broker/protocol/topics.h"

namespace broker::protocol {

COMPILE_REQUEST(CreateTopicsRequest);
COMPILE_RESPONSE(CreateTopicsResponse);
COMPILE_REQUEST(DeleteTopicsRequest);
COMPILE_RESPONSE(DeleteTopicsResponse);
COMPILE_REQUEST(DeleteRecordsRequest);
COMPILE_RESPONSE(DeleteRecordsResponse);
COMPILE_REQUEST(CreatePartitionsRequest);
COMPILE_RESPONSE(CreatePartitionsResponse);
COMPILE_REQUEST(DescribeConfigsRequest);
COMPILE_RESPONSE(DescribeConfigsResponse);
COMPILE_REQUEST(AlterConfigsRequest);
COMPILE_RESPONSE(AlterConfigsResponse);
COMPILE_REQUEST(IncrementalAlterConfigsRequest);
COMPILE_RESPONSE(IncrementalAlterConfigsResponse);

}  // namespace broker::protocol
