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
  ASSERT_EQ(journal_.size(), 2U);
  std::optional<JoinAnswer> again;
  join(static_request("i"), again);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->error, ErrorCode::none);
  EXPECT_EQ(again->generation, Generation(1));
  EXPECT_NE(again->member, first_.member);
  EXPECT_EQ(again->leader, first_.member) << "below v9 it is shown its old id, so that it does not assign anew";
  EXPECT_EQ(again->ticket, storage::Ticket(3)) << "who takes the place is durable before it is told";
  EXPECT_EQ(journal_.back().removed, std::vector{first_.member});
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
  std::optional<JoinAnswer> again;
  join(static_request("i"), again);
  ASSERT_TRUE(again);
  restart();
  EXPECT_EQ(phase(), GroupPhase::stable);
  EXPECT_EQ(groups_.heartbeat({"g", Generation(1), first_.member, "i"}, now_), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups_.heartbeat({"g", Generation(1), again->member, "i"}, now_), ErrorCode::none);
  const auto third = joined(static_request("i"));
  EXPECT_EQ(third.generation, Generation(1));
  EXPECT_EQ(third.leader, again->member) << "below v9 it is shown its old id";
  EXPECT_EQ(synced(third).assignment, bytes("all"));
}

TEST_F(StaticMembers, OldSelfIsFencedWhateverItAsks) {
  one_stable();
  const auto fresh = joined(static_request("i"));
  const MemberRef old{"g", Generation(1), first_.member, "i"};
  EXPECT_EQ(groups_.heartbeat(old, now_), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups_.may_commit(old, now_), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups_.leave("g", {{first_.member, "i"}}, now_), std::vector{ErrorCode::fenced_instance_id});
  EXPECT_EQ(joined(static_request("i", first_.member)).error, ErrorCode::fenced_instance_id);
  SyncRequest request;
  request.group = "g";
  request.generation = Generation(1);
  request.member = first_.member;
  request.instance = "i";
  std::optional<SyncAnswer> answer;
  groups_.sync(request, now_, [&answer](SyncAnswer one) { answer = std::move(one); });
  EXPECT_EQ(answer.value().error, ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups_.heartbeat({"g", Generation(1), fresh.member, "i"}, now_), ErrorCode::none);
}

TEST_F(StaticMembers, WaitingJoinOfTheOldSelfIsFencedAtOnce) {
  std::optional<JoinAnswer> old;
  std::optional<JoinAnswer> fresh;
  join(static_request("i"), old);
  join(static_request("i"), fresh);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->error, ErrorCode::fenced_instance_id);
  pass(1s);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->error, ErrorCode::none);
  EXPECT_EQ(fresh->members.size(), 1U);
}

TEST_F(StaticMembers, FollowerThatReturnsIsShownTheRealLeader) {
  std::optional<JoinAnswer> leader;
  std::optional<JoinAnswer> follower;
  join(static_request("a"), leader);
  join(static_request("b"), follower);
  pass(1s);
  ASSERT_TRUE(leader && follower);
  if (leader->leader != leader->member) std::swap(leader, follower);
  std::optional<SyncAnswer> done;
  sync(*leader, done, {{leader->member, bytes("L")}, {follower->member, bytes("F")}});
  auto returns = static_request(leader->member.starts_with("a-") ? "b" : "a");
  returns.may_skip_assignment = true;
  const auto again = joined(returns);
  EXPECT_EQ(again.leader, leader->member);
  EXPECT_FALSE(again.skip_assignment);
  EXPECT_TRUE(again.members.empty());
  EXPECT_EQ(synced(again).assignment, bytes("F"));
  EXPECT_EQ(phase(), GroupPhase::stable);
}

TEST_F(StaticMembers, ReturnThatChangesTheProtocolOrMeetsARebalanceRebalances) {
  one_stable();
  auto other = static_request("i");
  other.protocols = {{"sticky", bytes("s")}, {"range", bytes("meta")}};
  std::optional<JoinAnswer> answer;
  join(other, answer);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->generation, Generation(2));
  EXPECT_EQ(answer->protocol, "sticky");
  EXPECT_EQ(phase(), GroupPhase::completing_rebalance);
  const auto again = joined(other);  // the leader's assignment would name an id that is no more
  EXPECT_EQ(again.generation, Generation(3));
}

TEST_F(StaticMembers, AwayDuringARebalanceItKeepsItsPlaceUntilItsSessionEnds) {
  auto patient = static_request("i");
  patient.session_timeout = 100s;
  patient.rebalance_timeout = 5s;
  std::optional<JoinAnswer> away;
  join(patient, away);
  pass(1s);
  ASSERT_TRUE(away);
  std::optional<SyncAnswer> done;
  sync(*away, done, {{away->member, bytes("all")}});
  auto newcomer = request();
  newcomer.rebalance_timeout = 5s;
  newcomer.session_timeout = 100s;
  std::optional<JoinAnswer> other;
  join(newcomer, other);
  pass(5s);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->members.size(), 2U) << "who joined leads, and assigns for the one that is away, too";
  sync(*other, done, {{other->member, bytes("mine")}, {away->member, bytes("its")}});
  pass(20s);
  EXPECT_EQ(groups_.find("g")->members.size(), 2U) << "it owes no SyncGroup";
  EXPECT_EQ(phase(), GroupPhase::stable);
  const auto back = joined(static_request("i"));
  EXPECT_EQ(back.generation, Generation(2));
  EXPECT_EQ(synced(back).assignment, bytes("its"));
}

TEST_F(StaticMembers, OperatorRemovesOneByItsInstance) {
  has_offsets_ = true;
  one_stable();
  EXPECT_EQ(groups_.leave("g", {{"", "nobody"}, {"", "i"}}, now_),
            (std::vector{ErrorCode::unknown_member_id, ErrorCode::none}));
  EXPECT_EQ(phase(), GroupPhase::empty);
  restart();
  EXPECT_EQ(phase(), GroupPhase::empty);
  EXPECT_TRUE(groups_.find("g")->instances.empty());
}

}  // namespace
}  // namespace broker_tests
