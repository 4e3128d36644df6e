// Marking: facts wait here, bounded by the window, until the database has them.
#include <algorithm>
#include <utility>

#include "relay/core/pipeline.h"

namespace relay::core {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kBlockedPause{1'000};
constexpr milliseconds kAnyEvent{1'000};
constexpr std::size_t kConfirmedMax = 4'096;

template <class Fact>
void take(std::deque<Fact>& from, std::vector<Fact>& to, std::size_t rows_max) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(from.size(), rows_max));
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.begin() + count));
  from.erase(from.begin(), from.begin() + count);
}

template <class Fact>
void give_back(const std::vector<Fact>& from, std::deque<Fact>& to) {
  to.insert(to.begin(), from.begin(), from.end());
}

std::size_t size_of(const MarkBatch& batch) {
  return batch.delivered.size() + batch.failed.size() + batch.checked.size();
}

}  // namespace

std::optional<MarkWork> Pipeline::next_marks() {
  if (now() < mark_not_before_) return std::nullopt;
  while (!blocked_.empty() && blocked_.front().until <= now()) {
    const MarkBatch& batch = blocked_.front().batch;
    give_back(batch.delivered, delivered_);
    if (owned_) give_back(batch.failed, failed_);
    if (owned_) give_back(batch.checked, checked_);
    blocked_.pop_front();
  }
  const std::size_t waiting = delivered_.size() + failed_.size() + checked_.size();
  const auto rows_max = static_cast<std::size_t>(options_.mark_rows_max);
  if (waiting == 0) return std::nullopt;
  // A lone row is marked at once, a thin stream a few times per linger: nobody waits for a mark, and each is a commit.
  const bool quiet = in_flight_.handed() == 0 && now() - marked_at_ >= options_.mark_linger;
  const bool due = waiting >= rows_max || quiet || draining_ || now() - oldest_mark_at_ >= options_.mark_linger;
  if (!due) return std::nullopt;

  MarkWork work{.epoch = epoch_};
  take(failed_, work.batch.failed, rows_max);
  take(checked_, work.batch.checked, rows_max);
  const std::size_t rest = rows_max - std::min(rows_max, size_of(work.batch));
  take(delivered_, work.batch.delivered, rest);
  oldest_mark_at_ = marked_at_ = now();
  marking_ = size_of(work.batch);
  marking_failures_ = !work.batch.failed.empty();
  return work;
}

Nanoseconds Pipeline::mark_wait() const {
  const std::size_t waiting = delivered_.size() + failed_.size() + checked_.size();
  if (waiting > 0) return std::max(mark_not_before_, oldest_mark_at_ + options_.mark_linger);
  if (!blocked_.empty()) return std::max(mark_not_before_, blocked_.front().until);
  return now() + kAnyEvent;
}

bool Pipeline::marked(const MarkWork& work, const MarkResult& result) {
  marking_ = 0;
  marking_failures_ = false;
  mark_failures_ = 0;
  const auto has = [](const std::vector<RowId>& ids, RowId id) {
    return !ids.empty() && std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  Blocked blocked{.until = now() + kBlockedPause};
  for (const Delivered& fact : work.batch.delivered) {
    if (has(result.blocked, fact.id)) {
      blocked.batch.delivered.push_back(fact);
    } else {
      mark_done(fact.id, Stage::delivered, false);
    }
  }
  if (!result.fenced) {
    for (const Failed& fact : work.batch.failed) {
      if (has(result.blocked, fact.id)) {
        blocked.batch.failed.push_back(fact);
        continue;
      }
      // Stale says that somebody changed the row, not to what: its key stays closed until a sweep has looked.
      const bool stale = has(result.stale, fact.id);
      if (stale) request_sweep();
      if (const Flight* flight = in_flight_.find(fact.id)) flight->meters->alerted_at = now();
      mark_done(fact.id, Stage::failed, !stale && fact.dead && options_.dead_rows == DeadRows::skip);
    }
    for (const Checked& fact : work.batch.checked) {
      if (has(result.blocked, fact.id)) {
        blocked.batch.checked.push_back(fact);
      } else {
        check_marked(fact, has(result.stale, fact.id));
      }
    }
  }
  meters_.mark_conflicts.add(result.conflicts.size());
  const std::size_t rows = size_of(blocked.batch);
  if (rows > 0) {
    alert("", "marks_blocked", "Rows are locked by somebody else and cannot be marked: " + result.blocker,
          static_cast<std::int64_t>(rows));
    marks_alert_ = true;
    blocked_.push_back(std::move(blocked));
  } else if (marks_alert_ && blocked_.empty()) {
    resolve("", "marks_blocked");
    marks_alert_ = false;
  }
  return result.fenced;
}

// `free`: the row is in its key's way no more, although it was not delivered.
void Pipeline::mark_done(RowId id, Stage stage, bool free) {
  Flight* flight = in_flight_.find(id);
  if (flight == nullptr || flight->stage != stage) return;
  if (free && held_.release(flight->key, id)) request_sweep();
  leave(*flight);
}

void Pipeline::mark_failed(const MarkWork& work, const DatabaseError& error) {
  marking_ = 0;
  marking_failures_ = false;
  mark_not_before_ = now() + outage_pause(++mark_failures_, options_.retry_pause);
  database_up_ = false;
  database_error_ = error.what();
  give_back(work.batch.delivered, delivered_);
  if (!owned_ || work.epoch != epoch_) return;
  give_back(work.batch.failed, failed_);
  give_back(work.batch.checked, checked_);
}

void Pipeline::check_marked(const Checked& checked, bool stale) {
  const auto found = asked_.find(checked.id.value());
  if (found == asked_.end()) return;
  Asked& asked = found->second;
  const bool parked = checked.result == Checked::Result::parked;
  if (checked.result == Checked::Result::committed && !stale) {
    if (confirmed_ids_.size() < kConfirmedMax) {
      confirmed_ids_.push_back(checked.id);
    } else {
      request_sweep();
    }
  }
  if (parked && !stale) {
    ++dead_total_;
    topics_.dead(*asked.meters, "check_back_unresolved");
    alert_row(*asked.meters, checked.id, "check_back_unresolved",
              "Messages are parked (status 2): " + checked.fail_msg);
  }
  // Stale: the owner confirmed or cancelled it meanwhile, or the mark is a repeat.
  const bool free =
      !stale && (checked.result == Checked::Result::rolled_back || (parked && options_.dead_rows == DeadRows::skip));
  if (stale || (free && held_.release(asked.key, checked.id))) request_sweep();
  if (turn_.kind == TurnKind::none) {
    asked_.erase(found);
  } else {
    leaving_checks_.push_back(checked.id);
  }
}

}  // namespace relay::core
