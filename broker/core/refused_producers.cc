// Sticky refusals.
#include "broker/core/refused_producers.h"

namespace broker::core {

void RefusedProducers::refuse(const storage::PartitionRef& partition, const BatchSequence& batch) {
  if (batch.producer.value() < 0) return;
  const Key key{partition, batch.producer};
  const auto [entry, fresh] = refused_.try_emplace(key, Expected{batch.epoch, batch.first});
  if (!fresh) {
    if (batch.epoch > entry->second.epoch) entry->second = {batch.epoch, batch.first};
    return;
  }
  by_age_.push_back(key);
  if (by_age_.size() > kRefusedMax) {
    refused_.erase(by_age_.front());
    by_age_.pop_front();
  }
}

bool RefusedProducers::holds_back(const storage::PartitionRef& partition, const BatchSequence& batch) const {
  if (refused_.empty() || batch.producer.value() < 0) return false;
  const auto found = refused_.find(Key{partition, batch.producer});
  if (found == refused_.end() || batch.epoch > found->second.epoch) return false;
  return batch.first != found->second.sequence;
}

void RefusedProducers::appended(const storage::PartitionRef& partition, const BatchSequence& batch) {
  if (refused_.empty() || batch.producer.value() < 0) return;
  const Key key{partition, batch.producer};
  if (refused_.erase(key) > 0) std::erase(by_age_, key);
}

void RefusedProducers::forget_topic(const storage::TopicId& topic) {
  if (refused_.empty()) return;
  const auto of_topic = [&topic](const Key& key) { return key.first.topic == topic; };
  std::erase_if(refused_, [&](const auto& entry) { return of_topic(entry.first); });
  std::erase_if(by_age_, of_topic);
}

}  // namespace broker::core
