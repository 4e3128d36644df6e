// Owning and doubt: when the source runs, how everything in flight is given up, and what status says.
#include "relay/core/pipeline.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace relay::core {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {
constexpr int kSuspectEverybody = 3;
}  // namespace

Pipeline::Pipeline(const SourceOptions& options, common::Clock& clock, AlertSink& alerts, common::Metrics& metrics,
                   Sabotage sabotage)
    : options_(options),
      clock_(clock),
      alerts_(alerts),
      sabotage_(sabotage),
      dice_(options.seed),
      meters_(metrics, options.name, options.sink),
      topics_(metrics, options.name),
      gaps_(static_cast<std::size_t>(options.gaps_max)),
      held_(static_cast<std::size_t>(options.held_exact_max), options.seed),
      in_flight_(options.in_flight_rows, options.in_flight_bytes),
      cursor_(std::numeric_limits<std::int64_t>::min()),
      breaker_(milliseconds{100}, options.retry_pause) {}

KeyHash Pipeline::key_of(const std::string& topic, const std::optional<std::string>& key) const {
  return options_.ordered ? key_hash(topic, key) : kNoKey;
}

void Pipeline::owned(Epoch epoch) {
  epoch_ = epoch;
  owned_ = true;
  gaps_.reset();
  held_.clear();
  abandon_pass();
  rewind_to_.reset();
  suspects_.clear();
  suspects_order_.clear();
  confirmed_ids_.clear();
  next_poll_at_ = next_due_at_ = now();
  poll_interval_ = options_.poll_min;
  pass_ended_ = now();
  phase_ = cut_needed_ ? Phase::cutting : Phase::rebuilding;
  fruitless_doubts_ = 0;
  rebuild_not_before_ = Nanoseconds{0};
  note("starting: reading the table from its beginning");
}

void Pipeline::disowned(const std::string& why) {
  owned_ = false;
  failed_.clear();
  checked_.clear();
  for (Blocked& blocked : blocked_) {
    blocked.batch.failed.clear();
    blocked.batch.checked.clear();
  }
  asked_.clear();
  to_check_.clear();
  turn_.stale = true;
  // Failures are the owner's to write; whoever owns the table now finds out for himself.
  std::vector<Flight*> failed;
  in_flight_.for_each([&](Flight& flight) {
    if (flight.stage == Stage::failed) failed.push_back(&flight);
  });
  for (Flight* flight : failed) {
    std::erase(leaving_, flight);
    in_flight_.remove(*flight);
  }
  phase_ = cut_needed_ ? Phase::cutting : Phase::standby;
  if (!cut_needed_) drop_all_undelivered();
  note("standby: " + why);
}

void Pipeline::doubt(const std::string& why) {
  if (phase_ != Phase::running) return;
  phase_ = Phase::cutting;
  meters_.doubts.add();
  note("cutting: " + why);
}

void Pipeline::drain() {
  draining_ = true;
  turn_.stale = true;
  to_check_.clear();
  for (auto* queue : {&in_flight_.main_queue, &in_flight_.single_queue}) {
    for (Flight* flight : *queue) in_flight_.remove(*flight);
    queue->clear();
  }
  note("stopping: waiting for what is in flight");
}

bool Pipeline::drained() const {
  return in_flight_.handed() == 0 && delivered_.empty() && failed_.empty() && checked_.empty() && marking_ == 0 &&
         blocked_.empty();
}

// The publisher has nothing of ours any more. Whatever it never acknowledged is forgotten here and read again.
void Pipeline::cut_done() {
  cut_needed_ = false;
  drop_all_undelivered();
  // A producer that dies again and again without having delivered anything is not made anew in a busy loop.
  rebuild_not_before_ = std::max(rebuild_not_before_, now() + outage_pause(++fruitless_doubts_, options_.retry_pause));
  if (rewind_to_) {
    gaps_.rewind(*rewind_to_);
    rewind_to_.reset();
  }
  abandon_pass();
  held_.forget_first_blockers();
  turn_.stale = true;
  next_poll_at_ = now();
  request_sweep();
  phase_ = owned_ ? Phase::rebuilding : Phase::standby;
}

void Pipeline::rebuilt(Epoch epoch) {
  cut_needed_ = true;
  progress_at_ = now();
  full_until_ = Nanoseconds{0};
  if (phase_ != Phase::rebuilding || !owned_ || epoch != epoch_) {
    phase_ = Phase::cutting;
    return;
  }
  phase_ = Phase::running;
  resolve("", "sink_rebuild");
  note("running");
}

void Pipeline::rebuild_failed(const std::string& why) {
  rebuild_not_before_ = now() + options_.retry_pause;
  cut_needed_ = true;
  if (phase_ == Phase::rebuilding) phase_ = Phase::cutting;
  alert("", "sink_rebuild", "The producer cannot be made: " + why);
}

// Rows the fast path admitted are found by going back to before them; those below the watermark only by the sweep,
// which keeps their keys closed until then.
void Pipeline::drop(Flight& flight) {
  // Nobody says which record kills the producer: each goes alone, until one is named.
  if (fruitless_doubts_ >= kSuspectEverybody && flight.handed_at.count() > 0) remember_suspect(flight.row.id);
  if (flight.probe) flight.meters->breaker.probe_lost();
  if (flight.swept) {
    hold(flight.key, flight.row.id, false);
    request_sweep();
  } else {
    const RowId before{flight.row.id.value() - 1};
    if (!rewind_to_ || before < *rewind_to_) rewind_to_ = before;
    if (flight.lane == Lane::single) request_sweep();  // its key is closed
  }
  in_flight_.remove(flight);
}

void Pipeline::drop_all_undelivered() {
  std::vector<Flight*> dropped;
  in_flight_.for_each([&](Flight& flight) {
    // What was acknowledged or failed is a fact that only waits for its mark.
    if (flight.stage == Stage::queued || flight.stage == Stage::handed) dropped.push_back(&flight);
  });
  for (Flight* flight : dropped) {
    if (flight->stage == Stage::handed) in_flight_.handed_back(*flight);
    drop(*flight);
  }
  in_flight_.main_queue.clear();
  in_flight_.single_queue.clear();
  failed_keys_.clear();
  single_handed_ = 0;
  breaker_.probe_lost();
}

// A reading begun before the mark's commit may still show the row as it was: it stays known until that is judged.
void Pipeline::leave(Flight& flight) {
  if (turn_.kind == TurnKind::none) {
    in_flight_.remove(flight);
  } else {
    leaving_.push_back(&flight);
  }
}

void Pipeline::end_turn() {
  turn_ = Turn{};
  for (Flight* flight : leaving_) in_flight_.remove(*flight);
  leaving_.clear();
  for (const RowId id : leaving_checks_) asked_.erase(id.value());
  leaving_checks_.clear();
}

void Pipeline::database_ok() {
  database_up_ = true;
  database_error_.clear();
  read_failures_ = 0;
  if (!database_alert_) return;
  database_alert_ = false;
  resolve("", "database_unreachable");
}

void Pipeline::database_away(const DatabaseError& error) {
  database_up_ = false;
  database_error_ = error.what();
  database_alert_ = true;
  alert("", "database_unreachable", std::string("The database cannot be read: ") + error.what());
}

void Pipeline::lease_looked() {
  if (!owned_) database_ok();
}

void Pipeline::lease_failed(const DatabaseError& error) {
  if (!owned_) database_away(error);
}

void Pipeline::alert(const std::string& topic, const std::string& error_class, const std::string& message,
                     std::int64_t rows) {
  alerts_.raise(AlertKey{.source = options_.name, .topic = topic, .error_class = error_class}, message, rows);
}

void Pipeline::resolve(const std::string& topic, const std::string& error_class) {
  alerts_.resolve(AlertKey{.source = options_.name, .topic = topic, .error_class = error_class});
}

// One more row concerned; over when a whole pass meets no such row of the topic any more.
void Pipeline::alert_row(TopicMeters& meters, RowId id, const std::string& error_class, const std::string& message) {
  meters.alerts.insert(error_class);
  meters.alerted_at = now();
  meters.alerted_up_to = std::max(meters.alerted_up_to, id);
  alert(meters.topic, error_class, message, 1);
}

// Of what the last pass left waiting and what is in flight: while the sink is away no pass gets through.
microseconds Pipeline::oldest_pending() const {
  microseconds oldest = oldest_;
  in_flight_.for_each([&](const Flight& flight) {
    const bool waits = flight.stage == Stage::queued || flight.stage == Stage::handed;
    if (waits && (oldest.count() == 0 || flight.row.created_at < oldest)) oldest = flight.row.created_at;
  });
  return oldest;
}

SourceStatus Pipeline::status() const {
  SourceStatus status;
  status.name = options_.name;
  status.table = options_.table;
  status.database_up = database_up_;
  status.database_error = database_error_;
  status.owner = owned_;
  status.epoch = epoch_.value();
  status.state = state_;
  if (phase_ == Phase::running && !breaker_.closed()) status.state += ": the sink does not answer, trying with one row";
  status.counts = counts_;
  status.counts.in_flight = static_cast<std::int64_t>(in_flight_.rows());
  // What lies above the watermark has not been met by any pass; ids are dense enough for an estimate.
  status.counts.pending += std::max<std::int64_t>(0, highest_id_.value() - gaps_.watermark().value());
  if (counts_at_.count() >= 0) status.counts_age = duration_cast<milliseconds>(now() - counts_at_);
  status.oldest_pending_created_at = oldest_pending();
  status.delivered_total = delivered_total_;
  status.failed_attempts_total = failed_total_;
  status.dead_total = dead_total_;
  const std::int64_t age = duration_cast<std::chrono::seconds>(now()).count() - second_;
  if (age < static_cast<std::int64_t>(per_second_.size())) {
    const auto sum = std::accumulate(per_second_.begin(), per_second_.end(), std::uint64_t{0});
    status.delivered_per_second = static_cast<double>(sum) / static_cast<double>(per_second_.size());
  }
  status.watermark = gaps_.watermark().value();
  status.open_gaps = static_cast<std::int64_t>(gaps_.ranges().size());
  status.last_delivery_wall = last_delivery_wall_;
  return status;
}

void Pipeline::publish_gauges() {
  meters_.database_up.set(database_up_ ? 1 : 0);
  meters_.broker_up.set(sink_up_ ? 1 : 0);
  meters_.owner.set(owned_ ? 1 : 0);
  meters_.paused.set(0);
  meters_.in_flight_rows.set(static_cast<double>(in_flight_.rows()));
  meters_.in_flight_bytes.set(static_cast<double>(in_flight_.bytes()));
  meters_.oldest_pending.set(static_cast<double>(oldest_pending().count()) / 1e6);
}

}  // namespace relay::core
