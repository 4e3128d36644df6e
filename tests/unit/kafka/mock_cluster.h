// librdkafka's built-in broker, a collector of outcomes, and rows to publish: what the publisher's tests share.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "relay/core/publisher.h"

namespace relay::kafka::testing {

// True once `condition` holds; false after half a minute.
bool eventually(const std::function<bool()>& condition);

struct ReadRecord {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string key;
  std::string body;
  bool has_body = true;
  std::int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string, std::string>> headers;
};

class MockCluster {
 public:
  explicit MockCluster(int brokers = 1);
  ~MockCluster();
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  [[nodiscard]] std::string bootstrap_servers() const;
  [[nodiscard]] rd_kafka_mock_cluster_t* get() const { return cluster_; }
  // The next answers to Produce.
  void fail_produce(const std::vector<rd_kafka_resp_err_t>& errors);
  // Everything in these topics, partition by partition in offset order.
  [[nodiscard]] std::vector<ReadRecord> read_all(const std::vector<std::string>& topics, int partitions) const;

 private:
  rd_kafka_t* handle_;
  rd_kafka_mock_cluster_t* cluster_;
};

class Outcomes {
 public:
  core::Publisher::OutcomeHandler handler();
  [[nodiscard]] std::vector<core::PublishOutcome> all() const;
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::size_t count(core::Scope scope) const;
  bool wait_for(std::size_t count) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::vector<core::PublishOutcome> all_;
};

core::Row make_row(std::int64_t id, std::string topic, std::optional<std::string> key, std::string body = "body");

}  // namespace relay::kafka::testing
