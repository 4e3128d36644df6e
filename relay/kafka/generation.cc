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
    : config_(config), clock_(clock), epoch_(epoch), wake_fd_(wake_fd) {
  producer(Pipe::large);
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
  if (lane == core::Lane::single) {
    if (single_in_flight_ > 0) return Enqueued::full;
    return send(row, to, Pipe::single);
  }
  if (is_failing(row, to)) return Enqueued::accepted;
  const Pipe wanted = pipe_for(limit);
  if (wanted != to.pipe) {
    if (to.in_flight[index(to.pipe)] > 0) return Enqueued::full;  // one pipeline after the other, never two at once
    to.pipe = wanted;
    to.known.clear();
  }
  return send_in_line(row, to);
}

void Generation::Topic::fit() {
  const auto size = static_cast<std::size_t>(partitions.load(std::memory_order_relaxed));
  known.resize(std::max(known.size(), size));
  introduced.resize(std::max(introduced.size(), size));
}

void Generation::Topic::now_known(std::int32_t partition) {
  fit();
  const auto at = static_cast<std::size_t>(partition);
  if (partition >= 0 && at < known.size()) known[at] = true;
}

Enqueued Generation::send_in_line(const core::Row& row, Topic& topic) {
  if (!row.key) return send(row, topic, topic.pipe);  // no order to keep
  if (topic.has_unplaced) return Enqueued::full;
  const std::int32_t partitions = topic.partitions.load(std::memory_order_relaxed);
  if (partitions == 0)
    return topic.in_flight[index(topic.pipe)] > 0 ? Enqueued::full : send(row, topic, topic.pipe, kUnplaced);
  topic.fit();
  const std::int32_t partition = partition_of(*row.key, partitions);
  const auto at = static_cast<std::size_t>(partition);
  if (topic.known[at]) return send(row, topic, topic.pipe);
  if (topic.introduced[at]) return Enqueued::full;
  return send(row, topic, topic.pipe, partition);
}

bool Generation::is_failing(const core::Row& row, Topic& topic) {
  if (topic.failing_until.count() == 0) return false;
  if (clock_.steady() >= topic.failing_until) {
    topic.failing_until = {};
    return false;
  }
  PublishOutcome outcome;
  outcome.id = row.id;
  outcome.scope = topic.failure_scope;
  outcome.error_class = topic.failure_class;
  outcome.message = topic.failure;
  local_.push_back(std::move(outcome));
  const std::uint64_t wake = 1;
  (void)!write(wake_fd_, &wake, sizeof wake);
  return true;
}

Enqueued Generation::send(const core::Row& row, Topic& topic, Pipe pipe, std::int32_t introduces) {
  Slot* slot = nullptr;
  if (free_.empty()) {
    slot = &slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  *slot = Slot{row.id, &topic, pipe, true, introduces};
  if (introduces >= 0) topic.introduced[static_cast<std::size_t>(introduces)] = true;
  if (introduces == kUnplaced) topic.has_unplaced = true;
  ++topic.in_flight[index(pipe)];
  if (pipe == Pipe::single) ++single_in_flight_;
  const auto error = producer(pipe).send(row, own_headers(config_.source, row), slot, topic.partitions);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Enqueued::accepted;
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL || error == RD_KAFKA_RESP_ERR__FATAL) {
    free_slot(*slot);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return Enqueued::full;
    set_fatal(producer(pipe).fatal_reason());
    return Enqueued::down;
  }
  rd_kafka_message_t report{};
  report.err = error;
  report._private = slot;
  local_.push_back(finish(report));
  const std::uint64_t wake = 1;
  (void)!write(wake_fd_, &wake, sizeof wake);
  return Enqueued::accepted;
}

PublishOutcome Generation::finish(const rd_kafka_message_t& report) {
  auto& slot = *static_cast<Slot*>(report._private);
  ENSURE(slot.used, "two delivery reports for one record");
  PublishOutcome outcome;
  outcome.id = slot.id;
  if (report.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    outcome.partition = report.partition;
    outcome.offset = report.offset >= 0 ? report.offset : -1;
    if (slot.pipe == slot.topic->pipe) slot.topic->now_known(report.partition);
    free_slot(slot);
    return outcome;
  }
  const ErrorClass about = classify(report.err);
  // A report that produce() itself caused has no librdkafka message behind it.
  outcome.maybe_stored = report.rkt != nullptr && rd_kafka_message_status(&report) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
  outcome.scope = about.scope;
  outcome.error_class = about.name;
  outcome.permanent = about.permanent;
  outcome.message = rd_kafka_err2str(report.err);
  const bool topic_wide = about.scope == Scope::topic || about.scope == Scope::partition;
  if (topic_wide && slot.pipe != Pipe::single) {
    slot.topic->failing_until = clock_.steady() + kFailTogether;
    slot.topic->failure_scope = about.scope;
    slot.topic->failure_class = outcome.error_class;
    slot.topic->failure = outcome.message;
  }
  free_slot(slot);
  return outcome;
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

void Generation::free_slot(Slot& slot) {
  const auto at = static_cast<std::size_t>(slot.introduces);
  if (slot.introduces == kUnplaced) slot.topic->has_unplaced = false;
  if (slot.introduces >= 0 && at < slot.topic->introduced.size()) slot.topic->introduced[at] = false;
  --slot.topic->in_flight[index(slot.pipe)];
  if (slot.pipe == Pipe::single) --single_in_flight_;
  slot.used = false;
  free_.push_back(&slot);
}

void Generation::start_cut() {
  cut_ = true;
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

std::vector<PublishOutcome> Generation::take_local() { return std::exchange(local_, {}); }

void Generation::detach() {
  for (auto& producer : producers_)
    if (producer) producer->detach();
}

}  // namespace relay::kafka
