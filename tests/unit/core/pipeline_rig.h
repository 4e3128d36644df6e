// One Pipeline on the simulated world's table, stepped by hand: what chance decides in the simulation, a test here
// decides itself. Statements, records and marks are split into "happens" and "is reported", so that a test can put
// anything between. The world's checker looks at every record that arrives.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/metrics.h"
#include "relay/core/pipeline.h"
#include "tests/unit/core/sim_world.h"

namespace sim {

// Which classes are told of, and how often each was called over.
class ToldAlerts final : public AlertSink {
 public:
  void raise(const AlertKey& key, const std::string&, std::int64_t) override { active.insert(key.error_class); }
  void resolve(const AlertKey& key) override {
    active.erase(key.error_class);
    ++resolved[key.error_class];
  }
  std::set<std::string> active;
  std::map<std::string, int> resolved;
};

using Ids = std::vector<std::int64_t>;

// A source that does nothing by itself for an hour but poll: every sweep is the test's. Two attempts a row.
[[nodiscard]] SourceOptions rig_options();

class PipelineRig {
 public:
  // Owner of the table, with a producer, and nothing read yet.
  explicit PipelineRig(const SourceOptions& options = rig_options());

  // A committed, confirmed, due row. `attempts` over 0: it goes alone.
  TableRow& insert(std::int64_t id, const std::string& key, int attempts = 0);
  // One that waits for its retry, half a sweep interval from now.
  TableRow& insert_waiting(std::int64_t id, const std::string& key, int attempts = 0);
  TableRow& row(std::int64_t id) { return world.rows.at(id); }
  void advance(Millis time) { world.clock.now += time; }

  // The next statement is carried out, and nobody told yet; `wait`: there is none now.
  ReadStep::Kind ask();
  void answer();
  // Both; the test expects this very statement.
  void step(ReadStep::Kind expected);
  // Both, until a turn of this kind has been judged; fails the test when none is due.
  void poll();
  void sweep_page();  // one page and the poll behind it
  void retry_due();   // the due rows, with the poll behind them
  // Due rows none of which may be published yet: no poll follows.
  void look_for_due();
  // A whole pass, begun a sweep interval later.
  void sweep_pass();

  // What goes to the publisher next, which takes all of it.
  Ids feed();
  // The publisher's next batch, to be reported on with pipeline.fed().
  std::vector<Flight*> next_batch();
  // It arrives at the sink, and the acknowledgement is heard.
  void acknowledge(const Ids& ids);
  void refuse(std::int64_t id, Scope scope = Scope::row, const std::string& error_class = "too_large");
  // Everything goes the way of every doubt; nothing that was not acknowledged has arrived.
  void cut();
  void lose_and_take_the_lease();

  // Marks: taken, carried out, reported.
  [[nodiscard]] MarkWork take_marks();
  void report(const MarkWork& work, const MarkResult& result) { (void)pipeline.marked(work, result); }
  void mark();

  // Reads, feeds, acknowledges and marks until every row is done; fails the test when nothing moves any more.
  void run_to_the_end();

  World world{WorldOptions{}};
  ToldAlerts alerts;
  common::Metrics metrics;
  Pipeline pipeline;
  Epoch epoch{1};
  // The write-ahead log's ends, as statements report them.
  Lsn written{1'000};
  Lsn flushed{1'000};

 private:
  struct Nothing {};
  std::variant<Nothing, PollResult, std::vector<Headline>, std::vector<Row>, Lsn> answer_;
  ReadStep asked_;
  Millis sweep_interval_;

  void turn(ReadStep::Kind first);
  void end_the_publisher();
};

}  // namespace sim
