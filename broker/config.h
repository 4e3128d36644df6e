// outbox-broker's configuration: one struct, filled from the defaults, then --config, then the flags. Everything has a
// default that works without a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/log.h"
#include "common/units.h"

namespace broker {

struct BrokerConfig {
  std::string data_dir;
  std::string listen;
  std::string advertise;  // empty: where it listens
  std::string admin_listen;
  bool insecure = false;
};
struct TopicsConfig {
  std::int64_t partitions = 0;
  bool auto_create = true;
  std::int64_t partitions_max = 0;
};
struct GroupsConfig {
  std::chrono::milliseconds initial_delay{};
  std::chrono::milliseconds session_timeout_min{};
  std::chrono::milliseconds session_timeout_max{};
  std::string offsets_expire;  // "never" or a duration; see offsets_expire_after()
  std::int64_t groups_max = 0;
  std::int64_t members_max = 0;
  common::ByteSize member_memory;
  common::ByteSize memory;
};
struct StorageConfig {
  common::ByteSize journal_file;
  common::ByteSize segment;
  common::ByteSize reserve;
  std::int64_t open_files = 0;
  common::ByteSize free_min;
  common::ByteSize total_max;
  std::int64_t warn_percent = 0;
  std::chrono::milliseconds retention_interval{};
};
struct LimitsConfig {
  common::ByteSize frame;
  std::int64_t partitions_per_request = 0;
  std::int64_t elements_per_request = 0;
  std::int64_t tagged_fields = 0;
  common::ByteSize memory_per_request;
  common::ByteSize fetch_answer;
  std::chrono::milliseconds fetch_wait{};
  common::ByteSize in_flight;
  common::ByteSize in_flight_per_connection;
  std::int64_t requests_per_connection = 0;
  common::ByteSize unsent;
  std::int64_t connections = 0;
  std::int64_t connections_per_address = 0;
  std::chrono::milliseconds idle{};
  std::chrono::milliseconds stall{};
  common::ByteSize rate_min;
};
struct LogConfig {
  common::log::Level level = common::log::Level::info;
  common::log::Format format = common::log::Format::automatic;
};

struct Config {
  BrokerConfig broker;
  TopicsConfig topics;
  GroupsConfig groups;
  StorageConfig storage;
  LimitsConfig limits;
  LogConfig log;
};

// What the command line says, over the file.
struct Flags {
  std::string config_file;  // empty: none
  std::optional<std::string> data_dir;
  std::optional<std::string> listen;
  std::optional<std::string> advertise;
  std::optional<std::string> admin_listen;
  bool insecure = false;
};

// Throws common::Error (exit 78) with every finding, and refuses to listen beyond loopback without `insecure`.
[[nodiscard]] Config load_config(const Flags& flags);
// None: never.
[[nodiscard]] std::optional<std::chrono::milliseconds> offsets_expire_after(const GroupsConfig& groups);
// The table of keys in Markdown, for the README.
[[nodiscard]] std::string config_reference();

}  // namespace broker
