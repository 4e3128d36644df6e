// The classic group protocol row by row: what is allowed in which state, what is bounded, what lapses.
#include "tests/unit/broker/groups_fixture.h"

namespace broker_tests {
namespace {

class GroupsProtocol : public GroupsTest {
 protected:
  static JoinRequest careful(std::string member = {}) {
    auto join_request = request(std::move(member));
    join_request.id_first = true;
    return join_request;
  }
  ErrorCode commit(const JoinAnswer& as) { return groups_.may_commit(ref(as), now_); }
  // Of a member of the group, in the group's present generation.
  JoinAnswer as_of_now(const JoinAnswer& member) {
    auto now = member;
    now.generation = groups_.find("g")->generation;
    return now;
  }
};

TEST_F(GroupsProtocol, WhatIsAllowedInWhichState) {
  has_offsets_ = true;
  two_stable();
  // Stable.
  EXPECT_EQ(heartbeat(first_), ErrorCode::none);
  EXPECT_EQ(commit(first_), ErrorCode::none);
  EXPECT_EQ(synced(first_).error, ErrorCode::none);
  // PreparingRebalance.
  std::optional<JoinAnswer> third;
  join(request(), third);
  ASSERT_EQ(phase(), GroupPhase::preparing_rebalance);
  EXPECT_EQ(heartbeat(first_), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(commit(first_), ErrorCode::none);
  EXPECT_EQ(synced(first_).error, ErrorCode::rebalance_in_progress);
  // CompletingRebalance.
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(request(first_.member), a);
  join(request(second_.member), b);
  ASSERT_EQ(phase(), GroupPhase::completing_rebalance);
  ASSERT_TRUE(a && b && third);
  EXPECT_EQ(heartbeat(*a), ErrorCode::none);
  EXPECT_EQ(commit(*a), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(heartbeat(first_), ErrorCode::illegal_generation);
  EXPECT_EQ(commit(first_), ErrorCode::illegal_generation);
  EXPECT_EQ(synced(first_).error, ErrorCode::illegal_generation);
  // Empty.
  (void)groups_.leave("g", {{a->member, {}}, {b->member, {}}, {third->member, {}}}, now_);
  ASSERT_EQ(phase(), GroupPhase::empty);
  EXPECT_EQ(heartbeat(as_of_now(*a)), ErrorCode::unknown_member_id);
  EXPECT_EQ(commit(as_of_now(*a)), ErrorCode::unknown_member_id);
  EXPECT_EQ(synced(as_of_now(*a)).error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups_.may_commit({"g", Generation(-1), "", {}}, now_), ErrorCode::none);
  EXPECT_EQ(joined(request(a->member)).error, ErrorCode::unknown_member_id);
}

TEST_F(GroupsProtocol, CommitOfNoGenerationIsForEmptyGroupsOnly) {
  const MemberRef nobody{"g", Generation(-1), "", {}};
  EXPECT_EQ(groups_.may_commit(nobody, now_), ErrorCode::none);
  groups_.committed("g", now_);
  EXPECT_EQ(groups_.size(), 0U) << "nothing was committed after all";
  std::optional<JoinAnswer> waiting;
  join(request(), waiting);
  EXPECT_EQ(groups_.may_commit(nobody, now_), ErrorCode::unknown_member_id) << "somebody is joining";
  pass(1s);
  EXPECT_EQ(groups_.may_commit(nobody, now_), ErrorCode::unknown_member_id);
}

TEST_F(GroupsProtocol, GroupsOfConsumersOutsideAnyGroupAreBoundedToo) {
  limits_.groups_max = 2;
  groups_ = make();
  has_offsets_ = true;
  for (const auto* name : {"a", "b"}) {
    EXPECT_EQ(groups_.may_commit({name, Generation(-1), "", {}}, now_), ErrorCode::none);
    groups_.committed(name, now_);
  }
  EXPECT_EQ(groups_.may_commit({"c", Generation(-1), "", {}}, now_), ErrorCode::group_max_size_reached);
  EXPECT_EQ(groups_.may_commit({"a", Generation(-1), "", {}}, now_), ErrorCode::none);
  EXPECT_EQ(groups_.may_commit({std::string(600, 'x'), Generation(-1), "", {}}, now_), ErrorCode::invalid_group_id);
  EXPECT_EQ(joined(request()).error, ErrorCode::group_max_size_reached);
}

TEST_F(GroupsProtocol, JoinOfTheOldestVersionsIsTakenAtOnce) {
  std::optional<JoinAnswer> answer;
  join(request(), answer);
  EXPECT_FALSE(answer) << "no id first";
  pass(500ms);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, ErrorCode::none);
}

TEST_F(GroupsProtocol, SessionTimeoutsHaveBounds) {
  limits_.session_timeout_min = 6s;
  limits_.session_timeout_max = 60s;
  groups_ = make();
  auto join_request = request();
  for (const auto& [timeout, error] : {std::pair{5'999ms, ErrorCode::invalid_session_timeout},
                                       std::pair{60'001ms, ErrorCode::invalid_session_timeout}}) {
    join_request.session_timeout = timeout;
    EXPECT_EQ(joined(join_request).error, error);
  }
  for (const auto timeout : {6'000ms, 60'000ms}) {
    join_request.session_timeout = timeout;
    std::optional<JoinAnswer> answer;
    join(join_request, answer);
    EXPECT_FALSE(answer);
    groups_ = make();
  }
}

TEST_F(GroupsProtocol, FirstMembersWaitForOthersButNotForEver) {
  auto impatient = request();
  impatient.rebalance_timeout = 1200ms;
  std::vector<std::optional<JoinAnswer>> answers(10);
  for (auto& answer : answers) {
    join(impatient, answer);
    pass(400ms);
    if (answers[0]) break;
  }
  ASSERT_TRUE(answers[0]) << "each newcomer prolongs the wait, up to the rebalance time-out";
  EXPECT_EQ(std::ranges::count_if(answers, [](const auto& one) { return one.has_value(); }), 3);
}

TEST_F(GroupsProtocol, FirstGenerationDoesNotWaitForIdsThatWereGivenInAdvance) {
  const auto given = joined(careful());
  const auto unused = joined(careful());
  EXPECT_EQ(unused.error, ErrorCode::member_id_required);
  std::optional<JoinAnswer> answer;
  join(careful(given.member), answer);
  pass(500ms);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->members.size(), 1U);
}

TEST_F(GroupsProtocol, LaterGenerationsWaitForThemUntilTheyLapse) {
  two_stable();
  auto quick = careful();
  quick.session_timeout = 2s;
  EXPECT_EQ(joined(quick).error, ErrorCode::member_id_required);
  EXPECT_EQ(phase(), GroupPhase::stable);
  std::optional<JoinAnswer> third;
  join(request(), third);
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(request(first_.member), a);
  join(request(second_.member), b);
  EXPECT_FALSE(a);
  pass(1999ms);
  EXPECT_FALSE(a);
  pass(1ms);
  ASSERT_TRUE(a && b && third);
  EXPECT_EQ(groups_.find("g")->members.size(), 3U);
}

TEST_F(GroupsProtocol, AnIdThatWasGivenInAdvanceMayLeave) {
  two_stable();
  const auto given = joined(careful());
  EXPECT_EQ(groups_.leave("g", {{given.member, {}}}, now_), std::vector{ErrorCode::none});
  EXPECT_EQ(joined(careful(given.member)).error, ErrorCode::unknown_member_id);
}

TEST_F(GroupsProtocol, WhoNeverSynchronisesIsOutAlsoWhenAllOthersHave) {
  auto brisk = request();
  brisk.rebalance_timeout = 5s;
  std::optional<JoinAnswer> a;
  std::optional<JoinAnswer> b;
  join(brisk, a);
  join(brisk, b);
  pass(1s);
  ASSERT_TRUE(a && b);
  if (a->leader != a->member) std::swap(a, b);
  std::optional<SyncAnswer> done;
  sync(*a, done, {{a->member, bytes("one")}, {b->member, bytes("two")}});
  ASSERT_EQ(phase(), GroupPhase::stable);
  pass(3s);
  EXPECT_EQ(heartbeat(*b), ErrorCode::none);
  pass(3s);
  EXPECT_EQ(heartbeat(*b), ErrorCode::unknown_member_id);
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance);
}

TEST_F(GroupsProtocol, SyncOfAnotherProtocolIsRefused) {
  two_stable();
  SyncRequest sync_request;
  sync_request.group = "g";
  sync_request.generation = first_.generation;
  sync_request.member = first_.member;
  for (const auto& [type, protocol] : {std::pair{"connect", "range"}, std::pair{"consumer", "sticky"}}) {
    sync_request.protocol_type = type;
    sync_request.protocol = protocol;
    std::optional<SyncAnswer> answer;
    groups_.sync(sync_request, now_, [&answer](SyncAnswer one) { answer = std::move(one); });
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->error, ErrorCode::inconsistent_group_protocol);
  }
}

// Cooperative consumers come twice, with what they hold in their metadata; to the coordinator it is a rebalance.
TEST_F(GroupsProtocol, MemberThatRejoinsWithOtherMetadataRebalances) {
  two_stable();
  auto changed = request(second_.member);
  changed.protocols = {{"range", bytes("owns 3 and 4")}};
  std::optional<JoinAnswer> b;
  join(changed, b);
  EXPECT_EQ(phase(), GroupPhase::preparing_rebalance);
  const auto a = joined(request(first_.member));
  ASSERT_TRUE(b);
  ASSERT_EQ(a.members.size(), 2U);
  const auto& shown = a.members[a.members[0].id == second_.member ? 0 : 1];
  EXPECT_EQ(shown.metadata, bytes("owns 3 and 4"));
}

TEST_F(GroupsProtocol, MembersCostIsBoundedAlsoWhenTheyGrow) {
  limits_.group_bytes_max = 100 << 10;
  groups_ = make();
  const auto sized = [](std::size_t size, std::string member = {}) {
    auto join_request = request(std::move(member));
    join_request.protocols = {{"range", std::vector<std::byte>(size)}};
    return join_request;
  };
  std::optional<JoinAnswer> a;
  join(sized(60 << 10), a);
  EXPECT_EQ(joined(sized(60 << 10)).error, ErrorCode::group_max_size_reached);
  pass(1s);
  ASSERT_TRUE(a);
  EXPECT_EQ(joined(sized(100 << 10, a->member)).error, ErrorCode::group_max_size_reached);
  std::optional<SyncAnswer> answer;
  sync(*a, answer, {{a->member, std::vector<std::byte>(60 << 10)}});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, ErrorCode::group_max_size_reached);
  EXPECT_EQ(phase(), GroupPhase::completing_rebalance);
  EXPECT_LT(groups_.find("g")->bytes, limits_.group_bytes_max);
  answer.reset();
  sync(*a, answer, {{a->member, bytes("little")}});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->assignment, bytes("little"));
  EXPECT_EQ(joined(sized(90 << 10, a->member)).error, ErrorCode::none) << "in place of what it had";
}

TEST_F(GroupsProtocol, EndOfAGroupIsForEmptyOnes) {
  EXPECT_EQ(groups_.end("g"), ErrorCode::group_id_not_found);
  has_offsets_ = true;
  two_stable();
  EXPECT_EQ(groups_.end("g"), ErrorCode::non_empty_group);
  (void)groups_.leave("g", {{first_.member, {}}, {second_.member, {}}}, now_);
  EXPECT_EQ(groups_.end("g"), ErrorCode::none);
  EXPECT_EQ(groups_.size(), 0U);
  EXPECT_EQ(journal_.back().phase, GroupPhase::dead);
  EXPECT_EQ(groups_.end("g"), ErrorCode::group_id_not_found);
}

}  // namespace
}  // namespace broker_tests
