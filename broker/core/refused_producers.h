// Refusals that stick. A pipelined producer has five batches in flight: when the first is refused for want of room and
// the second merely fails its sequence check, librdkafka before 2.3 ends fatally. So while a producer is refused on a
// partition, every batch behind the refused one gets the same retriable answer, until the refused one comes again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "broker/core/producers.h"

namespace broker::core {

// Core thread only. Bounded: the oldest refusal is forgotten first.
class RefusedProducers {
 public:
  // The batch was refused for want of room; the earliest one counts.
  void refuse(const storage::PartitionRef& partition, const BatchSequence& batch);
  // True: `batch` lies behind a refused one and must be refused like it.
  [[nodiscard]] bool holds_back(const storage::PartitionRef& partition, const BatchSequence& batch) const;
  // The batch was appended: what it waited for is over.
  void appended(const storage::PartitionRef& partition, const BatchSequence& batch);
  void forget_topic(const storage::TopicId& topic);
  [[nodiscard]] std::size_t size() const { return refused_.size(); }

 private:
  using Key = std::pair<storage::PartitionRef, storage::ProducerId>;
  struct Expected {
    std::int16_t epoch = 0;
    std::int32_t sequence = 0;
  };
  static constexpr std::size_t kRefusedMax = 10'000;
  std::map<Key, Expected> refused_;
  std::deque<Key> by_age_;
};

}  // namespace broker::core
