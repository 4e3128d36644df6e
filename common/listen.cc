// Binding a server's address.
#include "common/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "common/error.h"

namespace common {
namespace {

// A burst of clients waits here instead of being turned away for a second; the kernel takes at most somaxconn.
constexpr int kBacklog = 4'096;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  const auto network_port = address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                                                          : reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
  return ntohs(network_port);
}

// An empty descriptor, and errno, when it cannot be had.
UniqueFd try_listen(const addrinfo& address) {
  UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fd;
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int reason = errno;
    fd.reset();
    errno = reason;
  }
  return fd;
}

}  // namespace

Listener listen_on(const HostPort& wanted, const char* setting) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(wanted.port);
  const std::string where = "cannot listen on " + wanted.text() + ": ";
  const std::string way_out = std::string("; choose another address with ") + setting;
  const int failed = ::getaddrinfo(wanted.host.c_str(), port.c_str(), &hints, &found);
  if (failed != 0) throw Error(where + ::gai_strerror(failed) + way_out);
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  int reason = EADDRNOTAVAIL;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    UniqueFd fd = try_listen(*address);
    if (!fd) {
      reason = errno;
      continue;
    }
    const std::uint16_t chosen = bound_port(fd.get());
    return Listener{std::move(fd), HostPort{wanted.host, chosen}};
  }
  const char* hint = reason == EADDRINUSE ? "; is another one running?" : "";
  throw Error(where + std::strerror(reason) + hint + way_out);
}

}  // namespace common
