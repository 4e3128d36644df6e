// The health address: /livez, /readyz, /statusz, /metrics over HTTP/1.1, one request a connection, GET and HEAD only.
//
// A server of our own on one thread, because it has to answer when nothing else does: every connection has a total
// deadline, the header and the number of connections have limits, and a full house turns out its oldest guest. (A
// general HTTP library with a thread per connection let a few slow clients starve the health check.)
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/host_port.h"
#include "common/liveness.h"
#include "common/metrics.h"

namespace common {

// Called on the server's thread: answer from memory, within milliseconds. An exception is answered with 500.
struct AdminPages {
  // The whole of /statusz: one JSON document, without secrets.
  std::function<std::string()> status;
  // Why the program is not ready yet, readable; empty: ready. A dependency that is down must not count
  // (a sidecar's readiness gates its whole pod).
  std::function<std::string()> not_ready;
  // Called before every /metrics, to bring gauges up to date. May be empty.
  std::function<void()> before_metrics;
};

struct AdminLimits {
  std::size_t connections_max = 64;
  std::size_t request_bytes_max = 8192;
  std::chrono::milliseconds connection_time_max{5000};
};

class AdminServer {
 public:
  // Binds, listens and starts its thread. Throws common::Error that names address and way out. `liveness` and `metrics`
  // must outlive it.
  AdminServer(const HostPort& listen, const Liveness& liveness, const Metrics& metrics, AdminPages pages,
              AdminLimits limits = {});
  // Ends the thread within the time of one page.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Where it really listens: with the port that was chosen when 0 was asked for.
  [[nodiscard]] const HostPort& address() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace common
