// A partition without a leader: it gets half of the window and then nothing more, and holds up no other one.
#include <gtest/gtest.h>

#include <deque>

#include "relay/kafka/kafka_publisher.h"
#include "relay/kafka/partition_load.h"
#include "relay/kafka/producer.h"
#include "tests/unit/common/fake_clock.h"
#include "tests/unit/kafka/mock_cluster.h"

namespace relay::kafka {
namespace {

using namespace std::chrono_literals;
using core::Enqueued;
using core::Lane;
using core::Scope;
using testing::make_row;
using testing::MockCluster;
using testing::Outcomes;
using Takes = PartitionLoad::Takes;

constexpr ShareLimits kLimits{.rows_max = 3, .bytes_max = 1'000, .patience = 1s, .silence = 8s};

TEST(PartitionLoad, TakesItsShareAndThenWaitsForItsAcknowledgements) {
  PartitionLoad load;
  load.given(10, 100s);
  load.given(10, 100s);
  EXPECT_EQ(load.takes(kLimits, 100s, 100s), Takes::more);
  load.given(10, 100s);
  EXPECT_EQ(load.takes(kLimits, 100s, 100s), Takes::later);
  load.acknowledged(100s + 900ms);
  EXPECT_EQ(load.takes(kLimits, 101s + 800ms, 101s + 800ms), Takes::later) << "slow, but it works";
  load.ended(10);
  EXPECT_EQ(load.takes(kLimits, 101s + 800ms, 101s + 800ms), Takes::more);
}

TEST(PartitionLoad, CountsBytesAsWell) {
  PartitionLoad load;
  load.given(999, 100s);
  EXPECT_EQ(load.takes(kLimits, 100s, 100s), Takes::more);
  load.given(1, 100s);
  EXPECT_EQ(load.takes(kLimits, 100s, 100s), Takes::later);
}

TEST(PartitionLoad, TakesNothingOnceItAloneIsSilent) {
  PartitionLoad full;
  for (int row = 0; row < 3; ++row) full.given(10, 100s);
  EXPECT_EQ(full.takes(kLimits, 100s + 900ms, 100s + 800ms), Takes::later);
  EXPECT_EQ(full.takes(kLimits, 101s, 100s + 100ms), Takes::nothing) << "the others must not wait behind it";
  PartitionLoad single;
  single.given(10, 100s);
  EXPECT_EQ(single.takes(kLimits, 107s, 107s), Takes::more);
  EXPECT_EQ(single.takes(kLimits, 108s, 108s), Takes::nothing);
  single.acknowledged(109s);
  EXPECT_EQ(single.takes(kLimits, 109s, 109s), Takes::more);
  single.ended(10);
  EXPECT_EQ(single.takes(kLimits, 1'000s, 1'000s), Takes::more) << "nothing given to it is nothing to wait for";
  single.given(10, 1'000s);
  EXPECT_EQ(single.takes(kLimits, 1'001s, 1'001s), Takes::more) << "its silence begins with what it was given";
}

// Turned away, they would have to be found again one by one when the sink is back.
TEST(PartitionLoad, KeepsItsRowsWhileTheWholeSinkIsAway) {
  PartitionLoad load;
  load.given(10, 100s);
  load.acknowledged(101s);
  EXPECT_EQ(load.takes(kLimits, 200s, 101s), Takes::more);
  for (int row = 0; row < 2; ++row) load.given(10, 102s);
  EXPECT_EQ(load.takes(kLimits, 200s, 101s + 50ms), Takes::later);
}

constexpr std::int32_t kPartitions = 4;
constexpr std::int32_t kSilent = 2;

class PartitionShare : public ::testing::Test {
 protected:
  PartitionShare() {
    rd_kafka_mock_topic_create(cluster_.get(), "orders", kPartitions, 1);
    rd_kafka_mock_partition_set_leader(cluster_.get(), "orders", kSilent, -1);
    PublisherConfig config;
    config.source = "shop";
    config.bootstrap_servers = cluster_.bootstrap_servers();
    config.in_flight_rows = 20;
    publisher_ = std::make_unique<KafkaPublisher>(config, clock_);
    publisher_->on_outcomes(outcomes_.handler());
    publisher_->rebuild(core::Epoch(1));
  }

  static std::string key_of(std::int32_t partition, int number = 0) {
    for (int i = number * 1'000;; ++i) {
      if (partition_of("key-" + std::to_string(i), kPartitions) == partition) return "key-" + std::to_string(i);
    }
  }
  Enqueued put(std::int32_t partition, Lane lane = Lane::main) {
    rows_.push_back(make_row(static_cast<std::int64_t>(rows_.size()) + 1, "orders", key_of(partition), "x"));
    return publisher_->enqueue(rows_.back(), lane);
  }
  // The topic's partitions are known once a record of another one is acknowledged.
  void introduce() {
    ASSERT_EQ(put(0), Enqueued::accepted);
    ASSERT_TRUE(outcomes_.wait_for(1));
  }
  void fill_the_share() {
    for (int row = 0; row < 10; ++row) ASSERT_EQ(put(kSilent), Enqueued::accepted) << row;
    ASSERT_EQ(put(kSilent), Enqueued::full);
    clock_.advance(1s);
    ASSERT_EQ(put(kSilent), Enqueued::full) << "the whole sink may be away";
    others_go_on();
  }
  void others_go_on() {
    const std::size_t before = outcomes_.count();
    ASSERT_EQ(put(0), Enqueued::accepted);
    ASSERT_TRUE(outcomes_.wait_for(before + 1));
  }

  std::deque<core::Row> rows_;  // a row lives until its outcome
  MockCluster cluster_;
  FakeClock clock_;
  Outcomes outcomes_;
  std::unique_ptr<KafkaPublisher> publisher_;
};

TEST_F(PartitionShare, IsHalfOfTheWindowAndTheOthersGoOn) {
  introduce();
  fill_the_share();
  EXPECT_EQ(put(kSilent), Enqueued::busy);
  EXPECT_EQ(put(kSilent, Lane::single), Enqueued::busy) << "it would hold up every retry";
  for (const std::int32_t other : {0, 1, 3}) EXPECT_EQ(put(other), Enqueued::accepted);
  EXPECT_TRUE(outcomes_.wait_for(5));
  EXPECT_EQ(outcomes_.count(Scope::none), 5U);
}

TEST_F(PartitionShare, IsOpenAgainOnceItHasALeaderAndWhatWaitedIsInOrder) {
  introduce();
  fill_the_share();
  ASSERT_EQ(put(kSilent), Enqueued::busy);
  rd_kafka_mock_partition_set_leader(cluster_.get(), "orders", kSilent, 1);
  ASSERT_TRUE(outcomes_.wait_for(12));
  EXPECT_EQ(put(kSilent), Enqueued::accepted);
  ASSERT_TRUE(outcomes_.wait_for(13));
  std::int64_t last = 0;
  for (const auto& outcome : outcomes_.all()) {
    EXPECT_EQ(outcome.scope, Scope::none);
    if (outcome.partition != kSilent) continue;
    EXPECT_LT(last, outcome.id.value());
    last = outcome.id.value();
  }
}

// The first record of a new producer is sent before anybody knows where it will go.
TEST_F(PartitionShare, AFirstRecordThatIsSilentHoldsUpItsOwnPartitionOnly) {
  ASSERT_EQ(put(kSilent), Enqueued::accepted);
  ASSERT_EQ(put(1), Enqueued::accepted);
  ASSERT_EQ(put(3), Enqueued::accepted);
  ASSERT_TRUE(outcomes_.wait_for(2));
  EXPECT_EQ(outcomes_.count(Scope::none), 2U);
  clock_.advance(8s);
  others_go_on();
  EXPECT_EQ(put(kSilent), Enqueued::busy) << "it counts as given";
}

TEST_F(PartitionShare, StaysOpenToAPartitionThatIsSlowButWorks) {
  introduce();
  rd_kafka_mock_partition_set_leader(cluster_.get(), "orders", kSilent, 1);
  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 500);
  for (int row = 0; row < 5; ++row) ASSERT_EQ(put(kSilent), Enqueued::accepted);
  clock_.advance(8s);
  ASSERT_TRUE(outcomes_.wait_for(2)) << "the first of them goes alone";
  EXPECT_EQ(put(kSilent), Enqueued::accepted);
  EXPECT_TRUE(outcomes_.wait_for(7));
}

TEST_F(PartitionShare, BeginsAnewAfterACut) {
  introduce();
  fill_the_share();
  publisher_->cut();
  publisher_->rebuild(core::Epoch(2));
  EXPECT_EQ(put(1), Enqueued::accepted);
  EXPECT_EQ(put(kSilent), Enqueued::accepted);
}

}  // namespace
}  // namespace relay::kafka
