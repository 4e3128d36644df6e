// POST over cpp-httplib, which is known to this file alone within relay/alert.
#include <httplib.h>

#include <algorithm>
#include <atomic>

#include "common/host_port.h"
#include "relay/alert/webhook_receiver.h"

namespace relay::alert {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 10U;

std::string client_address(const common::Url& url) {
  return url.scheme + "://" + common::HostPort{url.host, url.port}.text();
}

class HttpPoster final : public Poster {
 public:
  explicit HttpPoster(const common::Url& url) : target_(url.target), client_(client_address(url)) {
    client_.set_connection_timeout(2, 0);
    client_.set_read_timeout(3, 0);
    client_.set_write_timeout(3, 0);
    client_.set_follow_location(false);
    client_.set_keep_alive(false);
    if (!url.userinfo.empty()) {
      const std::size_t colon = url.userinfo.find(':');
      const std::string user = httplib::detail::decode_url(url.userinfo.substr(0, colon), false);
      const std::string password =
          colon == std::string::npos ? "" : httplib::detail::decode_url(url.userinfo.substr(colon + 1), false);
      client_.set_basic_auth(user, password);
    }
  }

  PostResult post(const std::string& body, std::string& reason) override {
    httplib::Request request;
    request.method = "POST";
    request.path = target_;
    request.set_header("Content-Type", "application/json");
    request.set_header("User-Agent", "outbox-relay");
    request.body = body;
    std::size_t received = 0;
    // What it answers does not matter, only that it ends.
    request.content_receiver = [&](const char*, std::size_t size, std::uint64_t, std::uint64_t) {
      received += size;
      return received <= kAnswerBytesMax && !stopped_;
    };
    int status = 0;
    request.response_handler = [&](const httplib::Response& response) {
      status = response.status;
      return true;
    };
    const httplib::Result answer = client_.send(request);
    // The handler is not called for an answer without a body (204); the result is empty for one whose body was cut.
    if (answer) status = answer->status;
    if (status == 0) {
      reason = "no answer: " + httplib::to_string(answer.error());
      return PostResult::again;
    }
    if (status >= 200 && status < 300) return PostResult::sent;
    reason = "it answered " + std::to_string(status);
    return status == 408 || status == 429 || status >= 500 ? PostResult::again : PostResult::refused;
  }

  void stop() override {
    stopped_ = true;
    client_.stop();
  }

 private:
  const std::string target_;
  httplib::Client client_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<Poster> make_http_poster(const common::Url& url) { return std::make_unique<HttpPoster>(url); }

}  // namespace relay::alert
