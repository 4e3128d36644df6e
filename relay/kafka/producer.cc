// The hot path into librdkafka: one rd_kafka_produceva() a row.
#include "relay/kafka/producer.h"

#include <sys/syslog.h>

#include <array>
#include <cstdint>

#include "common/ensure.h"
#include "common/error.h"
#include "common/log.h"

namespace relay::kafka {
namespace {

constexpr std::uint64_t kWake = 1;  // what an eventfd is fed with

void add_header(rd_kafka_headers_t* headers, std::string_view name, std::string_view value) {
  const auto error = rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                                         static_cast<ssize_t>(value.size()));
  ENSURE(error == RD_KAFKA_RESP_ERR_NO_ERROR, "librdkafka refused a header");
}

Headers make_headers(const core::Row& row, const OwnHeaders& own) {
  Headers headers(rd_kafka_headers_new(row.headers.size() + 3));
  add_header(headers.get(), "outbox-message-id", own.message_id);
  add_header(headers.get(), "outbox-created-at", own.created_at);
  if (!own.redrive.empty()) add_header(headers.get(), "outbox-redrive", own.redrive);
  for (const auto& [name, value] : row.headers) add_header(headers.get(), name, value);
  return headers;
}

// murmur2_random, and on the way it tells how many partitions there are.
std::int32_t place(const rd_kafka_topic_t* topic, const void* key, std::size_t key_size, std::int32_t partitions,
                   void* topic_opaque, void* /*message_opaque*/) {
  static_cast<PartitionCount*>(topic_opaque)->store(partitions, std::memory_order_relaxed);
  return rd_kafka_msg_partitioner_murmur2_random(topic, key, key_size, partitions, nullptr, nullptr);
}

void log_line(const rd_kafka_t* /*client*/, int level, const char* facility, const char* text) {
  if (std::string_view(facility) == "FATAL") return;  // the publisher tells it once, with what follows from it
  if (level <= LOG_ERR)
    common::log::warn("kafka client", {{"facility", facility}, {"text", text}});
  else
    common::log::debug("kafka client", {{"facility", facility}, {"text", text}});
}

}  // namespace

void send_log_to_ours(rd_kafka_conf_t* conf) { rd_kafka_conf_set_log_cb(conf, log_line); }

Producer::Producer(const PublisherConfig& config, ClientKind kind, BatchBytes batch, core::Epoch epoch, int wake_fd) {
  Conf conf = make_conf(config, kind, batch, epoch);
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
  send_log_to_ours(conf.get());
  sockets_.attach(conf.get());
  char reason[512] = "";
  client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), reason, sizeof reason));
  if (!client_)
    throw common::Error(std::string("the sink's Kafka client cannot be made: ") + reason, false,
                        common::ExitCode::configuration);
  (void)conf.release();  // rd_kafka_new took it
  queue_.reset(rd_kafka_queue_get_main(client_.get()));
  rd_kafka_queue_io_event_enable(queue_.get(), wake_fd, &kWake, sizeof kWake);
}

Producer::~Producer() {
  detach();
  topics_.clear();
  queue_.reset();
}

std::int32_t partition_of(const std::string& key, std::int32_t partitions) {
  return rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr, nullptr);
}

rd_kafka_topic_t* Producer::topic(const std::string& name, PartitionCount& partitions) {
  auto& handle = topics_[name];
  if (handle) return handle.get();
  rd_kafka_topic_conf_t* conf = rd_kafka_default_topic_conf_dup(client_.get());
  rd_kafka_topic_conf_set_partitioner_cb(conf, place);
  rd_kafka_topic_conf_set_opaque(conf, &partitions);
  handle.reset(rd_kafka_topic_new(client_.get(), name.c_str(), conf));  // takes conf
  return handle.get();
}

rd_kafka_resp_err_t Producer::send(const core::Row& row, const OwnHeaders& own, void* opaque,
                                   PartitionCount& partitions) {
  rd_kafka_topic_t* handle = topic(row.topic, partitions);
  if (handle == nullptr) return rd_kafka_last_error();
  Headers headers = make_headers(row, own);
  std::array<rd_kafka_vu_t, 6> fields{};
  fields[0].vtype = RD_KAFKA_VTYPE_RKT;
  fields[0].u.rkt = handle;
  // Copied into librdkafka's own message, which it allocates anyway: so that a cut never has to wait for a thread of
  // librdkafka that still holds the row (README.md, "Bodies are copied").
  fields[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[1].u.i = RD_KAFKA_MSG_F_COPY;
  fields[2].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[2].u.ptr = opaque;
  fields[3].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[3].u.headers = headers.get();
  // librdkafka only reads what F_COPY points at; its C signature cannot say so.
  fields[4].vtype = RD_KAFKA_VTYPE_VALUE;
  fields[4].u.mem.ptr = row.body ? const_cast<char*>(row.body->data()) : nullptr;
  fields[4].u.mem.size = row.body ? row.body->size() : 0;
  fields[5].vtype = RD_KAFKA_VTYPE_KEY;
  fields[5].u.mem.ptr = row.key ? const_cast<char*>(row.key->data()) : nullptr;
  fields[5].u.mem.size = row.key ? row.key->size() : 0;
  const ErrorHandle error(rd_kafka_produceva(client_.get(), fields.data(), fields.size()));
  if (error) return rd_kafka_error_code(error.get());
  (void)headers.release();  // the message took them
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void Producer::purge() {
  (void)rd_kafka_purge(client_.get(),
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

Event Producer::poll() { return Event(rd_kafka_queue_poll(queue_.get(), 0)); }

std::string Producer::fatal_reason() const {
  char reason[512] = "";
  if (rd_kafka_fatal_error(client_.get(), reason, sizeof reason) == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return reason;
}

void Producer::detach() { rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0); }

}  // namespace relay::kafka
