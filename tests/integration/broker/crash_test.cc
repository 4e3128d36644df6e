// kill -9 in the middle of a stream: what was acknowledged is there, at its offset, once per idempotent batch, and
// nothing is there that was not sent.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "broker/protocol/fetch.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/producer_id.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/record_batch_builder.h"
#include "common/error.h"
#include "tests/integration/broker/requests.h"
#include "tests/integration/broker/wire_client.h"
#include "tests/support/programs.h"
#include "tests/support/seed.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
constexpr int kPartitions = 3;
constexpr std::size_t kInFlight = 5;

// Sends numbered batches, several in flight per partition; after a broken connection sends again what has no answer.
class Writer {
 public:
  explicit Writer(test_support::BrokerProcess& broker) : broker_(broker) {}

  // Until `acks` more batches are acknowledged, or the connection breaks. False: it broke.
  bool write(std::size_t acks) {
    if (!client_ && !connect()) return false;
    const auto wanted = acked_ + acks;
    while (acked_ < wanted) {
      if (!fill() || !read_one()) {
        client_.reset();
        return false;
      }
    }
    return true;
  }
  // Leaves requests without an answer behind.
  bool fill() {
    while (sent_.size() < kInFlight * kPartitions) {
      const int partition = static_cast<int>(next_ % kPartitions);
      const auto batch = next_++ / kPartitions;
      sent_.push_back({partition, batch});
      if (!send(sent_.back())) return false;
    }
    return true;
  }
  struct Batch {
    int partition = 0;
    std::size_t number = 0;
    auto operator<=>(const Batch&) const = default;
  };
  [[nodiscard]] const std::map<Batch, std::int64_t>& acknowledged() const { return offsets_; }
  [[nodiscard]] std::size_t next() const { return next_; }

 private:
  bool connect() {
    try {
      client_ = std::make_unique<WireClient>(broker_.port());
    } catch (const common::Error&) {
      return false;
    }
    protocol::MetadataRequest topics;
    topics.topics.emplace();
    topics.topics->push_back({{}, "t"});
    if (!client_->call<protocol::MetadataResponse>(topics, 4)) return false;
    if (producer_ < 0) {
      const auto made = client_->call<protocol::InitProducerIdResponse>(protocol::InitProducerIdRequest{}, 4);
      if (!made) return false;
      producer_ = made->producer_id;
    }
    for (const auto& batch : sent_) {
      if (!send(batch)) return false;
    }
    return true;
  }
  bool send(const Batch& batch) {
    const auto records =
        protocol::RecordBatchBuilder()
            .add({.key = "k", .value = std::to_string(batch.number) + std::string(batch.number % 900, 'x')})
            .producer({producer_, 0, static_cast<std::int32_t>(batch.number)})
            .build();
    protocol::ProduceRequest produce;
    produce.acks = -1;
    produce.topics.push_back({"t", {{batch.partition, protocol::BytesView(records)}}});
    return client_->send(produce, 7);
  }
  bool read_one() {
    const auto response = client_->receive_message<protocol::ProduceResponse>(7);
    if (!response) return false;
    const auto& partition = response->topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::none) << protocol::name(partition.error_code);
    offsets_[sent_.front()] = partition.base_offset;
    sent_.pop_front();
    ++acked_;
    return true;
  }

  test_support::BrokerProcess& broker_;
  std::unique_ptr<WireClient> client_;
  std::int64_t producer_ = -1;
  std::size_t next_ = 0;
  std::size_t acked_ = 0;
  std::deque<Batch> sent_;
  std::map<Batch, std::int64_t> offsets_;
};

// Offset → the number in the record, for one partition.
std::map<std::int64_t, std::size_t> read_all(std::uint16_t port, int partition) {
  std::map<std::int64_t, std::size_t> found;
  WireClient client(port);
  for (;;) {
    const auto fetch = fetch_of({.partition = partition, .offset = static_cast<std::int64_t>(found.size())});
    const auto response = client.call<protocol::FetchResponse>(fetch, 11);
    if (!response || response->topics.at(0).partitions.at(0).error_code != ErrorCode::none) {
      ADD_FAILURE() << "the log cannot be read";
      return found;
    }
    protocol::BatchIterator batches(response->topics.at(0).partitions.at(0).records->span());
    const auto before = found.size();
    while (const auto batch = batches.next()) {
      EXPECT_TRUE(protocol::crc_matches(*batch));
      EXPECT_EQ(batch->base_offset, static_cast<std::int64_t>(found.size())) << "offsets have no gaps";
      found[batch->base_offset] = static_cast<std::size_t>(batch->base_sequence);
    }
    if (found.size() == before) return found;
  }
}

TEST(BrokerCrash, KeepsWhatItAcknowledgedAndStoresEachBatchOnce) {
  std::mt19937 random(test_support::seed());
  test_support::BrokerProcess broker;
  Writer writer(broker);
  for (int kill = 0; kill < 10; ++kill) {
    ASSERT_TRUE(writer.write(std::uniform_int_distribution<std::size_t>(1, 3'000)(random)));
    (void)writer.fill();
    broker.kill();
    EXPECT_FALSE(writer.write(1'000'000)) << "a dead broker acknowledges nothing more than was under way";
    broker.start();
  }
  ASSERT_TRUE(writer.write(100));
  EXPECT_GT(writer.acknowledged().size(), 100U) << "the test must have something to lose";
  for (int partition = 0; partition < kPartitions; ++partition) {
    const auto log = read_all(broker.port(), partition);
    std::size_t expected = 0;
    for (const auto& [offset, number] : log) EXPECT_EQ(number, expected++) << "each batch once, in order";
    EXPECT_LE(log.size(), writer.next()) << "nothing that was not sent";
    for (const auto& [batch, offset] : writer.acknowledged()) {
      if (batch.partition != partition) continue;
      const auto found = log.find(offset);
      ASSERT_NE(found, log.end()) << "acknowledged and lost: partition " << partition << " batch " << batch.number;
      EXPECT_EQ(found->second, batch.number);
    }
  }
}

}  // namespace
}  // namespace broker_tests
