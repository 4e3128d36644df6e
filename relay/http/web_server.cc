// Routes: one table, and what is not in it is 404.
#include "relay/http/web_server.h"

#include <algorithm>
#include <array>
#include <utility>

#include "relay/http/dashboard_files.h"
#include "relay/http/dead_rows_watch.h"
#include "relay/http/page_server.h"
#include "relay/http/status_json.h"

namespace relay::http {
namespace {

using namespace std::chrono_literals;

constexpr int kDeadRowsMax = 50;
constexpr auto kDeadRowsPause = 1000ms;

struct File {
  std::string_view path;
  std::string_view content_type;
  std::string_view text;
};

const std::array<File, 4>& files() {
  static const std::array<File, 4> all{{
      {"/", "text/html; charset=utf-8", dashboard::kIndexHtml},
      {"/app.js", "text/javascript; charset=utf-8", dashboard::kAppJs},
      {"/style.css", "text/css; charset=utf-8", dashboard::kStyleCss},
      {"/icon.svg", "image/svg+xml", dashboard::kIconSvg},
  }};
  return all;
}

}  // namespace

class WebServer::Impl {
 public:
  Impl(const common::HostPort& listen, std::function<core::RelayStatus()> status, std::vector<WebSource> sources,
       const common::Clock& clock)
      : status_(std::move(status)),
        clock_(clock),
        dead_(watches(std::move(sources), clock)),
        server_(listen, [this](std::string_view path) { return answer(path); }) {}

  [[nodiscard]] const common::HostPort& address() const { return server_.address(); }

 private:
  using Watches = std::vector<std::unique_ptr<DeadRowsWatch>>;

  static Watches watches(std::vector<WebSource> sources, const common::Clock& clock) {
    Watches watches;
    for (auto& source : sources)
      watches.push_back(std::make_unique<DeadRowsWatch>(std::move(source.name), std::move(source.observer), clock,
                                                        kDeadRowsMax, kDeadRowsPause));
    return watches;
  }

  [[nodiscard]] PageReply answer(std::string_view path) const {
    if (path == "/api/status") return {200, "application/json", status_json(status_(), clock_.wall())};
    if (path == "/api/dead") {
      std::vector<DeadRows> sources;
      for (const auto& watch : dead_) sources.push_back(watch->latest());
      return {200, "application/json", dead_json(sources)};
    }
    const auto* file = std::ranges::find(files(), path, &File::path);
    if (file == files().end()) return {.status = 404, .body = "there is only the page at /\n"};
    return {200, file->content_type, std::string(file->text)};
  }

  const std::function<core::RelayStatus()> status_;
  const common::Clock& clock_;
  const Watches dead_;
  PageServer server_;  // last: what it answers from exists while it runs
};

WebServer::WebServer(const common::HostPort& listen, std::function<core::RelayStatus()> status,
                     std::vector<WebSource> sources, const common::Clock& clock)
    : impl_(std::make_unique<Impl>(listen, std::move(status), std::move(sources), clock)) {}
WebServer::~WebServer() = default;
const common::HostPort& WebServer::address() const { return impl_->address(); }

}  // namespace relay::http
