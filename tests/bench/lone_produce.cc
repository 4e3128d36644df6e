// One durable produce at a time, by one thread with one socket and no client library, in turns with the bare flush to
// compare it with: what the disk does to one it does to the other.
//
// usage: lone_produce PORT TOPIC FILE ROUNDS BYTES    FILE: a new one, on the broker's disk
// prints {"p50_us": …, "p99_us": …, "flush_p50_us": …, "flush_p99_us": …}
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/bench/bare_socket.h"

namespace {

namespace protocol = broker::protocol;
using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::byte>;
constexpr protocol::ApiVersion kProduceVersion(7);
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kFileBytes = 64 << 20;
constexpr int kWarmUpRounds = 100;

// As large as the broker's journal, and like that written over, not grown.
int open_filled(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file < 0) bench::fail(path);
  const Bytes zeros(1 << 20);
  for (std::size_t at = 0; at < kFileBytes; at += zeros.size()) {
    if (::write(file, zeros.data(), zeros.size()) != static_cast<ssize_t>(zeros.size())) bench::fail(path);
  }
  ::fsync(file);
  return file;
}

void flush_once(int file, const Bytes& bytes, std::size_t position) {
  const auto written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(position));
  if (written != static_cast<ssize_t>(bytes.size()) || ::fdatasync(file) != 0) bench::fail("flush");
}

void produce_once(int socket, const Bytes& request) {
  bench::send_all(socket, request);
  const auto frame = bench::receive_frame(socket);
  const auto response = protocol::decode<protocol::ProduceResponse>(std::span(frame).subspan(4), kProduceVersion);
  if (!response || response.message.topics.at(0).partitions.at(0).error_code != protocol::ErrorCode::none) {
    bench::fail("the record was refused");
  }
}

template <class Work>
double micros_of(Work work) {
  const auto started = Clock::now();
  work();
  return std::chrono::duration<double, std::micro>(Clock::now() - started).count();
}

double percentile(std::vector<double>& micros, double share) {
  std::ranges::sort(micros);
  return micros[static_cast<std::size_t>(share * static_cast<double>(micros.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: lone_produce PORT TOPIC FILE ROUNDS BYTES\n", stderr);
    return 64;
  }
  const std::string topic = argv[2];
  const int rounds = std::stoi(argv[4]);
  const auto records = protocol::plain_batch(1, std::stoul(argv[5]));
  protocol::ProduceRequest message;
  message.acks = -1;
  message.topics.push_back({topic, {{0, protocol::BytesView(records)}}});
  const auto request = protocol::encode_request(message, kProduceVersion, protocol::CorrelationId(1), "lone");

  const int file = open_filled(argv[3]);
  const int socket = bench::connect_to(std::stoi(argv[1]));
  std::vector<double> produced;
  std::vector<double> flushed;
  for (int round = -kWarmUpRounds; round < rounds; ++round) {
    const auto position = static_cast<std::size_t>(round + kWarmUpRounds) * kPageBytes % kFileBytes;
    const double produce = micros_of([&] { produce_once(socket, request); });
    const double flush = micros_of([&] { flush_once(file, records, position); });
    if (round < 0) continue;
    produced.push_back(produce);
    flushed.push_back(flush);
  }
  std::printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, \"flush_p50_us\": %.1f, \"flush_p99_us\": %.1f}\n",
              percentile(produced, 0.5), percentile(produced, 0.99), percentile(flushed, 0.5),
              percentile(flushed, 0.99));
  ::close(socket);
  ::close(file);
  return 0;
}
