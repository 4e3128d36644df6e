// RAII for librdkafka's C handles. Private to relay/kafka.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

namespace relay::kafka {

template <auto Destroy>
struct HandleDeleter {
  template <class Handle>
  void operator()(Handle* handle) const {
    Destroy(handle);
  }
};

using Conf = std::unique_ptr<rd_kafka_conf_t, HandleDeleter<rd_kafka_conf_destroy>>;
// Destroying joins librdkafka's threads: may block while one of them resolves a name.
using Client = std::unique_ptr<rd_kafka_t, HandleDeleter<rd_kafka_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, HandleDeleter<rd_kafka_topic_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, HandleDeleter<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, HandleDeleter<rd_kafka_event_destroy>>;
using Headers = std::unique_ptr<rd_kafka_headers_t, HandleDeleter<rd_kafka_headers_destroy>>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, HandleDeleter<rd_kafka_error_destroy>>;
using ConfigResource = std::unique_ptr<rd_kafka_ConfigResource_t, HandleDeleter<rd_kafka_ConfigResource_destroy>>;
using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, HandleDeleter<rd_kafka_AdminOptions_destroy>>;

}  // namespace relay::kafka
