// Each check is one call that the running relay makes, too.
#include "relay/config_check.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "common/clock.h"
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
        const auto reason = publisher.state().reason;
        throw common::Error(reason.empty() ? "no answer within 5 s" : reason, true);
      }
      std::this_thread::sleep_for(kSinkLook);
    }
    return std::string("connected");
  });
}

}  // namespace

int check_config(const RelayConfig& config) {
  int worst = 0;
  for (const auto& source : config.sources) worst = std::max(worst, check_source(config, source));
  for (const auto& sink : config.sinks) worst = std::max(worst, check_sink(sink));
  return worst;
}

}  // namespace relay
