// Static members of groups (KIP-345).
#include "tests/unit/broker/groups_fixture.h"

namespace broker_tests {
namespace {

class StaticMembers : public GroupsTest {
 protected:
  static JoinRequest static_request(std::string instance, std::string member = {}) {
    auto join_request = request(std::move(member));
    join_request.instance = std::move(instance);
    join_request.id_first = true;
    return join_request;
  }
  void one_stable() {
    std::optional<JoinAnswer> answer;
    join(static_request("i"), answer);
    pass(1s);
    ASSERT_TRUE(answer);
    first_ = *answer;
    std::optional<SyncAnswer> synced;
    sync(first_, synced, {{first_.member, bytes("all")}});
    ASSERT_TRUE(synced);
  }
};

TEST_F(StaticMembers, ReturnsToItsPlaceWithoutARebalanceAndFencesItsOldSelf) {
  one_stable();
  ASSERT_EQ(journal_.size(), 1U);
  ASSERT_EQ(journal_[0].static_members.size(), 1U);
  std::optional<JoinAnswer> again;
  join(static_request("i"), again);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->error, ErrorCode::none);
  EXPECT_EQ(again->generation, Generation(1));
  EXPECT_NE(again->member, first_.member);
  EXPECT_EQ(again->leader, first_.member) << "below v9 it is shown its old id, so that it does not assign anew";
  EXPECT_EQ(again->ticket, storage::Ticket(2));
  std::optional<SyncAnswer> synced;
  sync(*again, synced);
  ASSERT_TRUE(synced);
  EXPECT_EQ(synced->assignment, bytes("all"));
  EXPECT_EQ(groups_.heartbeat({"g", Generation(1), first_.member, "i"}, now_), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups_.heartbeat({"g", Generation(1), again->member, "i"}, now_), ErrorCode::none);
}

TEST_F(StaticMembers, ReturningLeaderOfTodayIsToldToSkipTheAssignment) {
  one_stable();
  auto join_request = static_request("i");
  join_request.may_skip_assignment = true;
  std::optional<JoinAnswer> again;
  join(join_request, again);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->skip_assignment);
  EXPECT_EQ(again->leader, again->member);
  EXPECT_EQ(again->members.size(), 1U);
}

TEST_F(StaticMembers, AreKnownAfterARestart) {
  one_stable();
  const auto kept = journal_.back();
  auto fresh = make();
  fresh.recover(kept);
  std::swap(groups_, fresh);
  EXPECT_EQ(groups_.heartbeat({"g", Generation(1), "i-other", "i"}, now_), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups_.heartbeat({"g", Generation(1), first_.member, "i"}, now_), ErrorCode::rebalance_in_progress);
}

}  // namespace
}  // namespace broker_tests
