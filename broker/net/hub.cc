// The sessions' common ground.
#include "broker/net/hub.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "broker/net/session.h"
#include "common/host_port.h"
#include "common/log.h"

namespace broker::net {
namespace {

constexpr int kLinesPerSecond = 10;
constexpr std::int64_t kMuchBytes = 32 << 20;
constexpr int kWokenAtOnce = 64;

}  // namespace

NetMetrics::NetMetrics(common::Metrics& metrics)
    : bytes_in(metrics.counter("broker_network_received_bytes_total", "Bytes received from clients")),
      bytes_out(metrics.counter("broker_network_sent_bytes_total", "Bytes sent to clients")),
      accepted(metrics.counter("broker_connections_accepted_total", "Connections accepted")),
      refused(metrics.counter("broker_connections_refused_total", "Connections beyond a limit")),
      memory_pauses(metrics.counter("broker_memory_pauses_total",
                                    "Times a connection was not read from until memory was free again")),
      connections(metrics.gauge("broker_connections", "Connections open now")),
      connections_max(metrics.gauge("broker_connections_max", "Connections that may be open")),
      paused(
          metrics.gauge("broker_memory_paused_connections", "Connections that are not read from for want of memory")),
      bytes_in_flight(metrics.gauge("broker_in_flight_bytes",
                                    "Requests until they are answered and written, answers until they are sent")),
      bytes_in_flight_max(metrics.gauge("broker_in_flight_max_bytes", "Beyond it reading pauses")),
      durable_answer(metrics.histogram(
          "broker_durable_answer_seconds", "From a request's last byte to its answer, of those that wait for the disk",
          {}, {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})) {
  for (std::size_t i = 1; i < kEndedNames.size(); ++i) {
    ended.at(i) = &metrics.counter("broker_connections_ended_total", "Connections that the broker ended",
                                   {{"reason", std::string(kEndedNames.at(i))}});
  }
}

Hub::Hub(handlers::Context& context, const NetLimits& limits, NetMetrics& metrics)
    : context_(context),
      limits_(limits),
      metrics_(metrics),
      memory_(std::make_shared<handlers::MemoryAccount>(limits.bytes_in_flight_total_max)),
      outgoing_(std::make_unique<Outgoing>()) {
  metrics_.connections_max.set(static_cast<double>(limits.connections_max));
  metrics_.bytes_in_flight_max.set(static_cast<double>(limits.bytes_in_flight_total_max));
}

Hub::~Hub() = default;

Patience Hub::patience() const {
  return {.stall = tight() ? limits_.stall_timeout_when_tight : limits_.stall_timeout,
          .rate_min_bytes = limits_.rate_bytes_min};
}

void Hub::handle(const handlers::Request& request, const handlers::ReplyPtr& reply) {
  handlers::handle(context_, request, reply);
  if (handled_) handled_();
}

void Hub::durable_moved() {
  for (const auto& waiting : std::exchange(waiting_durable_, {})) {
    if (const auto session = waiting.lock()) session->durable_moved();
  }
}

void Hub::memory_changed() {
  bytes_peak_ = std::max(bytes_peak_, memory_->bytes());
  const auto& most = context_.limits;
  context_.fetch_bytes_now = exhausted() ? 0 : tight() ? most.fetch_bytes_max_when_tight : most.fetch_bytes_max;
  for (int woken = 0; woken < kWokenAtOnce && !tight() && !waiting_memory_.empty(); ++woken) {
    const auto session = waiting_memory_.front().lock();
    waiting_memory_.pop_front();
    if (session) session->memory_freed();
  }
}

void Hub::wait_for_memory(const std::shared_ptr<Session>& session) {
  waiting_memory_.push_back(session);
  if (on_waiting_) on_waiting_();
}

bool Hub::admit(const std::string& address) {
  // All programs of this machine have one address: there the limit would lock out all of them for the fault of one.
  const bool counts = !common::is_loopback(address);
  auto& count = per_address_[address];
  if (sessions_.size() < limits_.connections_max && (!counts || count < limits_.connections_per_address_max)) {
    ++count;
    return true;
  }
  if (count == 0) per_address_.erase(address);
  metrics_.refused.add();
  return false;
}

void Hub::add(Session& session) {
  sessions_.insert(&session);
  metrics_.accepted.add();
  metrics_.connections.set(static_cast<double>(sessions_.size()));
}

void Hub::remove(Session& session, const std::string& address) {
  if (sessions_.erase(&session) == 0) return;
  metrics_.connections.set(static_cast<double>(sessions_.size()));
  const auto count = per_address_.find(address);
  if (count != per_address_.end() && --count->second == 0) per_address_.erase(count);
}

std::vector<std::shared_ptr<Session>> Hub::sessions() const {
  std::vector<std::shared_ptr<Session>> alive;
  for (auto* session : sessions_) {
    if (auto shared = session->weak_from_this().lock()) alive.push_back(std::move(shared));
  }
  return alive;
}

void Hub::check_timeouts() {
  std::vector<std::shared_ptr<Session>> overdue;
  const auto now = this->now();
  for (auto* session : sessions_) {
    if (session->overdue(now) != Ended::over) overdue.push_back(session->shared_from_this());
  }
  for (const auto& session : overdue) session->end_overdue(now);
}

void Hub::log_closed(const std::string& peer, const std::string& why) {
  if (++lines_this_second_ > kLinesPerSecond) {
    ++lines_kept_back_;
    return;
  }
  common::log::warn("connection closed", {{"peer", peer}, {"reason", why}});
}

void Hub::give_memory_back() {
  if (bytes_peak_ < kMuchBytes || memory_->bytes() > kMuchBytes / 4) return;
  bytes_peak_ = 0;
  ::malloc_trim(0);
}

void Hub::new_second() {
  metrics_.bytes_in_flight.set(static_cast<double>(memory_->bytes()));
  metrics_.paused.set(static_cast<double>(waiting_memory_.size()));
  lines_this_second_ = 0;
  if (lines_kept_back_ == 0) return;
  common::log::warn("more connections closed", {{"count", std::exchange(lines_kept_back_, 0)}});
}

}  // namespace broker::net
