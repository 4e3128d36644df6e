// Compiles the codec of the data path: Produce, Fetch, ListOffsets, InitProducerId.
#include "broker/protocol/compile_message.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/producer_id.h"

namespace broker::protocol {

COMPILE_REQUEST(ProduceRequest);
COMPILE_RESPONSE(ProduceResponse);
COMPILE_REQUEST(FetchRequest);
COMPILE_RESPONSE(FetchResponse);
template ResponseFrame encode_borrowing<FetchResponse>(const FetchResponse&, ApiVersion, CorrelationId);
COMPILE_REQUEST(ListOffsetsRequest);
COMPILE_RESPONSE(ListOffsetsResponse);
COMPILE_REQUEST(InitProducerIdRequest);
COMPILE_RESPONSE(InitProducerIdResponse);

}  // namespace broker::protocol
