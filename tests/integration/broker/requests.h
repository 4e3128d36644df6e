// The request that most of these tests make: a Fetch of one partition of topic "t".
#pragma once

#include <cstdint>
#include <utility>

#include "broker/protocol/fetch.h"

namespace broker_tests {

namespace protocol = broker::protocol;

struct FetchOfOne {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int32_t wait_ms = 0;
  std::int32_t bytes_max = 1 << 20;
};
inline protocol::FetchRequest fetch_of(const FetchOfOne& what) {
  protocol::FetchTopic topic;
  topic.topic = "t";
  topic.partitions.emplace_back();
  topic.partitions.back().partition = what.partition;
  topic.partitions.back().fetch_offset = what.offset;
  topic.partitions.back().partition_max_bytes = what.bytes_max;
  protocol::FetchRequest request;
  request.max_wait_ms = what.wait_ms;
  request.min_bytes = 1;
  request.topics.push_back(std::move(topic));
  return request;
}

}  // namespace broker_tests
