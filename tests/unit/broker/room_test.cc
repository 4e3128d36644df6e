// Room: when Produce is refused for want of it, when it is taken again, and who is warned.
#include "broker/core/room.h"

#include "tests/unit/broker/retention_fixture.h"

namespace broker_tests {
namespace {

class LimitedRoomTest : public RetentionTest {
 protected:
  std::uint64_t batch_bytes = protocol::plain_batch(10, 100).size();
};

TEST_F(LimitedRoomTest, TotalMaxRefusesUntilRetentionHasFreedSome) {
  disk.total_max = 3 * batch_bytes;
  start();
  auto& topic = make_topic("t", {{"retention.ms", "60000"}});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(append(topic).refusal);
  const auto refused = append(topic);
  EXPECT_EQ(refused.refusal.error, protocol::ErrorCode::kafka_storage_error);
  EXPECT_NE(refused.refusal.message.find("total_max"), std::string::npos) << refused.refusal.message;
  EXPECT_TRUE(broker->room().full());
  commit(topic, "g", 20);
  pass(75s);
  EXPECT_FALSE(append(topic).refusal) << "commits went through, retention took two, and there is room again";
  EXPECT_FALSE(broker->room().full());
}

TEST_F(LimitedRoomTest, TotalMaxNoticesWhatOthersDeleteAndKeepsCountOverARestart) {
  disk.total_max = 3 * batch_bytes + batch_bytes / 2;
  start();
  auto& topic = make_topic("t", {});
  for (int i = 0; i < 3; ++i) append(topic);
  start();
  auto& again = *state->find_topic("t");
  EXPECT_TRUE(append(again).refusal);
  broker->delete_records(again, storage::PartitionIndex(0), Offset(10));
  pass(15s);
  EXPECT_FALSE(append(again).refusal);
  EXPECT_TRUE(append(again).refusal);
}

TEST_F(LimitedRoomTest, FreeMinRefusesByTheLastLookAndHasSomeEase) {
  disk.free_min = 6'400;
  start();
  auto& topic = make_topic("t", {});
  EXPECT_FALSE(append(topic).refusal);
  space.free_bytes = 6'399;
  EXPECT_FALSE(append(topic).refusal) << "requests do not look at the disk";
  pass(1s);
  const auto refused = append(topic);
  EXPECT_EQ(refused.refusal.error, protocol::ErrorCode::kafka_storage_error);
  EXPECT_NE(refused.refusal.message.find("free_min"), std::string::npos) << refused.refusal.message;
  space.free_bytes = 6'450;
  pass(1s);
  EXPECT_TRUE(append(topic).refusal) << "a 64th more than the limit, or it would go to and fro";
  space.free_bytes = 6'500;
  pass(1s);
  EXPECT_FALSE(append(topic).refusal);
}

TEST_F(LimitedRoomTest, NamesWhoHoldsTheRoomAfterTheNextPassWhenItFilledBetweenTwo) {
  disk = {.total_max = 3 * batch_bytes, .warn_percent = 70};
  space = {.free_bytes = 20, .total_bytes = 100};
  start();
  pass(11s);  // warned, and nothing there to name
  auto& topic = make_topic("filler", {});
  while (!append(topic).refusal) continue;
  testing::internal::CaptureStderr();
  pass(11s);
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("filler"), std::string::npos) << said;
  testing::internal::CaptureStderr();
  pass(30s);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "once";
}

TEST(DiskWatch, WarnsFromItsPercentOnOfDiskOrLimit) {
  core::DiskSpace space{.free_bytes = 31, .total_bytes = 100};
  core::DiskWatch watch({.warn_percent = 70}, [&] { return space; }, 0);
  watch.tick(1s);
  EXPECT_FALSE(watch.worth_a_warning());
  space.free_bytes = 30;
  watch.tick(1s + 500ms);
  EXPECT_FALSE(watch.worth_a_warning()) << "a look a second";
  watch.tick(2s);
  EXPECT_TRUE(watch.worth_a_warning());
  core::DiskWatch limited({.total_max = 100, .warn_percent = 70}, [&] { return std::nullopt; }, 69);
  EXPECT_FALSE(limited.worth_a_warning());
  limited.appended(1);
  EXPECT_TRUE(limited.worth_a_warning());
  core::DiskWatch silent({.warn_percent = 100}, [&] { return core::DiskSpace{0, 100}; }, 0);
  silent.tick(1s);
  EXPECT_FALSE(silent.worth_a_warning());
}

TEST(DiskWatch, LogLinesThatManyCauseAreFew) {
  core::EveryNowAndThen limit(10s);
  EXPECT_TRUE(limit.now_is_the_time(5s));
  EXPECT_FALSE(limit.now_is_the_time(14s));
  EXPECT_TRUE(limit.now_is_the_time(15s));
}

}  // namespace
}  // namespace broker_tests
