// See mock_cluster.h.
#include "tests/unit/kafka/mock_cluster.h"

#include <algorithm>
#include <thread>

#include "common/ensure.h"

namespace relay::kafka::testing {

using namespace std::chrono_literals;

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

MockCluster::MockCluster(int brokers) {
  char reason[256] = "";
  handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof reason);
  ENSURE(handle_ != nullptr, reason);
  cluster_ = rd_kafka_mock_cluster_new(handle_, brokers);
  ENSURE(cluster_ != nullptr, "no mock cluster");
}

MockCluster::~MockCluster() {
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(handle_);
}

std::string MockCluster::bootstrap_servers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }

void MockCluster::fail_produce(const std::vector<rd_kafka_resp_err_t>& errors) {
  rd_kafka_mock_push_request_errors_array(cluster_, 0, errors.size(), errors.data());
}

std::vector<ReadRecord> MockCluster::read_all(const std::vector<std::string>& topics, int partitions) const {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char reason[256] = "";
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap_servers().c_str(), reason, sizeof reason);
  rd_kafka_conf_set(conf, "group.id", "reader", reason, sizeof reason);
  rd_kafka_conf_set(conf, "enable.partition.eof", "true", reason, sizeof reason);
  rd_kafka_conf_set(conf, "enable.auto.commit", "false", reason, sizeof reason);
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
  ENSURE(consumer != nullptr, reason);
  rd_kafka_poll_set_consumer(consumer);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  for (const auto& topic : topics)
    for (int partition = 0; partition < partitions; ++partition)
      rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(consumer, list);
  rd_kafka_topic_partition_list_destroy(list);

  std::map<std::pair<std::string, int>, std::vector<ReadRecord>> by_partition;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  for (std::size_t ended = 0; ended < topics.size() * static_cast<std::size_t>(partitions);) {
    ENSURE(std::chrono::steady_clock::now() < deadline, "the mock cluster's log cannot be read to its end");
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) ++ended;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ReadRecord record;
      record.topic = rd_kafka_topic_name(message->rkt);
      record.partition = message->partition;
      record.offset = message->offset;
      if (message->key != nullptr) record.key.assign(static_cast<const char*>(message->key), message->key_len);
      record.has_body = message->payload != nullptr;
      if (record.has_body) record.body.assign(static_cast<const char*>(message->payload), message->len);
      record.timestamp_ms = rd_kafka_message_timestamp(message, nullptr);
      rd_kafka_headers_t* headers = nullptr;
      if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* name = nullptr;
        const void* value = nullptr;
        std::size_t size = 0;
        for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
             ++i)
          record.headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
      }
      by_partition[{record.topic, record.partition}].push_back(std::move(record));
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  std::vector<ReadRecord> all;
  for (auto& [where, records] : by_partition)
    for (auto& record : records) all.push_back(std::move(record));
  return all;
}

core::Publisher::OutcomeHandler Outcomes::handler() {
  return [this](std::vector<core::PublishOutcome> outcomes) {
    const std::scoped_lock lock(mutex_);
    for (auto& outcome : outcomes) all_.push_back(std::move(outcome));
    came_.notify_all();
  };
}

std::vector<core::PublishOutcome> Outcomes::all() const {
  const std::scoped_lock lock(mutex_);
  return all_;
}

std::size_t Outcomes::count() const {
  const std::scoped_lock lock(mutex_);
  return all_.size();
}

std::size_t Outcomes::count(core::Scope scope) const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [scope](const auto& outcome) { return outcome.scope == scope; }));
}

bool Outcomes::wait_for(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, 30s, [&] { return all_.size() >= count; });
}

core::Row make_row(std::int64_t id, std::string topic, std::optional<std::string> key, std::string body) {
  core::Row row;
  row.id = core::RowId(id);
  row.topic = std::move(topic);
  row.key = std::move(key);
  row.body = std::move(body);
  row.created_at = std::chrono::microseconds(1'700'000'000'123'456);
  return row;
}

}  // namespace relay::kafka::testing
