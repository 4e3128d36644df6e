// outbox-broker's composition root: configuration → store (recovery feeds the state) → core → network loop → clean end.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "broker/cli.h"
#include "broker/core/broker.h"
#include "broker/disk_space.h"
#include "broker/inspect.h"
#include "broker/net/server.h"
#include "broker/status.h"
#include "broker/storage/posix_file.h"
#include "broker/storage/store.h"
#include "common/admin_server.h"
#include "common/error.h"
#include "common/log.h"
#include "common/shutdown.h"
#include "common/version.h"

namespace {

using broker::Config;

// Connections and segments are descriptors, and the usual soft limit of 1,024 is none of ours.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<std::size_t>::max();
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Frames and answers are some MiB each. Returned to the system one by one they would cost a page fault for every 4 KiB
// of the next; what a burst leaves behind is given back when it is over (net/hub.cc).
void keep_memory_at_hand() {
  ::mallopt(M_MMAP_THRESHOLD, 8 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

// As many as may be open beside the store's files, so that connections never take those.
std::size_t connections_possible(const Config& config, std::size_t descriptors) {
  constexpr std::size_t kOther = 64;  // journal, folders, health connections
  const auto wanted = static_cast<std::size_t>(config.limits.connections);
  const auto files = std::min(static_cast<std::size_t>(config.storage.open_files), descriptors / 2) + kOther;
  const auto possible = descriptors > files ? descriptors - files : 1;
  if (wanted <= possible) return wanted;
  common::log::warn("fewer connections than [limits] connections says: this process may not open so many files",
                    {{"connections", possible},
                     {"wanted", wanted},
                     {"files", descriptors},
                     {"next", "raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd), or lower connections"}});
  return possible;
}

broker::storage::StoreOptions store_options(const Config& config) {
  broker::storage::StoreOptions options;
  options.dir = config.broker.data_dir;
  options.journal_file_bytes = static_cast<std::uint64_t>(config.storage.journal_file.value());
  options.segment_bytes = static_cast<std::uint64_t>(config.storage.segment.value());
  options.reserve_bytes = static_cast<std::uint64_t>(config.storage.reserve.value());
  options.open_segments_max = static_cast<std::size_t>(config.storage.open_files);
  return options;
}

// The command line has checked the form.
std::vector<broker::storage::PartitionName> partition_names(const std::vector<std::string>& texts) {
  std::vector<broker::storage::PartitionName> names;
  for (const std::string& text : texts) {
    const auto slash = text.rfind('/');
    names.push_back({text.substr(0, slash), broker::storage::PartitionIndex(std::stoi(text.substr(slash + 1)))});
  }
  return names;
}

broker::net::NetLimits net_limits(const Config& config, std::size_t connections) {
  const auto bytes = [](common::ByteSize size) { return static_cast<std::size_t>(size.value()); };
  const auto& from = config.limits;
  broker::net::NetLimits limits;
  limits.frame_bytes_max = bytes(from.frame);
  limits.connections_max = connections;
  limits.connections_per_address_max = static_cast<std::size_t>(from.connections_per_address);
  limits.requests_in_flight_max = static_cast<std::size_t>(from.requests_per_connection);
  limits.bytes_in_flight_max = bytes(from.in_flight_per_connection);
  limits.bytes_in_flight_total_max = bytes(from.in_flight);
  limits.unsent_bytes_max = bytes(from.unsent);
  limits.idle_timeout = from.idle;
  limits.stall_timeout = from.stall;
  limits.stall_timeout_when_tight = std::min(from.stall, limits.stall_timeout_when_tight);
  limits.rate_bytes_min = bytes(from.rate_min);
  auto& requests = limits.requests;
  requests.fetch_bytes_max = static_cast<std::uint32_t>(from.fetch_answer.value());
  requests.fetch_wait_max_ms = static_cast<std::int32_t>(from.fetch_wait.count());
  requests.partitions_per_request_max = static_cast<std::uint32_t>(from.partitions_per_request);
  requests.decode.tags_max = static_cast<std::uint32_t>(from.tagged_fields);
  requests.decode.elements_max = static_cast<std::uint32_t>(from.elements_per_request);
  requests.decode.allocation_floor_bytes = bytes(from.memory_per_request);
  return limits;
}

broker::net::ServerOptions server_options(const Config& config, std::size_t connections) {
  broker::net::ServerOptions options;
  options.listen = *common::parse_host_port(config.broker.listen).value;
  if (!config.broker.advertise.empty()) options.advertise = *common::parse_host_port(config.broker.advertise).value;
  options.limits = net_limits(config, connections);
  return options;
}

broker::core::RoomSettings room_settings(const Config& config) {
  broker::core::RoomSettings settings;
  settings.retention.interval = config.storage.retention_interval;
  settings.disk.free_min = static_cast<std::uint64_t>(config.storage.free_min.value());
  settings.disk.total_max = static_cast<std::uint64_t>(config.storage.total_max.value());
  settings.disk.warn_percent = static_cast<int>(config.storage.warn_percent);
  settings.data_dir = config.broker.data_dir;
  settings.look_at_disk = [folder = config.broker.data_dir] { return broker::look_at_disk(folder); };
  return settings;
}

broker::core::BrokerSettings broker_settings(const Config& config, const common::HostPort& advertised) {
  broker::core::BrokerSettings settings;
  settings.advertised_host = advertised.host;
  settings.advertised_port = advertised.port;
  settings.auto_create_topics = config.topics.auto_create;
  settings.partitions_default = static_cast<std::int32_t>(config.topics.partitions);
  settings.partitions_max = static_cast<std::int32_t>(config.topics.partitions_max);
  settings.groups.initial_delay = config.groups.initial_delay;
  settings.groups.session_timeout_min = config.groups.session_timeout_min;
  settings.groups.session_timeout_max = config.groups.session_timeout_max;
  settings.groups.groups_max = static_cast<std::size_t>(config.groups.groups_max);
  settings.groups.members_max = static_cast<std::size_t>(config.groups.members_max);
  settings.groups.member_bytes_max = static_cast<std::size_t>(config.groups.member_memory.value());
  settings.groups.bytes_max = static_cast<std::size_t>(config.groups.memory.value());
  settings.offsets_expire = broker::offsets_expire_after(config.groups);
  settings.room = room_settings(config);
  settings.room.address = advertised.text();
  return settings;
}

// A port that is taken is no crash: the folder is left as it was found.
std::unique_ptr<broker::net::Server> listen(const Config& config, std::size_t connections, common::Metrics& metrics,
                                            broker::storage::Store& store) {
  try {
    return std::make_unique<broker::net::Server>(server_options(config, connections), metrics);
  } catch (const common::Error&) {
    store.close();
    throw;
  }
}

int run(const Config& config, const std::vector<std::string>& accept_loss) {
  keep_memory_at_hand();
  common::log::configure(config.log.level, config.log.format);
  const auto connections = connections_possible(config, raise_descriptor_limit());
  const common::Shutdown shutdown;
  const common::SystemClock clock;
  common::Metrics metrics;
  common::Liveness liveness(clock);
  const auto heartbeat = liveness.add("network loop", std::chrono::seconds(30));

  // The health address first, so that a long recovery can be seen; the clients' address last, so that whoever can
  // connect is served.
  broker::StatusBoard board(metrics);
  const common::AdminServer admin(*common::parse_host_port(config.broker.admin_listen).value, liveness, metrics,
                                  board.pages());

  broker::storage::PosixFileSystem files;
  broker::core::State state;
  auto options = store_options(config);
  options.stop_requested = [&shutdown] { return shutdown.requested(); };
  options.accept_loss = partition_names(accept_loss);
  const auto store = broker::storage::Store::open(files, clock, options, state);
  const auto server = listen(config, connections, metrics, *store);
  std::random_device random;
  broker::core::Broker core(state, *store, clock, broker_settings(config, server->advertised()),
                            [&random] { return (std::uint64_t{random()} << 32) | random(); });
  board.ready(core.cluster_id(), server->address().text(), config.broker.data_dir);
  std::printf("ready: listening on %s, data in %s, health and metrics on %s\n", server->address().text().c_str(),
              config.broker.data_dir.c_str(), admin.address().text().c_str());
  std::fflush(stdout);

  server->run(core, shutdown.fd(), *heartbeat, [&] { board.update(core); });
  store->close();
  common::log::info("stopped cleanly");
  return 0;
}

int inspect(const broker::CommandLine& line, bool dump) {
  const Config config = broker::load_config(line.flags);
  common::log::configure(common::log::Level::warn, config.log.format);
  const std::filesystem::path path = line.path.empty() ? config.broker.data_dir : line.path;
  if (!std::filesystem::exists(path)) {
    throw common::Error("there is no " + path.string() + ": name a data folder", false,
                        common::ExitCode::configuration);
  }
  broker::storage::PosixFileSystem files;
  if (dump) {
    broker::dump_path(files, path, {.from = line.dump_from, .limit = line.dump_limit}, std::cout);
    return 0;
  }
  const bool well = broker::check_folder(files, path, std::cout);
  return static_cast<int>(well ? common::ExitCode::ok : common::ExitCode::disk_failed);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto line = broker::parse_command_line(argc, argv, broker::version_text());
    switch (line.action) {
      case broker::CommandLine::Action::leave:
        return line.exit_code;
      case broker::CommandLine::Action::config_reference:
        std::fputs(broker::config_reference().c_str(), stdout);
        return 0;
      case broker::CommandLine::Action::check:
        return inspect(line, false);
      case broker::CommandLine::Action::dump:
        return inspect(line, true);
      case broker::CommandLine::Action::run:
        return run(broker::load_config(line.flags), line.accept_loss);
    }
  } catch (const common::Error& error) {
    std::fprintf(stderr, "outbox-broker: %s\n", error.what());
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "outbox-broker: %s\n", error.what());
    return static_cast<int>(common::ExitCode::failed);
  }
  return 0;
}
