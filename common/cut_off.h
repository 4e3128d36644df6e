// Whether a TCP connection has lost its peer's machine. TCP repeats a lost packet after ever longer waits: when a
// network or a machine comes back after half a minute, the next try may be another half a minute away, while a new
// connection is there at once. Whoever waits on a connection looks here now and then, and makes a new one.
#pragma once

#include <netinet/tcp.h>

#include <chrono>

namespace common {

// True: several tries in a row were not answered by anything. Never true of a peer that is only slow: its kernel
// acknowledges what its program does not read. `age`: of the connection, or of the wait for its handshake.
[[nodiscard]] bool is_cut_off(const tcp_info& info, std::chrono::nanoseconds age);
// The same of a descriptor; false of one that is no TCP socket. Does not block.
[[nodiscard]] bool is_cut_off(int socket, std::chrono::nanoseconds age);

}  // namespace common
