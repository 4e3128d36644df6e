// What sessions share: limits, the account of memory, and who waits for the durable mark or for memory. Core thread
// only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/handlers/dispatch.h"
#include "broker/handlers/memory_account.h"
#include "broker/net/limits.h"
#include "broker/net/transfer.h"
#include "common/metrics.h"

namespace broker::net {

class Session;
struct Outgoing;

// Why a connection ended. All but `over` are counted.
enum class Ended : std::uint8_t {
  over,         // by the peer, or because the broker stops
  idle,         // said nothing for too long
  slow_sender,  // a frame did not come in
  slow_reader,  // answers were not taken
  frame_size,   // a frame beyond the limit
  memory,       // no memory for a frame that had begun
  request,      // not served, malformed, beyond a limit, refused without an answer
  failed,       // a fault of ours
};
inline constexpr auto kEndedNames = std::to_array<std::string_view>(
    {"over", "idle", "slow_sender", "slow_reader", "frame_size", "memory", "request", "failed"});

struct NetMetrics {
  explicit NetMetrics(common::Metrics& metrics);
  common::Counter& bytes_in;
  common::Counter& bytes_out;
  common::Counter& accepted;
  common::Counter& refused;
  common::Counter& memory_pauses;
  common::Gauge& connections;
  common::Gauge& connections_max;
  common::Gauge& paused;
  common::Gauge& bytes_in_flight;
  common::Gauge& bytes_in_flight_max;
  common::Histogram& durable_answer;
  std::array<common::Counter*, kEndedNames.size()> ended{};  // by Ended; null: not counted
};

class Hub {
 public:
  Hub(handlers::Context& context, const NetLimits& limits, NetMetrics& metrics);
  ~Hub();

  [[nodiscard]] const NetLimits& limits() const { return limits_; }
  [[nodiscard]] NetMetrics& metrics() { return metrics_; }
  [[nodiscard]] Time now() const { return context_.broker.now(); }
  [[nodiscard]] Patience patience() const;

  // One for all sessions, for as long as one of them fills and sends it.
  [[nodiscard]] Outgoing& outgoing() { return *outgoing_; }

  // Hands the frame to its handler and turns the clockwork if something became due.
  void handle(const handlers::Request& request, const handlers::ReplyPtr& reply);
  void on_handled(std::function<void()> handled) { handled_ = std::move(handled); }
  [[nodiscard]] bool durable(storage::Ticket ticket) const { return ticket <= context_.broker.store().durable(); }

  // The session is pumped once when the durable mark has moved.
  void wait_for_durable(const std::shared_ptr<Session>& session) { waiting_durable_.push_back(session); }
  void durable_moved();

  // Of all sessions. Two marks: at the limit nothing large is begun, at twice the limit what is under way ends.
  [[nodiscard]] const std::shared_ptr<handlers::MemoryAccount>& memory() const { return memory_; }
  [[nodiscard]] bool tight() const { return memory_->full(); }
  [[nodiscard]] bool exhausted() const { return memory_->exhausted(); }
  // To be called when memory_ has changed, by whoever changed it: sets what a Fetch may answer with, lets those read on
  // who waited, in the order in which they came and some at a time.
  void memory_changed();
  void wait_for_memory(const std::shared_ptr<Session>& session);
  [[nodiscard]] bool anybody_waits_for_memory() const { return !waiting_memory_.empty(); }
  void on_waiting_for_memory(std::function<void()> waiting) { on_waiting_ = std::move(waiting); }

  // False: this address has its share of connections, or all are taken.
  [[nodiscard]] bool admit(const std::string& address);
  void add(Session& session);
  void remove(Session& session, const std::string& address);
  [[nodiscard]] std::vector<std::shared_ptr<Session>> sessions() const;
  [[nodiscard]] bool empty() const { return sessions_.empty(); }
  // Ends connections that are idle or stuck.
  void check_timeouts();

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
  std::function<void()> on_waiting_;
  std::set<Session*> sessions_;
  std::map<std::string, std::size_t> per_address_;
  std::vector<std::weak_ptr<Session>> waiting_durable_;
  std::deque<std::weak_ptr<Session>> waiting_memory_;
  const std::shared_ptr<handlers::MemoryAccount> memory_;
  const std::unique_ptr<Outgoing> outgoing_;
  std::int64_t bytes_peak_ = 0;  // since memory was given back
  int lines_this_second_ = 0;
  std::uint64_t lines_kept_back_ = 0;
};

}  // namespace broker::net
