// See sim_relay.h.
#include "tests/unit/core/sim_relay.h"

#include <algorithm>
#include <iostream>

namespace sim {

namespace {
constexpr std::size_t kQueueMax = 40;
const DatabaseError kDown("the database is away", true);
}  // namespace

// --- the producer

Enqueued SimPublisher::enqueue(const Row& row, Lane lane) {
  if (dead_) return Enqueued::down;
  if (!world_.options.calm && world_.chance(0.01)) return Enqueued::busy;
  if (lane == Lane::single) {
    if (!single_.empty()) world_.violation("two records on the single lane");
    single_.push_back(&row);
    return Enqueued::accepted;
  }
  if (main_.size() >= kQueueMax) return Enqueued::full;
  main_.push_back(&row);
  return Enqueued::accepted;
}

std::optional<PublishOutcome> SimPublisher::refuse(const Row& row) {
  TableRow& known = world_.known(row.id);
  if (!known.known_bad) return std::nullopt;
  ++known.lone_failures;
  return PublishOutcome{.id = row.id,
                        .scope = Scope::row,
                        .permanent = row.id.value() % 2 == 0,
                        .error_class = "bad",
                        .message = "known to be bad"};
}

void SimPublisher::cut() {
  // What is under way may still arrive, in order; nobody hears of it.
  for (auto* lane : {&main_, &single_}) {
    bool arrives = world_.sink_up && !dead_;
    for (const Row* row : *lane) {
      const TableRow& known = world_.known(row->id);
      arrives = arrives && !known.poison && !world_.broken_topics.contains(row->topic) && world_.chance(0.8);
      if (arrives) world_.append(row->id, stale_());
      acks_.push_back(PublishOutcome{.id = row->id, .scope = Scope::cut, .maybe_stored = true});
    }
    lane->clear();
  }
  dead_ = true;
  // An acknowledgement on its way may be heard or not.
  for (PublishOutcome& outcome : acks_) {
    if (outcome.scope == Scope::none && world_.chance(0.5)) {
      outcome = PublishOutcome{.id = outcome.id, .scope = Scope::cut, .maybe_stored = true};
    }
  }
  if (!acks_.empty()) handler_(std::exchange(acks_, {}));
}

void SimPublisher::die(std::size_t from) {
  for (; from < main_.size(); ++from) acks_.push_back(PublishOutcome{.id = main_[from]->id, .scope = Scope::cut});
  main_.clear();
  dead_ = true;
}

void SimPublisher::arrive_main() {
  const Row& row = *main_.front();
  const TableRow& known = world_.known(row.id);
  if (world_.broken_topics.contains(row.topic)) {
    acks_.push_back({.id = row.id, .scope = Scope::topic, .error_class = "topic_broken", .message = "no such topic"});
    return die(1);
  }
  if (known.poison) {
    // The batch is refused as a whole: innocent neighbours with it.
    std::size_t batch = std::min<std::size_t>(main_.size(), 1 + static_cast<std::size_t>(world_.pick(4)));
    for (std::size_t i = 0; i < batch; ++i) {
      acks_.push_back(
          {.id = main_[i]->id, .scope = Scope::row, .error_class = "too_large", .message = "batch refused"});
    }
    return die(batch);
  }
  if (!world_.options.calm && world_.chance(0.001)) {
    acks_.push_back({.id = row.id, .scope = Scope::sink, .error_class = "not_authorised", .message = "no"});
    return die(1);
  }
  world_.append(row.id, stale_());
  acks_.push_back({.id = row.id, .partition = 0, .offset = static_cast<std::int64_t>(world_.log.size()) - 1});
  main_.pop_front();
}

void SimPublisher::arrive_single() {
  const Row& row = *single_.front();
  TableRow& known = world_.known(row.id);
  PublishOutcome outcome{.id = row.id};
  if (world_.broken_topics.contains(row.topic)) {
    outcome = {.id = row.id, .scope = Scope::topic, .error_class = "topic_broken", .message = "no such topic"};
  } else if (known.poison) {
    ++known.lone_failures;
    outcome = {.id = row.id, .scope = Scope::row, .error_class = "too_large", .message = "refused alone"};
  } else {
    world_.append(row.id, stale_());
    outcome.partition = 1;
    outcome.offset = static_cast<std::int64_t>(world_.log.size()) - 1;
  }
  acks_.push_back(outcome);
  single_.pop_front();
}

void SimPublisher::step() {
  if (world_.sink_up && !dead_) {
    for (std::int64_t count = 1 + world_.pick(6); count > 0 && !main_.empty(); --count) arrive_main();
    if (!single_.empty() && world_.chance(0.7)) arrive_single();
  }
  if (!acks_.empty() && world_.chance(0.6)) {
    const auto count = static_cast<std::ptrdiff_t>(1 + world_.pick(static_cast<std::int64_t>(acks_.size())));
    std::vector<PublishOutcome> heard(acks_.begin(), acks_.begin() + count);
    acks_.erase(acks_.begin(), acks_.begin() + count);
    handler_(std::move(heard));
  }
}

// --- the relay

SimRelay::SimRelay(World& world, const std::string& name, const SourceOptions& options, Sabotage sabotage)
    : world_(world),
      name_(name),
      options_(options),
      guard_(options.lease_ttl),
      watch_(name, options.lease_ttl),
      pipeline_(options, world.clock, alerts_, metrics_, sabotage),
      publisher_(world, [this] {
        const auto epoch = guard_.epoch();
        return world_.lease.owner != name_ || !epoch || world_.lease.epoch != epoch->value();
      }) {
  publisher_.on_outcomes([this](const std::vector<PublishOutcome>& outcomes) {
    if (world_.trace) {
      std::cout << name_ << " outcomes";
      for (auto& o : outcomes) std::cout << " " << o.id.value() << ":" << static_cast<int>(o.scope);
      std::cout << "\n";
    }
    pipeline_.outcomes(outcomes);
  });
}

void SimRelay::step() {
  if (paused_) return;
  switch (world_.pick(8)) {
    case 0:
    case 1:
      read_step();
      break;
    case 2:
      feed_step();
      break;
    case 3:
    case 4:
      publisher_.step();
      break;
    case 5:
      mark_step();
      break;
    case 6:
      if (world_.chance(0.3)) lease_step();
      check_step();
      break;
    default:
      watch_step();
      break;
  }
  check_bounds();
}

void SimRelay::wake() {
  paused_ = false;
  // Either of them may be faster: the watchdog, or what was queued.
  if (world_.chance(0.5)) publisher_.step();
  watch_step();
}

void SimRelay::check_bounds() {
  const InFlight& flights = pipeline_.in_flight();
  if (flights.rows() > static_cast<std::size_t>(options_.in_flight_rows) + 1) {
    world_.violation("the window holds " + std::to_string(flights.rows()) + " rows");
  }
  if (flights.bytes() > options_.in_flight_bytes + 1'500) {
    world_.violation("the window holds " + std::to_string(flights.bytes()) + " bytes of " +
                     std::to_string(options_.in_flight_bytes));
  }
}

void SimRelay::read_step() {
  if (reading_) return report_read();
  ReadStep step = pipeline_.next_read();
  if (step.kind == ReadStep::Kind::wait) return;
  sent_ = now();
  answer_ = Failure{};
  // A crash ends the connection, and the next statement finds out.
  const bool connected = std::exchange(crashes_seen_, world_.crashes) == world_.crashes;
  if (world_.database_up && connected) {
    switch (step.kind) {
      case ReadStep::Kind::poll:
        answer_ = world_.poll(PollRequest{
            .after = step.after, .gaps = step.gaps, .rows_max = step.rows_max, .bytes_max = step.bytes_max});
        break;
      case ReadStep::Kind::sweep:
        answer_ = world_.sweep(step.after, step.up_to, step.rows_max);
        break;
      case ReadStep::Kind::due:
        answer_ = world_.due(options_.check.first, step.rows_max);
        break;
      case ReadStep::Kind::load:
        answer_ = world_.load(step.ids, step.bytes_max);
        break;
      case ReadStep::Kind::flushed:
        answer_ = world_.flush(step.nudge);
        break;
      case ReadStep::Kind::wait:
        break;
    }
    if (!world_.options.calm && world_.chance(0.003)) answer_ = Failure{};
  }
  reading_ = std::move(step);
}

void SimRelay::report_read() {
  const ReadStep step = std::move(*reading_);
  if (world_.trace) {
    std::cout << name_ << " read kind " << static_cast<int>(step.kind) << " after " << step.after.value() << " upto "
              << step.up_to.value() << " wm " << pipeline_.watermark().value() << ":";
    if (auto* p = std::get_if<PollResult>(&answer_)) {
      for (auto& r : p->rows)
        std::cout << " " << r.id.value() << (r.confirmed ? "" : "u") << (r.due_in.count() > 0 ? "w" : "");
      for (auto& r : p->dead) std::cout << " " << r.id.value() << "d";
      if (p->more) std::cout << " more";
    }
    if (auto* p = std::get_if<std::vector<Headline>>(&answer_))
      for (auto& r : *p)
        std::cout << " " << r.id.value() << (r.dead ? "d" : "") << (r.confirmed ? "" : "u")
                  << (r.due_in.count() > 0 ? "w" : "");
    if (auto* p = std::get_if<std::vector<Row>>(&answer_))
      for (auto& r : *p) std::cout << " " << r.id.value();
    std::cout << "\n";
  }
  reading_.reset();
  if (std::holds_alternative<Failure>(answer_)) {
    pipeline_.read_failed(kDown);
    return;
  }
  switch (step.kind) {
    case ReadStep::Kind::poll:
      pipeline_.polled(std::get<PollResult>(std::move(answer_)), sent_);
      break;
    case ReadStep::Kind::sweep:
      pipeline_.swept(std::get<std::vector<Headline>>(std::move(answer_)));
      break;
    case ReadStep::Kind::due:
      pipeline_.due_found(std::get<std::vector<Headline>>(answer_));
      break;
    case ReadStep::Kind::load:
      pipeline_.loaded(std::get<std::vector<Row>>(std::move(answer_)));
      break;
    case ReadStep::Kind::flushed:
      pipeline_.flushed(std::get<Lsn>(answer_));
      break;
    case ReadStep::Kind::wait:
      break;
  }
  answer_ = Failure{};
  for (Row& row : pipeline_.take_checks()) {
    if (asked_.size() < 3) {
      asked_.push_back(std::move(row));
    } else {
      std::vector<Row> refused;
      refused.push_back(std::move(row));
      pipeline_.checks_refused(refused);
    }
  }
}

void SimRelay::feed_step() {
  if (fed_) {
    pipeline_.fed(std::move(*fed_));
    fed_.reset();
    return;
  }
  pipeline_.sink_state(publisher_.state());
  const SinkStep step = pipeline_.next_sink(guard_.may_feed(now()));
  switch (step.kind) {
    case SinkStep::Kind::cut:
      if (world_.trace) std::cout << name_ << " CUT " << pipeline_.state() << "\n";
      publisher_.cut();
      pipeline_.cut_done();
      break;
    case SinkStep::Kind::rebuild:
      if (!world_.options.calm && world_.chance(0.1)) {
        pipeline_.rebuild_failed("no memory");
      } else {
        publisher_.rebuild(step.epoch);
        pipeline_.rebuilt(step.epoch);
      }
      break;
    case SinkStep::Kind::feed:
      if (world_.trace) {
        std::cout << name_ << " feed";
        for (auto* f : step.batch) std::cout << " " << f->row.id.value() << (f->lane == Lane::single ? "s" : "");
        std::cout << "\n";
      }
      fed_ = feed(publisher_, step.batch, [this] { return guard_.may_feed(now()); });
      break;
    case SinkStep::Kind::wait:
      break;
  }
}

void SimRelay::mark_step() {
  if (!marking_) {
    marking_ = pipeline_.next_marks();
    marked_.reset();
    // The statement may fail before it did anything, or after (its commit in doubt).
    if (marking_ && world_.database_up) {
      marked_ = world_.mark(name_, marking_->epoch, marking_->batch);
      if (world_.chance(0.02)) marked_.reset();
    }
    return;
  }
  const MarkWork work = std::move(*marking_);
  marking_.reset();
  if (!marked_) {
    pipeline_.mark_failed(work, kDown);
  } else if (world_.trace &&
             (std::cout << name_ << " marked " << work.batch.delivered.size() << " f " << work.batch.failed.size()
                        << " c " << work.batch.checked.size() << " fenced " << marked_->fenced << "\n",
              false)) {
  } else if (pipeline_.marked(work, *marked_)) {
    lost(work.epoch);
  }
}

void SimRelay::lost(Epoch epoch) {
  if (guard_.epoch() != epoch) return;
  guard_.lost();
  pipeline_.disowned("lost");
  publisher_.cut();
}

void SimRelay::lease_step() {
  if (!world_.database_up) return;
  LeaseRow& lease = world_.lease;
  if (const auto epoch = guard_.epoch()) {
    if (now() < renewed_at_ + Nanos(options_.lease_ttl) / 5) return;
    if (lease.owner == name_ && lease.epoch == epoch->value()) {
      ++lease.beat;
      renewed_at_ = now();
      guard_.renewed(now());
    } else {
      lost(*epoch);
    }
    return;
  }
  if (!watch_.may_take({.owner = lease.owner, .epoch = Epoch{lease.epoch}, .beat = lease.beat}, now())) return;
  lease.owner = name_;
  ++lease.epoch;
  watch_.forget();
  renewed_at_ = now();
  guard_.acquired(Epoch{lease.epoch}, now());
  pipeline_.owned(Epoch{lease.epoch});
}

void SimRelay::watch_step() {
  if (const auto epoch = guard_.epoch(); epoch && guard_.must_cut(now())) lost(*epoch);
}

void SimRelay::check_step() {
  if (asked_.empty() || world_.chance(0.5)) return;
  const Row row = std::move(asked_.back());
  asked_.pop_back();
  CheckBackAnswer answer{.id = row.id, .verdict = Verdict::unknown, .detail = "a page came back"};
  const auto known = world_.rows.find(row.id.value());
  const bool commit = known == world_.rows.end() || known->second.fate_commit;
  if (world_.chance(0.5)) {
    answer.verdict = commit ? Verdict::committed : Verdict::rolled_back;
  } else if (world_.chance(0.5)) {
    answer.verdict = world_.chance(0.8) ? Verdict::in_progress : Verdict::not_allowed;
  }
  pipeline_.check_answered(answer);
}

}  // namespace sim
