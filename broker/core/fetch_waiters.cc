// Waking those who wait for data.
#include "broker/core/fetch_waiters.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace broker::core {

std::size_t FetchWaiters::PartitionHash::operator()(const storage::PartitionRef& partition) const noexcept {
  std::uint64_t hash = 0;
  std::memcpy(&hash, partition.topic.data(), sizeof hash);  // topic ids are random
  return static_cast<std::size_t>(hash ^
                                  (static_cast<std::uint64_t>(partition.partition.value()) * 0x9e3779b97f4a7c15ULL));
}

void FetchWaiters::hang_in(Waiter& waiter, const std::vector<storage::PartitionRef>& partitions) {
  waiter.hook_count = partitions.size();
  waiter.hooks = std::make_unique<Hook[]>(waiter.hook_count);
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    auto& [partition, ring] = *rings_.try_emplace(partitions[i]).first;
    Hook& hook = waiter.hooks[i];
    hook.partition = &partition;
    hook.link = {.before = ring.before, .after = &ring, .waiter = &waiter};
    ring.before->after = &hook.link;
    ring.before = &hook.link;
  }
}

WaiterId FetchWaiters::add(const std::vector<storage::PartitionRef>& partitions, Time now, Time wait, Try attempt) {
  const WaiterId id(next_id_++);
  Waiter& waiter = waiters_[id];
  waiter.id = id;
  waiter.early = now + wait - std::min<Time>(wait / kSlackShare, kSlackMax);
  waiter.attempt = std::move(attempt);
  waiter.deadline = by_deadline_.emplace(now + wait, &waiter);
  hang_in(waiter, partitions);
  return id;
}

void FetchWaiters::cancel(WaiterId id) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  Waiter& waiter = found->second;
  for (std::size_t i = 0; i < waiter.hook_count; ++i) {
    const Hook& hook = waiter.hooks[i];
    hook.link.before->after = hook.link.after;
    hook.link.after->before = hook.link.before;
    // Only the ring's own link is left.
    if (hook.link.before == hook.link.after && hook.link.before->waiter == nullptr) rings_.erase(*hook.partition);
  }
  by_deadline_.erase(waiter.deadline);
  waiters_.erase(found);
}

void FetchWaiters::attempt(WaiterId id, bool time_over) {
  auto found = waiters_.find(id);
  if (found == waiters_.end() || !found->second.attempt) return;
  // Out of its place: the attempt may cancel its own waiter.
  Try attempt = std::move(found->second.attempt);
  found->second.attempt = nullptr;
  if (attempt(time_over)) return cancel(id);
  found = waiters_.find(id);
  if (found != waiters_.end()) found->second.attempt = std::move(attempt);
}

void FetchWaiters::advanced(const std::vector<storage::PartitionRef>& partitions) {
  if (waiters_.empty()) return;
  std::vector<WaiterId> woken;
  for (const auto& partition : partitions) {
    const auto ring = rings_.find(partition);
    if (ring == rings_.end()) continue;
    for (const Link* link = ring->second.after; link != &ring->second; link = link->after) {
      woken.push_back(link->waiter->id);
    }
  }
  std::ranges::sort(woken);
  woken.erase(std::ranges::unique(woken).begin(), woken.end());
  for (const auto id : woken) attempt(id, false);
}

void FetchWaiters::advance(Time now) {
  if (by_deadline_.empty() || by_deadline_.begin()->first > now) return;
  // Chosen first: who is answered may hang itself in again.
  std::vector<WaiterId> over;
  for (const auto& [deadline, waiter] : by_deadline_) {
    if (deadline > now && waiter->early > now) break;
    over.push_back(waiter->id);
  }
  for (const auto id : over) {
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
