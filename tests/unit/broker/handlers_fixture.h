// A broker over a store in memory, asked through the handlers as a session would, with frames and all.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/dispatch.h"
#include "broker/protocol/api_table.h"
#include "broker/protocol/codec.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/unit/broker/memory_store.h"

namespace broker_tests {

namespace core = broker::core;
namespace handlers = broker::handlers;
namespace protocol = broker::protocol;
namespace storage = broker::storage;

class ManualClock final : public common::Clock {
 public:
  [[nodiscard]] std::chrono::nanoseconds steady() const override { return steady_; }
  [[nodiscard]] std::chrono::microseconds wall() const override { return wall_; }
  void pass(std::chrono::milliseconds time) {
    steady_ += time;
    wall_ += time;
  }

 private:
  std::chrono::nanoseconds steady_{std::chrono::hours(1)};
  std::chrono::microseconds wall_{std::chrono::seconds(1'700'000'000)};
};

class HandlersTest : public testing::Test {
 protected:
  explicit HandlersTest(bool durable_at_once = true) : store(durable_at_once) {}

  // Sends one request; the reply may still be waiting.
  template <class Message>
  handlers::ReplyPtr ask(const Message& message, int version) {
    auto encoded = protocol::encode_request(message, protocol::ApiVersion(static_cast<std::int16_t>(version)),
                                            protocol::CorrelationId(7), "test");
    return ask_raw({encoded.begin() + protocol::kFrameLengthBytes, encoded.end()});
  }
  handlers::ReplyPtr ask_raw(std::vector<std::byte> bytes) {
    auto frame = std::make_shared<common::ByteBuffer>(bytes.begin(), bytes.end());
    const auto header = protocol::decode_request_header(*frame);
    auto reply = std::make_shared<handlers::Reply>([](std::size_t) {});
    const auto body = std::span<const std::byte>(*frame).subspan(header.size);
    handlers::handle(context, {header.header, body, frame, "127.0.0.1", &fetched_topics}, reply);
    return reply;
  }
  // The answer's message. Its bytes are kept by the fixture, for its views.
  template <class Response>
  Response answer(const handlers::ReplyPtr& reply, int version) {
    EXPECT_EQ(reply->kind(), handlers::Reply::Kind::frame) << reply->why();
    kept.push_back(std::make_unique<std::vector<std::byte>>(reply->take_frame().joined()));
    const protocol::ApiVersion api_version(static_cast<std::int16_t>(version));
    const auto skip = protocol::kFrameLengthBytes + protocol::response_header_size(Response::kKey, api_version);
    auto decoded = protocol::decode<Response>(std::span<const std::byte>(*kept.back()).subspan(skip), api_version);
    EXPECT_EQ(decoded.error, protocol::DecodeError::none);
    EXPECT_EQ(decoded.trailing_bytes, 0U);
    return decoded.message;
  }
  template <class Response, class Message>
  Response call(const Message& message, int version) {
    return answer<Response>(ask(message, version), version);
  }

  core::Topic& make_topic(const std::string& name, std::int32_t partitions = 1, const core::TopicConfig& config = {}) {
    auto made = broker.make_topic(name, partitions, config);
    EXPECT_FALSE(made.refusal) << made.refusal.message;
    return *made.topic;
  }

  // Public, so that they need no accessors: tests are about them.
 public:
  MemoryStore store;
  ManualClock clock;
  core::State state;
  std::uint64_t random = 0;
  common::Metrics metrics;
  handlers::HandlerMetrics handler_metrics{metrics};
  core::Broker broker{state, store, clock, core::BrokerSettings{}, [this] { return ++random * 0x9e3779b97f4a7c15ULL; }};
  handlers::Context context{broker, handler_metrics, {}};
  handlers::FetchedTopics fetched_topics;  // all requests come over one connection
  std::vector<std::unique_ptr<std::vector<std::byte>>> kept;
};

}  // namespace broker_tests
