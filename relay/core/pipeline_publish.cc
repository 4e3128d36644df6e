// Publishing: what goes to the sink next, and what its outcomes mean. Who is to blame decides who waits: the sink, a
// topic, or the row, and a row only when it failed alone.
#include <algorithm>
#include <utility>

#include "relay/core/pipeline.h"

namespace relay::core {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::size_t kFeedRows = 512;
constexpr std::size_t kSingleLook = 64;
constexpr milliseconds kFullPause{2};
constexpr milliseconds kBreakerLook{20};
constexpr milliseconds kSinkLook{100};
constexpr milliseconds kAnyEvent{1'000};

}  // namespace

SinkStep Pipeline::next_sink(bool may_feed) {
  const auto wait = [this](Nanoseconds pause) { return SinkStep{.wait_until = now() + pause}; };
  switch (phase_) {
    case Phase::standby:
      return wait(kAnyEvent);
    case Phase::cutting:
      return SinkStep{.kind = SinkStep::Kind::cut};
    case Phase::rebuilding:
      if (draining_ || !may_feed || now() < rebuild_not_before_) return wait(kSinkLook);
      return SinkStep{.kind = SinkStep::Kind::rebuild, .epoch = epoch_};
    case Phase::running:
      break;
  }
  if (in_flight_.handed() > 0 && now() - progress_at_ >= options_.silence_timeout) {
    sink_failed("sink_unreachable",
                "The sink acknowledged nothing for silence_timeout. Is the broker up and reachable?");
    doubt("sink silent");
    return SinkStep{.kind = SinkStep::Kind::cut};
  }
  if (draining_ || !may_feed) return wait(kSinkLook);
  if (now() < full_until_) return SinkStep{.wait_until = full_until_};
  if (in_flight_.handed() == 0) breaker_.probe_lost();  // whatever became of it
  const Breaker::Allows allows = breaker_.allows(now());
  if (allows == Breaker::Allows::none) return wait(kBreakerLook);
  if (allows == Breaker::Allows::one && in_flight_.handed() > 0) return wait(kBreakerLook);

  SinkStep step{.kind = SinkStep::Kind::feed};
  const bool idle = in_flight_.handed() == 0;
  fill_main(step.batch, allows == Breaker::Allows::one ? 1 : kFeedRows);
  if (allows == Breaker::Allows::all || step.batch.empty()) fill_single(step.batch);
  if (in_flight_.main_queue.empty() && in_flight_.single_queue.empty()) failed_keys_.clear();
  if (step.batch.empty()) return wait(in_flight_.handed() > 0 ? kSinkLook : kAnyEvent);
  if (allows == Breaker::Allows::one) breaker_.probe_sent();
  if (idle) progress_at_ = now();
  return step;
}

void Pipeline::fill_main(std::vector<Flight*>& batch, std::size_t rows_max) {
  const Nanoseconds at = now();
  auto& queue = in_flight_.main_queue;
  while (!queue.empty() && batch.size() < rows_max) {
    Flight& flight = *queue.front();
    if (flight.gate > flushed_) break;
    queue.pop_front();
    if (stop_before_feeding(flight)) continue;
    in_flight_.handed_over(flight);
    flight.handed_at = at;
    if (sabotage_.mark_before_ack) delivered_.push_back(Delivered{.id = flight.row.id});
    batch.push_back(&flight);
  }
}

// One at a time, and only once nothing of its key, nor anything admitted before it, is left on the main lane.
void Pipeline::fill_single(std::vector<Flight*>& batch) {
  auto& queue = in_flight_.single_queue;
  std::unordered_set<KeyHash> skipped;
  for (std::size_t place = 0; single_handed_ == 0 && place < std::min(queue.size(), kSingleLook);) {
    Flight& flight = *queue[place];
    const bool behind = !in_flight_.main_queue.empty() && in_flight_.main_queue.front()->order < flight.order;
    if (flight.gate > flushed_ || behind) return;
    if (stop_before_feeding(flight)) {
      queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(place));
      continue;
    }
    const bool clear =
        flight.key == kNoKey || (in_flight_.main_lane_clear(flight.key) && !skipped.contains(flight.key));
    if (!clear) {
      skipped.insert(flight.key);
      ++place;
      continue;
    }
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(place));
    in_flight_.handed_over(flight);
    flight.handed_at = now();
    ++single_handed_;
    batch.push_back(&flight);
  }
}

// An earlier row of its key, or its topic, has failed since it was admitted: it is forgotten, its key is closed.
bool Pipeline::stop_before_feeding(Flight& flight) {
  bool stop = !flight.meters->breaker.closed() && !flight.probe;
  if (!failed_keys_.empty() && flight.key != kNoKey) {
    const auto failed = failed_keys_.find(flight.key);
    stop = stop || (failed != failed_keys_.end() && flight.order <= failed->second);
  }
  if (stop) forget(flight);
  return stop;
}

// Only the sweep finds it again.
void Pipeline::forget(Flight& flight) {
  if (flight.probe) flight.meters->breaker.probe_lost();
  hold(flight.key, flight.row.id, false);
  if (flight.key != kNoKey) failed_keys_[flight.key] = in_flight_.last_order();
  in_flight_.remove(flight);
}

void Pipeline::fed(FeedReport report) {
  for (auto returned = report.returned.rbegin(); returned != report.returned.rend(); ++returned) requeue(**returned);
  for (auto& [flight, outcome] : report.refused) {
    if (flight->lane == Lane::single) --single_handed_;
    in_flight_.handed_back(*flight);
    if (outcome.scope == Scope::topic || outcome.scope == Scope::partition) {
      topic_failed(*flight, outcome);
      forget(*flight);
    } else {
      fail(*flight, outcome);
    }
  }
  for (Flight* flight : report.busy) {
    if (flight->lane == Lane::single) --single_handed_;
    in_flight_.handed_back(*flight);
    partition_waits(*flight->meters);
    forget(*flight);
  }
  if (report.down) doubt("the producer is down");
  if (report.full) full_until_ = now() + kFullPause;
}

void Pipeline::requeue(Flight& flight) {
  in_flight_.handed_back(flight);
  if (flight.lane == Lane::single) {
    --single_handed_;
    in_flight_.single_queue.push_front(&flight);
  } else {
    in_flight_.main_queue.push_front(&flight);
  }
}

void Pipeline::sink_state(const SinkState& state) {
  sink_up_ = state.up;
  if (state.fatal && phase_ == Phase::running) doubt("the producer failed: " + state.reason);
}

void Pipeline::outcomes(const std::vector<PublishOutcome>& outcomes) {
  const Nanoseconds at = now();
  const std::uint64_t before = delivered_total_;
  for (const PublishOutcome& outcome : outcomes) settle(outcome, at);
  full_until_ = Nanoseconds{0};
  const std::uint64_t count = delivered_total_ - before;
  if (count == 0) return;
  progress_at_ = at;
  fruitless_doubts_ = 0;
  sink_up_ = true;
  last_delivery_wall_ = clock_.wall();
  sink_works();
  const std::int64_t second = std::chrono::duration_cast<seconds>(at).count();
  for (std::int64_t passed = std::max(second_ + 1, second - 9); passed <= second; ++passed) {
    per_second_[static_cast<std::size_t>(passed) % per_second_.size()] = 0;
  }
  second_ = second;
  per_second_[static_cast<std::size_t>(second) % per_second_.size()] += count;
}

void Pipeline::settle(const PublishOutcome& outcome, Nanoseconds at) {
  Flight* flight = in_flight_.find(outcome.id);
  if (flight == nullptr || flight->stage != Stage::handed) return;
  in_flight_.handed_back(*flight);
  if (flight->lane == Lane::single) --single_handed_;
  if (outcome.scope == Scope::none) {
    delivered(*flight, outcome, at);
  } else {
    not_delivered(*flight, outcome);
  }
}

void Pipeline::delivered(Flight& flight, const PublishOutcome& outcome, Nanoseconds at) {
  flight.stage = Stage::delivered;
  TopicMeters& meters = *flight.meters;
  meters.published->add();
  meters.attempts_delivered->add();
  meters.publish_duration->observe(duration<double>(at - flight.handed_at).count());
  meters.latency->observe(duration<double>(flight.row.age + (at - flight.read_at)).count());
  ++delivered_total_;
  if (!sabotage_.mark_before_ack) {
    if (delivered_.empty()) oldest_mark_at_ = at;
    delivered_.push_back(Delivered{.id = outcome.id, .partition = outcome.partition, .offset = outcome.offset});
  }
  in_flight_.shed(flight);
  if (!suspects_.empty()) suspects_.erase(outcome.id.value());
  if (flight.probe) {
    flight.probe = false;
    topic_works(meters);
  }
  if (flight.lane == Lane::single && held_.release(flight.key, outcome.id)) request_sweep();
}

void Pipeline::not_delivered(Flight& flight, const PublishOutcome& outcome) {
  const bool alone = flight.lane == Lane::single;
  // Whoever refuses a row or a topic is there.
  if (outcome.scope != Scope::sink && outcome.scope != Scope::cut) sink_works();
  if (alone && outcome.scope == Scope::row) return fail(flight, outcome);
  switch (outcome.scope) {
    case Scope::row:
      remember_suspect(outcome.id);
      topics_.failed(*flight.meters, outcome.error_class);
      doubt("a record was refused: " + outcome.error_class);
      return drop(flight);
    case Scope::topic:
    case Scope::partition:
      topic_failed(flight, outcome);
      if (alone) return forget(flight);
      doubt("a topic was refused: " + outcome.error_class);
      return drop(flight);
    case Scope::sink:
      sink_failed(outcome.error_class, outcome.message);
      doubt("the sink failed: " + outcome.error_class);
      return drop(flight);
    case Scope::cut:
    case Scope::none:
      doubt("the producer gave up what was in flight");
      return drop(flight);
  }
}

// It failed alone, or is known to be unacceptable: an attempt is spent, or the row is dead.
void Pipeline::fail(Flight& flight, const PublishOutcome& outcome) {
  if (!owned_) return drop(flight);  // no longer ours to write down
  const int attempts = flight.row.attempts + 1;
  const bool dead = outcome.permanent || attempts >= options_.retry.limit;
  const RowId id = flight.row.id;
  if (failed_.empty() && delivered_.empty()) oldest_mark_at_ = now();
  failed_.push_back(Failed{.id = id,
                           .fail_msg = outcome.message,
                           .dead = dead,
                           .retry_in = dead ? milliseconds{0} : retry_wait(options_.retry, attempts, dice_),
                           .attempts_before = flight.row.attempts});
  ++failed_total_;
  topics_.failed(*flight.meters, outcome.error_class);
  if (dead) {
    ++dead_total_;
    topics_.dead(*flight.meters, outcome.error_class);
    alert_row(*flight.meters, id, outcome.error_class, "Messages are dead (status 2): " + outcome.message);
  }
  if (flight.probe) {
    flight.probe = false;
    topic_works(*flight.meters);
  }
  suspects_.erase(id.value());
  flight.stage = Stage::failed;
  hold(flight.key, id, true);
  if (flight.key != kNoKey) failed_keys_[flight.key] = in_flight_.last_order();
  in_flight_.shed(flight);
}

void Pipeline::sink_works() {
  if (breaker_.closed()) return;
  breaker_.succeeded();
  for (const std::string& error_class : sink_alerts_) resolve("", error_class);
  sink_alerts_.clear();
}

void Pipeline::sink_failed(const std::string& error_class, const std::string& why) {
  breaker_.failed(now());
  sink_up_ = false;
  sink_alerts_.insert(error_class);
  alert("", error_class, why);
}

void Pipeline::topic_failed(Flight& flight, const PublishOutcome& outcome) {
  TopicMeters& meters = *flight.meters;
  topics_.failed(meters, outcome.error_class);
  flight.probe = false;
  if (topics_.shared(meters)) return;
  meters.breaker.failed(now());
  meters.topic_alert = outcome.error_class;
  ++open_topics_;
  alert(meters.topic, outcome.error_class, outcome.message);
}

// Its rows wait in the table, where they fill no window, and are tried again with each pass.
void Pipeline::partition_waits(TopicMeters& meters) {
  partition_waits_ = true;
  if (meters.turned_away_at.count() < 0) {
    alert(meters.topic, "partition_silent",
          "A partition acknowledges nothing; its rows wait, those of other partitions go on. Has it a leader?");
  }
  meters.turned_away_at = now();
}

void Pipeline::topic_works(TopicMeters& meters) {
  if (meters.breaker.closed()) return;
  meters.breaker.succeeded();
  resolve(meters.topic, meters.topic_alert);
  request_sweep();
}

void Pipeline::remember_suspect(RowId id) {
  if (!suspects_.insert(id.value()).second) return;
  suspects_order_.push_back(id);
  if (suspects_order_.size() <= static_cast<std::size_t>(options_.suspects_max)) return;
  suspects_.erase(suspects_order_.front().value());
  suspects_order_.pop_front();
}

}  // namespace relay::core
