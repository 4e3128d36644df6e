// See acked_producer.h.
#include "tests/fault/acked_producer.h"

#include <set>
#include <stdexcept>

#include "tests/fault/log_reader.h"

namespace fault {
namespace {

constexpr int kBurst = 20;
constexpr int kQueuedMax = 2000;
constexpr int kFlushMs = 120'000;

}  // namespace

void AckedProducer::Destroy::operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }

void AckedProducer::Destroy::operator()(rd_kafka_t* handle) const {
  rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(handle, 1000);
  rd_kafka_destroy(handle);
}

AckedProducer::AckedProducer(const std::string& bootstrap_servers, const std::string& topic) {
  char error[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::pair<const char*, const char*> settings[] = {{"bootstrap.servers", bootstrap_servers.c_str()},
                                                          {"enable.idempotence", "true"},
                                                          {"linger.ms", "1"},
                                                          {"message.timeout.ms", "0"},
                                                          {"reconnect.backoff.ms", "20"},
                                                          {"reconnect.backoff.max.ms", "200"},
                                                          {"retry.backoff.ms", "50"},
                                                          {"batch.num.messages", "20"},
                                                          {"log_level", "2"}};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) throw std::runtime_error(error);
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  handle_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error));
  if (!handle_) throw std::runtime_error(error);
  topic_handle_.reset(rd_kafka_topic_new(handle_.get(), topic.c_str(), nullptr));
}

void AckedProducer::delivered(rd_kafka_t* /*handle*/, const rd_kafka_message_t* message, void* self) {
  auto* producer = static_cast<AckedProducer*>(self);
  const std::uint64_t number = std::stoull(std::string(static_cast<const char*>(message->payload), message->len));
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++producer->failed_;
  } else {
    producer->acknowledged_[{message->partition, message->offset}] = number;
  }
}

void AckedProducer::send_some(std::size_t body_bytes) {
  for (int i = 0; i < kBurst && rd_kafka_outq_len(handle_.get()) < kQueuedMax; ++i) {
    std::string body = std::to_string(next_) + " ";
    if (body.size() < body_bytes) body.resize(body_bytes, 'x');
    const std::string key = std::to_string(next_);
    const int refused = rd_kafka_produce(topic_handle_.get(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, body.data(),
                                         body.size(), key.data(), key.size(), nullptr);
    if (refused != 0) break;
    ++next_;
  }
  rd_kafka_poll(handle_.get(), 5);
}

bool AckedProducer::flush() { return rd_kafka_flush(handle_.get(), kFlushMs) == RD_KAFKA_RESP_ERR_NO_ERROR; }

Comparison compare(const AckedProducer& producer, const std::string& bootstrap_servers, const std::string& topic) {
  Comparison result;
  std::map<std::pair<std::int32_t, std::int64_t>, std::uint64_t> log;
  std::map<std::int32_t, std::uint64_t> last;
  std::set<std::uint64_t> seen;
  for (const RawRecord& record : read_raw_log(bootstrap_servers, topic)) {
    const std::uint64_t number = std::stoull(record.body);
    log[{record.partition, record.offset}] = number;
    if (!seen.insert(number).second) ++result.repeated;
    const auto before = last.find(record.partition);
    if (before != last.end() && before->second >= number) ++result.disordered;
    last[record.partition] = number;
  }
  result.logged = log.size();
  for (const auto& [place, number] : producer.acknowledged()) {
    const auto found = log.find(place);
    if (found == log.end() || found->second != number) ++result.lost;
  }
  return result;
}

}  // namespace fault
