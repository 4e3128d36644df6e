// From the file to the relay's const configuration: the table of keys, the secrets' files, and what must fit together.
#include "relay/config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>

#include "common/config/print.h"
#include "common/ensure.h"
#include "common/unique_fd.h"
#include "common/units.h"
#include "common/url.h"

namespace relay {
namespace {

using common::config::Report;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string path_of(const char* section, std::size_t index, std::string_view key) {
  return std::string(section) + '[' + std::to_string(index) + "]." + std::string(key);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

void check_name(Report& report, std::set<std::string>& names, const std::string& name, const std::string& path) {
  if (!is_name(name)) {
    report.add(path, quoted(name) + " is no name; write 1 to 40 of a-z, 0-9 and -");
  } else if (!names.insert(name).second) {
    report.add(path, quoted(name) + " is taken by another one; choose another name");
  }
}

// The secret in a file, when one is named.
void read_secret(Report& report, const std::string& path, const std::string& file, std::string& into) {
  if (!report.given(path)) return;
  auto secret = common::config::read_secret_file(file, report.file());
  if (secret) {
    into = *secret;
  } else {
    report.add(path, secret.problem);
  }
}

void check_allowed(Report& report, const std::string& path, const std::string& entry) {
  constexpr std::string_view kWayOut = "; write scheme://host:port, as in \"http://127.0.0.1:*\"";
  std::string concrete = entry;
  if (concrete.ends_with(":*")) concrete.replace(concrete.size() - 1, 1, "1");
  const auto url = common::parse_url(concrete);
  if (!url) {
    report.add(path, quoted(entry) + ": " + url.problem + std::string(kWayOut));
  } else if (url->scheme != "http") {
    report.add(path, quoted(entry) + ": https is not available in this version; ask over http on loopback");
  } else if (!url->userinfo.empty() || url->target != "/" || entry.ends_with('/')) {
    report.add(path, quoted(entry) + " has more than scheme, host and port" + std::string(kWayOut));
  }
}

void check_source_secrets(Report& report, SourceConfig& source, std::size_t i) {
  const std::string dsn = path_of("source", i, "dsn");
  const std::string dsn_file = path_of("source", i, "dsn_file");
  if (report.given(dsn) && report.given(dsn_file)) {
    report.add(dsn_file, "dsn is there too; leave one of them out");
    return;
  }
  if (!report.given(dsn) && !report.given(dsn_file)) {
    report.add(dsn, "missing; say which database, as in dsn = \"host=127.0.0.1 dbname=shop user=outbox_relay\"");
    return;
  }
  read_secret(report, dsn_file, source.dsn_file, source.dsn);
  read_secret(report, path_of("source", i, "password_file"), source.password_file, source.password);
  if (report.given(dsn) && source.dsn.empty()) report.add(dsn, "empty; say which database");
}

void check_sources(Report& report, RelayConfig& config) {
  if (config.sources.empty()) report.add_at({}, "no [[source]]; add one with name and dsn");
  std::set<std::string> names;
  std::set<std::pair<std::string, std::string>> tables;
  for (std::size_t i = 0; i < config.sources.size(); ++i) {
    SourceConfig& source = config.sources[i];
    if (report.given(path_of("source", i, "name"))) {
      check_name(report, names, source.name, path_of("source", i, "name"));
    }
    check_source_secrets(report, source, i);
    if (!source.dsn.empty() && !tables.insert({source.dsn, source.table}).second) {
      report.add(path_of("source", i, "table"),
                 "another source reads the same table of the same database; leave one out");
    }
    if (source.table.empty()) report.add(path_of("source", i, "table"), "empty; write schema.table");
    const bool has_sink = std::any_of(config.sinks.begin(), config.sinks.end(),
                                      [&](const SinkConfig& sink) { return sink.name == source.sink; });
    if (!has_sink) {
      report.add(path_of("source", i, "sink"), "there is no [[sink]] with name = " + quoted(source.sink));
    }
    if (source.poll_min > source.poll_max) {
      report.add(path_of("source", i, "poll_min"),
                 "longer than poll_max, which is " + common::format_duration(source.poll_max));
    }
    for (const std::string& entry : source.check_back_allow) {
      check_allowed(report, path_of("source", i, "check_back_allow"), entry);
    }
  }
}

// Values of name_file are read into name.
void read_property_files(Report& report, SinkConfig& sink, const std::string& path) {
  constexpr std::string_view kSuffix = "_file";
  common::config::Properties read;
  for (const auto& [name, value] : sink.properties) {
    if (!name.ends_with(kSuffix)) continue;
    const std::string whole = name.substr(0, name.size() - kSuffix.size());
    if (sink.properties.contains(whole)) {
      report.add(path + '.' + name, quoted(whole) + " is there too; leave one of them out");
      continue;
    }
    auto secret = common::config::read_secret_file(value, report.file());
    if (secret) {
      read[whole] = *secret;
    } else {
      report.add(path + '.' + name, secret.problem);
    }
  }
  std::erase_if(sink.properties, [&](const auto& entry) { return entry.first.ends_with(kSuffix); });
  sink.properties.merge(read);
}

void check_sinks(Report& report, RelayConfig& config, const OwnedProperty& owned) {
  if (config.sinks.empty()) report.add_at({}, "no [sink]; add one with bootstrap_servers");
  std::set<std::string> names;
  for (std::size_t i = 0; i < config.sinks.size(); ++i) {
    SinkConfig& sink = config.sinks[i];
    check_name(report, names, sink.name, path_of("sink", i, "name"));
    if (sink.bootstrap_servers.empty() && report.given(path_of("sink", i, "bootstrap_servers"))) {
      report.add(path_of("sink", i, "bootstrap_servers"), "empty; write HOST:PORT");
    }
    if (sink.silence_timeout * 3 >= config.lease.ttl * 2) {
      report.add(path_of("sink", i, "silence_timeout"),
                 common::format_duration(sink.silence_timeout) + " is not below 2/3 of lease.ttl, which is " +
                     common::format_duration(config.lease.ttl) + "; shorten it or leave it out");
    }
    const std::string properties = path_of("sink", i, "properties");
    read_property_files(report, sink, properties);
    for (const auto& [name, value] : sink.properties) {
      if (const auto why = owned(name)) report.add(properties + '.' + name, *why + "; leave it out");
    }
  }
}

void check_listen(Report& report, ListenConfig& listen, const std::string& path) {
  const auto address = common::parse_host_port(listen.listen);
  if (!address) {
    report.add(path, address.problem);
  } else if (!common::is_loopback(address->host)) {
    report.add(path, quoted(listen.listen) +
                         " is beyond loopback, and there is no authentication in this version; write 127.0.0.1:PORT");
  } else {
    listen.address = *address;
  }
}

void check_rest(Report& report, RelayConfig& config) {
  if (config.retry.first > config.retry.max) report.add("retry.first", "longer than retry.max");
  if (config.check_back.first > config.check_back.max) report.add("check_back.first", "longer than check_back.max");
  if (report.given("alert.webhook_url") && report.given("alert.webhook_url_file")) {
    report.add("alert.webhook_url_file", "webhook_url is there too; leave one of them out");
  }
  read_secret(report, "alert.webhook_url_file", config.alert.webhook_url_file, config.alert.webhook_url);
  if (!config.alert.webhook_url.empty()) {
    const auto url = common::parse_url(config.alert.webhook_url);
    if (!url) report.add("alert.webhook_url", url.problem);
  }
  check_listen(report, config.admin, "admin.listen");
  check_listen(report, config.web, "web.listen");
  if (config.admin.address == config.web.address && config.admin.address.port != 0) {
    report.add("web.listen", "the same address as admin.listen; choose another port");
  }
}

void derive_silence(const Report& report, RelayConfig& config) {
  for (std::size_t i = 0; i < config.sinks.size(); ++i) {
    if (!report.given(path_of("sink", i, "silence_timeout"))) {
      config.sinks[i].silence_timeout = config.lease.ttl * 8 / 15;
    }
  }
}

}  // namespace

const SinkConfig& RelayConfig::sink_of(const SourceConfig& source) const {
  const auto found =
      std::find_if(sinks.begin(), sinks.end(), [&](const SinkConfig& sink) { return sink.name == source.sink; });
  ENSURE(found != sinks.end(), "a validated source names a sink that exists");
  return *found;
}

core::SourceOptions RelayConfig::source_options(const SourceConfig& source) const {
  core::SourceOptions options;
  options.name = source.name;
  options.table = source.table;
  options.sink = source.sink;
  options.ordered = source.order == Order::key;
  options.dead_rows = source.dead_rows;
  options.poll_min = source.poll_min;
  options.poll_max = source.poll_max;
  options.sweep_interval = source.sweep_interval;
  options.in_flight_rows = source.in_flight_rows;
  options.in_flight_bytes = source.in_flight_bytes.value();
  options.lease_ttl = lease.ttl;
  options.silence_timeout = sink_of(source).silence_timeout;
  options.retry = {retry.first, retry.factor, retry.max, retry.limit, retry.jitter};
  options.check = {check_back.first, check_back.factor, check_back.max,
                   check_back.limit, check_back.budget, check_back.in_flight};
  return options;
}

RelayConfig parse_config(const std::string& file, std::string_view text, const OwnedProperty& owned,
                         const common::config::Environment& environment) {
  RelayConfig config;
  Report report = common::config::load(config_schema(), &config, file, text, environment);
  // A wrong value was not taken over, so what must fit together is looked at only when each fits alone.
  report.throw_if_any();
  derive_silence(report, config);
  config.shown = common::config::show(config_schema(), &config);
  check_sources(report, config);
  check_sinks(report, config, owned);
  check_rest(report, config);
  report.throw_if_any();
  return config;
}

RelayConfig load_config(const std::string& path, const OwnedProperty& owned) {
  return parse_config(path, common::config::read_config_file(path), owned, common::config::process_environment());
}

void write_initial_config(const std::string& path) {
  const auto failed = [&](const char* what) {
    const char* hint = errno == EEXIST ? "; name another file, or remove this one first" : "";
    throw common::config::Error(std::string(what) + ' ' + path + ": " + std::strerror(errno) + hint);
  };
  const std::string text = initial_config();
  const common::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!fd) failed("cannot make");
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) failed("cannot write");
}

}  // namespace relay
