// The broker on the network: one asio loop on one thread, which is the core thread. Listens, runs a session per
// connection, wakes answers when the store's durable mark moves, and turns the core's clockwork.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/handlers/dispatch.h"
#include "common/host_port.h"
#include "common/liveness.h"
#include "common/metrics.h"

namespace broker::net {

struct NetLimits {
  std::size_t frame_bytes_max = 8 << 20;
  std::size_t connections_max = 4'096;
  std::size_t connections_per_address_max = 256;
  std::size_t requests_in_flight_max = 256;          // per connection
  std::size_t bytes_in_flight_max = 16 << 20;        // per connection: frames not yet answered, answers not yet sent
  std::size_t unsent_bytes_max = 1 << 20;            // per connection: answers that the client does not take
  std::size_t bytes_in_flight_total_max = 64 << 20;  // all connections; beyond it one small request at a time
  std::chrono::seconds idle_timeout{600};
  std::chrono::seconds stall_timeout{60};  // half a frame, or an answer that nobody takes
  std::chrono::seconds stall_timeout_when_tight{5};
  std::chrono::seconds drain_timeout{5};  // at the end: what is under way may still be answered
};

struct ServerOptions {
  common::HostPort listen;
  common::HostPort advertise;  // empty host: where it listens
  NetLimits limits;
};

// Construct, then run(), on one thread. Not thread-safe.
class Server {
 public:
  // Binds and listens. Throws common::Error that names the address and the way out.
  Server(ServerOptions options, common::Metrics& metrics);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it really listens, with the port that was chosen when 0 was asked for.
  [[nodiscard]] const common::HostPort& address() const;
  // What clients are told to connect to.
  [[nodiscard]] common::HostPort advertised() const;

  // Serves until `stop_fd` becomes readable, then answers what is under way and closes the connections. Blocks.
  // Throws common::Error (exit 74) when the store is poisoned: connections end unanswered.
  // `every_second` is called on this thread.
  void run(core::Broker& broker, int stop_fd, common::Liveness::Heartbeat& heartbeat,
           std::function<void()> every_second);

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace broker::net
