// Groups over a restart of the broker: what was journalled is all that is left, and members go on with it.
#include "tests/unit/broker/groups_fixture.h"

namespace broker_tests {
namespace {

class GroupsRestart : public GroupsTest {
 protected:
  // The ids of the members as the journal knows them.
  std::vector<std::string> members() {
    std::vector<std::string> ids;
    for (const auto& [id, member] : groups_.find("g")->members) ids.push_back(id);
    return ids;
  }
};

TEST_F(GroupsRestart, StableGroupGoesOnAsIfNothingHadBeen) {
  two_stable();
  const auto records = journal_.size();
  restart();
  EXPECT_EQ(phase(), GroupPhase::stable);
  for (int i = 0; i < 20; ++i) {
    pass(3s);
    EXPECT_EQ(heartbeat(first_), ErrorCode::none);
    EXPECT_EQ(heartbeat(second_), ErrorCode::none);
  }
  EXPECT_EQ(groups_.may_commit(ref(first_), now_), ErrorCode::none);
  EXPECT_EQ(groups_.may_commit(ref(second_), now_), ErrorCode::none);
  EXPECT_EQ(synced(first_).assignment, bytes("one"));
  EXPECT_EQ(synced(second_).assignment, bytes("two"));
  EXPECT_EQ(synced(second_).protocol, "range");
  EXPECT_EQ(journal_.size(), records) << "nothing changed, so nothing is recorded";
  auto stranger = first_;
  stranger.member = "stranger";
  EXPECT_EQ(heartbeat(stranger), ErrorCode::unknown_member_id);
  stranger = first_;
  stranger.generation = Generation(0);
  EXPECT_EQ(heartbeat(stranger), ErrorCode::illegal_generation);
}

TEST_F(GroupsRestart, EveryMemberHasAWholeSessionTimeoutFromTheStart) {
  two_stable();
  pass(9s);  // a second before both would be out
  restart();
  pass(9s);
  EXPECT_EQ(heartbeat(first_), ErrorCode::none);
  pass(1s);
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance) << "who stays away is out after all";
  EXPECT_EQ(heartbeat(first_), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(heartbeat(second_), ErrorCode::unknown_member_id);
  const auto alone = joined(request(first_.member));
  EXPECT_EQ(alone.generation, Generation(2));
  EXPECT_EQ(alone.members.size(), 1U);
}

TEST_F(GroupsRestart, FollowerThatJoinsAgainIsGivenTheSameGeneration) {
  two_stable();
  restart();
  const auto again = joined(request(second_.member));
  EXPECT_EQ(again.generation, Generation(1));
  EXPECT_EQ(synced(again).assignment, bytes("two"));
  EXPECT_EQ(phase(), GroupPhase::stable);
}

TEST_F(GroupsRestart, RebalanceThatHadBegunGoesOn) {
  two_stable();
  std::optional<JoinAnswer> third;
  join(request(), third);
  std::optional<JoinAnswer> lost;
  join(request(first_.member), lost);
  restart();
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance);
  EXPECT_EQ(heartbeat(second_), ErrorCode::rebalance_in_progress) << "so it joins at its next heartbeat";
  EXPECT_EQ(groups_.may_commit(ref(second_), now_), ErrorCode::none) << "what it has done may be committed";
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(request(first_.member), a);
  EXPECT_FALSE(a);
  join(request(second_.member), b);
  ASSERT_TRUE(a && b) << "all that the journal knows are here";
  EXPECT_EQ(a->generation, Generation(2));
  EXPECT_EQ(a->leader, first_.member);
  EXPECT_EQ(a->members.size(), 2U);
}

TEST_F(GroupsRestart, WhoWasGivenItsIdInAdvanceBeginsAnew) {
  auto careful = request();
  careful.id_first = true;
  two_stable();
  const auto given = joined(careful);
  EXPECT_EQ(given.error, ErrorCode::member_id_required);
  restart();
  EXPECT_EQ(phase(), GroupPhase::stable) << "an id that was merely given disturbs nobody";
  careful.member = given.member;
  EXPECT_EQ(joined(careful).error, ErrorCode::unknown_member_id);
}

TEST_F(GroupsRestart, GenerationWithoutAssignmentsIsAssigned) {
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(request(), a);
  join(request(), b);
  pass(1s);
  ASSERT_TRUE(a && b);
  if (a->leader != a->member) std::swap(a, b);
  restart();
  EXPECT_EQ(phase(), GroupPhase::completing_rebalance);
  EXPECT_EQ(heartbeat(*b), ErrorCode::none);
  EXPECT_EQ(groups_.may_commit(ref(*b), now_), ErrorCode::rebalance_in_progress);
  std::optional<SyncAnswer> sb;
  sync(*b, sb);
  EXPECT_FALSE(sb);
  const auto leader = joined(request(a->member));  // its SyncGroup was lost: it joins again, and is told the same
  EXPECT_EQ(leader.generation, Generation(1));
  EXPECT_EQ(leader.members.size(), 2U);
  std::optional<SyncAnswer> sa;
  sync(leader, sa, {{a->member, bytes("one")}, {b->member, bytes("two")}});
  ASSERT_TRUE(sa && sb);
  EXPECT_EQ(sb->assignment, bytes("two"));
}

TEST_F(GroupsRestart, GenerationWhoseLeaderStaysAwayEndsWithItsSession) {
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(request(), a);
  join(request(), b);
  pass(1s);
  ASSERT_TRUE(a && b);
  if (a->leader != a->member) std::swap(a, b);
  restart();
  std::optional<SyncAnswer> waiting;
  sync(*b, waiting);
  pass(10s);
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->error, ErrorCode::rebalance_in_progress);
  const auto alone = joined(request(b->member));
  EXPECT_EQ(alone.generation, Generation(2));
  EXPECT_EQ(alone.leader, b->member);
}

TEST_F(GroupsRestart, WhoLeftIsNotWaitedFor) {
  two_stable();
  EXPECT_EQ(groups_.leave("g", {{second_.member, {}}}, now_), std::vector{ErrorCode::none});
  EXPECT_EQ(groups_.ticket(), storage::Ticket(journal_.size())) << "the answer waits until that is durable";
  restart();
  EXPECT_EQ(members(), std::vector{first_.member});
  EXPECT_EQ(joined(request(first_.member)).generation, Generation(2));
}

TEST_F(GroupsRestart, WhoExpiredIsNotWaitedFor) {
  two_stable();
  pass(9s);
  EXPECT_EQ(heartbeat(first_), ErrorCode::none);
  pass(2s);
  restart();
  EXPECT_EQ(members(), std::vector{first_.member});
  EXPECT_EQ(heartbeat(first_), ErrorCode::rebalance_in_progress);
}

TEST_F(GroupsRestart, RebalanceThatEverybodyLeftEndsAtOnce) {
  has_offsets_ = true;
  two_stable();
  auto careful = request();
  careful.id_first = true;
  EXPECT_EQ(joined(careful).error, ErrorCode::member_id_required);  // is waited for, so the rebalance goes on
  std::optional<JoinAnswer> third;
  join(request(), third);
  std::vector<broker::core::Leaving> all;
  for (const auto& id : members()) all.push_back({id, {}});
  ASSERT_EQ(all.size(), 3U);
  (void)groups_.leave("g", all, now_);
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance);
  restart();
  EXPECT_TRUE(members().empty());
  pass(1ms);
  EXPECT_EQ(phase(), GroupPhase::empty);
}

TEST_F(GroupsRestart, EmptyGroupKeepsCounting) {
  has_offsets_ = true;
  two_stable();
  (void)groups_.leave("g", {{first_.member, {}}, {second_.member, {}}}, now_);
  restart();
  EXPECT_EQ(phase(), GroupPhase::empty);
  std::optional<JoinAnswer> again;
  join(request(), again);
  EXPECT_FALSE(again) << "others are waited for as usual";
  pass(500ms);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->generation, Generation(3));
}

TEST_F(GroupsRestart, TheLimitOnMembersBytesCountsThoseOfBefore) {
  limits_.bytes_max = 64 << 10;
  groups_ = make();
  auto large = request();
  large.protocols = {{"range", std::vector<std::byte>(40 << 10)}};
  std::optional<JoinAnswer> answer;
  join(large, answer);
  pass(1s);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, ErrorCode::none);
  restart();
  EXPECT_EQ(joined(large).error, ErrorCode::group_max_size_reached);
}

TEST_F(GroupsRestart, AnswersWaitForTheNewestRecordOfAnyGroup) {
  two_stable();
  EXPECT_EQ(groups_.ticket(), storage::Ticket(2));
  std::optional<JoinAnswer> answer;
  join(request("stranger"), answer);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->ticket, storage::Ticket(2)) << "a refusal, too, says something about the group";
}

}  // namespace
}  // namespace broker_tests
