// From the configuration to the parts that one source's relay needs.
#include "relay/source_unit.h"

#include "relay/http/check_back_client.h"
#include "relay/kafka/kafka_publisher.h"
#include "relay/pg/store.h"

namespace relay {
namespace {

pg::StoreOptions store_options(const RelayConfig& config, const SourceConfig& source) {
  return {.dsn = source.dsn,
          .password = source.password,
          .table = source.table,
          .lease_ttl = config.lease.ttl,
          .check_back_first = config.check_back.first};
}

std::unique_ptr<core::Publisher> make_publisher(const SourceConfig& source, const SinkConfig& sink,
                                                const Shared& shared) {
  kafka::PublisherConfig config{.source = source.name,
                                .bootstrap_servers = sink.bootstrap_servers,
                                .properties = {sink.properties.begin(), sink.properties.end()},
                                .in_flight_rows = source.in_flight_rows,
                                .in_flight_bytes = source.in_flight_bytes.value(),
                                .silence_timeout = sink.silence_timeout};
  return std::make_unique<kafka::KafkaPublisher>(std::move(config), shared.clock);
}

std::unique_ptr<core::CheckBack> make_check_back(const RelayConfig& config, const SourceConfig& source) {
  return std::make_unique<http::CheckBackClient>(http::CheckBackConfig{.source = source.name,
                                                                       .allow = source.check_back_allow,
                                                                       .timeout = config.check_back.timeout,
                                                                       .in_flight = config.check_back.in_flight});
}

}  // namespace

SourceUnit::SourceUnit(const RelayConfig& config, const SourceConfig& source, const Shared& shared,
                       const WrapPublisher& wrap)
    : name_(source.name), sink_(config.sink_of(source)), alerts_(shared.alerts) {
  const auto store = store_options(config, source);
  housekeeping_options_ = {.source = source.name, .store = store, .keep_delivered = source.keep_delivered};
  reader_ = pg::make_reader(store);
  marker_ = pg::make_marker(store);
  lease_ = pg::make_lease_store(store);
  publisher_ = make_publisher(source, sink_, shared);
  if (wrap) publisher_ = wrap(std::move(publisher_));
  check_back_ = make_check_back(config, source);
  relay_ = std::make_unique<core::SourceRelay>(core::SourceParts{.reader = *reader_,
                                                                 .marker = *marker_,
                                                                 .lease = *lease_,
                                                                 .publisher = *publisher_,
                                                                 .check_back = *check_back_,
                                                                 .clock = shared.clock,
                                                                 .alerts = shared.alerts,
                                                                 .metrics = shared.metrics},
                                               config.source_options(source));
}

SourceUnit::~SourceUnit() = default;

void SourceUnit::start() {
  relay_->start();
  housekeeping_ =
      std::make_unique<Housekeeping>(housekeeping_options_, [this] { return relay_->status().owner; }, alerts_);
}

bool SourceUnit::stop(std::chrono::milliseconds deadline) {
  const bool clean = relay_->stop(deadline);
  housekeeping_.reset();
  return clean;
}

core::SinkStatus SourceUnit::sink() const {
  const auto state = publisher_->state();
  return {.name = sink_.name, .bootstrap_servers = sink_.bootstrap_servers, .up = state.up, .reason = state.reason};
}

std::unique_ptr<core::OutboxObserver> SourceUnit::make_observer() const {
  return pg::make_observer(housekeeping_options_.store);
}

}  // namespace relay
