// The relay's producer properties, in one place; each with its reason in README.md.
#include "relay/kafka/properties.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/error.h"
#include "relay/kafka/producer_conf.h"

namespace relay::kafka {
namespace {

struct Owned {
  std::string_view name;
  std::string_view why;
};

constexpr auto kOwned = std::to_array<Owned>({
    {"bootstrap.servers", "set bootstrap_servers of the sink"},
    {"metadata.broker.list", "set bootstrap_servers of the sink"},
    {"client.id", "it carries the lease's epoch, which fences a stale relay"},
    {"acks", "a row is marked only when all in-sync replicas have it"},
    {"request.required.acks", "a row is marked only when all in-sync replicas have it"},
    {"enable.idempotence", "order within a key depends on it"},
    {"enable.gapless.guarantee", "order within a key depends on it"},
    {"transactional.id", "see the sink's setting fencing"},
    {"max.in.flight", "order within a key depends on it"},
    {"max.in.flight.requests.per.connection", "order within a key depends on it"},
    {"message.timeout.ms", "the relay alone ends waiting: see silence_timeout"},
    {"delivery.timeout.ms", "the relay alone ends waiting: see silence_timeout"},
    {"message.send.max.retries", "the relay alone ends waiting: see silence_timeout"},
    {"retries", "the relay alone ends waiting: see silence_timeout"},
    {"partitioner", "keys must meet the same partition as from Java clients"},
    {"batch.size", "batches stay below every topic's max.message.bytes"},
    {"batch.num.messages", "batches stay below every topic's max.message.bytes"},
    {"queue.buffering.max.messages", "set in_flight_rows of the source"},
    {"queue.buffering.max.kbytes", "set in_flight_bytes of the source"},
    {"queuing.strategy", "order within a key depends on it"},
    {"delivery.report.only.error", "every row waits for its own acknowledgement"},
    {"statistics.interval.ms", "the relay watches the connection by it"},
    {"log.queue", "the relay writes the log"},
    {"log_level", "set [log] level"},
});

void set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char reason[256] = "";
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof reason) == RD_KAFKA_CONF_OK) return;
  // librdkafka's reason quotes the value, which may be a password: only its name is repeated.
  throw common::Error(
      "[sink.properties] " + name + " is refused by librdkafka: no such property, or not a value for it", false,
      common::ExitCode::configuration);
}

void set_defaults(rd_kafka_conf_t* conf) {
  set(conf, "socket.keepalive.enable", "true");
  set(conf, "socket.nagle.disable", "true");
  // A broker that comes back is noticed within half a second; librdkafka's own maximum is 10 s.
  set(conf, "reconnect.backoff.ms", "50");
  set(conf, "reconnect.backoff.max.ms", "500");
  set(conf, "retry.backoff.ms", "50");
  set(conf, "socket.connection.setup.timeout.ms", "5000");
  set(conf, "topic.metadata.refresh.fast.interval.ms", "100");
  set(conf, "topic.metadata.propagation.max.ms", "5000");
  // How soon a topic that did not exist, or was forbidden, is tried again; librdkafka's own is 5 min.
  set(conf, "topic.metadata.refresh.interval.ms", "10000");
  set(conf, "message.max.bytes", std::to_string(kMessageBytesMax));
  // Measured: waiting for company costs latency (p50 0.3 ms without, 1.5 ms with 1 ms) and saves nothing, because rows
  // come in batches anyway.
  set(conf, "linger.ms", "0");
  set(conf, "log.connection.close", "false");
}

void set_owned(rd_kafka_conf_t* conf, const PublisherConfig& config, ClientKind kind, BatchBytes batch,
               core::Epoch epoch) {
  set(conf, "bootstrap.servers", config.bootstrap_servers);
  if (kind == ClientKind::admin) {
    set(conf, "client.id", "outbox-watch/" + config.source);
    set(conf, "statistics.interval.ms", "500");
    return;
  }
  set(conf, "client.id", "outbox/" + config.source + "/" + std::to_string(epoch.value()));
  set(conf, "acks", "all");
  set(conf, "enable.idempotence", "true");
  set(conf, "message.timeout.ms", "0");
  set(conf, "partitioner", "murmur2_random");
  // Twice the window: the window is the relay's to keep, the queue must never be what stops it.
  set(conf, "queue.buffering.max.messages", std::to_string(std::max(1, config.in_flight_rows) * 2));
  set(conf, "queue.buffering.max.kbytes", "2097151");
  if (kind == ClientKind::pipelined) {
    set(conf, "enable.gapless.guarantee", "true");
    set(conf, "max.in.flight", "5");
    set(conf, "batch.size", std::to_string(batch.value()));
  } else {
    set(conf, "max.in.flight", "1");
  }
}

}  // namespace

std::optional<std::string> owned_property(std::string_view name) {
  const auto* found = std::ranges::find(kOwned, name, &Owned::name);
  if (found == kOwned.end()) return std::nullopt;
  return std::string(name) + " is the relay's own: " + std::string(found->why);
}

Conf make_conf(const PublisherConfig& config, ClientKind kind, BatchBytes batch, core::Epoch epoch) {
  Conf conf(rd_kafka_conf_new());
  set_defaults(conf.get());
  for (const auto& [name, value] : config.properties) {
    if (auto why = owned_property(name))
      throw common::Error("[sink.properties] " + *why, false, common::ExitCode::configuration);
    set(conf.get(), name, value);
  }
  set_owned(conf.get(), config, kind, batch, epoch);
  return conf;
}

std::int64_t message_bytes_max(const PublisherConfig& config) {
  std::int64_t bytes = kMessageBytesMax;
  for (const auto& [name, value] : config.properties)
    if (name == "message.max.bytes") std::from_chars(value.data(), value.data() + value.size(), bytes);
  return bytes;
}

bool compresses(const PublisherConfig& config) {
  return std::ranges::any_of(config.properties, [](const auto& property) {
    const auto& [name, value] = property;
    return (name == "compression.codec" || name == "compression.type") && value != "none";
  });
}

}  // namespace relay::kafka
