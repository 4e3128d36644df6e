// Real loss of packets: the kernel drops what comes in at a socket that has such a filter, first packets of new
// connections included when it listens. The peer's TCP repeats, ever later, as towards a pulled cable. Most kernels let
// anybody set a filter, some only root.
#pragma once

#include <cstdint>

namespace test_support {

// False: this kernel lets us set no filter, and a test that needs one is skipped for kNoPacketLoss.
[[nodiscard]] bool can_lose_packets();
inline constexpr auto kNoPacketLoss = "this kernel lets only root filter a socket's packets";

// From now on; until the socket is closed. Throws common::Error.
void lose_packets(int socket);

// The accepted sockets of this process with this local port (a server that runs inside the test). Answers how many.
int lose_packets_of_accepted(std::uint16_t port);

// A port of 127.0.0.1 where connecting neither succeeds nor fails.
class Hole {
 public:
  Hole();
  ~Hole();
  Hole(const Hole&) = delete;
  Hole& operator=(const Hole&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_;
};

}  // namespace test_support
