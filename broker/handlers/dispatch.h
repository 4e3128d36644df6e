// From a decoded request header to the handler of its API. Handlers are ordinary functions on the core thread: they
// answer through the Reply, now or later, and never wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/core/broker.h"
#include "broker/handlers/fetched_topics.h"
#include "broker/handlers/memory_account.h"
#include "broker/handlers/reply.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/headers.h"
#include "common/byte_buffer.h"
#include "common/metrics.h"

namespace broker::handlers {

using Frame = std::shared_ptr<common::ByteBuffer>;

struct HandlerLimits {
  std::uint32_t fetch_bytes_max = 4 << 20;  // of one Fetch response; still at least one whole batch
  std::uint32_t fetch_bytes_max_when_tight = 64 << 10;
  std::int32_t fetch_wait_max_ms = 60'000;
  std::uint32_t partitions_per_request_max = 2'000;
  protocol::DecodeLimits decode;
};

// Handles of what handlers count; get them once.
struct HandlerMetrics {
  explicit HandlerMetrics(common::Metrics& metrics);
  common::Counter& produce_bytes;
  common::Counter& produce_batches;
  common::Counter& produce_refused;
  common::Counter& fetch_bytes;
  common::Counter& malformed;
  std::map<protocol::ApiKey, common::Counter*> requests;
};

struct Context {
  core::Broker& broker;
  HandlerMetrics& metrics;
  HandlerLimits limits;
  // What a Fetch may answer with now; less when memory is tight, 0: only what its deadline asks for.
  std::uint64_t fetch_bytes_now = HandlerLimits{}.fetch_bytes_max;
  std::uint32_t fetch_turn = 0;  // which partition a Fetch reads first, so that none starves
};

// `body` lies in `frame`; Produce appends straight from there.
struct Request {
  protocol::RequestHeader header;
  std::span<const std::byte> body;
  Frame frame;
  std::string client_host;
  FetchedTopics* fetched = nullptr;                 // of the connection; null: nothing is remembered
  std::shared_ptr<MemoryAccount> memory = nullptr;  // of the connection; null: nothing is counted
};

// Fills `reply` exactly once, now or later.
void handle(Context& context, const Request& request, const ReplyPtr& reply);

// Every API of the table has a handler here; asked by a test.
[[nodiscard]] bool has_handler(protocol::ApiKey key);

}  // namespace broker::handlers
