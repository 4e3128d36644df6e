// `outbox-broker check` and `dump`: a look into a data folder that no broker has open. Both recover it first, as a
// start would.
#pragma once

#include <iosfwd>

#include "broker/core/state.h"
#include "broker/storage/store.h"

namespace broker {

// Reads every batch of every partition: CRCs, offsets without gaps. Names what is damaged; true: all is well.
[[nodiscard]] bool check_store(core::State& state, storage::Store& store, std::ostream& out);

// Topics with their partitions' bounds, groups with their offsets, for people.
void dump_store(core::State& state, storage::Store& store, std::ostream& out);

}  // namespace broker
