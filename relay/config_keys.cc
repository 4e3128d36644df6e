// The relay's keys: name, default, meaning, range. Everything else about its configuration follows from this table.
//
// Keys of the contract whose feature this version does not have are refused with a sentence, never silently ignored: a
// file that says `fencing = "transactions"` must not run without it. Keys whose feature is missing but whose only
// accepted value is what happens anyway stay (mode, fencing, on_broker_loss).
#include <array>
#include <string>

#include "common/config/bind.h"
#include "common/config/print.h"
#include "relay/config.h"
#include "relay/config_redact.h"

namespace relay {
namespace {

using common::config::Choice;
using common::config::Key;
using common::config::key;
using common::config::More;
using common::config::repeated;
using common::config::Section;
using common::config::table;
using common::config::unavailable;

std::string show_dsn(std::string_view, std::string_view value) { return redact_dsn(value); }
std::string show_url(std::string_view, std::string_view value) { return redact_url(value); }
std::string show_property(std::string_view name, std::string_view value) {
  const bool path = name.ends_with("_file");
  return !path && is_secret_property(name) ? common::config::redact_all(name, value) : std::string(value);
}

template <class Enum>
constexpr Choice choice(std::string_view text, Enum value) {
  return {text, static_cast<int>(value), {}};
}
constexpr Choice later(std::string_view text, std::string_view instead) { return {text, -1, instead}; }

constexpr auto kModes =
    std::to_array<Choice>({choice("mark", Mode::mark), later("delete", "write \"mark\", or leave it out")});
constexpr auto kOrders = std::to_array<Choice>({choice("key", Order::key), choice("none", Order::none)});
constexpr auto kDeadRows =
    std::to_array<Choice>({choice("hold", core::DeadRows::hold), choice("skip", core::DeadRows::skip)});
constexpr auto kWakes =
    std::to_array<Choice>({choice("auto", Wake::automatic), choice("poll", Wake::poll),
                           later("notify", "write \"auto\": the table is polled every poll_min to poll_max")});
constexpr auto kFencings =
    std::to_array<Choice>({choice("none", Fencing::none), later("transactions", "write \"none\", or leave it out")});
constexpr auto kBrokerLoss = std::to_array<Choice>(
    {choice("alert", OnBrokerLoss::alert), later("republish", "write \"alert\", or leave it out")});
constexpr auto kLevels =
    std::to_array<Choice>({choice("debug", common::log::Level::debug), choice("info", common::log::Level::info),
                           choice("warn", common::log::Level::warn), choice("error", common::log::Level::error)});
constexpr auto kFormats =
    std::to_array<Choice>({choice("auto", common::log::Format::automatic), choice("text", common::log::Format::text),
                           choice("json", common::log::Format::json)});

constexpr auto kSource = std::to_array<Key>({
    key<&SourceConfig::name>(
        "name", "", "Names this source in every message id, so it must never change: [a-z0-9-], 1 to 40 characters.",
        More{.sample = "shop", .required = true}),
    key<&SourceConfig::dsn>("dsn", "", "The business database: libpq's key=value words or a postgresql:// URL.",
                            More{.note = "none; this or dsn_file",
                                 .sample = "host=127.0.0.1 dbname=shop user=outbox_relay",
                                 .opening = true,
                                 .redact = show_dsn}),
    key<&SourceConfig::dsn_file>("dsn_file", "", "A file with the dsn on one line, instead of dsn.",
                                 More{.sample = "/etc/outbox-relay/shop.dsn"}),
    key<&SourceConfig::password_file>("password_file", "", "A file with the password on one line, beside the dsn.",
                                      More{.sample = "/etc/outbox-relay/shop.password"}),
    unavailable("listen_dsn", "leave it out: the table is polled every poll_min to poll_max"),
    key<&SourceConfig::table>("table", "public.message_record", "The outbox table, with its schema."),
    unavailable("columns", "leave it out: the table has the columns that outboxctl migrate makes"),
    key<&SourceConfig::sink>("sink", "default", "The name of the [[sink]] its rows go to."),
    key<&SourceConfig::mode>("mode", "mark", "What becomes of a delivered row: it is marked delivered.",
                             More{.choices = kModes}),
    key<&SourceConfig::keep_delivered>(
        "keep_delivered", "24h", "How long a delivered row is kept before the relay deletes it.", More{.least = "0s"}),
    key<&SourceConfig::order>("order", "key",
                              "Rows of one key are published in the order of their ids, or in any order.",
                              More{.choices = kOrders}),
    key<&SourceConfig::dead_rows>(
        "dead_rows", "hold", "A dead row holds the later rows of its key until an operator decides, or is skipped.",
        More{.choices = kDeadRows}),
    key<&SourceConfig::poll_min>("poll_min", "2ms", "The wait between two polls while rows keep coming.",
                                 More{.least = "1ms", .most = "1m"}),
    key<&SourceConfig::poll_max>("poll_max", "500ms", "The longest wait between two polls of a quiet table.",
                                 More{.least = "1ms", .most = "5m"}),
    key<&SourceConfig::sweep_interval>("sweep_interval", "5s",
                                       "How often the whole table is looked through for rows that committed late.",
                                       More{.least = "100ms", .most = "1h"}),
    key<&SourceConfig::wake>("wake", "auto", "How a sleeping relay learns of new rows.", More{.choices = kWakes}),
    key<&SourceConfig::in_flight_rows>("in_flight_rows", "10000", "Rows held in memory at once, at most.",
                                       More{.least = "1", .most = "1000000"}),
    key<&SourceConfig::in_flight_bytes>("in_flight_bytes", "16MiB", "Bytes of rows held in memory at once, at most.",
                                        More{.least = "64KiB", .most = "1GiB"}),
    key<&SourceConfig::check_back_allow>("check_back_allow", "http://127.0.0.1:* http://localhost:*",
                                         "Where check-backs may go: scheme://host:port, the port may be *. A row with "
                                         "another address waits, with an alert."),
    unavailable("check_back_secret_file", "leave it out: check-backs are not signed"),
});

constexpr auto kSink = std::to_array<Key>({
    key<&SinkConfig::name>("name", "default", "What a source's sink refers to: [a-z0-9-], 1 to 40 characters."),
    key<&SinkConfig::bootstrap_servers>("bootstrap_servers", "",
                                        "The broker's address, or several of one Kafka cluster, separated by commas.",
                                        More{.sample = "127.0.0.1:9092", .required = true}),
    key<&SinkConfig::silence_timeout>(
        "silence_timeout", "",
        "A sink that acknowledges nothing for so long is cut off and tried anew. Below 2/3 of lease.ttl.",
        More{.least = "100ms", .note = "8/15 of lease.ttl", .sample = "8s"}),
    key<&SinkConfig::on_broker_loss>("on_broker_loss", "alert",
                                     "What happens when the broker has lost acknowledged records.",
                                     More{.choices = kBrokerLoss}),
    unavailable("republish_limit_rows", "leave it out: nothing is republished by itself"),
    key<&SinkConfig::fencing>("fencing", "none", "How a relay that lost its lease is kept from publishing.",
                              More{.choices = kFencings}),
    key<&SinkConfig::properties>(
        "properties", "",
        "Any librdkafka property the relay does not own, in quotes; name_file reads the value of name from a file.",
        More{.sample = "\"compression.type\" = \"lz4\"", .redact = show_property}),
});

constexpr auto kLease = std::to_array<Key>({
    key<&LeaseConfig::ttl>("ttl", "15s", "How long a silent owner keeps its table; a standby takes over after it.",
                           More{.least = "2s", .most = "1h"}),
});

constexpr auto kRetry = std::to_array<Key>({
    key<&RetryConfig::first>("first", "10s", "The wait after a row's first failed delivery.",
                             More{.least = "100ms", .most = "24h"}),
    key<&RetryConfig::factor>("factor", "2", "Each further wait is so many times the last.",
                              More{.least = "1", .most = "100"}),
    key<&RetryConfig::max>("max", "10m", "The longest wait.", More{.least = "100ms", .most = "7d"}),
    key<&RetryConfig::limit>("limit", "16", "Failed attempts after which a row is dead.",
                             More{.least = "1", .most = "1000000"}),
    key<&RetryConfig::jitter>("jitter", "0.2", "Each wait is within this share of itself, more or less.",
                              More{.least = "0", .most = "1"}),
});

constexpr auto kCheckBack = std::to_array<Key>({
    key<&CheckBackConfig::first>(
        "first", "6s", "The age at which an unclear row's owner is asked. Longer than a prepare takes to confirm.",
        More{.least = "100ms", .most = "24h"}),
    key<&CheckBackConfig::factor>("factor", "2", "Each further wait is so many times the last.",
                                  More{.least = "1", .most = "100"}),
    key<&CheckBackConfig::max>("max", "60s", "The longest wait.", More{.least = "100ms", .most = "7d"}),
    key<&CheckBackConfig::limit>("limit", "15", "Unknown answers after which the row is parked as dead.",
                                 More{.least = "1", .most = "1000000"}),
    key<&CheckBackConfig::budget>("budget", "24h",
                                  "The time since the first call after which the row is parked as dead.",
                                  More{.least = "1s", .most = "365d"}),
    key<&CheckBackConfig::timeout>("timeout", "3s", "One call, from the name's resolution to the last byte.",
                                   More{.least = "100ms", .most = "1m"}),
    key<&CheckBackConfig::in_flight>("in_flight", "32", "Calls at once, at most.", More{.least = "1", .most = "1000"}),
});

constexpr auto kAlert = std::to_array<Key>({
    key<&AlertConfig::webhook_url>("webhook_url", "",
                                   "Where alerts are posted, with Alertmanager's v4 body. They are always logged.",
                                   More{.sample = "http://127.0.0.1:9095/alerts", .redact = show_url}),
    key<&AlertConfig::webhook_url_file>("webhook_url_file", "",
                                        "A file with the URL on one line, instead of webhook_url.",
                                        More{.sample = "/etc/outbox-relay/webhook.url"}),
    key<&AlertConfig::wait>("wait", "10s", "A new alert waits so long for more of its kind before it is sent.",
                            More{.least = "0s", .most = "1h"}),
    key<&AlertConfig::repeat>("repeat", "4h", "An alert that goes on is sent again so often.",
                              More{.least = "1s", .most = "30d"}),
});

constexpr auto kAdmin = std::to_array<Key>({
    key<&ListenConfig::listen>("listen", "127.0.0.1:8642",
                               "The health address: /livez, /readyz, /statusz, /metrics. Loopback only."),
});

constexpr auto kWeb = std::to_array<Key>({
    key<&ListenConfig::listen>("listen", "127.0.0.1:8640",
                               "The page's address. Loopback only, until there is authentication."),
});

constexpr auto kLog = std::to_array<Key>({
    key<&LogConfig::level>("level", "info", "The least level that is logged.", More{.choices = kLevels}),
    key<&LogConfig::format>("format", "auto",
                            "To stderr: text on a terminal and JSON lines otherwise, or always one of them.",
                            More{.choices = kFormats}),
});

constexpr auto kSections = std::to_array<Section>({
    repeated<&RelayConfig::sources>("source", "A database and its outbox table; one such section for each.", kSource),
    repeated<&RelayConfig::sinks>(
        "sink", "Where messages go: the bundled broker or Kafka. [sink] is short for the only one.", kSink),
    table<&RelayConfig::lease>("lease", "One relay at a time publishes a table; others stand by.", kLease),
    table<&RelayConfig::retry>("retry", "A row whose delivery failed is tried again.", kRetry),
    table<&RelayConfig::check_back>("check_back", "An unclear row's owner is asked what became of it.", kCheckBack),
    table<&RelayConfig::alert>("alert", "One alert for each source, topic and kind of error.", kAlert),
    table<&RelayConfig::admin>("admin", "Health and metrics.", kAdmin),
    table<&RelayConfig::web>("web", "The page.", kWeb),
    table<&RelayConfig::log>("log", "What is logged, to stderr.", kLog),
});

}  // namespace

common::config::Schema config_schema() { return kSections; }

std::string initial_config() {
  return common::config::initial_file(
      kSections,
      "outbox-relay's configuration. A line that begins with \"# name =\" shows a default or an example. Durations and "
      "sizes "
      "have units (\"10s\", \"16MiB\"); ${VAR}, ${VAR:-default} and ${VAR:?text} take values from the environment.");
}

}  // namespace relay
