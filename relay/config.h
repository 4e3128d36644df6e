// The relay's configuration (CONTRACTS "Configuration of the relay"): made once from the file, validated, const
// afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/key.h"
#include "common/config/load.h"
#include "common/host_port.h"
#include "common/log.h"
#include "relay/core/options.h"

namespace relay {

using Milliseconds = std::chrono::milliseconds;

enum class Mode { mark };  // "delete" comes later
enum class Order { key, none };
enum class Wake { automatic, poll };  // "notify" comes later
enum class Fencing { none };          // "transactions" comes later
enum class OnBrokerLoss { alert };    // "republish" comes later

struct SourceConfig {
  std::string name;
  std::string dsn;  // from dsn or dsn_file; may hold a password
  std::string dsn_file;
  std::string password_file;
  std::string password;  // from password_file; empty: what the DSN says
  std::string table;
  std::string sink;
  Mode mode = Mode::mark;
  Milliseconds keep_delivered{};
  Order order = Order::key;
  core::DeadRows dead_rows = core::DeadRows::hold;
  Milliseconds poll_min{};
  Milliseconds poll_max{};
  Milliseconds sweep_interval{};
  Wake wake = Wake::automatic;
  int in_flight_rows = 0;
  common::ByteSize in_flight_bytes;
  std::vector<std::string> check_back_allow;  // scheme://host:port, port may be *
};

struct SinkConfig {
  std::string name;
  std::string bootstrap_servers;
  Milliseconds silence_timeout{};  // 8/15 of lease.ttl when the file does not say
  OnBrokerLoss on_broker_loss = OnBrokerLoss::alert;
  Fencing fencing = Fencing::none;
  common::config::Properties properties;  // librdkafka's; values may be secret; those of …_file are read
};

struct LeaseConfig {
  Milliseconds ttl{};
};

struct RetryConfig {
  Milliseconds first{};
  double factor = 0;
  Milliseconds max{};
  int limit = 0;
  double jitter = 0;
};

struct CheckBackConfig {
  Milliseconds first{};
  double factor = 0;
  Milliseconds max{};
  int limit = 0;
  Milliseconds budget{};
  Milliseconds timeout{};
  int in_flight = 0;
};

struct AlertConfig {
  std::string webhook_url;  // from webhook_url or webhook_url_file; may be secret; empty: none
  std::string webhook_url_file;
  Milliseconds wait{};
  Milliseconds repeat{};
};

struct ListenConfig {
  std::string listen;
  common::HostPort address;  // of listen
};

struct LogConfig {
  common::log::Level level = common::log::Level::info;
  common::log::Format format = common::log::Format::automatic;
};

struct RelayConfig {
  std::vector<SourceConfig> sources;
  std::vector<SinkConfig> sinks;
  LeaseConfig lease;
  RetryConfig retry;
  CheckBackConfig check_back;
  AlertConfig alert;
  ListenConfig admin;
  ListenConfig web;
  LogConfig log;

  std::string shown;  // what `config show` prints: every key, secrets redacted

  // Exists for every source's sink.
  [[nodiscard]] const SinkConfig& sink_of(const SourceConfig& source) const;
  // What relay/core is told about this source.
  [[nodiscard]] core::SourceOptions source_options(const SourceConfig& source) const;
};

// Why a property of [sink.properties] is not the user's to set; none: it is. (relay::kafka::owned_property)
using OwnedProperty = std::function<std::optional<std::string>(std::string_view name)>;

// Throws common::config::Error (exit code 78) with everything that is wrong. Reads the secrets' files.
[[nodiscard]] RelayConfig parse_config(const std::string& file, std::string_view text, const OwnedProperty& owned,
                                       const common::config::Environment& environment);
// The same for the file at this path.
[[nodiscard]] RelayConfig load_config(const std::string& path, const OwnedProperty& owned);

// The table of keys, for `config show`, `config init` and the README.
[[nodiscard]] common::config::Schema config_schema();
// The text that `config init` writes: the smallest file, with every section and default in comments.
[[nodiscard]] std::string initial_config();
// Writes it to a new file, readable by its owner only. Throws common::config::Error when the file exists or cannot be
// made.
void write_initial_config(const std::string& path);

}  // namespace relay
