// Expiry of committed offsets: only when asked for, only of deserted groups, and no clock that jumps can bring it on.
#include "broker/protocol/groups.h"
#include "broker/protocol/offsets.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using namespace std::chrono_literals;

// Both clocks in the test's hand, one by one.
class TwoClocks final : public common::Clock {
 public:
  std::chrono::nanoseconds steady_now{1h};
  std::chrono::microseconds wall_now{std::chrono::seconds(1'700'000'000)};
  [[nodiscard]] std::chrono::nanoseconds steady() const override { return steady_now; }
  [[nodiscard]] std::chrono::microseconds wall() const override { return wall_now; }
  void pass(std::chrono::milliseconds time) {
    steady_now += time;
    wall_now += time;
  }
};

class OffsetExpiryTest : public testing::Test {
 protected:
  static constexpr std::chrono::hours kExpire{24};

  void start(std::optional<std::chrono::milliseconds> expire) {
    core::BrokerSettings settings;
    settings.offsets_expire = expire;
    broker_.reset();
    broker_ = std::make_unique<core::Broker>(state_, store_, clock_, settings, [this] { return ++random_; });
  }
  // The broker ends and starts again.
  void restart() {
    state_ = core::State();
    for (const auto& record : store_.journal()) state_.apply(record);
    start(kExpire);
  }
  void commit(const std::string& group) {
    if (state_.find_topic("t") == nullptr) (void)broker_->make_topic("t", 1, {});
    ASSERT_EQ(broker_->groups().may_commit({group, core::Generation(-1), "", {}}, broker_->now()),
              protocol::ErrorCode::none);
    core::OffsetToCommit offset;
    offset.partition = {state_.find_topic("t")->id, storage::PartitionIndex(0)};
    offset.offset = storage::Offset(3);
    (void)broker_->commit_offset(group, offset);
    broker_->groups().committed(group, broker_->now());
  }
  // As the network loop does: whatever is due, when it is due.
  void run(std::chrono::milliseconds time) {
    const auto end = clock_.steady_now + time;
    while (clock_.steady_now < end) {
      clock_.pass(std::chrono::duration_cast<std::chrono::milliseconds>(
          std::min<std::chrono::nanoseconds>(10min, end - clock_.steady_now)));
      broker_->tick();
    }
  }
  bool known(const std::string& group) { return state_.find_group(group) != nullptr; }

  MemoryStore store_;
  TwoClocks clock_;
  core::State state_;
  std::uint64_t random_ = 0;
  std::unique_ptr<core::Broker> broker_;
};

TEST_F(OffsetExpiryTest, OffsetsStayForEverUnlessAskedOtherwise) {
  start(std::nullopt);
  commit("g");
  run(24h * 400);
  EXPECT_TRUE(known("g"));
}

TEST_F(OffsetExpiryTest, DesertedGroupGoesAfterItsTimeAndTheJournalKnows) {
  start(kExpire);
  commit("g");
  run(23h);
  EXPECT_TRUE(known("g"));
  run(2h);
  EXPECT_FALSE(known("g"));
  EXPECT_EQ(broker_->groups().find("g"), nullptr);
  bool deleted = false;
  for (const auto& record : store_.journal()) {
    const auto* offset = std::get_if<storage::GroupOffset>(&record);
    if (offset != nullptr && offset->offset == storage::Offset(-1)) deleted = true;
  }
  EXPECT_TRUE(deleted);
  core::State replayed;
  for (const auto& record : store_.journal()) replayed.apply(record);
  EXPECT_EQ(replayed.find_group("g"), nullptr);
}

TEST_F(OffsetExpiryTest, ACommitBeginsTheTimeAnew) {
  start(kExpire);
  commit("g");
  run(23h);
  commit("g");
  run(23h);
  EXPECT_TRUE(known("g"));
  run(2h);
  EXPECT_FALSE(known("g"));
}

TEST_F(OffsetExpiryTest, GroupWithMembersKeepsItsOffsetsHoweverOldTheyAre) {
  start(kExpire);
  commit("g");
  core::JoinRequest join;
  join.group = "g";
  join.client_id = "c";
  join.protocol_type = "consumer";
  join.protocols = {{"range", {}}};
  join.session_timeout = 30min;
  join.rebalance_timeout = 30min;
  std::string member;
  broker_->groups().join(join, broker_->now(), [&member](const core::JoinAnswer& answer) { member = answer.member; });
  run(1min);
  ASSERT_FALSE(member.empty());
  const core::MemberRef self{"g", core::Generation(1), member, {}};
  core::SyncRequest sync;
  sync.group = "g";
  sync.generation = core::Generation(1);
  sync.member = member;
  broker_->groups().sync(sync, broker_->now(), [](const core::SyncAnswer&) {});
  for (int i = 0; i < 200; ++i) {
    run(20min);
    ASSERT_EQ(broker_->groups().heartbeat(self, broker_->now()), protocol::ErrorCode::none);
  }
  EXPECT_TRUE(known("g"));
  run(23h);  // its session ends; only now it is deserted
  EXPECT_TRUE(known("g"));
  run(3h);
  EXPECT_FALSE(known("g"));
}

TEST_F(OffsetExpiryTest, AWallClockThatJumpsExpiresNothing) {
  start(kExpire);
  commit("g");
  clock_.wall_now += 24h * 365;
  run(1h);
  EXPECT_TRUE(known("g"));
  clock_.wall_now -= 24h * 365 * 2;
  run(30h);
  EXPECT_TRUE(known("g")) << "its commit lies in the future: wait";
  clock_.wall_now += 24h * 365;
  run(1h);
  EXPECT_FALSE(known("g")) << "both clocks agree";
}

TEST_F(OffsetExpiryTest, AClockThatJumpedWhileTheBrokerWasDownExpiresNothing) {
  start(kExpire);
  commit("g");
  clock_.wall_now += 24h * 365;
  restart();
  run(23h);
  EXPECT_TRUE(known("g"));
  restart();
  run(23h);
  EXPECT_TRUE(known("g")) << "a restart counts anew";
  run(2h);
  EXPECT_FALSE(known("g"));
}

TEST_F(OffsetExpiryTest, GroupThatLostItsLastOffsetWithATopicIsForgotten) {
  start(std::nullopt);
  commit("g");
  const auto id = state_.find_topic("t")->id;
  state_.apply(storage::TopicDeleted{id});
  EXPECT_TRUE(known("g"));
  run(1h);
  EXPECT_FALSE(known("g"));
  EXPECT_EQ(broker_->groups().size(), 0U);
}

}  // namespace
}  // namespace broker_tests
