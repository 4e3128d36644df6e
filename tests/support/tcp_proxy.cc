// Implements tcp_proxy.h: one thread, poll, non-blocking sockets. After every wake-up each pipe tries what it may; a
// bounded queue per direction carries the delay and pushes back on the sender.
#include "tests/support/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/error.h"
#include "tests/support/net.h"

namespace test_support {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr std::size_t kQueueBytesMax = 1U << 20U;
constexpr std::size_t kReadBytes = 64U << 10U;

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void close_with_reset(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket);
}

struct Chunk {
  SteadyTime due;
  std::string bytes;
};

// One direction of one connection.
struct Pipe {
  int from = -1;
  int to = -1;
  TcpProxy::Direction direction = TcpProxy::Direction::to_target;
  std::deque<Chunk> queue = {};
  std::size_t queued_bytes = 0;
  bool ended = false;  // the sender closed its half
  bool shut = false;   // and the receiver was told
};

struct Link {
  Pipe up;
  Pipe down;
};

enum class Mode { pass, blackhole, refuse };

}  // namespace

struct TcpProxy::Impl {
  std::uint16_t port = 0;
  std::uint16_t target_port = 0;
  int wake = -1;
  mutable std::mutex mutex;  // guards all below
  int listener = -1;
  Mode mode = Mode::pass;
  std::chrono::milliseconds each_way{0};
  std::optional<std::size_t> cut_bytes;
  Direction cut_direction = Direction::to_target;
  bool cut_done = false;
  bool stopping = false;
  std::list<Link> links;
  std::uint64_t accepted_count = 0;
  std::uint64_t passed[2] = {0, 0};
  std::thread thread;

  void poke() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake, &one, sizeof one);
  }

  void listen() {
    if (listener >= 0) return;
    listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback_address(port);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener, 128) != 0) {
      throw common::Error("the proxy cannot listen on " + loopback(port) + ": " + std::strerror(errno));
    }
  }

  void close_listener() {
    if (listener >= 0) ::close(listener);
    listener = -1;
  }

  static void reset_link(const Link& link) {
    close_with_reset(link.up.from);
    close_with_reset(link.up.to);
  }

  void reset_all() {
    for (const Link& link : links) reset_link(link);
    links.clear();
  }

  void accept_one() {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    const int target = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback_address(target_port);
    if (::connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close_with_reset(client);
      ::close(target);
      return;
    }
    ::fcntl(target, F_SETFL, O_NONBLOCK);
    const int on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(target, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ++accepted_count;
    links.push_back(Link{.up = Pipe{.from = client, .to = target, .direction = Direction::to_target},
                         .down = Pipe{.from = target, .to = client, .direction = Direction::to_client}});
  }

  // False: the connection is broken.
  [[nodiscard]] bool read_some(Pipe& pipe) const {
    std::array<char, kReadBytes> buffer{};
    while (!pipe.ended && pipe.queued_bytes < kQueueBytesMax) {
      const ssize_t count = ::recv(pipe.from, buffer.data(), buffer.size(), 0);
      if (count < 0) return errno == EAGAIN || errno == EINTR;
      if (count == 0) {
        pipe.ended = true;
        break;
      }
      const auto size = static_cast<std::size_t>(count);
      pipe.queue.push_back(Chunk{std::chrono::steady_clock::now() + each_way, std::string(buffer.data(), size)});
      pipe.queued_bytes += size;
    }
    return true;
  }

  // False: the connection is broken, or is cut here.
  [[nodiscard]] bool write_some(Pipe& pipe) {
    const SteadyTime now = std::chrono::steady_clock::now();
    const bool may_cut = cut_bytes.has_value() && cut_direction == pipe.direction;
    while (!pipe.queue.empty() && pipe.queue.front().due <= now) {
      Chunk& chunk = pipe.queue.front();
      const std::size_t allowed = may_cut ? std::min(*cut_bytes, chunk.bytes.size()) : chunk.bytes.size();
      const ssize_t count = allowed == 0 ? 0 : ::send(pipe.to, chunk.bytes.data(), allowed, MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN || errno == EINTR;
      const auto sent = static_cast<std::size_t>(count);
      passed[static_cast<std::size_t>(pipe.direction)] += sent;
      pipe.queued_bytes -= sent;
      if (may_cut) {
        *cut_bytes -= sent;
        if (*cut_bytes == 0) {
          cut_bytes.reset();
          cut_done = true;
          return false;
        }
      }
      chunk.bytes.erase(0, sent);
      if (!chunk.bytes.empty()) return true;
      pipe.queue.pop_front();
    }
    if (pipe.ended && !pipe.shut && pipe.queue.empty()) {
      ::shutdown(pipe.to, SHUT_WR);
      pipe.shut = true;
    }
    return true;
  }

  void serve() {
    if (mode != Mode::refuse && listener >= 0) accept_one();
    if (mode != Mode::pass) return;
    for (auto link = links.begin(); link != links.end();) {
      const bool whole = read_some(link->up) && write_some(link->up) && read_some(link->down) && write_some(link->down);
      if (!whole) {
        reset_link(*link);
        link = links.erase(link);
      } else if (link->up.shut && link->down.shut) {
        ::close(link->up.from);
        ::close(link->up.to);
        link = links.erase(link);
      } else {
        ++link;
      }
    }
  }

  // What to wait for, and how long (ms, -1 for ever).
  int interests(std::vector<pollfd>& polled) const {
    polled.assign({pollfd{.fd = wake, .events = POLLIN, .revents = 0}});
    if (listener >= 0) polled.push_back(pollfd{.fd = listener, .events = POLLIN, .revents = 0});
    if (mode != Mode::pass) return -1;
    int timeout = -1;
    const SteadyTime now = std::chrono::steady_clock::now();
    for (const Link& link : links) {
      for (const Pipe* pipe : {&link.up, &link.down}) {
        if (!pipe->ended && pipe->queued_bytes < kQueueBytesMax) {
          polled.push_back(pollfd{.fd = pipe->from, .events = POLLIN, .revents = 0});
        }
        if (pipe->queue.empty()) continue;
        if (pipe->queue.front().due <= now) {
          polled.push_back(pollfd{.fd = pipe->to, .events = POLLOUT, .revents = 0});
        } else {
          const auto left = std::chrono::ceil<std::chrono::milliseconds>(pipe->queue.front().due - now).count();
          timeout = timeout < 0 ? static_cast<int>(left) : std::min(timeout, static_cast<int>(left));
        }
      }
    }
    return timeout;
  }

  void loop() {
    std::vector<pollfd> polled;
    std::unique_lock lock(mutex);
    while (!stopping) {
      const int timeout = interests(polled);
      lock.unlock();
      ::poll(polled.data(), polled.size(), timeout);
      if ((polled.front().revents & POLLIN) != 0) {
        std::uint64_t ignored = 0;
        [[maybe_unused]] const ssize_t count = ::read(wake, &ignored, sizeof ignored);
      }
      lock.lock();
      serve();
    }
  }
};

TcpProxy::TcpProxy(std::uint16_t target_port) : impl_(std::make_unique<Impl>()) {
  impl_->port = free_port();
  impl_->target_port = target_port;
  impl_->listen();
  impl_->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  impl_->thread = std::thread([impl = impl_.get()] { impl->loop(); });
}

TcpProxy::~TcpProxy() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->poke();
  }
  impl_->thread.join();
  impl_->reset_all();
  impl_->close_listener();
  ::close(impl_->wake);
}

std::uint16_t TcpProxy::port() const { return impl_->port; }

void TcpProxy::blackhole() {
  const std::lock_guard lock(impl_->mutex);
  impl_->listen();
  impl_->mode = Mode::blackhole;
  impl_->poke();
}

void TcpProxy::refuse() {
  const std::lock_guard lock(impl_->mutex);
  impl_->mode = Mode::refuse;
  impl_->close_listener();
  impl_->reset_all();
  impl_->poke();
}

void TcpProxy::reset() {
  const std::lock_guard lock(impl_->mutex);
  impl_->reset_all();
  impl_->poke();
}

void TcpProxy::delay(std::chrono::milliseconds each_way) {
  const std::lock_guard lock(impl_->mutex);
  impl_->each_way = each_way;
  impl_->poke();
}

void TcpProxy::cut_after(std::size_t bytes, Direction direction) {
  const std::lock_guard lock(impl_->mutex);
  impl_->cut_bytes = bytes;
  impl_->cut_direction = direction;
  impl_->cut_done = false;
  impl_->poke();
}

void TcpProxy::resume() {
  const std::lock_guard lock(impl_->mutex);
  impl_->listen();
  impl_->mode = Mode::pass;
  impl_->each_way = std::chrono::milliseconds(0);
  impl_->cut_bytes.reset();
  impl_->poke();
}

std::size_t TcpProxy::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->links.size();
}

std::uint64_t TcpProxy::accepted() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->accepted_count;
}

std::uint64_t TcpProxy::bytes_passed(Direction direction) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->passed[static_cast<std::size_t>(direction)];
}

bool TcpProxy::cut_happened() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->cut_done;
}

}  // namespace test_support
