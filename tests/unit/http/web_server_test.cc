// The page's documents and where its dead rows come from.
#include "relay/http/web_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <regex>

#include "relay/http/dashboard_files.h"
#include "relay/http/dead_rows_watch.h"
#include "relay/http/http_get.h"
#include "relay/http/status_json.h"
#include "tests/unit/http/raw_server.h"

namespace relay::http {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::eventually;

class ManualClock final : public common::Clock {
 public:
  [[nodiscard]] std::chrono::nanoseconds steady() const override { return std::chrono::nanoseconds(now_.load()); }
  [[nodiscard]] std::chrono::microseconds wall() const override { return 1'700'000'000s; }
  void advance(std::chrono::nanoseconds by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_ = 1'000'000'000;
};

class Observer final : public core::OutboxObserver {
 public:
  struct Counters {
    std::atomic<int> queries = 0;
    std::atomic<bool> down = false;
  };
  explicit Observer(std::shared_ptr<Counters> counters) : counters_(std::move(counters)) {}
  std::vector<core::DeadRow> newest_dead(int rows_max) override {
    EXPECT_EQ(rows_max, 50);
    ++counters_->queries;
    if (counters_->down) throw core::DatabaseError("connection refused", true);
    core::DeadRow row;
    row.id = 9'007'199'254'740'993;
    row.topic = "orders\xff";
    row.key = "<script>";
    row.attempts = 16;
    row.fail_msg = "too large";
    row.created_at = 1'600'000'000s;
    return {row};
  }

 private:
  std::shared_ptr<Counters> counters_;
};

TEST(StatusJson, WhatIsNotKnownIsNull) {
  core::RelayStatus status;
  status.version = "0.1.0";
  status.sources.emplace_back().name = "shop";
  const json document = json::parse(status_json(status, 1'700'000'000'123'456us));
  EXPECT_EQ(document["now_ms"], 1'700'000'000'123);
  EXPECT_EQ(document["alerts"], json::array());
  const json& source = document["sources"][0];
  for (const char* name : {"counts", "counts_age_ms", "oldest_pending_ms", "last_delivery_ms"})
    EXPECT_TRUE(source[name].is_null()) << name;
  EXPECT_EQ(source["database_up"], false);
}

TEST(StatusJson, WhatIsKnownIsThere) {
  core::RelayStatus status;
  core::SourceStatus source;
  source.name = "shop";
  source.counts = {1, 2, 3, 4, 5, 6};
  source.counts_age = 0ms;
  source.oldest_pending_created_at = -1us;
  source.watermark = 9'007'199'254'740'993;
  status.sources.push_back(source);
  status.sinks.push_back({"default", "127.0.0.1:9092", false, "bad byte \xff"});
  status.alerts.push_back({"shop", "orders", "dead_messages", "text", 3, 5ms});
  const json document = json::parse(status_json(status, 0us));
  EXPECT_EQ(document["sources"][0]["counts"]["dead"], 6);
  EXPECT_EQ(document["sources"][0]["oldest_pending_ms"], -1);
  EXPECT_EQ(document["sources"][0]["watermark"], "9007199254740993");
  EXPECT_EQ(document["sinks"][0]["reason"], "bad byte \xef\xbf\xbd");
  EXPECT_EQ(document["alerts"][0]["rows"], 3);
}

TEST(DeadRowsWatch, ManyRefreshesCostOneQuery) {
  ManualClock clock;
  const auto counters = std::make_shared<Observer::Counters>();
  DeadRowsWatch watch("shop", std::make_unique<Observer>(counters), clock, 50, 1000ms);
  EXPECT_EQ(counters->queries, 0) << "nobody looks, nothing is asked";
  EXPECT_LT(watch.latest().age.count(), 0);
  ASSERT_TRUE(eventually([&] { return watch.latest().rows.size() == 1; }));
  for (int i = 0; i < 1000; ++i) (void)watch.latest();
  EXPECT_EQ(counters->queries, 1);
  clock.advance(999ms);
  EXPECT_EQ(watch.latest().age, 999ms);
  EXPECT_EQ(counters->queries, 1);
  clock.advance(1ms);
  (void)watch.latest();
  EXPECT_TRUE(eventually([&] { return counters->queries == 2; }));
}

TEST(DeadRowsWatch, FailureKeepsWhatWasReadAndSaysSo) {
  ManualClock clock;
  const auto counters = std::make_shared<Observer::Counters>();
  DeadRowsWatch watch("shop", std::make_unique<Observer>(counters), clock, 50, 1000ms);
  ASSERT_TRUE(eventually([&] { return watch.latest().rows.size() == 1; }));
  counters->down = true;
  clock.advance(1000ms);
  ASSERT_TRUE(eventually([&] { return watch.latest().error == "connection refused"; }));
  EXPECT_EQ(watch.latest().rows.size(), 1U);
  EXPECT_EQ(watch.latest().age, 1000ms);
  counters->down = false;
  clock.advance(1000ms);
  ASSERT_TRUE(eventually([&] { return watch.latest().error.empty(); }));
}

class WebServerTest : public ::testing::Test {
 protected:
  WebServerTest() {
    std::vector<WebSource> sources;
    sources.push_back({"shop", std::make_unique<Observer>(counters_)});
    server_ = std::make_unique<WebServer>(
        common::HostPort{"127.0.0.1", 0}, [] { return core::RelayStatus(); }, std::move(sources), clock_);
  }

  Answer get(const std::string& path) {
    Resolver resolver(1);
    CheckUrl url{false, "127.0.0.1", server_->address().port, path};
    return http_get(url, {}, std::chrono::steady_clock::now() + 30s, -1, resolver);
  }

  ManualClock clock_;
  std::shared_ptr<Observer::Counters> counters_ = std::make_shared<Observer::Counters>();
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebServerTest, EveryRouteAndNoOther) {
  for (const char* path : {"/", "/app.js", "/style.css", "/icon.svg", "/api/status", "/api/dead"}) {
    const Answer answer = get(path);
    EXPECT_EQ(answer.status, 200) << path << answer.problem;
    EXPECT_FALSE(answer.body.empty()) << path;
  }
  for (const char* path :
       {"/index.html", "/api", "/api/", "/api/status/", "/metrics", "/favicon.ico", "/app.js/..", "//"})
    EXPECT_EQ(get(path).status, 404) << path;
}

TEST_F(WebServerTest, DeadRowsComeAsText) {
  json document;
  ASSERT_TRUE(eventually([&] {
    document = json::parse(get("/api/dead").body);
    return !document["sources"][0]["rows"].empty();
  }));
  const json& row = document["sources"][0]["rows"][0];
  EXPECT_EQ(row["id"], "9007199254740993");
  EXPECT_EQ(row["topic"], "orders\xef\xbf\xbd");
  EXPECT_EQ(row["created_ms"], 1'600'000'000'000);
  EXPECT_EQ(counters_->queries, 1);
}

// What a strict Content-Security-Policy forbids must not be there, and values may only be text.
TEST(Dashboard, NothingInlineAndNothingAsMarkup) {
  const std::string html(dashboard::kIndexHtml);
  EXPECT_FALSE(
      std::regex_search(html, std::regex("<script(?![^>]*src=)|<style|\\sstyle=|\\son[a-z]+=|javascript:|https?://")));
  const std::string script(dashboard::kAppJs);
  EXPECT_FALSE(std::regex_search(
      script,
      std::regex("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function|setTimeout\\(\"")));
  EXPECT_FALSE(std::regex_search(std::string(dashboard::kStyleCss), std::regex("url\\(|@import")));
}

}  // namespace
}  // namespace relay::http
