// What sessions share: limits, counts of what is in flight, and who waits for the durable mark or for memory.
// Core thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/handlers/dispatch.h"
#include "broker/net/server.h"
#include "common/metrics.h"

namespace broker::net {

class Session;

struct NetMetrics {
  explicit NetMetrics(common::Metrics& metrics);
  common::Counter& bytes_in;
  common::Counter& bytes_out;
  common::Counter& accepted;
  common::Counter& refused;
  common::Gauge& connections;
  common::Gauge& bytes_in_flight;
  common::Histogram& durable_answer;
};

class Hub {
 public:
  Hub(handlers::Context& context, const NetLimits& limits, NetMetrics& metrics)
      : context_(context), limits_(limits), metrics_(metrics) {}

  [[nodiscard]] const NetLimits& limits() const { return limits_; }
  [[nodiscard]] NetMetrics& metrics() { return metrics_; }

  // Hands the frame to its handler and turns the clockwork if something became due.
  void handle(const handlers::Request& request, const handlers::ReplyPtr& reply);
  void on_handled(std::function<void()> handled) { handled_ = std::move(handled); }
  [[nodiscard]] bool durable(storage::Ticket ticket) const { return ticket <= context_.broker.store().durable(); }

  // What a Fetch may answer with now.
  [[nodiscard]] std::uint64_t fetch_bytes_max() const;

  // The session is pumped once when the durable mark has moved.
  void wait_for_durable(const std::shared_ptr<Session>& session) { waiting_durable_.push_back(session); }
  void durable_moved();

  // Bytes of frames and answers of all sessions.
  void account(std::int64_t bytes);
  [[nodiscard]] bool tight() const {
    return bytes_in_flight_ >= static_cast<std::int64_t>(limits_.bytes_in_flight_total_max);
  }
  // True: even frames that have begun cannot be had any more.
  [[nodiscard]] bool exhausted() const {
    return bytes_in_flight_ >= 2 * static_cast<std::int64_t>(limits_.bytes_in_flight_total_max);
  }
  void wait_for_memory(const std::shared_ptr<Session>& session) { waiting_memory_.push_back(session); }

  // False: this address has its share of connections, or all are taken.
  [[nodiscard]] bool admit(const std::string& address);
  void add(const std::shared_ptr<Session>& session);
  void remove(Session& session, const std::string& address);
  [[nodiscard]] std::vector<std::shared_ptr<Session>> sessions() const;
  [[nodiscard]] bool empty() const { return sessions_.empty(); }

  // One line per event, but no flood of them: beyond ten a second they are counted and named together.
  void log_closed(const std::string& peer, const std::string& why);
  void new_second();
  // After a burst of large frames the allocator keeps what it got: it is told to return it once it is quiet again.
  void give_memory_back();

 private:
  handlers::Context& context_;
  const NetLimits& limits_;
  NetMetrics& metrics_;
  std::function<void()> handled_;
  std::map<Session*, std::weak_ptr<Session>> sessions_;
  std::map<std::string, std::size_t> per_address_;
  std::vector<std::weak_ptr<Session>> waiting_durable_;
  std::vector<std::weak_ptr<Session>> waiting_memory_;
  std::int64_t bytes_in_flight_ = 0;
  std::int64_t bytes_peak_ = 0;  // since memory was given back
  int lines_this_second_ = 0;
  std::uint64_t lines_kept_back_ = 0;
};

}  // namespace broker::net
