// Looking over the deserted groups.
#include "broker/core/offset_expiry.h"

#include <algorithm>

namespace broker::core {

namespace {

constexpr std::chrono::minutes kLookEvery{1};

std::int64_t last_commit_ms(const GroupRecord& record) {
  std::int64_t last = 0;
  for (const auto& [partition, commit] : record.offsets) last = std::max(last, commit.committed_at_ms);
  return last;
}

}  // namespace

std::vector<std::string> OffsetExpiry::due(const Groups& groups, const State& state, Time now, std::int64_t wall_ms) {
  std::vector<std::string> due;
  if (now < next_look_) return due;
  next_look_ = now + kLookEvery;
  for (const auto& [name, group] : groups.all()) {
    if (!group->deserted()) continue;
    const auto record = state.groups().find(name);
    const bool useless = record == state.groups().end() || record->second.offsets.empty();  // its topics are gone
    const bool silent = after_ && !useless && now - group->idle_since >= *after_ &&
                        wall_ms - last_commit_ms(record->second) >= after_->count();
    if (useless || silent) due.push_back(name);
  }
  return due;
}

}  // namespace broker::core
