// A blocking connection to 127.0.0.1 for programs that measure: no library, no thread. What fails ends the program.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

inline int connect_to(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

inline void send_all(int socket, std::span<const std::byte> bytes) {
  if (::send(socket, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) fail("send");
}

// A frame without its length.
inline std::vector<std::byte> receive_frame(int socket) {
  std::array<unsigned char, 4> length{};
  if (::recv(socket, length.data(), length.size(), MSG_WAITALL) != 4) fail("receive");
  std::size_t size = 0;
  for (const auto byte : length) size = (size << 8) | byte;
  std::vector<std::byte> body(size);
  if (::recv(socket, body.data(), size, MSG_WAITALL) != static_cast<ssize_t>(size)) fail("receive");
  return body;
}

}  // namespace bench
