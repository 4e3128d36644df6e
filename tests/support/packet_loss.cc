// Implements packet_loss.h with the shortest of socket filters (man 7 socket, SO_ATTACH_FILTER): keep nothing.
#include "tests/support/packet_loss.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "common/error.h"
#include "tests/support/net.h"

namespace test_support {

namespace {

bool set_filter(int socket) {
  sock_filter keep_nothing{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program{.len = 1, .filter = &keep_nothing};
  return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace

bool can_lose_packets() {
  const int trial = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool can = set_filter(trial) || errno != EPERM;
  ::close(trial);
  return can;
}

void lose_packets(int socket) {
  if (!set_filter(socket)) throw common::Error("the socket takes no filter");
}

int lose_packets_of_accepted(std::uint16_t port) {
  int found = 0;
  for (int fd = 0; fd < 4096; ++fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (address.sin_family != AF_INET || ntohs(address.sin_port) != port) continue;
    int listens = 0;
    size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens != 0) continue;
    lose_packets(fd);
    ++found;
  }
  return found;
}

Hole::Hole() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(free_port()) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  lose_packets(fd_);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd_, 1) != 0) {
    ::close(fd_);
    throw common::Error("no port to listen on");
  }
}

Hole::~Hole() { ::close(fd_); }

}  // namespace test_support
