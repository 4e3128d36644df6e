// Every message with the versions that its description knows: what the typed tests run over.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "broker/protocol/api_versions.h"
#include "broker/protocol/configs.h"
#include "broker/protocol/describe_cluster.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/find_coordinator.h"
#include "broker/protocol/groups.h"
#include "broker/protocol/groups_admin.h"
#include "broker/protocol/list_offsets.h"
#include "broker/protocol/metadata.h"
#include "broker/protocol/offset_for_leader_epoch.h"
#include "broker/protocol/offsets.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/producer_id.h"
#include "broker/protocol/topics.h"

namespace broker::protocol {

template <class M, std::int16_t kFirst, std::int16_t kLast>
struct Case {
  using Message = M;
  static constexpr std::int16_t kMin = kFirst;
  static constexpr std::int16_t kMax = kLast;
};

using DataMessages =
    ::testing::Types<Case<ProduceRequest, 0, 11>, Case<ProduceResponse, 0, 11>, Case<FetchRequest, 4, 16>,
                     Case<FetchResponse, 4, 16>, Case<ListOffsetsRequest, 1, 7>, Case<ListOffsetsResponse, 1, 7>,
                     Case<InitProducerIdRequest, 0, 4>, Case<InitProducerIdResponse, 0, 4>>;
using ClusterMessages =
    ::testing::Types<Case<ApiVersionsRequest, 0, 3>, Case<ApiVersionsResponse, 0, 3>, Case<MetadataRequest, 0, 12>,
                     Case<MetadataResponse, 0, 12>, Case<FindCoordinatorRequest, 0, 4>,
                     Case<FindCoordinatorResponse, 0, 4>, Case<DescribeClusterRequest, 0, 1>,
                     Case<DescribeClusterResponse, 0, 1>, Case<OffsetForLeaderEpochRequest, 2, 4>,
                     Case<OffsetForLeaderEpochResponse, 2, 4>>;
using GroupMessages =
    ::testing::Types<Case<JoinGroupRequest, 0, 9>, Case<JoinGroupResponse, 0, 9>, Case<SyncGroupRequest, 0, 5>,
                     Case<SyncGroupResponse, 0, 5>, Case<HeartbeatRequest, 0, 4>, Case<HeartbeatResponse, 0, 4>,
                     Case<LeaveGroupRequest, 0, 5>, Case<LeaveGroupResponse, 0, 5>, Case<OffsetCommitRequest, 2, 8>,
                     Case<OffsetCommitResponse, 2, 8>, Case<OffsetFetchRequest, 1, 8>, Case<OffsetFetchResponse, 1, 8>>;
using AdminMessages = ::testing::Types<
    Case<CreateTopicsRequest, 0, 7>, Case<CreateTopicsResponse, 0, 7>, Case<DescribeConfigsRequest, 0, 4>,
    Case<DescribeConfigsResponse, 0, 4>, Case<DeleteTopicsRequest, 0, 6>, Case<DeleteTopicsResponse, 0, 6>,
    Case<DeleteRecordsRequest, 0, 2>, Case<DeleteRecordsResponse, 0, 2>, Case<CreatePartitionsRequest, 0, 3>,
    Case<CreatePartitionsResponse, 0, 3>, Case<AlterConfigsRequest, 0, 2>, Case<AlterConfigsResponse, 0, 2>,
    Case<IncrementalAlterConfigsRequest, 0, 1>, Case<IncrementalAlterConfigsResponse, 0, 1>>;
using GroupAdminMessages = ::testing::Types<Case<DescribeGroupsRequest, 0, 5>, Case<DescribeGroupsResponse, 0, 5>,
                                            Case<ListGroupsRequest, 0, 5>, Case<ListGroupsResponse, 0, 5>,
                                            Case<DeleteGroupsRequest, 0, 2>, Case<DeleteGroupsResponse, 0, 2>,
                                            Case<OffsetDeleteRequest, 0, 0>, Case<OffsetDeleteResponse, 0, 0>>;

}  // namespace broker::protocol
