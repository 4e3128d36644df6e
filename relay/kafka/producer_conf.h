// The rd_kafka_conf_t of each kind of client. Private to relay/kafka.
#pragma once

#include <cstddef>

#include "relay/kafka/handles.h"
#include "relay/kafka/properties.h"

namespace relay::kafka {

enum class ClientKind {
  pipelined,  // five requests in flight, gapless
  single,     // one record at a time; a refusal does not end it
  admin,      // no records: topic limits and whether a broker is up
};

// Bytes of a pipelined producer's batches with their framing. See README.md, "Three sizes of batches".
using BatchBytes = common::Strong<struct BatchBytesTag, std::int64_t>;

// The largest record (key and value) that leaves this process when the topic's own limit is not known. Below the
// bundled broker's frame limit of 8 MiB, beyond which a broker closes the connection instead of answering.
inline constexpr std::int64_t kMessageBytesMax = 8'000'000;

// Throws common::Error (configuration) that names the property librdkafka refuses.
[[nodiscard]] Conf make_conf(const PublisherConfig& config, ClientKind kind, BatchBytes batch, core::Epoch epoch);

// message.max.bytes as configured by the user, or kMessageBytesMax.
[[nodiscard]] std::int64_t message_bytes_max(const PublisherConfig& config);
// True: batches are compressed, so that a record's size says nothing about the size of its batch.
[[nodiscard]] bool compresses(const PublisherConfig& config);

}  // namespace relay::kafka
