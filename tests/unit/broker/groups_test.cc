// The group coordinator.
#include "tests/unit/broker/groups_fixture.h"

namespace broker_tests {
namespace {

TEST_F(GroupsTest, NewMemberOfTodayIsGivenItsIdFirst) {
  auto join_request = request();
  join_request.id_first = true;
  std::optional<JoinAnswer> answer;
  join(join_request, answer);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, ErrorCode::member_id_required);
  EXPECT_EQ(answer->member, "c-r1");
  join_request.member = answer->member;
  answer.reset();
  join(join_request, answer);
  EXPECT_FALSE(answer) << "an empty group waits for others";
  pass(500ms);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, ErrorCode::none);
  EXPECT_EQ(answer->generation, Generation(1));
  EXPECT_EQ(answer->leader, "c-r1");
  EXPECT_EQ(answer->members.size(), 1U);
}

TEST_F(GroupsTest, AnIdThatIsNeverUsedLapsesAndTheGroupIsForgotten) {
  auto join_request = request();
  join_request.id_first = true;
  std::optional<JoinAnswer> answer;
  join(join_request, answer);
  EXPECT_EQ(groups_.size(), 1U);
  pass(11s);
  EXPECT_EQ(groups_.size(), 0U);
  EXPECT_TRUE(journal_.empty());
}

TEST_F(GroupsTest, OnlyTheLeaderSeesTheMembersAndTheGenerationIsJournalled) {
  two_stable();
  EXPECT_EQ(first_.members.size(), 2U);
  EXPECT_TRUE(second_.members.empty());
  EXPECT_EQ(first_.generation, Generation(1));
  EXPECT_EQ(second_.generation, Generation(1));
  ASSERT_EQ(journal_.size(), 2U);
  EXPECT_EQ(journal_[0].generation, 1);
  EXPECT_EQ(journal_[0].phase, GroupPhase::completing_rebalance);
  EXPECT_EQ(journal_[0].protocol, "range");
  EXPECT_EQ(journal_[0].members.size(), 2U);
  EXPECT_EQ(first_.ticket, storage::Ticket(1)) << "the answer waits for the generation's frame";
  EXPECT_EQ(journal_[1].phase, GroupPhase::stable);
  EXPECT_EQ(journal_[1].members[0].assignment.size(), 3U);
}

TEST_F(GroupsTest, ThirdMemberMakesTheOthersRejoin) {
  two_stable();
  std::optional<JoinAnswer> third;
  join(request(), third);
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance);
  EXPECT_EQ(heartbeat(first_), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups_.may_commit(ref(first_), now_), ErrorCode::none) << "what it has done may be committed";
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(request(first_.member), a);
  join(request(second_.member), b);
  ASSERT_TRUE(a && b && third);
  EXPECT_EQ(a->generation, Generation(2));
  EXPECT_EQ(a->leader, first_.member) << "the leader stays";
  EXPECT_EQ(heartbeat(*a), ErrorCode::none) << "while the leader computes";
  EXPECT_EQ(groups_.may_commit(ref(*a), now_), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups_.may_commit(ref(first_), now_), ErrorCode::illegal_generation);
}

TEST_F(GroupsTest, WhoDoesNotRejoinIsOut) {
  two_stable();
  std::optional<JoinAnswer> third;
  join(request(), third);
  std::optional<JoinAnswer> a;
  join(request(first_.member), a);
  pass(9s);
  EXPECT_FALSE(a);
  pass(1s);  // its session ends, before the rebalance's time does
  ASSERT_TRUE(a && third);
  EXPECT_EQ(groups_.find("g")->members.size(), 2U);
  EXPECT_EQ(heartbeat(second_), ErrorCode::unknown_member_id);
}

TEST_F(GroupsTest, WhoHeartbeatsButDoesNotRejoinIsOutAfterTheRebalanceTimeout) {
  two_stable();
  std::optional<JoinAnswer> third;
  join(request(), third);
  std::optional<JoinAnswer> a;
  join(request(first_.member), a);
  for (int i = 0; i < 5; ++i) {
    pass(5s);
    EXPECT_EQ(heartbeat(second_), ErrorCode::rebalance_in_progress);
  }
  EXPECT_FALSE(a);
  pass(5s);
  ASSERT_TRUE(a && third);
  EXPECT_EQ(groups_.find("g")->members.count(second_.member), 0U);
}

TEST_F(GroupsTest, SilentMemberExpiresAndTheRestRebalances) {
  two_stable();
  pass(9s);
  EXPECT_EQ(heartbeat(first_), ErrorCode::none);
  pass(2s);
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance);
  EXPECT_EQ(heartbeat(first_), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(heartbeat(second_), ErrorCode::unknown_member_id);
}

TEST_F(GroupsTest, MemberWhoseJoinIsPendingNeverExpires) {
  auto slow = request();
  slow.session_timeout = 2s;
  two_stable();
  std::optional<JoinAnswer> third;
  join(slow, third);
  pass(5s);
  EXPECT_EQ(heartbeat(first_), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups_.find("g")->members.size(), 3U);
}

TEST_F(GroupsTest, LeaderThatNeverSyncsIsOut) {
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(request(), a);
  join(request(), b);
  pass(1s);
  ASSERT_TRUE(a && b);
  auto& leader = a->leader == a->member ? *a : *b;
  auto& follower = a->leader == a->member ? *b : *a;
  std::optional<SyncAnswer> synced;
  sync(follower, synced);
  for (int i = 0; i < 6; ++i) {
    pass(5s);
    if (i == 5) break;
    EXPECT_EQ(heartbeat(leader), ErrorCode::none);
  }
  ASSERT_TRUE(synced);
  EXPECT_EQ(synced->error, ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups_.find("g")->members.count(leader.member), 0U);
}

TEST_F(GroupsTest, LeavingEndsTheGroup) {
  two_stable();
  EXPECT_EQ(groups_.leave("g", {{first_.member, {}}, {second_.member, {}}, {"nobody", {}}}, now_),
            (std::vector{ErrorCode::none, ErrorCode::none, ErrorCode::unknown_member_id}));
  EXPECT_EQ(groups_.size(), 0U) << "without offsets nothing is worth keeping";
  EXPECT_EQ(journal_.back().phase, GroupPhase::dead);
  EXPECT_TRUE(state_.groups().empty());
}

TEST_F(GroupsTest, GroupWithOffsetsStaysEmptyAndKeepsCounting) {
  has_offsets_ = true;
  two_stable();
  (void)groups_.leave("g", {{first_.member, {}}, {second_.member, {}}}, now_);
  ASSERT_EQ(groups_.size(), 1U);
  EXPECT_EQ(phase(), GroupPhase::empty);
  EXPECT_EQ(groups_.may_commit({"g", Generation(-1), "", {}}, now_), ErrorCode::none);
  std::optional<JoinAnswer> again;
  join(request(), again);
  pass(1s);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->generation, Generation(3));
}

TEST_F(GroupsTest, CommitOutsideOfAGroupIsRefusedWhileItHasMembers) {
  two_stable();
  EXPECT_EQ(groups_.may_commit({"g", Generation(-1), "", {}}, now_), ErrorCode::unknown_member_id);
  EXPECT_EQ(groups_.may_commit({"g", Generation(0), first_.member, {}}, now_), ErrorCode::illegal_generation);
  EXPECT_EQ(groups_.may_commit({"other", Generation(-1), "", {}}, now_), ErrorCode::none);
  groups_.committed("other", now_);
  EXPECT_EQ(groups_.may_commit({"other", Generation(3), "m", {}}, now_), ErrorCode::illegal_generation);
}

TEST_F(GroupsTest, ProtocolsWithoutCommonGroundAreRefused) {
  two_stable();
  auto other = request();
  other.protocols = {{"sticky", bytes("m")}};
  std::optional<JoinAnswer> answer;
  join(other, answer);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, ErrorCode::inconsistent_group_protocol);
  other = request();
  other.protocol_type = "connect";
  join(other, answer);
  EXPECT_EQ(answer->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(phase(), GroupPhase::stable);
}

TEST_F(GroupsTest, TheProtocolMostPreferIsElected) {
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  std::optional<JoinAnswer> c;
  auto likes_sticky = request();
  likes_sticky.protocols = {{"sticky", bytes("s")}, {"range", bytes("r")}};
  auto likes_range = request();
  likes_range.protocols = {{"own", bytes("o")}, {"range", bytes("r")}, {"sticky", bytes("s")}};
  join(likes_sticky, a);
  join(likes_range, b);
  join(likes_sticky, c);
  pass(2s);
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(a->protocol, "sticky");
}

TEST_F(GroupsTest, FollowerThatRejoinsUnchangedDisturbsNobody) {
  two_stable();
  std::optional<JoinAnswer> again;
  join(request(second_.member), again);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->generation, Generation(1));
  EXPECT_EQ(phase(), GroupPhase::stable);
  std::optional<SyncAnswer> synced;
  sync(*again, synced);
  ASSERT_TRUE(synced);
  EXPECT_EQ(synced->assignment, bytes("two"));
  again.reset();
  join(request(first_.member), again);
  EXPECT_FALSE(again) << "the leader's rejoin is a wish to rebalance";
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance);
}

TEST_F(GroupsTest, SecondJoinOfAMemberAnswersTheFirst) {
  std::optional<JoinAnswer> old;
  std::optional<JoinAnswer> fresh;
  two_stable();
  join(request(first_.member), old);
  ASSERT_FALSE(old);
  join(request(first_.member), fresh);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->error, ErrorCode::rebalance_in_progress);
  EXPECT_FALSE(fresh);
}

TEST_F(GroupsTest, BadRequestsAreRefused) {
  std::optional<JoinAnswer> answer;
  auto join_request = request();
  join_request.session_timeout = 1ms;
  join(join_request, answer);
  EXPECT_EQ(answer->error, ErrorCode::invalid_session_timeout);
  join_request = request();
  join_request.group = "";
  join(join_request, answer);
  EXPECT_EQ(answer->error, ErrorCode::invalid_group_id);
  join(request("stranger"), answer);
  EXPECT_EQ(answer->error, ErrorCode::unknown_member_id);
  join_request = request();
  join_request.protocols = {{"range", std::vector<std::byte>(300 << 10)}};
  join(join_request, answer);
  EXPECT_EQ(answer->error, ErrorCode::invalid_request);
  EXPECT_EQ(groups_.size(), 0U);
}

}  // namespace
}  // namespace broker_tests
