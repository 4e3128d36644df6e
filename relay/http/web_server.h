// The first page at [web] listen: read-only, loopback only. GET / and its files, /api/status, /api/dead.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/host_port.h"
#include "relay/core/outbox_store.h"
#include "relay/core/status.h"

namespace relay::http {

struct WebSource {
  std::string name;
  std::unique_ptr<core::OutboxObserver> observer;
};

class WebServer {
 public:
  // `status` is called on the server's thread: from memory, within milliseconds. Throws common::Error: an address that
  // is not loopback (configuration), or that cannot be had. `clock` must outlive it.
  WebServer(const common::HostPort& listen, std::function<core::RelayStatus()> status, std::vector<WebSource> sources,
            const common::Clock& clock);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  // With the port that was chosen when 0 was asked for.
  [[nodiscard]] const common::HostPort& address() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace relay::http
