// Implements net.h. A port is reserved by binding an abstract socket of its number, which the kernel frees with the
// process; then a trial bind shows that nobody else uses it.
#include "tests/support/net.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <random>

#include "common/error.h"

namespace test_support {
namespace {

constexpr int kFirstPort = 15000;
constexpr int kLastPort = 32000;  // ip_local_port_range begins at 32768

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The socket is left open on purpose: it is the reservation.
bool reserve(std::uint16_t port) {
  const std::string name = "outbox-test-port-" + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const int reservation = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (reservation < 0) return false;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(reservation, reinterpret_cast<const sockaddr*>(&address), length) == 0) return true;
  ::close(reservation);
  return false;
}

bool can_bind(std::uint16_t port) {
  const int trial = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (trial < 0) return false;
  const sockaddr_in address = loopback_address(port);
  const bool bound = ::bind(trial, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(trial);
  return bound;
}

}  // namespace

std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<int> candidates(kFirstPort, kLastPort);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(candidates(random));
    if (reserve(port) && can_bind(port)) return port;
  }
  throw common::Error("no free port on 127.0.0.1 between " + std::to_string(kFirstPort) + " and " +
                      std::to_string(kLastPort));
}

std::string loopback(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

bool can_connect(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client < 0) return false;
  const sockaddr_in address = loopback_address(port);
  const bool connected = ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(client);
  return connected;
}

std::optional<HttpAnswer> http_get(std::uint16_t port, const std::string& path) {
  httplib::Client client("127.0.0.1", port);
  client.set_connection_timeout(5);
  client.set_read_timeout(5);
  const httplib::Result result = client.Get(path);
  if (!result) return std::nullopt;
  return HttpAnswer{result->status, result->body};
}

}  // namespace test_support
