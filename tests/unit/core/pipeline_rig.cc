// See pipeline_rig.h.
#include "tests/unit/core/pipeline_rig.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace sim {

SourceOptions rig_options() {
  SourceOptions options;
  options.name = "shop";
  options.sweep_interval = std::chrono::hours{1};
  options.due_interval = std::chrono::hours{1};
  options.silence_timeout = std::chrono::hours{10};
  options.in_flight_rows = 64;
  options.retry = {.first = Millis{1'000}, .factor = 2, .max = Millis{60'000}, .limit = 2, .jitter = 0};
  options.seed = 1;
  return options;
}

PipelineRig::PipelineRig(const SourceOptions& options)
    : pipeline(options, world.clock, alerts, metrics), sweep_interval_(options.sweep_interval) {
  world.lock_rows = false;
  world.lease = {.owner = "relay", .epoch = epoch.value(), .beat = 0};
  pipeline.owned(epoch);
  pipeline.rebuilt(epoch);
}

TableRow& PipelineRig::insert(std::int64_t id, const std::string& key, int attempts) {
  TableRow row;
  row.id = id;
  row.topic = "orders";
  if (!key.empty()) row.key = key;
  row.attempts = row.lone_failures = attempts;
  row.created_at = world.clock.now;
  return world.rows.insert_or_assign(id, row).first->second;
}

TableRow& PipelineRig::insert_waiting(std::int64_t id, const std::string& key, int attempts) {
  TableRow& row = insert(id, key, attempts);
  row.next_attempt_at = world.clock.now + sweep_interval_ / 2;
  return row;
}

ReadStep::Kind PipelineRig::ask() {
  asked_ = pipeline.next_read();
  answer_ = Nothing{};
  switch (asked_.kind) {
    case ReadStep::Kind::poll: {
      PollResult result = world.poll(PollRequest{
          .after = asked_.after, .gaps = asked_.gaps, .rows_max = asked_.rows_max, .bytes_max = asked_.bytes_max});
      result.insert_lsn = written;
      result.flush_lsn = flushed;
      answer_ = std::move(result);
      break;
    }
    case ReadStep::Kind::sweep:
      answer_ = world.sweep(asked_.after, asked_.up_to, asked_.rows_max);
      break;
    case ReadStep::Kind::due:
      answer_ = world.due(Millis{6'000}, asked_.rows_max);
      break;
    case ReadStep::Kind::load:
      answer_ = world.load(asked_.ids, asked_.bytes_max);
      break;
    case ReadStep::Kind::flushed:
      answer_ = flushed;
      break;
    case ReadStep::Kind::wait:
      break;
  }
  return asked_.kind;
}

void PipelineRig::answer() {
  switch (asked_.kind) {
    case ReadStep::Kind::poll:
      return pipeline.polled(std::get<PollResult>(std::move(answer_)), world.clock.now);
    case ReadStep::Kind::sweep:
      return pipeline.swept(std::get<std::vector<Headline>>(std::move(answer_)));
    case ReadStep::Kind::due:
      return pipeline.due_found(std::get<std::vector<Headline>>(answer_));
    case ReadStep::Kind::load:
      return pipeline.loaded(std::get<std::vector<Row>>(std::move(answer_)));
    case ReadStep::Kind::flushed:
      return pipeline.flushed(std::get<Lsn>(answer_));
    case ReadStep::Kind::wait:
      return;
  }
}

void PipelineRig::step(ReadStep::Kind expected) {
  EXPECT_EQ(ask(), expected);
  answer();
}

// A turn ends with a poll; only a search for due rows may end without.
void PipelineRig::turn(ReadStep::Kind first) {
  bool begun = false;
  for (int statements = 0; statements < 20; ++statements) {
    const ReadStep::Kind kind = ask();
    if (kind == ReadStep::Kind::wait) break;
    answer();
    begun = begun || kind == first;
    if (begun && kind == ReadStep::Kind::poll) return;
  }
  ADD_FAILURE() << "no turn of kind " << static_cast<int>(first) << " is due";
}

void PipelineRig::poll() {
  advance(Millis{500});
  turn(ReadStep::Kind::poll);
}

void PipelineRig::sweep_page() { turn(ReadStep::Kind::sweep); }

void PipelineRig::retry_due() {
  advance(std::chrono::hours{1});
  turn(ReadStep::Kind::due);
}

void PipelineRig::look_for_due() {
  step(ReadStep::Kind::due);
  step(ReadStep::Kind::load);
}

void PipelineRig::sweep_pass() {
  advance(sweep_interval_);
  const std::uint64_t before = pipeline.passes();
  for (int pages = 0; pages < 20 && pipeline.passes() == before; ++pages) sweep_page();
  EXPECT_EQ(pipeline.passes(), before + 1);
}

std::vector<Flight*> PipelineRig::next_batch() {
  const SinkStep step = pipeline.next_sink(true);
  return step.kind == SinkStep::Kind::feed ? step.batch : std::vector<Flight*>{};
}

Ids PipelineRig::feed() {
  Ids ids;
  for (const Flight* flight : next_batch()) ids.push_back(flight->row.id.value());
  pipeline.fed({});
  return ids;
}

void PipelineRig::acknowledge(const Ids& ids) {
  std::vector<PublishOutcome> outcomes;
  for (const std::int64_t id : ids) {
    world.append(RowId{id}, false);
    outcomes.push_back({.id = RowId{id}, .partition = 0, .offset = static_cast<std::int64_t>(world.log.size()) - 1});
  }
  pipeline.outcomes(outcomes);
}

void PipelineRig::refuse(std::int64_t id, Scope scope, const std::string& error_class) {
  if (scope == Scope::row) ++row(id).lone_failures;
  pipeline.outcomes({{.id = RowId{id}, .scope = scope, .error_class = error_class, .message = "refused"}});
}

// Outcomes of a cut come before it is done.
void PipelineRig::end_the_publisher() {
  std::vector<PublishOutcome> outcomes;
  pipeline.in_flight().for_each([&](const Flight& flight) {
    if (flight.stage == Stage::handed) outcomes.push_back({.id = flight.row.id, .scope = Scope::cut});
  });
  pipeline.outcomes(outcomes);
  pipeline.cut_done();
  advance(Millis{500});
}

void PipelineRig::cut() {
  pipeline.doubt("the test says so");
  end_the_publisher();
  pipeline.rebuilt(epoch);
}

void PipelineRig::lose_and_take_the_lease() {
  pipeline.disowned("the test says so");
  end_the_publisher();
  epoch = Epoch{epoch.value() + 1};
  world.lease.epoch = epoch.value();
  pipeline.owned(epoch);
  advance(Millis{500});
  pipeline.rebuilt(epoch);
}

MarkWork PipelineRig::take_marks() {
  advance(Millis{50});
  auto work = pipeline.next_marks();
  EXPECT_TRUE(work.has_value()) << "nothing to mark";
  return work ? std::move(*work) : MarkWork{};
}

void PipelineRig::mark() {
  const MarkWork work = take_marks();
  report(work, world.mark("relay", epoch, work.batch));
}

void PipelineRig::run_to_the_end() {
  for (int round = 0; round < 200 && !world.all_done(); ++round) {
    advance(std::chrono::minutes{1});
    for (int statements = 0; statements < 50 && ask() != ReadStep::Kind::wait; ++statements) answer();
    acknowledge(feed());
    advance(Millis{50});
    if (const auto work = pipeline.next_marks()) report(*work, world.mark("relay", epoch, work->batch));
  }
  EXPECT_TRUE(world.all_done()) << world.why_not_done();
}

}  // namespace sim
