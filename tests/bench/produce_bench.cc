// Durable produce against the broker, as a Kafka client sees it (librdkafka, acks=all).
//
// usage: produce_bench stream SERVERS TOPIC RECORDS BYTES    pipelined, batched; {"records": N, "seconds": S}
//        produce_bench single SERVERS TOPIC RECORDS BYTES    one at a time; {"p50_us": …, "p99_us": …}
//        produce_bench fdatasync FILE ROUNDS BYTES           the bare flush to compare with; {"p50_us": …, "p99_us": …}
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Progress {
  long long delivered = 0;
  long long failed = 0;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "produce_bench: %s\n", what.c_str());
  std::exit(1);
}

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* progress = static_cast<Progress*>(opaque);
  ++(message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? progress->delivered : progress->failed);
}

rd_kafka_t* make_producer(const std::string& servers, Progress& progress, bool stream) {
  char error[512] = "";
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"bootstrap.servers", servers},          {"acks", "all"},           {"enable.idempotence", "true"},
      {"linger.ms", stream ? "5" : "0"},       {"batch.size", "1000000"}, {"queue.buffering.max.messages", "200000"},
      {"queue.buffering.max.kbytes", "400000"}};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) fail(error);
  }
  rd_kafka_conf_set_opaque(conf, &progress);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (producer == nullptr) fail(error);
  return producer;
}

void produce(rd_kafka_t* producer, rd_kafka_topic_t* topic, const std::string& body, long long number) {
  while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, 0, const_cast<char*>(body.data()), body.size(), &number,
                          sizeof number, nullptr) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail(rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(producer, 10);
  }
}

void print_percentiles(std::vector<double>& micros) {
  std::ranges::sort(micros);
  const auto at = [&](double share) { return micros[static_cast<std::size_t>(share * double(micros.size() - 1))]; };
  std::printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, \"rounds\": %zu}\n", at(0.5), at(0.99), micros.size());
}

void stream(const std::string& servers, const std::string& name, long long records, std::size_t bytes) {
  Progress progress;
  rd_kafka_t* producer = make_producer(servers, progress, true);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer, name.c_str(), nullptr);
  const std::string body(bytes, 'x');
  const auto started = Clock::now();
  for (long long number = 0; number < records; ++number) {
    produce(producer, topic, body, number);
    if (number % 1000 == 0) rd_kafka_poll(producer, 0);
  }
  while (progress.delivered + progress.failed < records) rd_kafka_poll(producer, 100);
  const std::chrono::duration<double> took = Clock::now() - started;
  if (progress.failed > 0) fail(std::to_string(progress.failed) + " records failed");
  std::printf("{\"records\": %lld, \"seconds\": %.3f}\n", records, took.count());
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
}

void single(const std::string& servers, const std::string& name, long long records, std::size_t bytes) {
  Progress progress;
  rd_kafka_t* producer = make_producer(servers, progress, false);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer, name.c_str(), nullptr);
  const std::string body(bytes, 'x');
  std::vector<double> micros;
  for (long long number = 0; number < records; ++number) {
    const auto started = Clock::now();
    produce(producer, topic, body, number);
    while (progress.delivered + progress.failed <= number) rd_kafka_poll(producer, 100);
    if (progress.failed > 0) fail("a record failed");
    if (number >= records / 10)
      micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - started).count());
  }
  print_percentiles(micros);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
}

// Overwrites a zero-filled file round after round, as a journal does.
void bare_fdatasync(const std::string& path, long long rounds, std::size_t bytes) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0) fail("cannot open " + path);
  const std::string zeros(1 << 20, '\0');
  for (int megabyte = 0; megabyte < 64; ++megabyte) {
    if (::write(file, zeros.data(), zeros.size()) != static_cast<ssize_t>(zeros.size())) fail("cannot fill " + path);
  }
  ::fsync(file);
  const std::string body(bytes, 'x');
  std::vector<double> micros;
  off_t position = 0;
  for (long long round = 0; round < rounds; ++round) {
    const auto started = Clock::now();
    if (::pwrite(file, body.data(), body.size(), position) != static_cast<ssize_t>(bytes) || ::fdatasync(file) != 0) {
      fail("cannot write " + path);
    }
    micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - started).count());
    position = (position + static_cast<off_t>((bytes + 4095) / 4096 * 4096)) % (60 << 20);
  }
  print_percentiles(micros);
  ::close(file);
  ::unlink(path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 5 && arguments[0] == "stream") {
    stream(arguments[1], arguments[2], std::stoll(arguments[3]), std::stoul(arguments[4]));
  } else if (arguments.size() == 5 && arguments[0] == "single") {
    single(arguments[1], arguments[2], std::stoll(arguments[3]), std::stoul(arguments[4]));
  } else if (arguments.size() == 4 && arguments[0] == "fdatasync") {
    bare_fdatasync(arguments[1], std::stoll(arguments[2]), std::stoul(arguments[3]));
  } else {
    std::fprintf(stderr,
                 "usage: produce_bench stream|single SERVERS TOPIC RECORDS BYTES | fdatasync FILE ROUNDS BYTES\n");
    return 64;
  }
  return 0;
}
