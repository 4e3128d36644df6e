// Non-blocking sockets and poll(): a peer that sends a byte a second holds nobody beyond the deadline.
#include "relay/http/http_get.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

#include "common/unique_fd.h"

namespace relay::http {
namespace {

constexpr const char* kTooLate = "no complete answer within the time-out";
constexpr const char* kStopping = "the relay is stopping";

struct Lookup {
  std::mutex mutex;
  std::condition_variable done;
  bool is_done = false;
  int error = 0;
  std::vector<Resolver::Address> addresses;
};

void look_up(const std::string& host, std::uint16_t port, int flags, Lookup& lookup) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::scoped_lock lock(lookup.mutex);
  lookup.error = error;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const auto* bytes = reinterpret_cast<const char*>(at->ai_addr);
    lookup.addresses.push_back({std::vector<char>(bytes, bytes + at->ai_addrlen)});
  }
  if (found != nullptr) freeaddrinfo(found);
  lookup.is_done = true;
  lookup.done.notify_all();
}

int ms_left(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

// Waits until the socket is ready. Otherwise why not.
std::optional<std::string> wait_ready(int fd, short events, Deadline deadline, int stop_fd) {
  for (;;) {
    pollfd waited[2] = {{fd, events, 0}, {stop_fd, POLLIN, 0}};
    const int ready = ::poll(waited, 2, ms_left(deadline));
    if (ready > 0 && waited[1].revents != 0) return kStopping;
    if (ready > 0) return std::nullopt;
    if (ready == 0 && ms_left(deadline) == 0) return kTooLate;
  }
}

std::string reason_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "connection refused";
    case ECONNRESET:
    case EPIPE:
      return "connection reset";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "host unreachable";
    default:
      return "connection failed";
  }
}

common::UniqueFd connect_to(const Resolver::Address& address, Deadline deadline, int stop_fd, std::string& problem) {
  sockaddr_storage target{};
  std::memcpy(&target, address.bytes.data(), std::min(address.bytes.size(), sizeof target));
  common::UniqueFd fd(::socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    problem = "no socket to be had";
    return {};
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), static_cast<socklen_t>(address.bytes.size())) ==
      0)
    return fd;
  if (errno != EINPROGRESS) {
    problem = reason_of(errno);
    return {};
  }
  if (auto why = wait_ready(fd.get(), POLLOUT, deadline, stop_fd)) {
    problem = *why;
    return {};
  }
  int error = 0;
  socklen_t size = sizeof error;
  (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return fd;
  problem = reason_of(error);
  return {};
}

std::optional<std::string> send_all(int fd, std::string_view bytes, Deadline deadline, int stop_fd) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent == 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
      if (auto why = wait_ready(fd, POLLOUT, deadline, stop_fd)) return why;
    } else {
      return reason_of(errno);
    }
  }
  return std::nullopt;
}

std::string request_text(const CheckUrl& url, const Fields& fields) {
  std::string text = "GET " + url.target + " HTTP/1.1\r\nHost: " + url.host_header() +
                     "\r\nAccept: application/json\r\nAccept-Encoding: identity\r\nConnection: close\r\n";
  for (const auto& [name, value] : fields) text.append(name).append(": ").append(value).append("\r\n");
  return text.append("\r\n");
}

void receive(int fd, Deadline deadline, int stop_fd, Answer& answer) {
  ResponseReader reader;
  char buffer[16 * 1024];
  while (reader.state() == ResponseReader::State::head || reader.state() == ResponseReader::State::body) {
    if (auto why = wait_ready(fd, POLLIN, deadline, stop_fd)) {
      answer.problem = *why;
      break;
    }
    if (ms_left(deadline) == 0) {  // a peer that never pauses is always ready
      answer.problem = kTooLate;
      break;
    }
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got > 0) {
      reader.feed({buffer, static_cast<std::size_t>(got)});
    } else if (got == 0) {
      if (reader.end() != ResponseReader::State::complete) answer.problem = "connection closed before the answer's end";
      break;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      answer.problem = reason_of(errno);
      break;
    }
  }
  answer.state = reader.state();
  answer.status = reader.status();
  answer.body = reader.body();
}

}  // namespace

struct Resolver::State {
  explicit State(int max) : lookups_max(max) {}
  const int lookups_max;
  std::mutex mutex;
  int running = 0;  // guarded by mutex
};

Resolver::Resolver(int lookups_max) : state_(std::make_shared<State>(lookups_max)) {}

std::vector<Resolver::Address> Resolver::resolve(const std::string& host, std::uint16_t port, Deadline deadline,
                                                 std::string& problem) {
  Lookup numeric;
  look_up(host, port, AI_NUMERICHOST, numeric);
  if (numeric.error == 0) return numeric.addresses;
  {
    const std::scoped_lock lock(state_->mutex);
    if (state_->running >= state_->lookups_max) {
      problem = "too many names are being resolved";
      return {};
    }
    ++state_->running;
  }
  const auto lookup = std::make_shared<Lookup>();
  std::thread([lookup, host, port, state = state_] {
    look_up(host, port, 0, *lookup);
    const std::scoped_lock lock(state->mutex);
    --state->running;
  }).detach();
  std::unique_lock lock(lookup->mutex);
  if (!lookup->done.wait_until(lock, deadline, [&] { return lookup->is_done; })) {
    problem = "the host's name was not resolved within the time-out";
    return {};
  }
  if (lookup->error != 0) problem = "the host's name cannot be resolved";
  return lookup->addresses;
}

Answer http_get(const CheckUrl& url, const Fields& fields, Deadline deadline, int stop_fd, Resolver& resolver) {
  Answer answer;
  const auto addresses = resolver.resolve(url.host, url.port, deadline, answer.problem);
  common::UniqueFd fd;
  for (std::size_t i = 0; i < addresses.size() && !fd; ++i) {
    // A share of the time for each address, so that one black hole does not hide the next.
    const auto now = std::chrono::steady_clock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(addresses.size() - i);
    fd = connect_to(addresses[i], now + share, stop_fd, answer.problem);
  }
  if (!fd) return answer;
  answer.problem.clear();
  if (auto why = send_all(fd.get(), request_text(url, fields), deadline, stop_fd)) {
    answer.problem = *why;
    return answer;
  }
  receive(fd.get(), deadline, stop_fd, answer);
  return answer;
}

}  // namespace relay::http
