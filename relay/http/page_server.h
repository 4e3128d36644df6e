// A small HTTP/1.1 server for the page: one thread, one request a connection, GET only, a bound on everything. Like the
// health server it turns out its oldest guest when the house is full, so that slow clients starve nobody.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/host_port.h"

namespace relay::http {

struct PageReply {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
};

struct PageLimits {
  std::size_t connections_max = 64;
  std::size_t request_bytes_max = 8192;
  std::chrono::milliseconds connection_time_max{10'000};
};

// What is asked, from a request's head. Source: RFC 9112 section 3, RFC 9110 section 7.2.
struct PageRequest {
  std::string_view method;
  std::string_view path;        // without the query
  std::string_view host;        // of the one Host field; empty: none, or several
  std::string_view fetch_site;  // Sec-Fetch-Site, empty when the browser does not say
};

// The path's answer; called on the server's thread: from memory, within milliseconds. An exception is answered by 500.
using PageHandler = std::function<PageReply(std::string_view path)>;

// The whole reply to a request's head, with the headers every reply has. Refuses: what is no HTTP/1.x (400), a Host
// that is not this machine's loopback (421: a name that somebody else's DNS points here), another method than GET
// (405), a call of the API from another site's page (403).
[[nodiscard]] std::string page_reply(std::string_view head, const PageHandler& handler);

class PageServer {
 public:
  // Binds, listens and starts its thread. Throws common::Error (configuration) for an address that is not loopback:
  // there is no authentication.
  PageServer(const common::HostPort& listen, PageHandler handler, PageLimits limits = {});
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  // With the port that was chosen when 0 was asked for.
  [[nodiscard]] const common::HostPort& address() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace relay::http
