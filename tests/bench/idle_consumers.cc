// Many consumers that wait for data which never comes, and the bare exchange to compare them with.
//
// usage: idle_consumers fetch PORT TOPIC PARTITIONS CONSUMERS MAX_WAIT_MS SECONDS
//          CONSUMERS connections, each with one Fetch under way all the time, at the end of a partition of TOPIC
//        idle_consumers echo-server            prints {"port": P}, then echoes until it is killed
//        idle_consumers echo PORT CONSUMERS MAX_WAIT_MS SECONDS
//          CONSUMERS connections, each of which sends a request of a Fetch's size every MAX_WAIT_MS
// prints {"exchanges": N, "seconds": S}; whoever calls it measures the server.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/protocol/fetch.h"
#include "broker/protocol/headers.h"
#include "broker/protocol/list_offsets.h"
#include "tests/bench/bare_socket.h"

namespace {

namespace protocol = broker::protocol;
using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::byte>;
constexpr std::int16_t kFetchVersion = 12;
constexpr std::int16_t kListOffsetsVersion = 2;
constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kEventsMax = 512;

using bench::connect_to;
using bench::fail;
using bench::receive_frame;
using bench::send_all;

std::int64_t end_of(int socket, const std::string& topic, std::int32_t partition) {
  protocol::ListOffsetsRequest request;
  protocol::ListOffsetsTopic asked;
  asked.name = topic;
  asked.partitions.push_back({.partition_index = partition, .timestamp_ms = protocol::kLatestTimestamp});
  request.topics.push_back(std::move(asked));
  const protocol::ApiVersion version(kListOffsetsVersion);
  send_all(socket, protocol::encode_request(request, version, protocol::CorrelationId(1), "idle"));
  const auto frame = receive_frame(socket);
  const auto answer = protocol::decode<protocol::ListOffsetsResponse>(
      std::span<const std::byte>(frame).subspan(
          protocol::response_header_size(protocol::ApiKey::list_offsets, version)),
      version);
  if (!answer || answer.message.topics.empty()) fail("ListOffsets");
  return answer.message.topics[0].partitions[0].offset;
}

Bytes fetch_of(const std::string& topic, std::int32_t partition, std::int64_t from, std::int32_t max_wait_ms) {
  protocol::FetchRequest request;
  request.max_wait_ms = max_wait_ms;
  request.min_bytes = 1;
  request.max_bytes = 50 << 20;
  protocol::FetchTopic asked;
  asked.topic = topic;
  asked.partitions.push_back({.partition = partition, .fetch_offset = from, .partition_max_bytes = 1 << 20});
  request.topics.push_back(std::move(asked));
  return protocol::encode_request(request, protocol::ApiVersion(kFetchVersion), protocol::CorrelationId(2), "idle");
}

struct Consumer {
  int socket = -1;
  Bytes request;
  std::size_t answer_have = 0;  // bytes of the answer that came, its length included
  std::size_t answer_size = 4;
};

// Takes what has come; true: an answer is complete.
bool take_answer(Consumer& consumer, std::array<std::byte, kReadBytes>& buffer, bool framed) {
  const auto count = ::recv(consumer.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count <= 0) fail("the server closed a connection");
  if (consumer.answer_have == 0) {
    std::size_t size = framed ? 0 : consumer.request.size();
    for (int i = 0; framed && i < 4; ++i) {
      size = (size << 8) | std::to_integer<std::size_t>(buffer[static_cast<std::size_t>(i)]);
    }
    consumer.answer_size = framed ? size + 4 : size;
  }
  consumer.answer_have += static_cast<std::size_t>(count);
  if (consumer.answer_have < consumer.answer_size) return false;
  consumer.answer_have = 0;
  return true;
}

int watch(std::vector<Consumer>& consumers) {
  const int epoll = ::epoll_create1(0);
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, consumers[i].socket, &event);
  }
  return epoll;
}

// `pause` zero: the next request follows its answer at once, the server makes it wait.
void exchange(std::vector<Consumer>& consumers, std::chrono::milliseconds pause, int seconds) {
  const bool framed = pause.count() == 0;
  const int epoll = watch(consumers);
  std::deque<std::pair<Clock::time_point, std::size_t>> due;
  const auto started = Clock::now();
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    if (framed) {
      send_all(consumers[i].socket, consumers[i].request);
    } else {
      due.emplace_back(started + pause * i / consumers.size(), i);
    }
  }
  std::array<epoll_event, kEventsMax> events{};
  std::array<std::byte, kReadBytes> buffer{};
  long exchanges = 0;
  while (Clock::now() - started < std::chrono::seconds(seconds)) {
    while (!due.empty() && due.front().first <= Clock::now()) {
      send_all(consumers[due.front().second].socket, consumers[due.front().second].request);
      due.pop_front();
    }
    const int count = ::epoll_wait(epoll, events.data(), kEventsMax, framed ? 100 : 1);
    for (int i = 0; i < count; ++i) {
      const auto index = events[static_cast<std::size_t>(i)].data.u64;
      if (!take_answer(consumers[index], buffer, framed)) continue;
      ++exchanges;
      if (framed) {
        send_all(consumers[index].socket, consumers[index].request);
      } else {
        due.emplace_back(Clock::now() + pause, index);
      }
    }
  }
  const std::chrono::duration<double> took = Clock::now() - started;
  std::printf("{\"exchanges\": %ld, \"seconds\": %.3f}\n", exchanges, took.count());
}

void run_fetch(int port, const std::string& topic, int partitions, int count, int max_wait_ms, int seconds) {
  std::vector<Consumer> consumers;
  for (int i = 0; i < count; ++i) {
    const std::int32_t partition = i % partitions;
    const int socket = connect_to(port);
    consumers.push_back(
        {.socket = socket, .request = fetch_of(topic, partition, end_of(socket, topic, partition), max_wait_ms)});
    std::this_thread::sleep_for(std::chrono::microseconds(max_wait_ms * 1000 / count));  // spread, as in life
  }
  exchange(consumers, std::chrono::milliseconds(0), seconds);
}

void run_echo(int port, int count, int max_wait_ms, int seconds) {
  std::vector<Consumer> consumers;
  consumers.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    consumers.push_back({.socket = connect_to(port), .request = fetch_of("idle", 0, 0, 500)});
  }
  exchange(consumers, std::chrono::milliseconds(max_wait_ms), seconds);
}

[[noreturn]] void serve_echo() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(listener, 4096) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    fail("listen");
  }
  std::printf("{\"port\": %d}\n", ntohs(address.sin_port));
  std::fflush(stdout);
  const int epoll = ::epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, kEventsMax> events{};
  std::array<std::byte, kReadBytes> buffer{};
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), kEventsMax, -1);
    for (int i = 0; i < count; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener) {
        epoll_event client{.events = EPOLLIN, .data = {.fd = ::accept(listener, nullptr, nullptr)}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, client.data.fd, &client);
        continue;
      }
      const auto bytes = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
      const bool echoed =
          bytes > 0 && ::send(socket, buffer.data(), static_cast<std::size_t>(bytes), MSG_NOSIGNAL) == bytes;
      if (!echoed) ::close(socket);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto number = [&](std::size_t i) { return std::stoi(arguments[i]); };
  if (arguments.size() == 7 && arguments[0] == "fetch") {
    run_fetch(number(1), arguments[2], number(3), number(4), number(5), number(6));
  } else if (arguments.size() == 5 && arguments[0] == "echo") {
    run_echo(number(1), number(2), number(3), number(4));
  } else if (arguments.size() == 1 && arguments[0] == "echo-server") {
    serve_echo();
  } else {
    std::fprintf(stderr,
                 "usage: idle_consumers fetch PORT TOPIC PARTITIONS CONSUMERS MAX_WAIT_MS SECONDS | echo-server | "
                 "echo PORT CONSUMERS MAX_WAIT_MS SECONDS\n");
    return 64;
  }
  return 0;
}
