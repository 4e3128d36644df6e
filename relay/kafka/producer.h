// One librdkafka producer: rows in, delivery events out. Private to relay/kafka.
#pragma once

#include <string>
#include <unordered_map>

#include "relay/core/publisher.h"
#include "relay/kafka/handles.h"
#include "relay/kafka/producer_conf.h"
#include "relay/kafka/record.h"

namespace relay::kafka {

// librdkafka's lines go to our log: its errors as warnings, the rest for debugging.
void send_log_to_ours(rd_kafka_conf_t* conf);

// send() from one thread at a time, poll() from another; purge() from any.
class Producer {
 public:
  // A byte is written to `wake_fd` (an eventfd) when poll() has something to give.
  Producer(const PublisherConfig& config, ClientKind kind, BatchBytes batch, core::Epoch epoch, int wake_fd);
  ~Producer();  // blocks until librdkafka's threads have ended: milliseconds, or as long as a name is being resolved
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // NO_ERROR: exactly one delivery report with this opaque will come. Anything else: none will.
  rd_kafka_resp_err_t send(const core::Row& row, const OwnHeaders& own, void* opaque);
  // Asks for the end of every record, queued or in flight; their reports follow. Does not block.
  void purge();
  // The next event, or null.
  Event poll();
  // The fatal error's text, empty when there is none.
  [[nodiscard]] std::string fatal_reason() const;
  // No more bytes to wake_fd.
  void detach();

 private:
  rd_kafka_topic_t* topic(const std::string& name);

  Client client_;
  Queue queue_;
  std::unordered_map<std::string, TopicHandle> topics_;  // touched by send() alone
};

}  // namespace relay::kafka
