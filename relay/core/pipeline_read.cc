// Reading: which statement comes next, and what its rows mean. The fast path (polls) admits what is new and free;
// everything it cannot let pass it forgets, after closing the row's key.
#include <algorithm>
#include <limits>
#include <utility>

#include "relay/core/pipeline.h"

namespace relay::core {

using std::chrono::duration;
using std::chrono::milliseconds;

namespace {

constexpr RowId kLowest{std::numeric_limits<std::int64_t>::min()};
constexpr Nanoseconds kNever{std::numeric_limits<std::int64_t>::max()};
constexpr int kDueRows = 256;
constexpr int kDueRowsMax = 4'096;
constexpr milliseconds kFlushPause{2};
constexpr milliseconds kNudgeAfter{1'000};
constexpr milliseconds kAnyEvent{1'000};

// The fast path leaves an eighth of the window to the sweep, so that a backlog cannot starve what waits behind it.
int fast_share(int rows_max) { return rows_max - rows_max / 8; }

}  // namespace

bool Pipeline::room_to_poll() const {
  const int room = fast_share(options_.in_flight_rows) - static_cast<int>(in_flight_.rows());
  const int wanted = std::max(1, std::min(options_.poll_rows_max, options_.in_flight_rows / 8));
  return room >= wanted && in_flight_.bytes_free() > options_.in_flight_bytes / 8;
}

bool Pipeline::gate_pending() const {
  return (!in_flight_.main_queue.empty() && in_flight_.main_queue.front()->gate > flushed_) ||
         (!in_flight_.single_queue.empty() && in_flight_.single_queue.front()->gate > flushed_);
}

ReadStep Pipeline::next_read() {
  if (turn_.kind != TurnKind::none && !turn_.stale) return turn_step();
  if (turn_.kind != TurnKind::none) end_turn();
  turn_.stale = false;
  if (phase_ != Phase::running || draining_) return flush_or_wait(now() + kAnyEvent);
  if (now() < read_not_before_) return ReadStep{.wait_until = read_not_before_};

  const bool room = room_to_poll();
  const Nanoseconds sweep_at = in_flight_.rows_free() > 0 && in_flight_.bytes_free() > 0 ? next_sweep_at() : kNever;
  const Nanoseconds poll_at = room ? next_poll_at_ : kNever;
  const Nanoseconds due_at = confirmed_ids_.empty() ? next_due_at_ : now();
  if (!sabotage_.cursor_only) {
    if (due_at <= now()) return begin_turn(TurnKind::due, ReadStep::Kind::due);
    if (sweep_at <= now()) return begin_turn(TurnKind::sweep, ReadStep::Kind::sweep);
  }
  if (poll_at <= now()) return begin_turn(TurnKind::poll, ReadStep::Kind::poll);
  return flush_or_wait(std::min({poll_at, sweep_at, due_at, now() + kAnyEvent}));
}

ReadStep Pipeline::flush_or_wait(Nanoseconds until) {
  if (gate_pending() && owned_ && now() >= read_not_before_) {
    if (now() >= next_flush_at_) {
      const bool nudge = now() - flush_progress_at_ >= kNudgeAfter;
      return ReadStep{.kind = ReadStep::Kind::flushed, .nudge = nudge};
    }
    until = std::min(until, next_flush_at_);
  }
  return ReadStep{.wait_until = until};
}

ReadStep Pipeline::begin_turn(TurnKind kind, ReadStep::Kind first) {
  turn_ = Turn{};
  turn_.kind = kind;
  turn_.next = first;
  turn_.begun = now();
  turn_.passed = kLowest;
  if (kind == TurnKind::due) next_due_at_ = now() + options_.due_interval;
  if (kind == TurnKind::sweep && !held_.pass_open()) {
    held_.begin_pass();
    cursor_ = kLowest;
    pass_begun_ = now();
    pass_requested_ = std::exchange(sweep_requested_, false);
    partition_waits_ = false;
    counting_ = StateCounts{};
    oldest_counting_ = std::chrono::microseconds{0};
  }
  return turn_step();
}

ReadStep Pipeline::turn_step() {
  ReadStep step{.kind = turn_.next};
  switch (turn_.next) {
    case ReadStep::Kind::poll: {
      // A turn that loaded rows shares what room is left with its poll.
      const int reserved = static_cast<int>(turn_.rows.size());
      std::int64_t loaded_bytes = 0;
      for (const Row& row : turn_.rows) loaded_bytes += static_cast<std::int64_t>(row.bytes());
      const int share = turn_.kind == TurnKind::poll ? fast_share(options_.in_flight_rows) : options_.in_flight_rows;
      const int room = share - static_cast<int>(in_flight_.rows()) - reserved;
      step.after = gaps_.watermark();
      if (!sabotage_.cursor_only) step.gaps = gaps_.ranges();
      step.rows_max = std::clamp(room, 1, options_.poll_rows_max);
      step.bytes_max = std::max<std::int64_t>(1, in_flight_.bytes_free() - loaded_bytes);
      break;
    }
    case ReadStep::Kind::sweep:
      turn_.up_to = gaps_.watermark();
      step.after = cursor_;
      step.up_to = turn_.up_to;
      step.rows_max = options_.sweep_rows_max;
      break;
    case ReadStep::Kind::due:
      step.rows_max = std::max(due_rows_, kDueRows);
      break;
    case ReadStep::Kind::load:
      step.ids = turn_.ids;
      step.bytes_max = std::max<std::int64_t>(1, in_flight_.bytes_free() / 2);
      break;
    case ReadStep::Kind::wait:
    case ReadStep::Kind::flushed:
      break;
  }
  return step;
}

void Pipeline::polled(PollResult result, Nanoseconds sent) {
  database_ok();
  meters_.poll_duration.observe(duration<double>(now() - sent).count());
  meters_.poll_batch.observe(static_cast<double>(result.rows.size()));
  meters_.last_poll_success.set(duration<double>(clock_.wall()).count());
  if (turn_.stale) return end_turn();

  const bool was_pending = gate_pending();
  flushed_ = std::max(flushed_, result.flush_lsn);
  gate_ = std::max(gate_, result.insert_lsn);
  const std::size_t rows_before = in_flight_.rows();
  std::vector<SweepItem> deferred;
  take_in(result, deferred);
  if (turn_.kind == TurnKind::sweep) finish_sweep(result, std::move(deferred));
  if (turn_.kind == TurnKind::due) admit_direct();
  pace_polls(result.more, in_flight_.rows() > rows_before);
  if (!was_pending && gate_pending()) {
    flush_progress_at_ = now();
    next_flush_at_ = now();
  }
  end_turn();
}

void Pipeline::pace_polls(bool more, bool admitted) {
  if (more) {
    next_poll_at_ = now();
    return;
  }
  poll_interval_ =
      admitted ? Nanoseconds{options_.poll_min} : std::min<Nanoseconds>(poll_interval_ * 2, options_.poll_max);
  next_poll_at_ = now() + poll_interval_;
}

// Rows and dead headlines together in id order: a dead row closes its key for what comes after it.
void Pipeline::take_in(PollResult& result, std::vector<SweepItem>& deferred) {
  std::vector<RowId> seen;
  seen.reserve(result.rows.size() + result.dead.size());
  std::size_t dead = 0;
  const auto take_dead = [&](RowId before) {
    for (; dead < result.dead.size() && result.dead[dead].id < before; ++dead) {
      const Headline& headline = result.dead[dead];
      seen.push_back(headline.id);
      if (options_.dead_rows == DeadRows::skip) continue;
      const KeyHash key = key_of(headline.topic, headline.key);
      close(key, headline.id, deferred);
    }
  };
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    take_dead(result.rows[i].id);
    seen.push_back(result.rows[i].id);
    take_row(result.rows[i], deferred, i);
  }
  take_dead(RowId{std::numeric_limits<std::int64_t>::max()});
  highest_id_ = std::max({highest_id_, result.highest_id, seen.empty() ? RowId{0} : seen.back()});
  gaps_.polled(result, seen, turn_.begun, now());
}

// The row itself is in its key's way. In a sweep's turn the pass judges that in id order with the rest.
void Pipeline::close(KeyHash key, RowId id, std::vector<SweepItem>& deferred) {
  if (key == kNoKey) return;
  const bool sole = !held_.held(key);
  if (turn_.kind == TurnKind::sweep && id <= turn_.passed) {
    held_.hold(key, id, sole, false);
    deferred.push_back(SweepItem{.id = id, .key = key, .kind = SweepItem::Kind::blocker, .index = 0});
  } else {
    hold(key, id, sole);
  }
}

void Pipeline::hold(KeyHash key, RowId id, bool sole) { held_.hold(key, id, sole, passed(id)); }

bool Pipeline::passed(RowId id) const { return held_.pass_open() && id <= std::max(cursor_, turn_.passed); }

void Pipeline::take_row(Row& row, std::vector<SweepItem>& deferred, std::size_t index) {
  if (const Flight* known = in_flight_.find(row.id)) {
    if (known->blocks()) close(known->key, row.id, deferred);
    return;
  }
  const KeyHash key = key_of(row.topic, row.key);
  if (!row.confirmed || row.due_in.count() > 0) return close(key, row.id, deferred);
  if (key != kNoKey && held_.held(key) && !sabotage_.ignore_held_keys) {
    if (turn_.kind == TurnKind::sweep && row.id <= turn_.passed) {
      held_.hold(key, row.id, false, false);
      deferred.push_back(SweepItem{.id = row.id, .key = key, .kind = SweepItem::Kind::row, .index = index});
    } else {
      hold(key, row.id, false);
    }
    return;
  }
  const RowId id = row.id;
  admitting_swept_ = false;
  if (!admit(std::move(row), key)) return close(key, id, deferred);
}

Lane Pipeline::lane_of(const Row& row, const TopicMeters& meters) const {
  const bool alone = row.attempts > 0 || row.redrives > 0 || !meters.breaker.closed() ||
                     (!suspects_.empty() && suspects_.contains(row.id.value()));
  return alone ? Lane::single : Lane::main;
}

bool Pipeline::has_room_in(Lane lane) const {
  return lane == Lane::main ||
         in_flight_.single_queue.size() < static_cast<std::size_t>(std::max(1, options_.in_flight_rows / 4));
}

// Whoever goes alone closes its key: nothing may overtake it on the main lane.
bool Pipeline::admit(Row&& row, KeyHash key) {
  TopicMeters& meters = topics_.of(row.topic);
  const Lane lane = lane_of(row, meters);
  if (!has_room_in(lane)) return false;
  const bool probe = !meters.breaker.closed();
  if (probe && meters.breaker.allows(now()) != Breaker::Allows::one) return false;
  const RowId id = row.id;
  if (lane == Lane::single && key != kNoKey) hold(key, id, true);
  Flight& flight = in_flight_.admit(std::move(row), key, lane, gate_);
  flight.meters = &meters;
  flight.read_at = now();
  flight.swept = admitting_swept_;
  if (probe) {
    flight.probe = true;
    meters.breaker.probe_sent();
  }
  return true;
}

void Pipeline::due_found(const std::vector<Headline>& due) {
  database_ok();
  if (turn_.stale) return end_turn();
  int slots = check_slots();
  int room = in_flight_.bytes_free() > 0 ? std::max(0, in_flight_.rows_free() - 1) : 0;
  bool useful = false;
  const auto want = [&](RowId id) {
    turn_.ids.push_back(id);
    useful = true;
  };
  for (const Headline& headline : due) {
    if (in_flight_.find(headline.id) != nullptr || asked_.contains(headline.id.value())) continue;
    if (!headline.confirmed) {
      if (slots-- > 0) want(headline.id);
      continue;
    }
    const KeyHash key = key_of(headline.topic, headline.key);
    if (key == kNoKey || held_.first_blocker(key) == headline.id) {
      if (room-- > 0) want(headline.id);
    } else if (now() + headline.due_in >= pass_begun_) {
      request_sweep();  // it became due after the last pass had begun, so no pass has judged it yet
      useful = true;
    }
  }
  // A full page of rows that nothing can be done for must not hide those behind it.
  const bool full = static_cast<int>(due.size()) >= std::max(due_rows_, kDueRows);
  due_rows_ = full && !useful ? std::min(std::max(due_rows_, kDueRows) * 2, kDueRowsMax) : kDueRows;
  for (const RowId id : confirmed_ids_) {
    if (in_flight_.find(id) != nullptr) continue;
    if (room-- > 0) {
      turn_.ids.push_back(id);
    } else {
      request_sweep();
    }
  }
  confirmed_ids_.clear();
  std::sort(turn_.ids.begin(), turn_.ids.end());
  turn_.ids.erase(std::unique(turn_.ids.begin(), turn_.ids.end()), turn_.ids.end());
  if (turn_.ids.empty()) return end_turn();
  turn_.next = ReadStep::Kind::load;
}

void Pipeline::loaded(std::vector<Row> rows) {
  database_ok();
  if (turn_.stale) return end_turn();
  const bool all = rows.empty() || rows.size() == turn_.ids.size();
  turn_.loaded_up_to = all ? RowId{std::numeric_limits<std::int64_t>::max()} : rows.back().id;
  for (Row& row : rows) {
    if (!row.confirmed) {
      if (row.due_in.count() <= 0 && check_slots() > 0 && !asked_.contains(row.id.value())) {
        prepare_check(std::move(row));
      }
    } else {
      turn_.rows.push_back(std::move(row));
    }
  }
  turn_.next = ReadStep::Kind::poll;
  if (turn_.kind != TurnKind::due) return;
  if (in_flight_.rows_free() == 0 || in_flight_.bytes_free() == 0) {
    // They were asked for as unclear, and somebody confirmed them meanwhile.
    if (!turn_.rows.empty()) request_sweep();
    turn_.rows.clear();
  }
  if (turn_.rows.empty()) end_turn();
}

// Rows that are the first of their key, judged after the poll that followed their loading: whatever comes before them
// has been seen by now.
void Pipeline::admit_direct() {
  admitting_swept_ = true;
  for (Row& row : turn_.rows) {
    if (row.due_in.count() > 0 || in_flight_.find(row.id) != nullptr) continue;
    const KeyHash key = key_of(row.topic, row.key);
    const RowId id = row.id;
    if (in_flight_.rows_free() <= 0 || (key != kNoKey && held_.first_blocker(key) != id)) {
      request_sweep();
      continue;
    }
    if (!admit(std::move(row), key)) continue;
    // On the main lane what follows may be pipelined behind it.
    if (in_flight_.find(id)->lane == Lane::main && held_.release(key, id)) request_sweep();
  }
  admitting_swept_ = false;
}

void Pipeline::flushed(Lsn lsn) {
  database_ok();
  next_flush_at_ = now() + kFlushPause;
  if (lsn > flushed_ || now() - flush_progress_at_ >= kNudgeAfter) flush_progress_at_ = now();
  flushed_ = std::max(flushed_, lsn);
}

// The server may have crashed and lost what was not flushed, and positions in its log begin anew: what waits for them
// is read again. Gates rise along the queues, so what is dropped are their ends.
void Pipeline::forget_unflushed() {
  for (auto* queue : {&in_flight_.main_queue, &in_flight_.single_queue}) {
    while (!queue->empty() && queue->back()->gate > flushed_) {
      drop(*queue->back());
      queue->pop_back();
    }
    for (Flight* flight : *queue) flight->gate = Lsn{0};
  }
  gate_ = flushed_ = Lsn{0};
  if (rewind_to_ && phase_ == Phase::running) {
    gaps_.rewind(*rewind_to_);
    rewind_to_.reset();
    abandon_pass();
    held_.forget_first_blockers();
  }
}

void Pipeline::read_failed(const DatabaseError& error) {
  forget_unflushed();
  read_not_before_ = now() + outage_pause(++read_failures_, options_.retry_pause);
  database_away(error);
  end_turn();
}

}  // namespace relay::core
