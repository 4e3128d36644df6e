// Consuming from a broker, as a Kafka client sees it (librdkafka, no group).
//
// usage: consume_bench all SERVERS TOPIC RECORDS            from the beginning; {"records": N, "seconds": S}
//        consume_bench latency SERVERS TOPIC RATE SECONDS   produce → consume; {"p50_us": …, "p99_us": …, "records": N}
//        consume_bench first SERVERS TOPIC MILLISECONDS     until one record is acknowledged; {"seconds": S}
#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Settings = std::vector<std::pair<std::string, std::string>>;
constexpr int kPollMs = 100;
constexpr int kMetadataMs = 10'000;
constexpr long kWarmUpShare = 5;  // the first fifth of a latency run is not counted

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "consume_bench: %s\n", what.c_str());
  std::exit(1);
}

rd_kafka_t* make_client(rd_kafka_type_t type, const Settings& settings, void* opaque = nullptr,
                        void (*on_delivery)(rd_kafka_t*, const rd_kafka_message_t*, void*) = nullptr) {
  char error[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) fail(error);
  }
  rd_kafka_conf_set_opaque(conf, opaque);
  if (on_delivery != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof error);
  if (client == nullptr) fail(error);
  return client;
}

int partitions_of(rd_kafka_t* client, const std::string& topic) {
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
  const auto error = rd_kafka_metadata(client, 0, handle, &metadata, kMetadataMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR || metadata->topic_cnt != 1) fail("no metadata of " + topic);
  const int count = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  return count;
}

rd_kafka_t* make_consumer(const std::string& servers, const std::string& topic, std::int64_t from) {
  rd_kafka_t* consumer = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", servers},
                                                         {"group.id", "bench"},
                                                         {"enable.auto.commit", "false"},
                                                         {"auto.offset.reset", "earliest"}});
  rd_kafka_poll_set_consumer(consumer);
  const int count = partitions_of(consumer, topic);
  auto* assignment = rd_kafka_topic_partition_list_new(count);
  for (int i = 0; i < count; ++i) rd_kafka_topic_partition_list_add(assignment, topic.c_str(), i)->offset = from;
  if (rd_kafka_assign(consumer, assignment) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("cannot assign " + topic);
  rd_kafka_topic_partition_list_destroy(assignment);
  return consumer;
}

// Timed from the first record to the last, so that connecting is not counted.
void consume_all(const std::string& servers, const std::string& topic, long records) {
  rd_kafka_t* consumer = make_consumer(servers, topic, RD_KAFKA_OFFSET_BEGINNING);
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer);
  std::vector<rd_kafka_message_t*> batch(10'000);
  Clock::time_point started;
  long seen = 0;
  while (seen < records) {
    const auto got = rd_kafka_consume_batch_queue(queue, kPollMs, batch.data(), batch.size());
    if (got > 0 && seen == 0) started = Clock::now();
    for (long i = 0; i < got; ++i) {
      if (batch[static_cast<std::size_t>(i)]->err == RD_KAFKA_RESP_ERR_NO_ERROR) ++seen;
      rd_kafka_message_destroy(batch[static_cast<std::size_t>(i)]);
    }
  }
  const std::chrono::duration<double> took = Clock::now() - started;
  std::printf("{\"records\": %ld, \"seconds\": %.3f}\n", seen, took.count());
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(consumer);
}

void latency(const std::string& servers, const std::string& topic, long rate, long seconds) {
  const long records = rate * seconds;
  rd_kafka_t* producer = make_client(
      RD_KAFKA_PRODUCER,
      {{"bootstrap.servers", servers}, {"acks", "all"}, {"enable.idempotence", "true"}, {"linger.ms", "0"}});
  rd_kafka_topic_t* handle = rd_kafka_topic_new(producer, topic.c_str(), nullptr);
  rd_kafka_t* consumer = make_consumer(servers, topic, RD_KAFKA_OFFSET_END);
  std::atomic<bool> warm{false};
  std::vector<double> micros;
  std::thread reader([&] {
    long seen = 0;
    while (seen < records) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, kPollMs);
      if (message == nullptr) continue;
      const auto now = Clock::now().time_since_epoch().count();
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        std::int64_t sent = 0;
        std::memcpy(&sent, message->payload, sizeof sent);
        if (sent < 0) {
          warm = true;
        } else if (++seen > records / kWarmUpShare) {
          micros.push_back(static_cast<double>(now - sent) / 1000.0);
        }
      }
      rd_kafka_message_destroy(message);
    }
  });
  std::vector<char> body(1024, 'x');
  const auto send = [&](std::int64_t stamp, long key) {
    std::memcpy(body.data(), &stamp, sizeof stamp);
    if (rd_kafka_produce(handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, body.data(), body.size(), &key, sizeof key,
                         nullptr) != 0) {
      fail(rd_kafka_err2str(rd_kafka_last_error()));
    }
    rd_kafka_poll(producer, 0);
  };
  // Until the consumer has found the log's end, what is sent would not reach it.
  while (!warm) {
    send(-1, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const auto started = Clock::now();
  for (long number = 0; number < records; ++number) {
    std::this_thread::sleep_until(started + std::chrono::nanoseconds(1'000'000'000L * number / rate));
    send(Clock::now().time_since_epoch().count(), number);
  }
  reader.join();
  std::ranges::sort(micros);
  const auto at = [&](double share) {
    return micros[static_cast<std::size_t>(share * static_cast<double>(micros.size() - 1))];
  };
  std::printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, \"records\": %zu}\n", at(0.5), at(0.99), micros.size());
  rd_kafka_topic_destroy(handle);
  rd_kafka_destroy(producer);
  rd_kafka_destroy(consumer);
}

struct First {
  bool done = false;
  bool failed = false;
};

// Until something listens there: a client that finds nobody waits for its own timers, which are not the server's.
void wait_for_listener(const std::string& servers, Clock::time_point until) {
  const auto colon = servers.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(servers.substr(colon + 1))));
  if (inet_pton(AF_INET, servers.substr(0, colon).c_str(), &address.sin_addr) != 1) fail("no IPv4 address: " + servers);
  bool connected = false;
  while (!connected && Clock::now() < until) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    connected = connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(socket);
    if (!connected) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void first(const std::string& servers, const std::string& topic, long milliseconds) {
  const auto started = Clock::now();
  wait_for_listener(servers, started + std::chrono::milliseconds(milliseconds));
  First outcome;
  rd_kafka_t* producer = make_client(RD_KAFKA_PRODUCER,
                                     {{"bootstrap.servers", servers},
                                      {"acks", "all"},
                                      {"linger.ms", "0"},
                                      {"log_level", "0"},
                                      {"reconnect.backoff.ms", "5"},
                                      {"reconnect.backoff.max.ms", "10"},
                                      {"retry.backoff.ms", "5"},
                                      {"topic.metadata.refresh.fast.interval.ms", "5"}},
                                     &outcome, [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
                                       static_cast<First*>(opaque)->done = true;
                                       static_cast<First*>(opaque)->failed = message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
                                     });
  rd_kafka_topic_t* handle = rd_kafka_topic_new(producer, topic.c_str(), nullptr);
  char body[] = "first";
  rd_kafka_produce(handle, 0, RD_KAFKA_MSG_F_COPY, body, sizeof body, nullptr, 0, nullptr);
  while (!outcome.done && Clock::now() - started < std::chrono::milliseconds(milliseconds)) rd_kafka_poll(producer, 1);
  if (!outcome.done || outcome.failed) fail("no record was acknowledged");
  const std::chrono::duration<double> took = Clock::now() - started;
  std::printf("{\"seconds\": %.4f}\n", took.count());
  rd_kafka_topic_destroy(handle);
  rd_kafka_destroy(producer);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 4 && arguments[0] == "all") {
    consume_all(arguments[1], arguments[2], std::stol(arguments[3]));
  } else if (arguments.size() == 5 && arguments[0] == "latency") {
    latency(arguments[1], arguments[2], std::stol(arguments[3]), std::stol(arguments[4]));
  } else if (arguments.size() == 4 && arguments[0] == "first") {
    first(arguments[1], arguments[2], std::stol(arguments[3]));
  } else {
    std::fprintf(stderr,
                 "usage: consume_bench all SERVERS TOPIC RECORDS | latency SERVERS TOPIC RATE SECONDS | "
                 "first SERVERS TOPIC MILLISECONDS\n");
    return 64;
  }
  return 0;
}
