// Each check is one call that the running relay makes, too. An answer is one line, and nothing stands between them.
#include "relay/config_check.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "common/clock.h"
#include "common/log.h"
#include "relay/kafka/kafka_publisher.h"
#include "relay/pg/store.h"

namespace relay {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kSinkPatience{5'000};
constexpr milliseconds kSinkLook{20};

int report(const std::string& what, const std::function<std::string()>& attempt) {
  try {
    const std::string found = attempt();
    std::printf("ok      %s%s%s\n", what.c_str(), found.empty() ? "" : ": ", found.c_str());
    return 0;
  } catch (const common::Error& error) {
    std::printf("failed  %s: %s\n", what.c_str(), error.what());
    return static_cast<int>(error.retryable() ? common::ExitCode::failed : error.exit_code());
  }
}

int check_source(const RelayConfig& config, const SourceConfig& source) {
  const pg::StoreOptions options{.dsn = source.dsn,
                                 .password = source.password,
                                 .table = source.table,
                                 .lease_ttl = config.lease.ttl,
                                 .check_back_first = config.check_back.first};
  const std::string name = "source " + source.name + ", ";
  int worst = report(name + "reading " + source.table, [&] {
    const auto page =
        pg::make_reader(options)->poll({.after = core::RowId{}, .gaps = {}, .rows_max = 1, .bytes_max = 1});
    return std::string(page.rows.empty() ? "nothing waits" : "rows wait");
  });
  worst = std::max(worst, report(name + "lease", [&] {
                     const auto lease = pg::make_lease_store(options)->look();
                     return lease.owner.empty() ? std::string("free") : "held by relay " + lease.owner;
                   }));
  return worst;
}

// librdkafka's words without the broker's name before them and the state of its connection behind them.
std::string plain_reason(const std::string& reason) {
  const std::size_t name_end = reason.find(": ");
  const bool named = name_end != std::string::npos && reason.find(' ') > name_end;
  const std::size_t from = named ? name_end + 2 : 0;
  return reason.substr(from, reason.find(" (after ", from) - from);
}

int check_sink(const SinkConfig& sink) {
  return report("sink " + sink.name + " at " + sink.bootstrap_servers, [&] {
    const common::SystemClock clock;
    kafka::PublisherConfig options{.source = "config-check",
                                   .bootstrap_servers = sink.bootstrap_servers,
                                   .properties = {sink.properties.begin(), sink.properties.end()}};
    kafka::KafkaPublisher publisher(std::move(options), clock);
    publisher.on_outcomes([](const std::vector<core::PublishOutcome>&) {});
    publisher.rebuild(core::Epoch{});
    const auto deadline = clock.steady() + kSinkPatience;
    while (!publisher.state().up) {
      if (clock.steady() >= deadline) {
        throw common::Error("no connection within 5 s; the last try: " + plain_reason(publisher.state().reason), true);
      }
      std::this_thread::sleep_for(kSinkLook);
    }
    return std::string("connected");
  });
}

}  // namespace

int check_config(const RelayConfig& config) {
  // librdkafka reports every try; the answer says what the last one came to.
  const bool wordy = config.log.level == common::log::Level::debug;
  common::log::configure(wordy ? config.log.level : common::log::Level::error, config.log.format);
  int worst = 0;
  for (const auto& source : config.sources) worst = std::max(worst, check_source(config, source));
  for (const auto& sink : config.sinks) worst = std::max(worst, check_sink(sink));
  return worst;
}

}  // namespace relay
