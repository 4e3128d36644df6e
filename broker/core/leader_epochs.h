// Leader epochs as clients ask about them (KIP-320). The store has one epoch, which goes up at an unclean start; State
// keeps where each partition stood then. Pure.
#pragma once

#include <cstdint>

#include "broker/core/state.h"
#include "broker/protocol/error_code.h"

namespace broker::core {

// A partition's epochs. `starts` may be null: it has lived under one epoch only.
struct PartitionEpochs {
  const State::EpochStarts* starts = nullptr;
  std::int32_t current = 0;
  storage::PartitionBounds bounds;
};

// What a request says the epoch to be; −1: it does not say. An old one is fenced, so that the client looks again.
[[nodiscard]] protocol::ErrorCode check_leader_epoch(std::int32_t said, std::int32_t current);

struct EpochEnd {
  std::int32_t epoch = -1;
  storage::Offset end{-1};
};
// Where the records of `asked` and of all epochs before it end. −1, −1: an epoch that was never reached.
[[nodiscard]] EpochEnd end_of_epoch(const PartitionEpochs& epochs, std::int32_t asked);

// The epoch under which the offset was, or will be, written. Of the records that lie before the first known start the
// last possible one.
[[nodiscard]] std::int32_t epoch_of(const PartitionEpochs& epochs, storage::Offset offset);

}  // namespace broker::core
