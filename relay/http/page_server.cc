// See page_server.h.
#include "relay/http/page_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/unique_fd.h"

namespace relay::http {
namespace {

using Instant = std::chrono::steady_clock::time_point;

// The page is three files of its own and reads its own API; nothing else, from nowhere else.
constexpr std::string_view kSecurityFields =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n"
    "Cache-Control: no-store\r\n"
    "Connection: close\r\n";

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Internal Server Error";
  }
}

std::string wire(const PageReply& reply) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + ' ';
  out.append(reason_of(reply.status)).append("\r\nContent-Type: ").append(reply.content_type);
  out.append("\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n").append(kSecurityFields);
  if (reply.status == 405) out += "Allow: GET\r\n";
  return out.append("\r\n").append(reply.body);
}

std::string refused(int status, std::string text) { return wire({.status = status, .body = std::move(text) + "\n"}); }

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<PageRequest> parse_request(std::string_view head) {
  const auto line_end = std::min(head.find("\r\n"), head.size());
  const std::string_view line = head.substr(0, line_end);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last == first || !line.substr(last + 1).starts_with("HTTP/1."))
    return std::nullopt;
  PageRequest request;
  request.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  request.path = target.substr(0, target.find('?'));
  head.remove_prefix(std::min(line_end + 2, head.size()));
  int hosts = 0;
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    const std::string_view field = head.substr(0, end);
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    if (equal_ignoring_case(field.substr(0, colon), "host")) {
      request.host = ++hosts == 1 ? trimmed(field.substr(colon + 1)) : std::string_view();
    } else if (equal_ignoring_case(field.substr(0, colon), "sec-fetch-site")) {
      request.fetch_site = trimmed(field.substr(colon + 1));
    }
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return request;
}

// Any port: whoever reaches the page through a tunnel has another one on his side.
bool is_own_host(std::string_view field) {
  std::string host(field);
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (host.starts_with('[') && host.ends_with(']'))
    return common::is_loopback(std::string_view(host).substr(1, host.size() - 2));
  if (const auto parsed = common::parse_host_port(host)) return common::is_loopback(parsed->host);
  return common::is_loopback(host);
}

struct Connection {
  common::UniqueFd fd;
  Instant deadline;
  std::string in;
  std::string out;  // empty while the request is being read
  std::size_t sent = 0;
  bool done = false;
};

}  // namespace

std::string page_reply(std::string_view head, const PageHandler& handler) {
  const auto request = parse_request(head);
  if (!request) return refused(400, "not an HTTP/1.1 request");
  if (!is_own_host(request->host)) return refused(421, "this page answers to localhost, 127.0.0.1 and [::1] only");
  if (request->method != "GET") return refused(405, "GET only");
  // A link on another site may lead to the page; another site's script may not read the API.
  const bool foreign = request->fetch_site == "cross-site" || request->fetch_site == "same-site";
  if (foreign && request->path.starts_with("/api/")) return refused(403, "not from another site's page");
  try {
    return wire(handler(request->path));
  } catch (const std::exception& failure) {
    common::log::error("page failed", {{"path", request->path}, {"reason", failure.what()}, {"next", "report this"}});
    return refused(500, "this page failed; the log says why");
  }
}

class PageServer::Impl {
 public:
  Impl(const common::HostPort& listen, PageHandler handler, PageLimits limits)
      : handler_(std::move(handler)), limits_(limits), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!common::is_loopback(listen.host))
      throw common::Error("[web] listen = \"" + listen.text() +
                              "\": the page has no authentication, so it listens on loopback only; write "
                              "127.0.0.1:8640 and reach it through a tunnel (ssh -L)",
                          false, common::ExitCode::configuration);
    if (!wake_) throw common::Error("no eventfd: too many open files");
    listener_ = common::listen_on(listen, "[web] listen");
    thread_ = std::thread([this] { run(); });
  }
  ~Impl() {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] const common::HostPort& address() const { return listener_.address; }

 private:
  void run() {
    for (;;) {
      std::vector<pollfd> waited{{wake_.get(), POLLIN, 0}, {listener_.fd.get(), POLLIN, 0}};
      for (const Connection& guest : guests_)
        waited.push_back({guest.fd.get(), static_cast<short>(guest.out.empty() ? POLLIN : POLLOUT), 0});
      ::poll(waited.data(), waited.size(), guests_.empty() ? -1 : 250);
      if (waited[0].revents != 0) return;
      for (std::size_t i = 0; i < guests_.size(); ++i)
        if (waited[i + 2].revents != 0) turn(guests_[i]);
      const Instant now = std::chrono::steady_clock::now();
      std::erase_if(guests_, [now](const Connection& guest) { return guest.done || guest.deadline <= now; });
      if (waited[1].revents != 0) accept_one();
    }
  }

  void accept_one() {
    common::UniqueFd fd(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd && errno != EMFILE && errno != ENFILE) return;
    const bool full = !fd || guests_.size() >= limits_.connections_max;
    if (full && !guests_.empty()) guests_.erase(guests_.begin());  // the oldest
    if (!fd) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));  // out of descriptors: the listener stays readable
      return;
    }
    Connection guest;
    guest.fd = std::move(fd);
    guest.deadline = std::chrono::steady_clock::now() + limits_.connection_time_max;
    guests_.push_back(std::move(guest));
  }

  void turn(Connection& guest) const {
    if (guest.out.empty()) read_some(guest);
    if (!guest.out.empty() && !guest.done) write_some(guest);
  }

  void read_some(Connection& guest) const {
    char buffer[4096];
    const ssize_t got = ::recv(guest.fd.get(), buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      guest.done = true;
      return;
    }
    guest.in.append(buffer, static_cast<std::size_t>(got));
    const auto end = guest.in.find("\r\n\r\n");
    if (std::min(end, guest.in.size()) > limits_.request_bytes_max)
      guest.out = refused(431, "the request's header is too large");
    else if (end != std::string::npos)
      guest.out = page_reply(std::string_view(guest.in).substr(0, end), handler_);
  }

  static void write_some(Connection& guest) {
    const ssize_t put =
        ::send(guest.fd.get(), guest.out.data() + guest.sent, guest.out.size() - guest.sent, MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (put > 0) guest.sent += static_cast<std::size_t>(put);
    guest.done = put < 0 || guest.sent == guest.out.size();
  }

  const PageHandler handler_;
  const PageLimits limits_;
  common::UniqueFd wake_;
  common::Listener listener_;
  std::vector<Connection> guests_;  // the thread's own
  std::thread thread_;
};

PageServer::PageServer(const common::HostPort& listen, PageHandler handler, PageLimits limits)
    : impl_(std::make_unique<Impl>(listen, std::move(handler), limits)) {}
PageServer::~PageServer() = default;
const common::HostPort& PageServer::address() const { return impl_->address(); }

}  // namespace relay::http
