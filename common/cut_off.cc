// TCP_INFO (man 7 tcp) tells what the kernel knows of a connection.
#include "common/cut_off.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace common {
namespace {

// A first packet is repeated after 1 s, then (before Linux 6.5) after 3 s and 7 s.
constexpr std::chrono::nanoseconds kHandshake = std::chrono::milliseconds(1500);
// The third repetition goes out after 1.4 s at the least, and the fourth would follow 1.6 s later.
constexpr int kRepetitions = 3;
// An acknowledgement, of whatever, is the sign of life of a machine whose program does not read.
constexpr std::uint32_t kQuietMs = 1000;

}  // namespace

bool is_cut_off(const tcp_info& info, std::chrono::nanoseconds age) {
  if (info.tcpi_state == TCP_SYN_SENT) return age >= kHandshake;
  return info.tcpi_state == TCP_ESTABLISHED && info.tcpi_retransmits >= kRepetitions &&
         info.tcpi_last_ack_recv >= kQuietMs;
}

bool is_cut_off(int socket, std::chrono::nanoseconds age) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && is_cut_off(info, age);
}

}  // namespace common
