// The sessions' common ground.
#include "broker/net/hub.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "broker/net/session.h"
#include "common/log.h"

namespace broker::net {
namespace {

constexpr int kLinesPerSecond = 10;
constexpr std::int64_t kMuchBytes = 32 << 20;

}  // namespace

NetMetrics::NetMetrics(common::Metrics& metrics)
    : bytes_in(metrics.counter("broker_network_received_bytes_total", "Bytes received from clients")),
      bytes_out(metrics.counter("broker_network_sent_bytes_total", "Bytes sent to clients")),
      accepted(metrics.counter("broker_connections_accepted_total", "Connections accepted")),
      refused(metrics.counter("broker_connections_refused_total", "Connections beyond a limit")),
      connections(metrics.gauge("broker_connections", "Connections open now")),
      bytes_in_flight(metrics.gauge("broker_in_flight_bytes", "Frames not yet answered and answers not yet sent")),
      durable_answer(metrics.histogram(
          "broker_durable_answer_seconds", "From a request's last byte to its answer, of those that wait for the disk",
          {}, {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})) {}

void Hub::handle(const handlers::Request& request, const handlers::ReplyPtr& reply) {
  handlers::handle(context_, request, reply);
  if (handled_) handled_();
}

std::uint64_t Hub::fetch_bytes_max() const {
  if (exhausted()) return 0;
  return tight() ? context_.limits.fetch_bytes_max_when_tight : context_.limits.fetch_bytes_max;
}

void Hub::durable_moved() {
  for (const auto& waiting : std::exchange(waiting_durable_, {})) {
    if (const auto session = waiting.lock()) session->durable_moved();
  }
}

void Hub::account(std::int64_t bytes) {
  bytes_in_flight_ += bytes;
  bytes_peak_ = std::max(bytes_peak_, bytes_in_flight_);
  context_.fetch_bytes_now = fetch_bytes_max();
  metrics_.bytes_in_flight.set(static_cast<double>(bytes_in_flight_));
  if (tight() || waiting_memory_.empty()) return;
  for (const auto& waiting : std::exchange(waiting_memory_, {})) {
    if (const auto session = waiting.lock()) session->open_gate();
  }
}

bool Hub::admit(const std::string& address) {
  auto& count = per_address_[address];
  if (sessions_.size() < limits_.connections_max && count < limits_.connections_per_address_max) {
    ++count;
    return true;
  }
  if (count == 0) per_address_.erase(address);
  metrics_.refused.add();
  return false;
}

void Hub::add(const std::shared_ptr<Session>& session) {
  sessions_.emplace(session.get(), session);
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
  for (const auto& [raw, weak] : sessions_) {
    if (auto session = weak.lock()) alive.push_back(std::move(session));
  }
  return alive;
}

void Hub::log_closed(const std::string& peer, const std::string& why) {
  if (++lines_this_second_ > kLinesPerSecond) {
    ++lines_kept_back_;
    return;
  }
  common::log::warn("connection closed", {{"peer", peer}, {"reason", why}});
}

void Hub::give_memory_back() {
  if (bytes_peak_ < kMuchBytes || bytes_in_flight_ > kMuchBytes / 4) return;
  bytes_peak_ = 0;
  ::malloc_trim(0);
}

void Hub::new_second() {
  lines_this_second_ = 0;
  if (lines_kept_back_ == 0) return;
  common::log::warn("more connections closed", {{"count", std::exchange(lines_kept_back_, 0)}});
}

}  // namespace broker::net
