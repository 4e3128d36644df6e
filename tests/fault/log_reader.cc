// Plain librdkafka: assign every partition at the beginning, poll until each says end of partition.
#include "tests/fault/log_reader.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

namespace fault {
namespace {

constexpr int kTimeoutMs = 60'000;

struct Destroy {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(const rd_kafka_metadata_t* metadata) const { rd_kafka_metadata_destroy(metadata); }
};
using Handle = std::unique_ptr<rd_kafka_t, Destroy>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy>;

Handle make_consumer(const std::string& bootstrap_servers) {
  char error[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::pair<const char*, const char*> settings[] = {{"bootstrap.servers", bootstrap_servers.c_str()},
                                                          {"group.id", "checker"},
                                                          {"enable.auto.commit", "false"},
                                                          {"enable.partition.eof", "true"},
                                                          {"check.crcs", "true"},
                                                          {"log_level", "2"}};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) throw std::runtime_error(error);
  }
  Handle handle(rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error));
  if (!handle) throw std::runtime_error(error);
  rd_kafka_poll_set_consumer(handle.get());
  return handle;
}

Partitions all_partitions(rd_kafka_t* handle, const std::string& topic) {
  const rd_kafka_metadata_t* raw = nullptr;
  rd_kafka_topic_t* named = rd_kafka_topic_new(handle, topic.c_str(), nullptr);
  const auto error = rd_kafka_metadata(handle, 0, named, &raw, kTimeoutMs);
  rd_kafka_topic_destroy(named);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
  const std::unique_ptr<const rd_kafka_metadata_t, Destroy> metadata(raw);
  const int count = metadata->topics[0].partition_cnt;
  Partitions partitions(rd_kafka_topic_partition_list_new(count));
  for (int partition = 0; partition < count; ++partition) {
    rd_kafka_topic_partition_list_add(partitions.get(), topic.c_str(), partition)->offset = 0;
  }
  return partitions;
}

// -1, which nobody writes: the body is no number, and the checker calls the record a phantom. (A relay that lies frees
// its rows before librdkafka has sent them.)
std::int64_t number_in(const std::string& body) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), number);
  return error == std::errc() && end == body.data() + body.size() ? number : -1;
}

std::string text(const void* bytes, std::size_t size) { return {static_cast<const char*>(bytes), size}; }

RawRecord to_record(const rd_kafka_message_t& message) {
  RawRecord record{
      message.partition, message.offset, text(message.key, message.key_len), text(message.payload, message.len), {}};
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    record.headers[name] = text(value, size);
  }
  return record;
}

}  // namespace

std::vector<RawRecord> read_raw_log(const std::string& bootstrap_servers, const std::string& topic) {
  const Handle consumer = make_consumer(bootstrap_servers);
  const Partitions partitions = all_partitions(consumer.get(), topic);
  rd_kafka_assign(consumer.get(), partitions.get());
  std::vector<RawRecord> records;
  std::set<std::int32_t> at_end;
  while (static_cast<int>(at_end.size()) < partitions->cnt) {
    const std::unique_ptr<rd_kafka_message_t, Destroy> message(rd_kafka_consumer_poll(consumer.get(), kTimeoutMs));
    if (!message) throw std::runtime_error("the log of " + topic + " could not be read to its end");
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end.insert(message->partition);
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      records.push_back(to_record(*message));
    }
  }
  rd_kafka_consumer_close(consumer.get());
  std::ranges::sort(records, {}, [](const RawRecord& r) { return std::pair(r.partition, r.offset); });
  return records;
}

std::vector<LoggedRecord> read_log(const std::string& bootstrap_servers, const std::string& topic) {
  std::vector<LoggedRecord> records;
  for (const auto& raw : read_raw_log(bootstrap_servers, topic)) {
    records.push_back({raw.partition, raw.offset, raw.key, number_in(raw.body)});
  }
  return records;
}

}  // namespace fault
