// The publisher against librdkafka's mock cluster: order, refusals, cuts, outages.
#include "relay/kafka/kafka_publisher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "tests/unit/kafka/mock_cluster.h"

namespace relay::kafka {
namespace {

using namespace std::chrono_literals;
using core::Enqueued;
using core::Lane;
using core::Scope;
using testing::eventually;
using testing::make_row;
using testing::MockCluster;
using testing::Outcomes;

constexpr int kPartitions = 4;

class KafkaPublisherTest : public ::testing::Test {
 protected:
  KafkaPublisherTest() {
    rd_kafka_mock_topic_create(cluster_.get(), "orders", kPartitions, 1);
    rd_kafka_mock_topic_create(cluster_.get(), "other", kPartitions, 1);
    publisher_ = std::make_unique<KafkaPublisher>(config(), clock_);
    publisher_->on_outcomes(outcomes_.handler());
    publisher_->rebuild(core::Epoch(1));
  }

  PublisherConfig config() const {
    PublisherConfig config;
    config.source = "shop";
    config.bootstrap_servers = cluster_.bootstrap_servers();
    return config;
  }

  // Enqueues, waiting while the lane is full.
  Enqueued put(core::Row row, Lane lane = Lane::main) {
    const core::Row& kept = rows_.emplace_back(std::move(row));
    Enqueued result = Enqueued::full;
    eventually([&] { return (result = publisher_->enqueue(kept, lane)) != Enqueued::full; });
    return result;
  }

  // One acknowledged record in each partition of "orders", so that what follows is pipelined.
  void introduce() {
    for (int id = 1; id <= kIntroduced; ++id) put(make_row(id, "orders", "introduced-" + std::to_string(id), "x"));
    ASSERT_TRUE(outcomes_.wait_for(kIntroduced));
    ASSERT_EQ(outcomes_.count(Scope::none), static_cast<std::size_t>(kIntroduced));
  }
  static constexpr int kIntroduced = 40;

  std::deque<core::Row> rows_;  // a row lives until its outcome
  MockCluster cluster_;
  common::SystemClock clock_;
  Outcomes outcomes_;
  std::unique_ptr<KafkaPublisher> publisher_;
};

TEST_F(KafkaPublisherTest, DeliversInOrderPerKey) {
  constexpr int kRows = 5000;
  for (int id = 1; id <= kRows; ++id)
    ASSERT_EQ(put(make_row(id, "orders", "key-" + std::to_string(id % 50), std::to_string(id))), Enqueued::accepted);
  ASSERT_TRUE(outcomes_.wait_for(kRows));
  EXPECT_EQ(outcomes_.count(Scope::none), static_cast<std::size_t>(kRows));

  std::map<std::int64_t, std::pair<std::int32_t, std::int64_t>> where;
  for (const auto& outcome : outcomes_.all()) where[outcome.id.value()] = {outcome.partition, outcome.offset};
  std::map<std::string, int> last;
  const auto log = cluster_.read_all({"orders"}, kPartitions);
  ASSERT_EQ(log.size(), static_cast<std::size_t>(kRows));
  for (const auto& record : log) {
    const int id = std::stoi(record.body);
    EXPECT_LT(last[record.key], id);
    last[record.key] = id;
    EXPECT_EQ(where[id], std::make_pair(record.partition, record.offset));
  }
  EXPECT_TRUE(publisher_->state().up);
  EXPECT_FALSE(publisher_->state().fatal);
}

TEST_F(KafkaPublisherTest, RecordIsWhatTheContractSays) {
  core::Row row = make_row(9, "orders", std::nullopt);
  row.body.reset();
  row.redrives = 2;
  row.headers = {{"trace", "abc"}, {"empty", ""}};
  put(row);
  core::Row plain = make_row(10, "orders", "", "");
  put(plain);
  ASSERT_TRUE(outcomes_.wait_for(2));
  const auto log = cluster_.read_all({"orders"}, kPartitions);
  ASSERT_EQ(log.size(), 2U);
  for (const auto& record : log) {
    if (record.headers.size() == 2) {
      EXPECT_TRUE(record.has_body);
      EXPECT_EQ(record.body, "");
      continue;
    }
    EXPECT_FALSE(record.has_body);
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"outbox-message-id", "shop/9-1700000000123456"},
        {"outbox-created-at", "2023-11-14T22:13:20.123456Z"},
        {"outbox-redrive", "2"},
        {"trace", "abc"},
        {"empty", ""}};
    EXPECT_EQ(record.headers, expected);
    // The time of publishing, not the row's.
    EXPECT_GT(record.timestamp_ms, 1'700'000'000'123 + 1000);
  }
}

// The mock cluster accepts any sequence number, like a broker that has nothing of this producer yet. So what it stores
// behind a refused batch is what such a broker would store.
TEST_F(KafkaPublisherTest, NothingBehindAProducersFirstRefusalIsPublished) {
  for (int round = 1; round <= 10; ++round) {
    rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 20);
    cluster_.fail_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
    ASSERT_EQ(put(make_row(round * 1000 + 1, "orders", "k", "first")), Enqueued::accepted);
    ASSERT_EQ(put(make_row(round * 1000 + 2, "orders", "k", "second")), Enqueued::accepted);  // it waits its turn
    ASSERT_TRUE(eventually([&] { return publisher_->state().fatal; }));
    publisher_->cut();
    ASSERT_EQ(outcomes_.count(Scope::row), static_cast<std::size_t>(round));
    ASSERT_EQ(outcomes_.count(Scope::cut), static_cast<std::size_t>(round));
    const auto all = outcomes_.all();
    const auto refused =
        *std::find_if(all.rbegin(), all.rend(), [](const auto& one) { return one.scope == Scope::row; });
    EXPECT_EQ(refused.id, core::RowId(round * 1000 + 1));
    EXPECT_EQ(refused.scope, Scope::row);
    EXPECT_EQ(refused.error_class, "message_too_large");
    EXPECT_FALSE(refused.maybe_stored);
    EXPECT_FALSE(refused.permanent);
    publisher_->rebuild(core::Epoch(round + 1));
  }
  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 0);
  EXPECT_EQ(cluster_.read_all({"orders"}, kPartitions).size(), 0U) << "a row behind a refused one was published";
}

TEST_F(KafkaPublisherTest, RefusedBatchEndsTheProducerAndEveryRecordIsReported) {
  put(make_row(1, "orders", "k", "1"));
  ASSERT_TRUE(outcomes_.wait_for(1));
  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 50);
  cluster_.fail_produce(std::vector<rd_kafka_resp_err_t>(5, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE));
  std::size_t accepted = 1;
  for (int id = 2; id <= 3000; ++id) {
    if (put(make_row(id, "orders", "k", std::to_string(id) + std::string(500, '.'))) == Enqueued::down) break;
    ++accepted;
  }
  ASSERT_TRUE(eventually([&] { return publisher_->state().fatal; }));
  EXPECT_EQ(publisher_->enqueue(make_row(9999, "orders", "k"), Lane::main), Enqueued::down);
  publisher_->cut();
  EXPECT_EQ(outcomes_.count(), accepted);
  EXPECT_EQ(outcomes_.count(Scope::none), 1U);
  EXPECT_GT(outcomes_.count(Scope::row), 0U);
  EXPECT_EQ(outcomes_.count(Scope::none) + outcomes_.count(Scope::row) + outcomes_.count(Scope::cut), accepted);
}

TEST_F(KafkaPublisherTest, CutReportsEveryRecordAndRebuildGoesOn) {
  introduce();
  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 20'000);  // silence
  constexpr int kRows = 2000;
  for (int id = 101; id <= 100 + kRows; ++id) put(make_row(id, "orders", "k" + std::to_string(id % 7), "x"));
  const auto before = std::chrono::steady_clock::now();
  publisher_->cut();
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_LT(took, 5s);
  EXPECT_EQ(outcomes_.count(Scope::cut), static_cast<std::size_t>(kRows));
  std::set<std::int64_t> ids;
  for (const auto& outcome : outcomes_.all()) ids.insert(outcome.id.value());
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kRows + kIntroduced));
  EXPECT_EQ(publisher_->enqueue(make_row(1, "orders", "k"), Lane::main), Enqueued::down);

  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 0);
  publisher_->rebuild(core::Epoch(2));
  put(make_row(5000, "orders", "k", "again"));
  ASSERT_TRUE(outcomes_.wait_for(kRows + kIntroduced + 1));
  EXPECT_EQ(outcomes_.all().back().scope, Scope::none);
}

TEST_F(KafkaPublisherTest, CutTwiceAndCutWithNothingOutstanding) {
  publisher_->cut();
  publisher_->cut();
  publisher_->rebuild(core::Epoch(2));
  publisher_->cut();
  EXPECT_EQ(outcomes_.count(), 0U);
}

TEST_F(KafkaPublisherTest, OutageSpendsNothingAndEnds) {
  put(make_row(1, "orders", "k", "1"));
  ASSERT_TRUE(outcomes_.wait_for(1));
  ASSERT_TRUE(eventually([&] { return publisher_->state().up; }));
  rd_kafka_mock_broker_set_down(cluster_.get(), -1);
  for (int id = 2; id <= 100; ++id) put(make_row(id, "orders", "k", std::to_string(id)));
  ASSERT_TRUE(eventually([&] { return !publisher_->state().up; }));
  EXPECT_NE(publisher_->state().reason, "");
  EXPECT_EQ(outcomes_.count(), 1U);
  rd_kafka_mock_broker_set_up(cluster_.get(), -1);
  // What was in flight when the connection went may end the producer (a bug of this librdkafka): both are allowed.
  ASSERT_TRUE(eventually([&] { return outcomes_.count(Scope::none) == 100 || publisher_->state().fatal; }));
  EXPECT_EQ(outcomes_.count(Scope::row), 0U);
  EXPECT_EQ(outcomes_.count(Scope::topic), 0U);
}

// Before a producer is known to a partition its rows wait, and hold up nobody else.
TEST_F(KafkaPublisherTest, WaitingRowsHoldUpNoOtherTopicAndKeepTheirOrder) {
  rd_kafka_mock_partition_set_leader(cluster_.get(), "leaderless", 0, -1);
  for (int id = 1; id <= 50; ++id) {
    put(make_row(2 * id, "leaderless", "same", std::to_string(id)));
    put(make_row(2 * id + 1, "orders", "k" + std::to_string(id % 5), std::to_string(id)));
  }
  ASSERT_TRUE(eventually([&] { return outcomes_.count(Scope::none) >= 50; }));
  rd_kafka_mock_partition_set_leader(cluster_.get(), "leaderless", 0, 1);
  ASSERT_TRUE(eventually([&] { return outcomes_.count(Scope::none) == 100; }));
  int last = 0;
  for (const auto& record : cluster_.read_all({"leaderless"}, 1)) {
    EXPECT_EQ(std::stoi(record.body), last + 1);
    last = std::stoi(record.body);
  }
  EXPECT_EQ(last, 50);
}

TEST_F(KafkaPublisherTest, SingleLaneHoldsOneRecordAndSurvivesARefusal) {
  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 100);
  EXPECT_EQ(publisher_->enqueue(make_row(1, "orders", "a", "1"), Lane::single), Enqueued::accepted);
  EXPECT_EQ(publisher_->enqueue(make_row(2, "orders", "b", "2"), Lane::single), Enqueued::full);
  ASSERT_TRUE(outcomes_.wait_for(1));
  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 0);
  cluster_.fail_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  ASSERT_EQ(put(make_row(3, "orders", "a", "3"), Lane::single), Enqueued::accepted);
  ASSERT_TRUE(outcomes_.wait_for(2));
  EXPECT_EQ(outcomes_.all().back().scope, Scope::row);
  EXPECT_FALSE(publisher_->state().fatal);
  for (int id = 4; id < 20; ++id) ASSERT_EQ(put(make_row(id, "orders", "a", "4"), Lane::single), Enqueued::accepted);
  ASSERT_TRUE(outcomes_.wait_for(18));
  EXPECT_EQ(outcomes_.count(Scope::none), 17U);
}

TEST_F(KafkaPublisherTest, MissingTopicFailsAloneAndTogether) {
  rd_kafka_mock_topic_set_error(cluster_.get(), "missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  for (int id = 1; id <= 10; ++id) put(make_row(id, "missing", "k" + std::to_string(id % 3)));
  for (int id = 11; id <= 20; ++id) put(make_row(id, "orders", "k"));
  ASSERT_TRUE(outcomes_.wait_for(20));
  // A row right behind them fails with them although the topic is there by now: the first one's failure may not have
  // been heard of by whoever gives rows to us.
  rd_kafka_mock_topic_set_error(cluster_.get(), "missing", RD_KAFKA_RESP_ERR_NO_ERROR);
  put(make_row(21, "missing", "k"));
  ASSERT_TRUE(outcomes_.wait_for(21));
  EXPECT_EQ(outcomes_.count(Scope::topic), 11U);
  EXPECT_EQ(outcomes_.count(Scope::none), 10U);
  for (const auto& outcome : outcomes_.all()) {
    if (outcome.scope == Scope::topic) {
      EXPECT_EQ(outcome.error_class, "unknown_topic");
      EXPECT_FALSE(outcome.maybe_stored);
    }
  }
  EXPECT_FALSE(publisher_->state().fatal);
  // And some time later the topic is used.
  std::int64_t id = 100;
  EXPECT_TRUE(eventually([&] {
    const auto before = outcomes_.count();
    put(make_row(++id, "missing", "k"));
    return outcomes_.wait_for(before + 1) && outcomes_.all().back().scope == Scope::none;
  }));
}

TEST_F(KafkaPublisherTest, OversizedIsRefusedBeforehand) {
  EXPECT_FALSE(publisher_->refuse(make_row(1, "orders", "k", std::string(1'000'000, 'x'))));
  const auto refused = publisher_->refuse(make_row(1, "orders", "k", std::string(8'000'000, 'x')));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error_class, "message_too_large");
  EXPECT_FALSE(refused->permanent);
  EXPECT_NE(refused->message.find("message.max.bytes"), std::string::npos);
}

TEST_F(KafkaPublisherTest, DestructorCutsWhatIsOutstanding) {
  introduce();
  rd_kafka_mock_broker_set_rtt(cluster_.get(), 1, 20'000);
  for (int id = 101; id <= 200; ++id) put(make_row(id, "orders", "k"));
  publisher_.reset();
  EXPECT_EQ(outcomes_.count(Scope::cut), 100U);
}

TEST_F(KafkaPublisherTest, StandbyKnowsTheSinkWithoutProducers) {
  publisher_->cut();
  EXPECT_TRUE(eventually([&] { return publisher_->state().up; }));
  EXPECT_EQ(publisher_->state().reason, "");
}

}  // namespace
}  // namespace relay::kafka
