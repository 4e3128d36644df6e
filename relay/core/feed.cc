// See feed.h. What cannot be accepted is sorted out here, before it could spoil a batch of the broker's.
#include "relay/core/feed.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace relay::core {

namespace {

constexpr std::size_t kLookEvery = 32;

std::optional<PublishOutcome> refusal(Publisher& publisher, const Row& row) {
  if (!row.defect) return publisher.refuse(row);
  return PublishOutcome{
      .id = row.id, .scope = Scope::row, .permanent = true, .error_class = "bad_row", .message = *row.defect};
}

}  // namespace

FeedReport feed(Publisher& publisher, const std::vector<Flight*>& batch, const std::function<bool()>& may_feed) {
  FeedReport report;
  std::vector<KeyHash> failed;  // keys with a row in this batch that was not taken: what follows must wait
  std::size_t place = 0;
  for (; place < batch.size(); ++place) {
    if (place % kLookEvery == 0 && !may_feed()) break;
    Flight& flight = *batch[place];
    if (!failed.empty() && std::find(failed.begin(), failed.end(), flight.key) != failed.end()) {
      report.returned.push_back(&flight);
      continue;
    }
    if (auto outcome = refusal(publisher, flight.row)) {
      if (outcome->scope == Scope::sink || outcome->scope == Scope::cut) break;
      if (flight.key != kNoKey) failed.push_back(flight.key);
      report.refused.emplace_back(&flight, std::move(*outcome));
      continue;
    }
    const Enqueued answer = publisher.enqueue(flight.row, flight.lane);
    if (answer == Enqueued::accepted) continue;
    if (answer == Enqueued::busy) {
      if (flight.key != kNoKey) failed.push_back(flight.key);
      report.busy.push_back(&flight);
      continue;
    }
    report.full = answer == Enqueued::full;
    report.down = answer == Enqueued::down;
    break;
  }
  report.returned.insert(report.returned.end(), batch.begin() + static_cast<std::ptrdiff_t>(place), batch.end());
  return report;
}

}  // namespace relay::core
