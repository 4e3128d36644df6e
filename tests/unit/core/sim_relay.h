// A relay of the simulated world: Pipeline and its lease classes, stepped by chance instead of threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/metrics.h"
#include "relay/core/feed.h"
#include "relay/core/lease_guard.h"
#include "relay/core/pipeline.h"
#include "tests/unit/core/sim_world.h"

namespace sim {

class NoAlerts final : public AlertSink {
 public:
  void raise(const AlertKey& key, const std::string&, std::int64_t) override { active.insert(key); }
  void resolve(const AlertKey& key) override { active.erase(key); }
  std::set<AlertKey> active;
};

// A producer with gapless guarantee: the first refusal kills it, and nothing behind it is published.
class SimPublisher final : public Publisher {
 public:
  SimPublisher(World& world, std::function<bool()> stale) : world_(world), stale_(std::move(stale)) {}
  void on_outcomes(OutcomeHandler handler) override { handler_ = std::move(handler); }
  Enqueued enqueue(const Row& row, Lane lane) override;
  std::optional<PublishOutcome> refuse(const Row& row) override;
  void cut() override;
  void rebuild(Epoch) override { dead_ = false; }
  [[nodiscard]] SinkState state() const override { return {.up = world_.sink_up, .fatal = dead_, .reason = "dead"}; }
  // Something arrives at the sink, or an acknowledgement comes back.
  void step();
  [[nodiscard]] bool empty() const { return main_.empty() && single_.empty() && acks_.empty(); }

 private:
  void arrive_main();
  void arrive_single();
  void die(std::size_t from);

  World& world_;
  std::function<bool()> stale_;
  OutcomeHandler handler_;
  std::deque<const Row*> main_;
  std::deque<const Row*> single_;
  std::vector<PublishOutcome> acks_;
  bool dead_ = true;
};

class SimRelay {
 public:
  SimRelay(World& world, const std::string& name, const SourceOptions& options, Sabotage sabotage);
  // One step of one of its threads.
  void step();
  void pause() { paused_ = true; }
  void wake();
  [[nodiscard]] bool paused() const { return paused_; }
  [[nodiscard]] bool owner() const { return guard_.epoch().has_value(); }
  [[nodiscard]] const Pipeline& pipeline() const { return pipeline_; }
  void check_bounds();

 private:
  struct Failure {};
  using Answer = std::variant<Failure, PollResult, std::vector<Headline>, std::vector<Row>, Lsn>;

  void read_step();
  void report_read();
  void feed_step();
  void mark_step();
  void lease_step();
  void watch_step();
  void check_step();
  void lost(Epoch epoch);
  [[nodiscard]] Nanos now() const { return world_.clock.now; }

  World& world_;
  std::string name_;
  SourceOptions options_;
  NoAlerts alerts_;
  common::Metrics metrics_;
  LeaseGuard guard_;
  LeaseWatch watch_;
  Pipeline pipeline_;
  SimPublisher publisher_;
  bool paused_ = false;

  std::optional<ReadStep> reading_;
  Answer answer_;
  Nanos sent_{0};
  std::optional<FeedReport> fed_;
  std::optional<MarkWork> marking_;
  std::optional<MarkResult> marked_;
  int crashes_seen_ = 0;
  std::vector<Row> asked_;
  Nanos renewed_at_{0};
};

}  // namespace sim
