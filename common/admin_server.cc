// The health server's loop: accept, read a header, answer, close.
#include "common/admin_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/unique_fd.h"

namespace common {
namespace {

using Instant = std::chrono::steady_clock::time_point;

struct Reply {
  int status = 200;
  std::string body;
  std::string_view content_type = "text/plain; charset=utf-8";
};

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

std::string wire(const Reply& reply, bool with_body) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + ' ' + std::string(reason_of(reply.status)) +
                    "\r\nContent-Type: " + std::string(reply.content_type) +
                    "\r\nContent-Length: " + std::to_string(reply.body.size()) +
                    "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n";
  if (reply.status == 405) out += "Allow: GET, HEAD\r\n";
  out += "\r\n";
  if (with_body) out += reply.body;
  return out;
}

struct Connection {
  UniqueFd fd;
  Instant deadline;
  std::string in;
  std::string out;  // empty while the request is being read
  std::size_t sent = 0;
  bool done = false;
};

}  // namespace

class AdminServer::Impl {
 public:
  Impl(const HostPort& listen, const Liveness& liveness, const Metrics& metrics, AdminPages pages, AdminLimits limits)
      : liveness_(liveness),
        metrics_(metrics),
        pages_(std::move(pages)),
        limits_(limits),
        listener_(listen_on(listen, "[admin] listen or --admin-listen")),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw Error(std::string("cannot make an eventfd: ") + std::strerror(errno));
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
    thread_.join();
  }

  [[nodiscard]] const HostPort& address() const { return listener_.address; }

 private:
  void run() {
    for (;;) {
      std::vector<pollfd> waited;
      waited.push_back({wake_.get(), POLLIN, 0});
      waited.push_back({listener_.fd.get(), POLLIN, 0});
      for (const Connection& connection : connections_) {
        waited.push_back({connection.fd.get(), static_cast<short>(connection.out.empty() ? POLLIN : POLLOUT), 0});
      }
      ::poll(waited.data(), waited.size(), time_to_next_deadline_ms());
      if (waited[0].revents != 0) return;
      for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (waited[i + 2].revents != 0) turn(connections_[i]);
      }
      const Instant now = std::chrono::steady_clock::now();
      std::erase_if(connections_, [now](const Connection& c) { return c.done || c.deadline <= now; });
      if (waited[1].revents != 0) accept_one();
    }
  }

  [[nodiscard]] int time_to_next_deadline_ms() const {
    if (connections_.empty()) return -1;
    // Connections stand in the order they came, and each has the same time.
    const auto left = connections_.front().deadline - std::chrono::steady_clock::now();
    return std::max(0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }

  void accept_one() {
    UniqueFd fd(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      // Out of descriptors: the listener stays readable, so give up a guest or at least the processor.
      if (errno == EMFILE || errno == ENFILE) {
        if (!connections_.empty()) connections_.erase(connections_.begin());
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      return;
    }
    if (connections_.size() >= limits_.connections_max) connections_.erase(connections_.begin());
    Connection connection;
    connection.fd = std::move(fd);
    connection.deadline = std::chrono::steady_clock::now() + limits_.connection_time_max;
    connections_.push_back(std::move(connection));
  }

  void turn(Connection& connection) {
    if (connection.out.empty()) read_some(connection);
    if (!connection.out.empty() && !connection.done) write_some(connection);
  }

  void read_some(Connection& connection) {
    char buffer[4096];
    const ssize_t got = ::recv(connection.fd.get(), buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (got <= 0) {
      connection.done = true;
      return;
    }
    connection.in.append(buffer, static_cast<std::size_t>(got));
    const std::size_t end = connection.in.find("\r\n\r\n");
    if (end != std::string::npos && end <= limits_.request_bytes_max) {
      connection.out = answer(std::string_view(connection.in).substr(0, connection.in.find("\r\n")));
    } else if (connection.in.size() > limits_.request_bytes_max) {
      connection.out = wire({431, "the request's header is too large\n"}, true);
    }
  }

  static void write_some(Connection& connection) {
    const ssize_t put = ::send(connection.fd.get(), connection.out.data() + connection.sent,
                               connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (put > 0) connection.sent += static_cast<std::size_t>(put);
    if (put < 0 || connection.sent == connection.out.size()) connection.done = true;
  }

  // RFC 9112 section 3: method SP target SP version.
  [[nodiscard]] std::string answer(std::string_view request_line) const {
    const std::size_t first = request_line.find(' ');
    const std::size_t last = request_line.rfind(' ');
    if (first == std::string_view::npos || last == first || !request_line.substr(last + 1).starts_with("HTTP/1.")) {
      return wire({400, "not an HTTP/1.1 request\n"}, true);
    }
    const std::string_view method = request_line.substr(0, first);
    std::string_view path = request_line.substr(first + 1, last - first - 1);
    path = path.substr(0, path.find('?'));
    if (method != "GET" && method != "HEAD") return wire({405, "GET and HEAD only\n"}, true);
    return wire(page(path), method == "GET");
  }

  [[nodiscard]] Reply page(std::string_view path) const {
    try {
      if (path == "/livez") return livez();
      if (path == "/readyz") return readyz();
      if (path == "/statusz") return {200, pages_.status ? pages_.status() : "{}", "application/json"};
      if (path == "/metrics") {
        if (pages_.before_metrics) pages_.before_metrics();
        return {200, metrics_.render(), "text/plain; version=0.0.4; charset=utf-8"};
      }
      return {404, "there is /livez, /readyz, /statusz and /metrics\n"};
    } catch (const std::exception& failure) {
      log::error("health page failed", {{"path", path}, {"reason", failure.what()}, {"next", "report this"}});
      return {500, "this page failed; the log says why\n"};
    }
  }

  [[nodiscard]] Reply livez() const {
    std::string lines;
    for (const std::string& line : liveness_.late()) lines += line + '\n';
    return lines.empty() ? Reply{200, "ok\n"} : Reply{503, lines};
  }

  [[nodiscard]] Reply readyz() const {
    const std::string reason = pages_.not_ready ? pages_.not_ready() : "";
    return reason.empty() ? Reply{200, "ok\n"} : Reply{503, reason + '\n'};
  }

  const Liveness& liveness_;
  const Metrics& metrics_;
  const AdminPages pages_;
  const AdminLimits limits_;
  Listener listener_;
  UniqueFd wake_;
  std::vector<Connection> connections_;  // the thread's own
  std::thread thread_;
};

AdminServer::AdminServer(const HostPort& listen, const Liveness& liveness, const Metrics& metrics, AdminPages pages,
                         AdminLimits limits)
    : impl_(std::make_unique<Impl>(listen, liveness, metrics, std::move(pages), limits)) {}
AdminServer::~AdminServer() = default;
const HostPort& AdminServer::address() const { return impl_->address(); }

}  // namespace common
