// Routes rows to producers and turns delivery reports into outcomes.
#include "relay/kafka/generation.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/ensure.h"
#include "relay/kafka/errors.h"

namespace relay::kafka {
namespace {

using namespace std::chrono_literals;
using core::Enqueued;
using core::PublishOutcome;
using core::Scope;

// While a topic fails, later rows of it fail with it, without being tried: the row that failed first may not have
// reached the relay's core yet, and a row behind it must not be published before it.
constexpr std::chrono::nanoseconds kFailTogether = 500ms;

std::size_t index(Pipe pipe) { return static_cast<std::size_t>(pipe); }

}  // namespace

Pipe pipe_for(const TopicLimit& limit) {
  if (limit.state == TopicLimit::State::unknowable) return Pipe::large;
  if (limit.state == TopicLimit::State::asked) return Pipe::small;
  if (limit.max_message_bytes >= kBatchBytes[index(Pipe::large)].value()) return Pipe::large;
  if (limit.max_message_bytes >= kBatchBytes[index(Pipe::small)].value()) return Pipe::small;
  return Pipe::alone;
}

Generation::Generation(const PublisherConfig& config, const common::Clock& clock, core::Epoch epoch, int wake_fd)
    : config_(config),
      clock_(clock),
      epoch_(epoch),
      wake_fd_(wake_fd),
      limits_{.rows_max = std::max(1, config.in_flight_rows / 2),
              .bytes_max = std::max<std::int64_t>(1, config.in_flight_bytes / 2),
              .silence = config.silence_timeout} {
  producer(Pipe::large);
}

void Generation::Topic::fit() {
  const auto size = static_cast<std::size_t>(partitions.load(std::memory_order_relaxed));
  known.resize(std::max(known.size(), size));
  introduced.resize(std::max(introduced.size(), size));
  waiting_at.resize(std::max(waiting_at.size(), size));
  loads.resize(std::max(loads.size(), size));
}

void Generation::Topic::now_known(std::int32_t partition) {
  fit();
  const auto at = static_cast<std::size_t>(partition);
  if (partition >= 0 && at < known.size()) known[at] = true;
}

Generation::Topic& Generation::topic(const std::string& name) {
  auto& found = topics_[name];
  if (!found) {
    found = std::make_unique<Topic>();
    found->name = name;
  }
  return *found;
}

Producer& Generation::producer(Pipe pipe) {
  auto& slot = producers_[index(pipe)];
  if (!slot) {
    const bool single = pipe == Pipe::single;
    slot = std::make_unique<Producer>(config_, single ? ClientKind::single : ClientKind::pipelined,
                                      single ? BatchBytes(0) : kBatchBytes[index(pipe)], epoch_, wake_fd_);
  }
  return *slot;
}

Enqueued Generation::enqueue(const core::Row& row, core::Lane lane, const TopicLimit& limit) {
  if (cut_ || is_fatal()) return Enqueued::down;
  Topic& to = topic(row.topic);
  if (to.unplaced != nullptr) place_unplaced(to);
  const std::int32_t share = partition_for(row, to);
  const auto takes = share == kNone
                         ? PartitionLoad::Takes::more
                         : to.loads[static_cast<std::size_t>(share)].takes(limits_, clock_.steady(), sink_works_at_);
  if (takes == PartitionLoad::Takes::nothing) return Enqueued::busy;
  if (lane == core::Lane::single) {
    if (single_in_flight_ > 0) return Enqueued::full;
    Slot& slot = take_slot(row, to);
    return answer(slot, Pipe::single, send(slot, Pipe::single));
  }
  if (is_failing(to)) {
    tell(to.failure, row.id);
    return Enqueued::accepted;
  }
  if (takes == PartitionLoad::Takes::later) return Enqueued::full;
  to.wanted = pipe_for(limit);
  Slot& slot = take_slot(row, to);
  return answer(slot, to.pipe, place(slot));
}

std::int32_t Generation::partition_for(const core::Row& row, Topic& topic) {
  const std::int32_t partitions = topic.partitions.load(std::memory_order_relaxed);
  if (!row.key || partitions == 0) return kNone;
  topic.fit();
  return partition_of(*row.key, partitions);
}

void Generation::count_in(Slot& slot, std::int32_t partition) {
  if (slot.share != kNone) return;
  slot.share = partition;
  slot.bytes = static_cast<std::int64_t>(slot.row->bytes());
  slot.topic->loads[static_cast<std::size_t>(partition)].given(slot.bytes, clock_.steady());
}

// What produce() said at once, to the caller or, like a delivery report, as an outcome.
Enqueued Generation::answer(Slot& slot, Pipe pipe, rd_kafka_resp_err_t error) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Enqueued::accepted;
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL || error == RD_KAFKA_RESP_ERR__FATAL) {
    free_slot(slot);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return Enqueued::full;
    set_fatal(producer(pipe).fatal_reason());
    return Enqueued::down;
  }
  rd_kafka_message_t report{};
  report.err = error;
  report._private = &slot;
  const core::RowId id = slot.id;
  PublishOutcome outcome = finish(report);
  // refuse() should have said it. Rows of its key may be behind it already, so nothing more may go.
  if (outcome.scope == Scope::row && pipe != Pipe::single) set_fatal("refused by the client: " + outcome.message);
  tell(std::move(outcome), id);
  return Enqueued::accepted;
}

void Generation::tell(PublishOutcome outcome, core::RowId id) {
  outcome.id = id;
  local_.push_back(std::move(outcome));
  const std::uint64_t wake = 1;
  (void)!write(wake_fd_, &wake, sizeof wake);
}

bool Generation::is_failing(Topic& topic) const {
  if (topic.failing_until.count() == 0) return false;
  if (clock_.steady() < topic.failing_until) return true;
  topic.failing_until = {};
  return false;
}

rd_kafka_resp_err_t Generation::place(Slot& slot) {
  Topic& to = *slot.topic;
  const auto wait = [&](std::size_t* at_partition) {
    to.waiting.push_back(&slot);
    if (at_partition != nullptr) ++to.waiting_at[*at_partition];
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  };
  if (to.wanted != to.pipe) {  // one pipeline after the other, never two at once
    if (to.in_flight[index(to.pipe)] > 0) return wait(nullptr);
    to.pipe = to.wanted;
    to.known.clear();
  }
  if (!slot.row->key) return send(slot, to.pipe);  // no order to keep
  if (to.unplaced != nullptr) return wait(nullptr);
  const std::int32_t partition = partition_for(*slot.row, to);
  if (partition == kNone) return send(slot, to.pipe, kUnplaced);
  count_in(slot, partition);
  auto at = static_cast<std::size_t>(partition);
  if (to.waiting_at[at] > 0) return wait(&at);
  if (to.known[at]) return send(slot, to.pipe);
  if (to.introduced[at]) return wait(&at);
  return send(slot, to.pipe, partition);
}

rd_kafka_resp_err_t Generation::send(Slot& slot, Pipe pipe, std::int32_t introduces) {
  Topic& to = *slot.topic;
  const auto error = producer(pipe).send(*slot.row, own_headers(config_.source, *slot.row), &slot, to.partitions);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  // Its report may have come already; it is taken under the lock that is held here.
  slot.sent = true;
  slot.pipe = pipe;
  slot.introduces = introduces;
  ++to.in_flight[index(pipe)];
  if (pipe == Pipe::single) ++single_in_flight_;
  if (introduces >= 0) to.introduced[static_cast<std::size_t>(introduces)] = true;
  if (introduces == kUnplaced) {
    to.unplaced = &slot;
    ++unplaced_;
  }
  return error;
}

void Generation::place_unplaced(Topic& topic) {
  if (topic.unplaced == nullptr || cut_ || is_fatal()) return;
  const std::int32_t partition = partition_for(*topic.unplaced->row, topic);
  if (partition == kNone) return;
  count_in(*topic.unplaced, partition);
  topic.unplaced->introduces = partition;
  topic.introduced[static_cast<std::size_t>(partition)] = true;
  topic.unplaced = nullptr;
  --unplaced_;
  place_waiting(topic);
}

// What they waited for has come: each goes, or waits for something else, in the old order.
void Generation::place_waiting(Topic& topic) {
  std::deque<Slot*> waiting;
  waiting.swap(topic.waiting);
  std::ranges::fill(topic.waiting_at, 0);
  while (!waiting.empty()) {
    Slot* slot = waiting.front();
    const auto error = place(*slot);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL || error == RD_KAFKA_RESP_ERR__FATAL) {
      if (error == RD_KAFKA_RESP_ERR__FATAL) set_fatal(producer(topic.pipe).fatal_reason());
      break;
    }
    waiting.pop_front();
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) (void)answer(*slot, topic.pipe, error);
    if (is_fatal() || is_failing(topic)) break;
  }
  // What is left shares the topic's failure, or waits for the cut that follows a producer's end.
  topic.waiting.insert(topic.waiting.end(), waiting.begin(), waiting.end());
  if (is_failing(topic)) end_waiting(topic, topic.failure);
}

void Generation::end_waiting(Topic& topic, const PublishOutcome& outcome) {
  for (Slot* slot : std::exchange(topic.waiting, {})) {
    tell(outcome, slot->id);
    free_slot(*slot);
  }
  std::ranges::fill(topic.waiting_at, 0);
}

PublishOutcome Generation::finish(const rd_kafka_message_t& report) {
  auto& slot = *static_cast<Slot*>(report._private);
  ENSURE(slot.used, "two delivery reports for one record");
  Topic& to = *slot.topic;
  const bool on_main = slot.pipe != Pipe::single || !slot.sent;
  const bool opens = slot.introduces != kNone || (to.wanted != to.pipe && to.in_flight[index(to.pipe)] <= 1);
  PublishOutcome outcome;
  if (report.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    outcome.partition = report.partition;
    outcome.offset = report.offset >= 0 ? report.offset : -1;
    if (slot.pipe == to.pipe) to.now_known(report.partition);
    sink_works_at_ = clock_.steady();
    if (slot.share != kNone) to.loads[static_cast<std::size_t>(slot.share)].acknowledged(sink_works_at_);
  } else {
    const ErrorClass about = classify(report.err);
    // A report that produce() itself caused has no librdkafka message behind it.
    outcome.maybe_stored =
        report.rkt != nullptr && rd_kafka_message_status(&report) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    outcome.scope = about.scope;
    outcome.error_class = about.name;
    outcome.permanent = about.permanent;
    outcome.message = rd_kafka_err2str(report.err);
    const bool topic_wide = about.scope == Scope::topic || about.scope == Scope::partition;
    if (topic_wide && on_main) note_failure(to, outcome);
    // Gapless: this producer is dead already, its own word may come after this report.
    if (about.scope == Scope::row && slot.sent && slot.pipe != Pipe::single) set_fatal("refused: " + outcome.message);
  }
  outcome.id = slot.id;
  free_slot(slot);
  if (opens && report.rkt != nullptr && !to.waiting.empty() && !cut_ && !is_fatal()) place_waiting(to);
  return outcome;
}

void Generation::note_failure(Topic& topic, const PublishOutcome& outcome) {
  topic.failing_until = clock_.steady() + kFailTogether;
  topic.failure = outcome;
  topic.failure.maybe_stored = false;
  end_waiting(topic, topic.failure);
}

std::vector<PublishOutcome> Generation::abandon() {
  std::vector<PublishOutcome> outcomes;
  for (Slot& slot : slots_) {
    if (!slot.used) continue;
    PublishOutcome outcome;
    outcome.id = slot.id;
    outcome.scope = Scope::cut;
    outcome.maybe_stored = true;
    outcome.error_class = "cut";
    outcome.message = "cut while the client was busy";
    outcomes.push_back(std::move(outcome));
    free_slot(slot);
  }
  return outcomes;
}

Generation::Slot& Generation::take_slot(const core::Row& row, Topic& topic) {
  Slot* slot = nullptr;
  if (free_.empty()) {
    slot = &slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  *slot = Slot{.row = &row, .id = row.id, .topic = &topic, .used = true};
  return *slot;
}

void Generation::free_slot(Slot& slot) {
  Topic& of = *slot.topic;
  if (slot.sent) --of.in_flight[index(slot.pipe)];
  if (slot.sent && slot.pipe == Pipe::single) --single_in_flight_;
  if (slot.introduces == kUnplaced) {
    of.unplaced = nullptr;
    --unplaced_;
  }
  if (slot.share != kNone) of.loads[static_cast<std::size_t>(slot.share)].ended(slot.bytes);
  if (slot.introduces >= 0) of.introduced[static_cast<std::size_t>(slot.introduces)] = false;
  slot = Slot{};
  free_.push_back(&slot);
}

void Generation::start_cut() {
  cut_ = true;
  PublishOutcome outcome;
  outcome.scope = Scope::cut;
  outcome.error_class = "cut";
  outcome.message = "cut before it was sent";
  for (auto& [name, topic] : topics_) end_waiting(*topic, outcome);
  for (auto& producer : producers_)
    if (producer) producer->purge();
}

void Generation::set_fatal(std::string reason) {
  if (is_fatal()) return;
  fatal_reason_ = reason.empty() ? "fatal producer error" : std::move(reason);
}

std::vector<Producer*> Generation::producers() const {
  std::vector<Producer*> made;
  for (const auto& producer : producers_)
    if (producer) made.push_back(producer.get());
  return made;
}

std::vector<PublishOutcome> Generation::take_local() {
  if (unplaced_ > 0) {
    for (auto& [name, topic] : topics_) place_unplaced(*topic);
  }
  return std::exchange(local_, {});
}

void Generation::detach() {
  for (auto& producer : producers_)
    if (producer) producer->detach();
}

}  // namespace relay::kafka
