// Retention at work: passes and slices, durable commits alone, the clock, restarts, and what it tells.
#include "broker/core/retention.h"

#include "tests/unit/broker/retention_fixture.h"

namespace broker_tests {
namespace {

TEST_F(RetentionTest, ConsumedAndExpiredGoesOnceAndIsJournalled) {
  auto& topic = make_topic("t", {{"retention.ms", "60000"}});
  append(topic);
  pass(30s);
  append(topic);
  commit(topic, "g", 20);
  pass(20s);
  EXPECT_EQ(log_start(topic), 0) << "50 s old";
  pass(20s);
  EXPECT_EQ(log_start(topic), 10) << "the second batch is 40 s old";
  pass(40s);
  EXPECT_EQ(log_start(topic), 20);
  const auto moved = std::ranges::count_if(
      store.journal(), [](const auto& record) { return std::holds_alternative<storage::LogStartMoved>(record); });
  EXPECT_EQ(moved, 2);
}

TEST_F(RetentionTest, NothingGoesBeforeEveryGroupHasPassedIt) {
  auto& topic = make_topic("t", {{"retention.ms", "1000"}, {"outbox.required.groups", "declared"}});
  append(topic);
  append(topic);
  commit(topic, "fast", 20);
  pass(1000s);
  EXPECT_EQ(log_start(topic), 0) << "a required group that was never seen holds everything";
  commit(topic, "declared", 10);
  pass(1000s);
  EXPECT_EQ(log_start(topic), 10);
  commit(topic, "fast", 5);
  commit(topic, "declared", 20);
  pass(1000s);
  EXPECT_EQ(log_start(topic), 10) << "the other one went back";
}

TEST_F(RetentionTest, TopicThatNobodyReadsStaysUnlessItOptsOut) {
  auto& topic = make_topic("t", {{"retention.ms", "1000"}});
  append(topic);
  pass(1000s);
  EXPECT_EQ(log_start(topic), 0);
  EXPECT_TRUE(report().topics.at(0).without_group());
  broker->configure_topic(topic, {{"outbox.retention", "time"}});
  pass(20s);
  EXPECT_EQ(log_start(topic), 10);
}

TEST_F(RetentionTest, RecordsTimestampsNeitherPinNorExpire) {
  auto& topic = make_topic("t", {{"retention.ms", "60000"}});
  append(topic, 0, 1'000);  // of 1970
  append(topic, 0, 4'000'000'000'000);
  commit(topic, "g", 20);
  pass(50s);
  EXPECT_EQ(log_start(topic), 0);
  pass(30s);
  EXPECT_EQ(log_start(topic), 20);
}

TEST_F(RetentionTest, JumpsOfTheWallClockAgeNothing) {
  auto& topic = make_topic("t", {{"retention.ms", "60000"}});
  append(topic);
  commit(topic, "g", 30);
  clock.wall_now += kYear;
  pass(20s);
  append(topic);
  clock.wall_now -= 2 * kYear;
  pass(20s);
  append(topic);
  EXPECT_EQ(log_start(topic), 0);
  pass(30s);
  EXPECT_EQ(log_start(topic), 10) << "each goes at its own time";
  pass(20s);
  EXPECT_EQ(log_start(topic), 20);
  pass(20s);
  EXPECT_EQ(log_start(topic), 30);
}

TEST_F(RetentionTest, StartWithAClockAYearOffAgesNothing) {
  for (const auto jump : {kYear, -kYear}) {
    const auto name = "t" + std::to_string(jump.count());
    auto& topic = make_topic(name, {{"retention.ms", "60000"}});
    append(topic);
    commit(topic, "g", 20);
    pass(30s);
    append(topic);  // tells the next process how far the clock had come
    clock.wall_now += jump;
    clock.steady_now += 7h;  // it was down so long, and the machine was not
    start();
    auto& again = *state->find_topic(name);
    pass(20s);
    EXPECT_EQ(log_start(again), 0) << "50 s of running";
    pass(20s);
    EXPECT_EQ(log_start(again), 10);
    pass(40s);
    EXPECT_EQ(log_start(again), 20);
  }
}

TEST_F(RetentionTest, QuietBrokerMarksItsClockEveryHour) {
  auto& topic = make_topic("t", {{"retention.ms", "7200000"}});
  append(topic);
  commit(topic, "g", 10);
  pass(3'700s);
  start();
  auto& again = *state->find_topic("t");
  pass(3'500s);
  EXPECT_EQ(log_start(again), 0);
  pass(200s);
  EXPECT_EQ(log_start(again), 10) << "the hour before the restart counts";
}

TEST_F(RetentionTest, CommitOnItsWayToTheDiskFreesNothingYet) {
  auto& topic = make_topic("t", {{"retention.ms", "1000"}});
  append(topic);
  append(topic);
  commit(topic, "g", 10);
  store.set_durable_at_once(false);
  commit(topic, "g", 20);
  pass(100s);
  EXPECT_EQ(log_start(topic), 0) << "undecided: a crash may make it 10 again";
  store.flush();
  pass(1s);
  EXPECT_EQ(log_start(topic), 20);
}

TEST_F(RetentionTest, AlwaysOneCommitUnderWayIsNoReasonToKeepEverything) {
  auto& topic = make_topic("t", {{"retention.ms", "1000"}});
  for (int i = 0; i < 5; ++i) append(topic);
  commit(topic, "g", 1);
  pass(10s);
  store.set_durable_at_once(false);
  for (int i = 2; i <= 50; ++i) {
    store.flush();          // the one before
    commit(topic, "g", i);  // is on its way during the tick
    pass(1s);
  }
  EXPECT_GE(log_start(topic), 30);
}

TEST_F(RetentionTest, GroupThatGoesBackWhileItsCommitIsUnderWayKeepsWhatItReadsAgain) {
  auto& topic = make_topic("t", {{"retention.ms", "1000"}});
  append(topic);
  append(topic);
  commit(topic, "g", 0);
  store.set_durable_at_once(false);
  commit(topic, "g", 20);
  pass(100s);
  commit(topic, "g", 10);
  store.flush();
  pass(1s);
  EXPECT_EQ(log_start(topic), 10);
}

TEST_F(RetentionTest, NextCommitOnItsWayDoesNotCountForTheOneBefore) {
  auto& topic = make_topic("t", {{"retention.ms", "1000"}});
  for (int i = 0; i < 4; ++i) append(topic);
  commit(topic, "g", 0);
  store.set_durable_at_once(false);
  commit(topic, "g", 20);
  pass(100s);
  store.flush();
  commit(topic, "g", 40);
  pass(1s);
  EXPECT_EQ(log_start(topic), 20);
}

TEST_F(RetentionTest, ConfigurationOnItsWayToTheDiskFreesNothingYet) {
  auto& topic = make_topic("t", {{"retention.ms", "1000"}});
  append(topic);
  store.set_durable_at_once(false);
  broker->configure_topic(topic, {{"outbox.retention", "time"}});
  pass(100s);
  EXPECT_EQ(log_start(topic), 0);
  store.flush();
  pass(1s);
  EXPECT_EQ(log_start(topic), 10);
}

TEST_F(RetentionTest, WorksInSlicesHoweverManyPartitionsThereAre) {
  constexpr int kPartitions = 20'000;
  auto& topic = make_topic("t", {{"retention.ms", "1000"}}, kPartitions);
  append(topic, kPartitions - 1);
  commit(topic, "g", 10, kPartitions - 1);
  look();
  clock.steady_now += 10s;
  int ticks = 0;
  for (const auto passes = report().passes; report().passes == passes; ++ticks) {
    const auto asked = store.segments_asked();
    clock.steady_now = std::max<std::chrono::nanoseconds>(clock.steady_now, broker->room().next_deadline());
    broker->tick();
    EXPECT_LE(store.segments_asked() - asked, static_cast<std::size_t>(core::Retention::kStepsPerSlice));
  }
  EXPECT_GE(ticks, kPartitions / core::Retention::kStepsPerSlice);
  EXPECT_LE(ticks, 100);
  EXPECT_EQ(log_start(topic, kPartitions - 1), 10);
}

TEST_F(RetentionTest, TopicsThatComeAndGoDuringAPassDisturbNothing) {
  for (int i = 0; i < 5; ++i) append(make_topic("t" + std::to_string(i), {{"retention.ms", "1000"}}, 1'500));
  pass(12s);
  for (int i = 0; i < 40; ++i) {
    clock.steady_now = std::max<std::chrono::nanoseconds>(clock.steady_now, broker->room().next_deadline());
    broker->tick();
    const auto name = "t" + std::to_string(i % 5);
    broker->delete_topic(*state->find_topic(name));
    append(make_topic(name, {{"retention.ms", "1000"}}, 1'500));
  }
  look();
  EXPECT_EQ(report().topics.size(), 5U);
}

TEST_F(RetentionTest, ReportTellsWhoHoldsHowMuch) {
  auto& held = make_topic("held", {{"retention.ms", "60000"}, {"outbox.required.groups", "new"}}, 2);
  const auto bytes = protocol::plain_batch(10, 100).size();
  for (int i = 0; i < 4; ++i) append(held);
  append(held, 1);
  commit(held, "slow", 10);
  commit(held, "fast", 40);
  auto& alone = make_topic("alone", {});
  append(alone);
  pass(70s);
  append(held);
  look();
  ASSERT_EQ(report().topics.size(), 2U);
  EXPECT_EQ(report().bytes, 7 * bytes);
  const auto& lonely = report().topics.at(0);
  EXPECT_EQ(lonely.name, "alone");
  EXPECT_TRUE(lonely.without_group());
  EXPECT_EQ(lonely.held_segments, 0) << "seven days are not over";
  const auto& topic = report().topics.at(1);
  EXPECT_EQ(topic.bytes, 6 * bytes);
  EXPECT_EQ(topic.held_segments, 5);
  EXPECT_EQ(topic.held_bytes, 5 * bytes);
  EXPECT_EQ(topic.groups_total, 3U);
  ASSERT_EQ(topic.groups.size(), 3U);
  EXPECT_EQ(topic.groups[0].name, "new");
  EXPECT_TRUE(topic.groups[0].required);
  EXPECT_EQ(topic.groups[0].partitions_unread, 2);
  EXPECT_EQ(topic.groups[0].pinned_bytes, 5 * bytes);
  EXPECT_EQ(topic.groups[0].lag, 60);
  EXPECT_EQ(topic.groups[1].name, "slow");
  EXPECT_EQ(topic.groups[1].pinned_bytes, 4 * bytes) << "three of partition 0, one of partition 1";
  EXPECT_EQ(topic.groups[1].unread_bytes, 5 * bytes);
  EXPECT_EQ(topic.groups[1].lag, 50);
  EXPECT_EQ(topic.groups[2].name, "fast");
  EXPECT_EQ(topic.groups[2].lag, 20);
  EXPECT_NE(core::name_holders(report(), 3).find("held 5"), std::string::npos) << core::name_holders(report(), 3);
  EXPECT_NE(core::name_groupless(report(), 3).find("alone 1"), std::string::npos);
}

TEST(RetentionReport, CommandsAreSafeToPasteAndNameTheGreatestHolder) {
  core::RetentionReport report;
  core::TopicUsage topic;
  topic.name = "orders";
  topic.bytes = 100;
  topic.held_bytes = 50;
  topic.groups_total = 2;
  topic.required = {"bad; rm -rf '~'", "good"};
  core::GroupUsage group;
  group.name = "bad; rm -rf '~'";
  topic.groups.push_back(group);
  report.topics.push_back(topic);
  EXPECT_NE(core::freeing_command(report, "h:1")
                .find("kafka-consumer-groups.sh --bootstrap-server h:1 --delete-offsets --group "
                      "'bad; rm -rf '\\''~'\\''' --topic orders"),
            std::string::npos)
      << core::freeing_command(report, "h:1");
  report.topics[0].groups[0].required = true;
  EXPECT_NE(core::freeing_command(report, "h:1").find("--add-config 'outbox.required.groups=[good]'"),
            std::string::npos);
  report.topics[0].groups[0].required = false;
  report.topics[0].groups_total = 1;
  EXPECT_NE(core::freeing_command(report, "h:1").find("--entity-name orders --add-config outbox.retention=time"),
            std::string::npos)
      << "a topic without its only group is one that nobody reads";
  core::TopicUsage unread;
  unread.name = "audit";
  unread.bytes = 1'000;
  report.topics.push_back(unread);
  EXPECT_NE(core::freeing_command(report, "h:1").find("--entity-name audit --add-config outbox.retention=time"),
            std::string::npos);
  EXPECT_EQ(core::freeing_command({}, "h:1"), "");
}

}  // namespace
}  // namespace broker_tests
