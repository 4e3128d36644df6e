// What one connection may have, and all together. The keys of [limits] fill it (main.cc).
#pragma once

#include <chrono>
#include <cstddef>

#include "broker/handlers/dispatch.h"

namespace broker::net {

struct NetLimits {
  std::size_t frame_bytes_max = 8 << 20;  // authentication will put 16 KiB before it
  std::size_t connections_max = 16'384;
  std::size_t connections_per_address_max = 256;     // but of loopback, which all programs of this machine share
  std::size_t requests_in_flight_max = 256;          // per connection
  std::size_t bytes_in_flight_max = 16 << 20;        // per connection; see handlers/memory_account.h
  std::size_t unsent_bytes_max = 1 << 20;            // per connection: answers that the client does not take
  std::size_t bytes_in_flight_total_max = 64 << 20;  // all connections; beyond it one small request at a time
  std::chrono::milliseconds idle_timeout{600'000};
  std::chrono::milliseconds stall_timeout{60'000};  // half a frame, or an answer that nobody takes
  std::chrono::milliseconds stall_timeout_when_tight{5'000};
  std::size_t rate_bytes_min = 16 << 10;  // a second, of a frame or an answer beyond stall_timeout
  std::chrono::seconds drain_timeout{5};  // at the end: what is under way may still be answered
  handlers::HandlerLimits requests;
};

}  // namespace broker::net
