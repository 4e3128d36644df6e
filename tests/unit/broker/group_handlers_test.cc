// Groups over the wire: each advertised version of each API, what tools ask, and what answers wait for.
#include <algorithm>

#include "broker/protocol/delete_groups.h"
#include "broker/protocol/describe_groups.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/groups.h"
#include "broker/protocol/list_groups.h"
#include "broker/protocol/offsets.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ErrorCode;
using Kind = handlers::Reply::Kind;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

// The consumer protocol's subscription of these topics.
std::vector<std::byte> subscription(const std::vector<std::string>& topics) {
  std::string bytes{'\0', '\1', '\0', '\0', '\0', static_cast<char>(topics.size())};
  for (const auto& topic : topics) bytes += std::string{'\0', static_cast<char>(topic.size())} + topic;
  return bytes_of(bytes + std::string(4, '\xff'));  // no user data
}

class GroupHandlers : public HandlersTest {
 protected:
  struct Joined {
    std::string member;
    std::int32_t generation = 0;
  };
  std::vector<std::byte> metadata_ = subscription({"t", "u"});

  [[nodiscard]] protocol::JoinGroupRequest join_request(const std::string& group, const std::string& member) const {
    protocol::JoinGroupRequest join;
    join.group_id = group;
    join.session_timeout_ms = 10'000;
    join.rebalance_timeout_ms = 30'000;
    join.member_id = member;
    join.protocol_type = protocol_type_;
    join.protocols.push_back({"range", protocol::BytesView(metadata_)});
    return join;
  }
  // The only member of a group, stable, through these versions.
  Joined become_member(const std::string& group, int join_version = 7, int sync_version = 5) {
    auto join = join_request(group, {});
    if (join_version >= 4) {
      const auto first = call<protocol::JoinGroupResponse>(join, join_version);
      EXPECT_EQ(first.error_code, ErrorCode::member_id_required);
      join.member_id = first.member_id;
    }
    const auto waiting = ask(join, join_version);
    EXPECT_EQ(waiting->kind(), Kind::waiting);
    clock.pass(std::chrono::milliseconds(500));
    broker.tick();
    const auto joined = answer<protocol::JoinGroupResponse>(waiting, join_version);
    EXPECT_EQ(joined.error_code, ErrorCode::none);
    EXPECT_EQ(joined.leader, joined.member_id);
    EXPECT_EQ(joined.members.size(), 1U);
    EXPECT_EQ(joined.protocol_name, "range");
    protocol::SyncGroupRequest sync;
    sync.group_id = group;
    sync.generation_id = joined.generation_id;
    sync.member_id = joined.member_id;
    sync.assignments.push_back({joined.member_id, protocol::BytesView(metadata_)});
    const auto synced = call<protocol::SyncGroupResponse>(sync, sync_version);
    EXPECT_EQ(synced.error_code, ErrorCode::none);
    EXPECT_EQ(synced.assignment.copy(), metadata_);
    return {joined.member_id, joined.generation_id};
  }
  ErrorCode leave(const std::string& group, const std::string& member, int version = 4) {
    protocol::LeaveGroupRequest request;
    request.group_id = group;
    request.member_id = member;
    if (version >= 3) request.members.push_back({member, std::nullopt, std::nullopt});
    const auto response = call<protocol::LeaveGroupResponse>(request, version);
    return version >= 3 && response.error_code == ErrorCode::none ? response.members.at(0).error_code
                                                                  : response.error_code;
  }
  static protocol::OffsetCommitRequest commit_request(const std::string& group, std::int64_t offset,
                                                      const std::string& topic = "t") {
    protocol::OffsetCommitRequest request;
    request.group_id = group;
    request.retention_time_ms = 1;  // not heeded
    protocol::OffsetCommitPartition partition;
    partition.committed_offset = offset;
    request.topics.push_back({topic, {partition}});
    return request;
  }
  ErrorCode commit(const std::string& group, std::int64_t offset, const std::string& topic = "t") {
    const auto response = call<protocol::OffsetCommitResponse>(commit_request(group, offset, topic), 7);
    return response.topics.at(0).partitions.at(0).error_code;
  }
  std::int64_t committed(const std::string& group, const std::string& topic = "t", int version = 7) {
    protocol::OffsetFetchRequest request;
    request.group_id = group;
    request.topics.emplace();
    request.topics->push_back({topic, {0}});
    if (version >= 8) request.groups.push_back({group, request.topics});
    const auto response = call<protocol::OffsetFetchResponse>(request, version);
    const auto& topics = version >= 8 ? response.groups.at(0).topics : response.topics;
    return topics.at(0).partitions.at(0).committed_offset;
  }
  protocol::DescribedGroup describe(const std::string& group, int version = 5) {
    protocol::DescribeGroupsRequest request;
    request.groups = {group};
    request.include_authorized_operations = true;
    return call<protocol::DescribeGroupsResponse>(request, version).groups.at(0);
  }
  std::vector<std::string> list(std::vector<std::string> states, std::vector<std::string> types, int version = 5) {
    protocol::ListGroupsRequest request;
    request.states_filter = std::move(states);
    request.types_filter = std::move(types);
    std::vector<std::string> names;
    for (const auto& group : call<protocol::ListGroupsResponse>(request, version).groups) {
      names.push_back(group.group_id);
      EXPECT_EQ(group.group_type, version >= 5 ? "classic" : "");
    }
    return names;
  }
  ErrorCode delete_group(const std::string& group, int version = 2) {
    protocol::DeleteGroupsRequest request;
    request.groups_names = {group};
    return call<protocol::DeleteGroupsResponse>(request, version).results.at(0).error_code;
  }
  protocol::OffsetDeleteResponse delete_offset(const std::string& group, const std::string& topic,
                                               std::int32_t partition = 0) {
    protocol::OffsetDeleteRequest request;
    request.group_id = group;
    request.topics.push_back({topic, {{partition}}});
    return call<protocol::OffsetDeleteResponse>(request, 0);
  }
  std::string protocol_type_ = "consumer";
};

TEST_F(GroupHandlers, EveryVersionOfJoinSyncHeartbeatAndLeaveIsServed) {
  for (int version = 0; version <= 9; ++version) {
    SCOPED_TRACE("JoinGroup v" + std::to_string(version));
    const auto group = "g" + std::to_string(version);
    const auto member = become_member(group, version, std::min(version, 5));
    protocol::HeartbeatRequest heartbeat;
    heartbeat.group_id = group;
    heartbeat.generation_id = member.generation;
    heartbeat.member_id = member.member;
    EXPECT_EQ(call<protocol::HeartbeatResponse>(heartbeat, std::min(version, 4)).error_code, ErrorCode::none);
    heartbeat.generation_id = 99;
    EXPECT_EQ(call<protocol::HeartbeatResponse>(heartbeat, std::min(version, 4)).error_code,
              ErrorCode::illegal_generation);
    EXPECT_EQ(leave(group, "nobody", std::min(version, 5)), ErrorCode::unknown_member_id);
    EXPECT_EQ(leave(group, member.member, std::min(version, 5)), ErrorCode::none);
    EXPECT_EQ(leave("", member.member, std::min(version, 5)), ErrorCode::invalid_group_id);
  }
  EXPECT_EQ(broker.groups().size(), 0U);
}

TEST_F(GroupHandlers, SessionIsTheRebalanceTimeoutInTheOldestVersion) {
  (void)become_member("g", 0, 0);
  EXPECT_EQ(broker.groups().find("g")->members.begin()->second.data.rebalance_timeout_ms, 10'000);
  (void)become_member("h", 1, 0);
  EXPECT_EQ(broker.groups().find("h")->members.begin()->second.data.rebalance_timeout_ms, 30'000);
}

TEST_F(GroupHandlers, EveryVersionOfCommitFetchAndFindCoordinatorIsServed) {
  make_topic("t");
  for (int version = 2; version <= 8; ++version) {
    const auto response = call<protocol::OffsetCommitResponse>(commit_request("g", version), version);
    EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::none) << version;
    EXPECT_EQ(committed("g"), version);
  }
  for (int version = 1; version <= 8; ++version) {
    EXPECT_EQ(committed("g", "t", version), 8) << version;
    EXPECT_EQ(committed("h", "t", version), -1) << version;
  }
  for (int version = 0; version <= 4; ++version) {
    protocol::FindCoordinatorRequest request;
    request.key = "g";
    request.coordinator_keys = {"g"};
    const auto response = call<protocol::FindCoordinatorResponse>(request, version);
    EXPECT_EQ(version < 4 ? response.port : response.coordinators.at(0).port, 9092) << version;
    EXPECT_EQ(version < 4 ? response.node_id : response.coordinators.at(0).node_id, 1) << version;
    EXPECT_EQ(version < 4 ? response.error_code : response.coordinators.at(0).error_code, ErrorCode::none) << version;
  }
}

TEST_F(GroupHandlers, CommitsOfConsumersWithoutANameAreKeptAsInOldKafka) {
  make_topic("t");
  EXPECT_EQ(commit("", 4), ErrorCode::none);
  EXPECT_EQ(committed(""), 4);
  EXPECT_EQ(delete_group(""), ErrorCode::none);
}

TEST_F(GroupHandlers, ANegativeOffsetWithdrawsWhatWasCommitted) {
  make_topic("t");
  EXPECT_EQ(commit("g", 4), ErrorCode::none);
  EXPECT_EQ(commit("g", -2), ErrorCode::none);
  EXPECT_EQ(committed("g"), -1);
  EXPECT_TRUE(list({}, {}).empty()) << "nothing is left of the group";
}

TEST_F(GroupHandlers, DescribeShowsMembersOfAStableGroup) {
  const auto member = become_member("g");
  for (int version = 0; version <= 5; ++version) {
    const auto group = describe("g", version);
    EXPECT_EQ(group.error_code, ErrorCode::none);
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.protocol_type, "consumer");
    EXPECT_EQ(group.protocol_data, "range");
    ASSERT_EQ(group.members.size(), 1U);
    EXPECT_EQ(group.members[0].member_id, member.member);
    EXPECT_EQ(group.members[0].client_id, "test");
    EXPECT_EQ(group.members[0].client_host, "127.0.0.1");
    EXPECT_EQ(group.members[0].member_metadata.copy(), metadata_);
    EXPECT_EQ(group.members[0].member_assignment.copy(), metadata_);
    EXPECT_EQ(group.authorized_operations, version >= 3 ? 328 : std::numeric_limits<std::int32_t>::min());
  }
}

TEST_F(GroupHandlers, DescribeOfOtherStatesShowsNoAssignments) {
  EXPECT_EQ(describe("none").group_state, "Dead");
  EXPECT_EQ(describe("none").error_code, ErrorCode::none);
  const auto member = become_member("g");
  const auto newcomer = ask(join_request("g", {}), 0);
  const auto preparing = describe("g");
  EXPECT_EQ(preparing.group_state, "PreparingRebalance");
  EXPECT_EQ(preparing.protocol_data, "");
  ASSERT_EQ(preparing.members.size(), 2U);
  EXPECT_TRUE(preparing.members[0].member_metadata.copy().empty());
  EXPECT_TRUE(preparing.members[0].member_assignment.copy().empty());
  (void)ask(join_request("g", member.member), 7);
  EXPECT_EQ(describe("g").group_state, "CompletingRebalance");
  protocol::DescribeGroupsRequest twice;
  twice.groups = {"g", "g", "none", "g"};
  EXPECT_EQ(call<protocol::DescribeGroupsResponse>(twice, 4).groups.size(), 2U)
      << "each once, however often it is named";
}

TEST_F(GroupHandlers, ListKnowsStatesAndTypes) {
  make_topic("t");
  (void)become_member("busy");
  EXPECT_EQ(commit("quiet", 1), ErrorCode::none);
  for (int version = 0; version <= 5; ++version) {
    EXPECT_EQ(list({}, {}, version), (std::vector<std::string>{"busy", "quiet"})) << version;
  }
  EXPECT_EQ(list({"Stable"}, {}), std::vector<std::string>{"busy"});
  EXPECT_EQ(list({"empty"}, {}, 4), std::vector<std::string>{"quiet"});
  EXPECT_EQ(list({"Stable", "Empty"}, {"Classic"}).size(), 2U);
  EXPECT_TRUE(list({"Dead"}, {}).empty());
  EXPECT_TRUE(list({}, {"consumer"}).empty());
  protocol::ListGroupsRequest all;
  const auto listed = call<protocol::ListGroupsResponse>(all, 5).groups;
  EXPECT_EQ(listed.at(0).protocol_type, "consumer");
  EXPECT_EQ(listed.at(0).group_state, "Stable");
  EXPECT_EQ(listed.at(1).protocol_type, "");
}

TEST_F(GroupHandlers, DeleteTakesEmptyGroupsWithTheirOffsets) {
  make_topic("t");
  const auto member = become_member("g");
  auto request = commit_request("g", 5);
  request.generation_id = member.generation;
  request.member_id = member.member;
  EXPECT_EQ(call<protocol::OffsetCommitResponse>(request, 7).topics[0].partitions[0].error_code, ErrorCode::none);
  for (int version = 0; version <= 2; ++version) {
    EXPECT_EQ(delete_group("none", version), ErrorCode::group_id_not_found);
    EXPECT_EQ(delete_group("g", version), ErrorCode::non_empty_group);
  }
  EXPECT_EQ(leave("g", member.member), ErrorCode::none);
  EXPECT_EQ(committed("g"), 5);
  EXPECT_EQ(delete_group("g"), ErrorCode::none);
  EXPECT_EQ(committed("g"), -1);
  EXPECT_TRUE(state.groups().empty());
  EXPECT_TRUE(list({}, {}).empty());
  EXPECT_EQ(delete_group("g"), ErrorCode::group_id_not_found);
}

TEST_F(GroupHandlers, OffsetsOfSubscribedTopicsStay) {
  make_topic("t");
  make_topic("u");
  make_topic("gone-from");
  const auto member = become_member("g");
  for (const auto* topic : {"t", "gone-from"}) {
    auto request = commit_request("g", 5, topic);
    request.generation_id = member.generation;
    request.member_id = member.member;
    EXPECT_EQ(call<protocol::OffsetCommitResponse>(request, 7).topics[0].partitions[0].error_code, ErrorCode::none);
  }
  const auto partition_error = [this](const std::string& topic, std::int32_t partition = 0) {
    const auto response = delete_offset("g", topic, partition);
    EXPECT_EQ(response.error_code, ErrorCode::none);
    return response.topics.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(partition_error("t"), ErrorCode::group_subscribed_to_topic);
  EXPECT_EQ(partition_error("u"), ErrorCode::group_subscribed_to_topic);
  EXPECT_EQ(partition_error("gone-from"), ErrorCode::none);
  EXPECT_EQ(partition_error("gone-from", 7), ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(partition_error("none"), ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(committed("g", "t"), 5);
  EXPECT_EQ(committed("g", "gone-from"), -1);
  EXPECT_EQ(leave("g", member.member), ErrorCode::none);
  EXPECT_EQ(partition_error("t"), ErrorCode::none) << "nobody reads it any more";
  EXPECT_EQ(delete_offset("g", "t").error_code, ErrorCode::group_id_not_found) << "nothing is left of the group";
  EXPECT_TRUE(state.groups().empty());
}

TEST_F(GroupHandlers, OffsetsOfMembersThatCannotBeReadStay) {
  make_topic("t");
  metadata_ = bytes_of("no subscription at all");
  const auto member = become_member("g");
  EXPECT_EQ(delete_offset("g", "t").topics.at(0).partitions.at(0).error_code, ErrorCode::group_subscribed_to_topic);
  EXPECT_EQ(leave("g", member.member), ErrorCode::none);
  protocol_type_ = "connect";
  (void)become_member("c");
  EXPECT_EQ(delete_offset("c", "t").error_code, ErrorCode::non_empty_group);
}

class SlowGroupHandlers : public GroupHandlers {
 protected:
  storage::Ticket last() { return storage::Ticket(store.journal().size()); }
};

TEST_F(SlowGroupHandlers, WhatIsSaidOfAGroupWaitsForItsNewestRecord) {
  make_topic("t");
  const auto member = become_member("g");
  store.set_durable_at_once(false);
  // The group begins to rebalance: that is a record, and all that is said from here on waits for it.
  const auto before = last();
  const auto newcomer = ask(join_request("g", {}), 0);
  ASSERT_GT(last(), before);
  protocol::HeartbeatRequest heartbeat;
  heartbeat.group_id = "g";
  heartbeat.generation_id = member.generation;
  heartbeat.member_id = member.member;
  EXPECT_EQ(ask(heartbeat, 4)->ticket(), last());
  EXPECT_EQ(ask(protocol::ListGroupsRequest(), 5)->ticket(), last());
  protocol::DescribeGroupsRequest described;
  described.groups = {"g"};
  EXPECT_EQ(ask(described, 5)->ticket(), last());
  EXPECT_EQ(ask(commit_request("g", 1), 7)->ticket(), last()) << "a refusal, too";
  protocol::LeaveGroupRequest leaving;
  leaving.group_id = "g";
  leaving.members.push_back({member.member, std::nullopt, std::nullopt});
  const auto left = ask(leaving, 4);
  EXPECT_EQ(left->ticket(), last());
  EXPECT_EQ(newcomer->ticket(), last()) << "the new generation";
}

TEST_F(SlowGroupHandlers, WhatWasDeletedIsToldWhenThatIsDurable) {
  make_topic("t");
  EXPECT_EQ(commit("a", 1), ErrorCode::none);
  EXPECT_EQ(commit("b", 1), ErrorCode::none);
  store.set_durable_at_once(false);
  protocol::DeleteGroupsRequest deleted;
  deleted.groups_names = {"a"};
  const auto reply = ask(deleted, 2);
  EXPECT_EQ(reply->ticket(), last());
  protocol::OffsetFetchRequest fetch;
  fetch.groups.push_back({"a", std::nullopt});
  EXPECT_EQ(ask(fetch, 8)->ticket(), last()) << "that there is nothing is known only then";
  protocol::OffsetDeleteRequest offset;
  offset.group_id = "b";
  offset.topics.push_back({"t", {{0}}});
  const auto gone = ask(offset, 0);
  EXPECT_EQ(gone->ticket(), last());
  fetch.groups[0].group_id = "b";
  EXPECT_EQ(ask(fetch, 8)->ticket(), last());
}

}  // namespace
}  // namespace broker_tests
