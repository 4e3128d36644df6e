// A broker over a store in memory, asked frame by frame as over one connection: for the target "handlers" and for the
// seeds, whose journals are what such a broker wrote.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/handlers/dispatch.h"
#include "tests/fuzz/target.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace fuzz {

class BrokerRig {
 public:
  BrokerRig();
  ~BrokerRig();
  BrokerRig(const BrokerRig&) = delete;
  BrokerRig& operator=(const BrokerRig&) = delete;

  // A request frame without its length. `mend_batches`: checksums of what a Produce brings are put right first. What
  // cannot be a frame is ignored. Throws Finding when an answer is not one.
  void ask(Bytes bytes, bool mend_batches);
  void pass_time(std::chrono::milliseconds time);
  // Makes everything durable, and says whether what comes next is so at once.
  void flush(bool durable_at_once);
  void set_full(bool full) { store_.set_full(full); }
  // Everybody has been answered, or still may be; the journal gives the state that lived. Throws Finding.
  void check_at_end();
  [[nodiscard]] const std::vector<broker::storage::Record>& journal() const { return store_.journal(); }

 private:
  struct Asked {
    broker::protocol::RequestHeader header;
    broker::handlers::ReplyPtr reply;
  };
  void check_answers();

  broker_tests::MemoryStore store_;
  broker_tests::ManualClock clock_;
  broker::core::State state_;
  std::uint64_t random_ = 0;
  common::Metrics metrics_;
  broker::handlers::HandlerMetrics handler_metrics_{metrics_};
  broker::core::Broker broker_;
  broker::handlers::Context context_;
  broker::handlers::FetchedTopics fetched_topics_;
  std::deque<Asked> waiting_;
};

}  // namespace fuzz
