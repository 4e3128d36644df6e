// One librdkafka producer: rows in, delivery events out. Private to relay/kafka.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "relay/core/publisher.h"
#include "relay/kafka/handles.h"
#include "relay/kafka/producer_conf.h"
#include "relay/kafka/record.h"
#include "relay/kafka/sockets.h"

namespace relay::kafka {

// librdkafka's lines go to our log: its errors as warnings, the rest for debugging.
void send_log_to_ours(rd_kafka_conf_t* conf);

// How many partitions a topic has, as librdkafka last saw it; 0: not yet. Written from any thread.
using PartitionCount = std::atomic<std::int32_t>;

// Where the partitioner puts this key (CONTRACTS §4: murmur2, as Java clients do).
[[nodiscard]] std::int32_t partition_of(const std::string& key, std::int32_t partitions);

// send() from one thread at a time, poll() from another; purge() from any.
class Producer {
 public:
  // A byte is written to `wake_fd` (an eventfd) when poll() has something to give.
  Producer(const PublisherConfig& config, ClientKind kind, BatchBytes batch, core::Epoch epoch, int wake_fd);
  ~Producer();  // blocks until librdkafka's threads have ended: milliseconds, or as long as a name is being resolved
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // NO_ERROR: exactly one delivery report with this opaque will come. Anything else: none will. `partitions` is the
  // topic's own and must outlive this.
  rd_kafka_resp_err_t send(const core::Row& row, const OwnHeaders& own, void* opaque, PartitionCount& partitions);
  // Asks for the end of every record, queued or in flight; their reports follow. Does not block.
  void purge();
  // The next event, or null.
  Event poll();
  // See Sockets::end_cut_off.
  void end_cut_off(std::chrono::nanoseconds now) { sockets_.end_cut_off(now); }
  // The fatal error's text, empty when there is none.
  [[nodiscard]] std::string fatal_reason() const;
  // No more bytes to wake_fd.
  void detach();

 private:
  rd_kafka_topic_t* topic(const std::string& name, PartitionCount& partitions);

  Sockets sockets_;  // before the client, which closes its sockets there
  Client client_;
  Queue queue_;
  std::unordered_map<std::string, TopicHandle> topics_;  // touched by send() alone
};

}  // namespace relay::kafka
