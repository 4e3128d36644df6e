// One source's decisions, between the seams: what to read next, what may go out, what to mark, what a failure means.
// No threads, no calls, no clock of its own: the shell (SourceRelay, or a simulated world in tests) asks for the next
// step of each kind, carries it out, and reports what came of it. The path of a row, and why the order holds:
// README.md of this folder. Longer than a header should be because its five parts share one state; each has a file:
// pipeline.cc (owning, doubt, status), pipeline_read.cc, pipeline_sweep.cc, pipeline_publish.cc, pipeline_mark.cc,
// pipeline_check.cc.
//
// Not thread-safe: the shell's lock covers every call. Nothing here blocks.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/clock.h"
#include "relay/core/alert_sink.h"
#include "relay/core/breaker.h"
#include "relay/core/check_back.h"
#include "relay/core/gaps.h"
#include "relay/core/held_keys.h"
#include "relay/core/in_flight.h"
#include "relay/core/options.h"
#include "relay/core/outbox_store.h"
#include "relay/core/publisher.h"
#include "relay/core/schedule.h"
#include "relay/core/source_meters.h"
#include "relay/core/status.h"
#include "relay/core/steps.h"
#include "relay/core/topic_meters.h"

namespace relay::core {

class Pipeline {
 public:
  Pipeline(const SourceOptions& options, common::Clock& clock, AlertSink& alerts, common::Metrics& metrics,
           Sabotage sabotage = {});

  // Owning. A new epoch: whatever is not acknowledged is read from the database again.
  void owned(Epoch epoch);
  void disowned(const std::string& why);
  // The way out of every doubt: cut, rebuild, go on from the database.
  void doubt(const std::string& why);
  // Reads no more, feeds no more; what the publisher has may finish.
  void drain();
  // All that was handed over is settled and marked.
  [[nodiscard]] bool drained() const;

  // The poll thread. next_read() and what it leads to alternate strictly.
  [[nodiscard]] ReadStep next_read();
  void polled(PollResult result, Nanoseconds sent);
  void swept(std::vector<Headline> page);
  void due_found(const std::vector<Headline>& due);
  void loaded(std::vector<Row> rows);
  void flushed(Lsn lsn);
  void read_failed(const DatabaseError& error);
  // Unclear rows to be asked about; how many of them, from the first, the check-back took.
  [[nodiscard]] std::vector<Row> take_checks();
  void checks_refused(const std::vector<Row>& rows);
  void check_answered(const CheckBackAnswer& answer);

  // The feed thread.
  [[nodiscard]] SinkStep next_sink(bool may_feed);
  void fed(FeedReport report);
  void cut_done();
  void rebuilt(Epoch epoch);
  void rebuild_failed(const std::string& why);
  void sink_state(const SinkState& state);
  // The publisher's thread.
  void outcomes(const std::vector<PublishOutcome>& outcomes);

  // The mark thread. None: nothing to mark now, see mark_wait().
  [[nodiscard]] std::optional<MarkWork> next_marks();
  [[nodiscard]] Nanoseconds mark_wait() const;
  // True: the lease is no longer ours.
  bool marked(const MarkWork& work, const MarkResult& result);
  void mark_failed(const MarkWork& work, const DatabaseError& error);

  // The lease's thread. Who owns nothing reads nothing: only looking at the lease, and taking it, tells whether the
  // database is there.
  void lease_looked();
  void lease_failed(const DatabaseError& error);

  [[nodiscard]] SourceStatus status() const;
  void publish_gauges();
  [[nodiscard]] const std::string& state() const { return state_; }
  [[nodiscard]] const InFlight& in_flight() const { return in_flight_; }
  [[nodiscard]] const HeldKeys& held_keys() const { return held_; }
  [[nodiscard]] RowId watermark() const { return gaps_.watermark(); }
  [[nodiscard]] std::uint64_t passes() const { return passes_; }

 private:
  enum class Phase { standby, cutting, rebuilding, running };

  // pipeline.cc
  void note(const std::string& state) { state_ = state; }
  [[nodiscard]] Nanoseconds now() const { return clock_.steady(); }
  [[nodiscard]] KeyHash key_of(const std::string& topic, const std::optional<std::string>& key) const;
  void drop(Flight& flight);
  void drop_all_undelivered();
  void leave(Flight& flight);
  void database_ok();
  void database_away(const DatabaseError& error);
  [[nodiscard]] std::chrono::microseconds oldest_pending() const;
  void end_turn();
  void alert(const std::string& topic, const std::string& error_class, const std::string& message,
             std::int64_t rows = 0);
  void resolve(const std::string& topic, const std::string& error_class);
  void alert_row(TopicMeters& meters, RowId id, const std::string& error_class, const std::string& message);
  void alert_found_dead(TopicMeters& meters);

  // pipeline_read.cc
  [[nodiscard]] ReadStep begin_turn(TurnKind kind, ReadStep::Kind first);
  [[nodiscard]] ReadStep turn_step();
  [[nodiscard]] bool room_to_poll() const;
  [[nodiscard]] bool gate_pending() const;
  [[nodiscard]] ReadStep flush_or_wait(Nanoseconds until);
  void take_in(PollResult& result, std::vector<SweepItem>& deferred);
  void take_row(Row& row, std::vector<SweepItem>& deferred, std::size_t index);
  void close(KeyHash key, RowId id, std::vector<SweepItem>& deferred);
  void hold(KeyHash key, RowId id, bool sole);
  // Admits to the lane that is the row's; false: not now (its lane is full, its topic waits).
  bool admit(Row&& row, KeyHash key);
  [[nodiscard]] Lane lane_of(const Row& row, const TopicMeters& meters) const;
  [[nodiscard]] bool has_room_in(Lane lane) const;
  void forget_unflushed();
  void admit_direct();
  void pace_polls(bool more, bool admitted);
  [[nodiscard]] bool passed(RowId id) const;

  // pipeline_sweep.cc
  void request_sweep() { sweep_requested_ = true; }
  [[nodiscard]] Nanoseconds next_sweep_at() const;
  void choose_candidates();
  void finish_sweep(PollResult& result, std::vector<SweepItem> deferred);
  bool sweep_item(const SweepItem& item, PollResult& result);
  bool sweep_headline(const Headline& headline, KeyHash key);
  void count(const Headline& headline, RowState state);
  void end_pass();
  void abandon_pass();

  // pipeline_publish.cc
  void settle(const PublishOutcome& outcome, Nanoseconds at);
  void delivered(Flight& flight, const PublishOutcome& outcome, Nanoseconds at);
  void not_delivered(Flight& flight, const PublishOutcome& outcome);
  void fail(Flight& flight, const PublishOutcome& outcome);
  void sink_works();
  void sink_failed(const std::string& error_class, const std::string& why);
  void topic_failed(Flight& flight, const PublishOutcome& outcome);
  void topic_works(TopicMeters& meters);
  void partition_waits(TopicMeters& meters);
  void forget(Flight& flight);
  void requeue(Flight& flight);
  void fill_main(std::vector<Flight*>& batch, std::size_t rows_max);
  void fill_single(std::vector<Flight*>& batch);
  [[nodiscard]] bool stop_before_feeding(Flight& flight);
  void remember_suspect(RowId id);

  // pipeline_mark.cc
  void mark_done(RowId id, Stage stage, bool free);

  // pipeline_check.cc
  struct Asked {
    CheckHistory history;
    KeyHash key = kNoKey;
    TopicMeters* meters = nullptr;
    Nanoseconds at{0};
    bool answered = false;
  };
  void prepare_check(Row&& row);
  [[nodiscard]] int check_slots() const;
  void check_marked(const Checked& checked, bool stale);

  const SourceOptions options_;
  common::Clock& clock_;
  AlertSink& alerts_;
  const Sabotage sabotage_;
  Dice dice_;
  SourceMeters meters_;
  TopicTable topics_;

  std::string state_ = "standby";
  Phase phase_ = Phase::standby;
  bool owned_ = false;
  bool draining_ = false;
  bool cut_needed_ = false;  // the publisher may hold records of an epoch that is over
  Epoch epoch_;

  // Reading.
  Gaps gaps_;
  HeldKeys held_;
  InFlight in_flight_;
  Turn turn_;
  Lsn gate_;  // of the rows admitted now
  Lsn flushed_;
  Nanoseconds flush_progress_at_{0};
  Nanoseconds next_flush_at_{0};
  Nanoseconds next_poll_at_{0};
  Nanoseconds next_due_at_{0};
  Nanoseconds read_not_before_{0};
  int read_failures_ = 0;  // in a row
  Nanoseconds poll_interval_{0};
  int due_rows_ = 0;
  std::optional<RowId> rewind_to_;
  std::vector<RowId> confirmed_ids_;  // rows that a check-back confirmed, to be loaded
  bool admitting_swept_ = false;      // admissions of now are below the watermark
  std::vector<Flight*> leaving_;      // marked while a turn was open
  std::vector<RowId> leaving_checks_;
  RowId highest_id_;

  // Sweeping.
  RowId cursor_;
  bool sweep_requested_ = false;
  bool pass_requested_ = false;
  Nanoseconds pass_begun_{0};
  Nanoseconds pass_ended_{0};
  Nanoseconds pass_took_{0};
  Nanoseconds next_page_at_{0};
  std::uint64_t passes_ = 0;
  StateCounts counting_;
  StateCounts counts_;
  Nanoseconds counts_at_{-1};
  std::chrono::microseconds oldest_{0};
  std::chrono::microseconds oldest_counting_{0};

  // Publishing.
  Breaker breaker_;
  std::size_t single_handed_ = 0;
  Nanoseconds progress_at_{0};  // last acknowledgement, or when something was first in flight
  Nanoseconds full_until_{0};
  Nanoseconds rebuild_not_before_{0};
  std::unordered_map<KeyHash, std::uint64_t> failed_keys_;  // rows of them admitted up to here must not go
  std::deque<RowId> suspects_order_;
  std::unordered_set<std::int64_t> suspects_;
  int open_topics_ = 0;
  bool partition_waits_ = false;  // rows were turned away since the last pass began
  int fruitless_doubts_ = 0;      // cuts since the last acknowledgement
  bool sink_up_ = false;
  std::set<std::string> sink_alerts_;

  // Marking.
  std::deque<Delivered> delivered_;
  std::deque<Failed> failed_;
  std::deque<Checked> checked_;
  Nanoseconds oldest_mark_at_{0};
  Nanoseconds marked_at_{0};
  Nanoseconds mark_not_before_{0};
  int mark_failures_ = 0;  // in a row
  bool marks_alert_ = false;
  bool marking_failures_ = false;  // that batch holds failures
  std::size_t marking_ = 0;        // facts in the batch that the mark thread has
  struct Blocked {
    Nanoseconds until{0};
    MarkBatch batch{};
  };
  std::deque<Blocked> blocked_;

  // Checking.
  std::unordered_map<std::int64_t, Asked> asked_;
  std::vector<Row> to_check_;
  Nanoseconds checks_busy_until_{0};

  // For status.
  std::string database_error_;
  bool database_up_ = false;
  bool database_alert_ = false;
  std::uint64_t delivered_total_ = 0;
  std::uint64_t failed_total_ = 0;
  std::uint64_t dead_total_ = 0;
  std::chrono::microseconds last_delivery_wall_{0};
  std::array<std::uint64_t, 10> per_second_{};
  std::int64_t second_ = 0;
};

}  // namespace relay::core
