// Waking those who wait for data.
#include "broker/core/fetch_waiters.h"

namespace broker::core {

WaiterId FetchWaiters::add(std::vector<storage::PartitionRef> partitions, Time deadline, Try attempt) {
  const WaiterId id(next_id_++);
  for (const auto& partition : partitions) by_partition_.emplace(partition, id);
  by_deadline_.emplace(deadline, id);
  waiters_.emplace(id, Waiter{std::move(partitions), deadline, std::move(attempt)});
  return id;
}

void FetchWaiters::cancel(WaiterId id) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  for (const auto& partition : found->second.partitions) by_partition_.erase({partition, id});
  by_deadline_.erase({found->second.deadline, id});
  waiters_.erase(found);
}

void FetchWaiters::attempt(WaiterId id, bool time_over) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  auto again = found->second.attempt;  // a copy: the attempt may cancel its own waiter
  if (again(time_over)) cancel(id);
}

void FetchWaiters::advanced(const std::vector<storage::PartitionRef>& partitions) {
  if (waiters_.empty()) return;
  std::set<WaiterId> woken;
  for (const auto& partition : partitions) {
    auto entry = by_partition_.lower_bound({partition, WaiterId(0)});
    for (; entry != by_partition_.end() && entry->first == partition; ++entry) woken.insert(entry->second);
  }
  for (const auto id : woken) attempt(id, false);
}

void FetchWaiters::advance(Time now) {
  while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
    const auto id = by_deadline_.begin()->second;
    attempt(id, true);
    cancel(id);
  }
}

void FetchWaiters::end_all() {
  while (!waiters_.empty()) {
    const auto id = waiters_.begin()->first;
    attempt(id, true);
    cancel(id);
  }
}

std::optional<Time> FetchWaiters::next_deadline() const {
  if (by_deadline_.empty()) return std::nullopt;
  return by_deadline_.begin()->first;
}

}  // namespace broker::core
