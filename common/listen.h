// A listening TCP socket on HOST:PORT.
#pragma once

#include "common/host_port.h"
#include "common/unique_fd.h"

namespace common {

struct Listener {
  UniqueFd fd;       // non-blocking, close-on-exec
  HostPort address;  // with the port that was chosen when 0 was asked for
};

// Resolves the host and listens on its first address that works. Throws common::Error that names the address, the
// reason and the way out; `setting` is what to change ("[admin] listen").
[[nodiscard]] Listener listen_on(const HostPort& wanted, const char* setting);

}  // namespace common
