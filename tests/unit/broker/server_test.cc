// The server with real sockets, a store in memory and a clock of the test's: connections that are stuck end in time,
// memory is bounded, and others go on.
#include "broker/net/server.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "broker/net/hub.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch_builder.h"
#include "common/unique_fd.h"
#include "tests/integration/broker/requests.h"
#include "tests/integration/broker/wire_client.h"
#include "tests/support/wait_until.h"
#include "tests/unit/broker/memory_store.h"

namespace broker_tests {
namespace {

namespace core = broker::core;
namespace handlers = broker::handlers;
namespace net = broker::net;
namespace storage = broker::storage;
using std::chrono::seconds;
using test_support::wait_until;

class FarClock final : public common::Clock {
 public:
  [[nodiscard]] std::chrono::nanoseconds steady() const override { return real_.steady() + seconds(ahead_s_); }
  [[nodiscard]] std::chrono::microseconds wall() const override { return real_.wall(); }
  void pass(seconds time) { ahead_s_ += time.count(); }

 private:
  common::SystemClock real_;
  std::atomic<std::int64_t> ahead_s_{0};
};

// A disk that may hang: then nothing becomes durable, and frames are kept.
class HangingStore final : public MemoryStore {
 public:
  storage::Ticket submit(storage::Record record, storage::SharedBytes keep_alive) override {
    const std::scoped_lock lock(mutex_);
    if (hangs_) kept_.push_back(std::move(keep_alive));
    return MemoryStore::submit(std::move(record), nullptr);
  }
  [[nodiscard]] storage::Ticket durable() const override {
    return hangs_ ? durable_before_.load() : MemoryStore::durable();
  }
  [[nodiscard]] int durable_fd() const override { return moved_.get(); }
  void hang() {
    durable_before_ = MemoryStore::durable();
    hangs_ = true;
  }
  void go_on() {
    {
      const std::scoped_lock lock(mutex_);
      hangs_ = false;
      kept_.clear();
    }
    ::eventfd_write(moved_.get(), 1);
  }

 private:
  const common::UniqueFd moved_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  std::atomic<bool> hangs_{false};
  std::atomic<storage::Ticket> durable_before_{storage::Ticket(0)};
  std::mutex mutex_;
  std::vector<storage::SharedBytes> kept_;  // guarded by mutex_
};

class ServerTest : public testing::Test {
 protected:
  static constexpr std::int32_t kMany = 100;
  static net::NetLimits small_limits() {
    net::NetLimits limits;
    limits.bytes_in_flight_max = 8 << 20;
    limits.bytes_in_flight_total_max = 16 << 20;
    limits.connections_max = 8;
    return limits;
  }
  void SetUp() override {
    (void)broker_.make_topic("t", 1, {});
    (void)broker_.make_topic("many", kMany, {});
    server_ = std::make_unique<net::Server>(net::ServerOptions{{"127.0.0.1", 0}, {}, small_limits()}, metrics_);
    loop_ = std::thread([this] { server_->run(broker_, stop_.get(), *heartbeat_, {}); });
  }
  void TearDown() override {
    store_.go_on();
    ::eventfd_write(stop_.get(), 1);
    loop_.join();
  }
  [[nodiscard]] WireClient connect() const { return WireClient(server_->address().port); }
  static bool answers(WireClient& client) {
    return client.call<protocol::MetadataResponse>(protocol::MetadataRequest{}, 4).has_value();
  }
  double value(const std::string& name) { return metrics_.gauge(name, "").value(); }
  std::uint64_t received() { return metrics_.counter("broker_network_received_bytes_total", "").value(); }
  std::uint64_t ended(const std::string& why) {
    return metrics_.counter("broker_connections_ended_total", "", {{"reason", why}}).value();
  }
  static protocol::FetchRequest fetch(int wait_ms) { return fetch_of({.wait_ms = wait_ms, .bytes_max = 8 << 20}); }
  static protocol::ProduceRequest produce(const std::vector<std::byte>& records, int acks) {
    protocol::ProduceRequest request;
    request.acks = static_cast<std::int16_t>(acks);
    request.topics.push_back({"t", {{0, protocol::BytesView(records)}}});
    return request;
  }
  const std::vector<std::byte> megabyte_ = protocol::plain_batch(100, 10'000);

  FarClock clock_;
  HangingStore store_;
  core::State state_;
  common::Metrics metrics_;
  std::uint64_t random_ = 0;
  core::Broker broker_{state_, store_, clock_, core::BrokerSettings{}, [this] { return ++random_; }};
  common::Liveness liveness_{clock_};
  std::unique_ptr<common::Liveness::Heartbeat> heartbeat_ = liveness_.add("loop", seconds(30));
  const common::UniqueFd stop_{::eventfd(0, EFD_CLOEXEC)};
  std::unique_ptr<net::Server> server_;
  std::thread loop_;
};

TEST(Hub, AnAddressHasItsShareAndLoopbackIsNone) {
  MemoryStore store;
  const common::SystemClock clock;
  core::State state;
  common::Metrics metrics;
  core::Broker broker(state, store, clock, core::BrokerSettings{}, [] { return 1; });
  handlers::HandlerMetrics handler_metrics(metrics);
  handlers::Context context{broker, handler_metrics, {}};
  net::NetLimits limits;
  limits.connections_per_address_max = 2;
  net::NetMetrics net_metrics(metrics);
  net::Hub hub(context, limits, net_metrics);
  EXPECT_TRUE(hub.admit("10.0.0.1"));
  EXPECT_TRUE(hub.admit("10.0.0.1"));
  EXPECT_FALSE(hub.admit("10.0.0.1"));
  EXPECT_TRUE(hub.admit("10.0.0.2"));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(hub.admit("127.0.0.1"));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(hub.admit("::1"));
}

TEST_F(ServerTest, HalfAFrameEndsAfterItsTimeAndNobodyElse) {
  auto half = connect();
  const std::array<std::byte, 6> beginning{std::byte{0}, std::byte{0}, std::byte{4}};
  ASSERT_TRUE(half.send(beginning));
  auto other = connect();
  ASSERT_TRUE(answers(other));
  clock_.pass(seconds(61));
  EXPECT_TRUE(half.closed());
  EXPECT_EQ(ended("slow_sender"), 1U);
  EXPECT_TRUE(answers(other));
}

TEST_F(ServerTest, AFrameThatTricklesEndsToo) {
  auto slow = connect();
  const std::array<std::byte, 4> length{std::byte{0}, std::byte{0}, std::byte{4}};
  ASSERT_TRUE(slow.send(length));
  std::array<std::byte, 1> one{};
  // Never silent for as long as a minute, and 1,024 bytes are due within a minute.
  EXPECT_TRUE(wait_until([&] {
    clock_.pass(seconds(1));
    return !slow.send(one) || ended("slow_sender") == 1;
  }));
}

TEST_F(ServerTest, IdleConnectionsEndButWaitingOnesStay) {
  auto idle = connect();
  auto waiting = connect();
  ASSERT_TRUE(answers(idle));
  ASSERT_TRUE(answers(waiting));
  ASSERT_TRUE(waiting.send(fetch(60'000), 11));
  ASSERT_TRUE(wait_until([&] { return received() > 100; }));
  clock_.pass(seconds(601));
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(ended("idle"), 1U);
  EXPECT_TRUE(waiting.receive());
}

TEST_F(ServerTest, AnswersThatNobodyTakesEndTheConnection) {
  auto client = connect();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(client.call<protocol::ProduceResponse>(produce(megabyte_, -1), 7));
  auto stuck = connect();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stuck.send(fetch(0), 11));
  // More than the sockets hold is on its way, and the rest of the requests is not read.
  ASSERT_TRUE(wait_until([&] { return value("broker_in_flight_bytes") > (1 << 20); }));
  EXPECT_LT(value("broker_in_flight_bytes"), 8 << 20);
  clock_.pass(seconds(601));
  EXPECT_TRUE(wait_until([&] { return ended("slow_reader") == 1; }));
  EXPECT_TRUE(wait_until([&] { return value("broker_in_flight_bytes") == 0; }));
}

TEST_F(ServerTest, AnAnswerOfMoreThanTheSocketTakesAtOnceArrivesWhole) {
  auto client = connect();
  auto everything = fetch(0);
  everything.topics[0].topic = "many";
  everything.topics[0].partitions.resize(kMany, everything.topics[0].partitions[0]);
  std::vector<std::vector<std::byte>> sent;  // small ones among large ones: pieces of both kinds
  for (std::int32_t i = 0; i < kMany; ++i) {
    sent.push_back(protocol::plain_batch(1, i % 7 == 0 ? 100 : 4'000 + 500 * static_cast<std::size_t>(i)));
    protocol::ProduceRequest request = produce(sent.back(), -1);
    request.topics[0].name = "many";
    request.topics[0].partitions[0].index = i;
    ASSERT_TRUE(client.call<protocol::ProduceResponse>(request, 7));
    everything.topics[0].partitions[static_cast<std::size_t>(i)].partition = i;
  }
  constexpr int kTimes = 10;
  for (int i = 0; i < kTimes; ++i) ASSERT_TRUE(client.send(everything, 11));
  ASSERT_TRUE(wait_until([&] { return value("broker_in_flight_bytes") > (1 << 20); }));
  for (int i = 0; i < kTimes; ++i) {
    const auto response = client.receive_message<protocol::FetchResponse>(11);
    ASSERT_TRUE(response);
    for (const auto& partition : response->topics.at(0).partitions) {
      const auto& wanted = sent[static_cast<std::size_t>(partition.partition_index)];
      const auto got = partition.records->span();
      ASSERT_EQ(got.size(), wanted.size()) << partition.partition_index;
      // Before that the broker writes the leader's epoch.
      EXPECT_TRUE(std::ranges::equal(got.subspan(16), std::span(wanted).subspan(16))) << partition.partition_index;
    }
  }
}

TEST_F(ServerTest, WhatIsNotWrittenYetCountsAlsoWithoutAnAnswer) {
  store_.hang();
  auto flood = connect();
  std::thread sender([&] {
    for (int i = 0; i < 40; ++i) EXPECT_TRUE(flood.send(produce(megabyte_, 0), 7));
  });
  ASSERT_TRUE(wait_until([&] { return value("broker_memory_paused_connections") == 1; }));
  EXPECT_LE(received(), 10U << 20);  // its 8 MiB, and a frame that had begun
  auto other = connect();
  EXPECT_TRUE(answers(other));
  store_.go_on();
  sender.join();
  EXPECT_TRUE(wait_until([&] { return received() > 40'000'000; }));
  EXPECT_TRUE(wait_until([&] { return value("broker_memory_paused_connections") == 0; }));
}

TEST_F(ServerTest, WhenMemoryIsShortLargeRequestsWaitAndSmallOnesPass) {
  store_.hang();
  std::vector<std::unique_ptr<WireClient>> floods;
  for (int i = 0; i < 3; ++i) floods.push_back(std::make_unique<WireClient>(server_->address().port));
  std::vector<std::thread> senders;
  for (const auto& flood : floods) {
    senders.emplace_back([this, &client = *flood] {
      for (int n = 0; n < 10; ++n) EXPECT_TRUE(client.send(produce(megabyte_, 0), 7));
    });
  }
  ASSERT_TRUE(wait_until([&] { return value("broker_memory_paused_connections") == 3; }));
  EXPECT_LE(received(), 20U << 20);  // 16 MiB, and a frame each that had begun
  auto other = connect();
  EXPECT_TRUE(answers(other));
  store_.go_on();
  for (auto& sender : senders) sender.join();
  EXPECT_TRUE(wait_until([&] { return received() > 30'000'000; }));
}

TEST_F(ServerTest, AConnectionBeyondTheLimitIsClosedAndTheOthersStay) {
  std::vector<std::unique_ptr<WireClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<WireClient>(server_->address().port));
    ASSERT_TRUE(answers(*clients.back()));
  }
  auto beyond = connect();
  EXPECT_TRUE(beyond.closed());
  EXPECT_EQ(metrics_.counter("broker_connections_refused_total", "").value(), 1U);
  for (auto& client : clients) EXPECT_TRUE(answers(*client));
  clients.pop_back();
  ASSERT_TRUE(wait_until([&] { return value("broker_connections") == 7; }));
  auto next = connect();
  EXPECT_TRUE(answers(next));
}

}  // namespace
}  // namespace broker_tests
