// The broker on the network: one asio loop on one thread, which is the core thread. Listens, runs a session per
// connection, wakes answers when the store's durable mark moves, and turns the core's clockwork.
#pragma once

#include <functional>
#include <memory>

#include "broker/core/broker.h"
#include "broker/net/limits.h"
#include "common/host_port.h"
#include "common/liveness.h"
#include "common/metrics.h"

namespace broker::net {

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
