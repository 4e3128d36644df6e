// A real client, librdkafka's idempotent producer, that keeps count of what the broker acknowledged; and the comparison
// of that with the log. For tests that take the disk away under the broker.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace fault {

// Owned by one thread.
class AckedProducer {
 public:
  AckedProducer(const std::string& bootstrap_servers, const std::string& topic);

  // Sends numbered records to all partitions in turn until `acks` more are acknowledged or `go_on` says no.
  // `body_bytes`: how large the records are.
  template <class GoOn>
  void produce(std::uint64_t acks, std::size_t body_bytes, GoOn go_on) {
    const std::uint64_t wanted = acknowledged_.size() + acks;
    while (acknowledged_.size() < wanted && go_on()) send_some(body_bytes);
  }
  // Waits for the answers to all that was sent. False: the deadline passed.
  [[nodiscard]] bool flush();

  [[nodiscard]] std::uint64_t sent() const { return next_; }
  // (partition, offset) → the record's number.
  [[nodiscard]] const std::map<std::pair<std::int32_t, std::int64_t>, std::uint64_t>& acknowledged() const {
    return acknowledged_;
  }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  struct Destroy {
    void operator()(rd_kafka_t* handle) const;
    void operator()(rd_kafka_topic_t* topic) const;
  };
  void send_some(std::size_t body_bytes);
  static void delivered(rd_kafka_t* handle, const rd_kafka_message_t* message, void* self);

  std::uint64_t next_ = 0;
  std::uint64_t failed_ = 0;
  std::map<std::pair<std::int32_t, std::int64_t>, std::uint64_t> acknowledged_;
  std::unique_ptr<rd_kafka_t, Destroy> handle_;
  std::unique_ptr<rd_kafka_topic_t, Destroy> topic_handle_;  // of handle_, goes before it
};

// What became of the acknowledged records.
struct Comparison {
  std::uint64_t logged = 0;
  std::uint64_t lost = 0;        // acknowledged, and not there, or another record lies there
  std::uint64_t repeated = 0;    // numbers that lie in the log twice
  std::uint64_t disordered = 0;  // numbers that lie behind a larger one of their partition
};
// Reads the whole topic.
[[nodiscard]] Comparison compare(const AckedProducer& producer, const std::string& bootstrap_servers,
                                 const std::string& topic);

}  // namespace fault
