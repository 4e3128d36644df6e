// Looking up epochs and their ends.
#include "broker/core/leader_epochs.h"

#include <algorithm>

namespace broker::core {
namespace {

using Start = State::EpochStarts::value_type;
const State::EpochStarts kNone;

const State::EpochStarts& starts_of(const PartitionEpochs& epochs) {
  return epochs.starts == nullptr ? kNone : *epochs.starts;
}

}  // namespace

protocol::ErrorCode check_leader_epoch(std::int32_t said, std::int32_t current) {
  if (said < 0 || said == current) return protocol::ErrorCode::none;
  return said < current ? protocol::ErrorCode::fenced_leader_epoch : protocol::ErrorCode::unknown_leader_epoch;
}

EpochEnd end_of_epoch(const PartitionEpochs& epochs, std::int32_t asked) {
  if (asked < 0 || asked > epochs.current) return {};
  if (asked == epochs.current) return {asked, epochs.bounds.durable_end};
  const auto& starts = starts_of(epochs);
  const auto next = std::ranges::upper_bound(starts, asked, {}, &Start::first);
  // Made under a later epoch than the one that is asked for: nothing was ever written under that one.
  if (next == starts.end()) return {asked, epochs.bounds.start};
  const auto epoch = next == starts.begin() ? asked : std::prev(next)->first;
  return {epoch, std::max(next->second, epochs.bounds.start)};
}

std::int32_t epoch_of(const PartitionEpochs& epochs, storage::Offset offset) {
  const auto& starts = starts_of(epochs);
  if (starts.empty()) return epochs.current;
  const auto next = std::ranges::upper_bound(starts, offset, {}, &Start::second);
  return next == starts.begin() ? next->first - 1 : std::prev(next)->first;
}

}  // namespace broker::core
