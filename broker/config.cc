// The broker's keys: name, default, range, meaning. README's table is made of this one.
#include "broker/config.h"

#include <array>

#include "common/config/bind.h"
#include "common/config/load.h"
#include "common/config/print.h"
#include "common/error.h"
#include "common/host_port.h"

namespace broker {
namespace {

using common::config::Choice;
using common::config::Key;
using common::config::key;
using common::config::More;
using common::config::Section;
using common::config::table;
using common::config::unavailable;

constexpr std::string_view kNever = "never";

template <class Enum>
constexpr Choice choice(std::string_view text, Enum value) {
  return {text, static_cast<int>(value), {}};
}
constexpr auto kLevels =
    std::to_array<Choice>({choice("debug", common::log::Level::debug), choice("info", common::log::Level::info),
                           choice("warn", common::log::Level::warn), choice("error", common::log::Level::error)});
constexpr auto kFormats =
    std::to_array<Choice>({choice("auto", common::log::Format::automatic), choice("text", common::log::Format::text),
                           choice("json", common::log::Format::json)});

constexpr auto kBroker = std::to_array<Key>({
    key<&BrokerConfig::data_dir>("data_dir", "outbox-broker-data",
                                 "The data folder, made when it is missing; a relative path starts from the working "
                                 "directory (--data-dir)."),
    key<&BrokerConfig::listen>("listen", "127.0.0.1:9092", "Where Kafka clients connect (--listen)."),
    key<&BrokerConfig::advertise>("advertise", "",
                                  "What clients are told to connect to, when that is another address (--advertise).",
                                  More{.note = "where it listens"}),
    key<&BrokerConfig::admin_listen>("admin_listen", "127.0.0.1:9644", "Health and metrics (--admin-listen)."),
    key<&BrokerConfig::insecure>("insecure", "false",
                                 "Allows listening beyond loopback without authentication (--insecure)."),
});
constexpr auto kTopics = std::to_array<Key>({
    key<&TopicsConfig::partitions>("partitions", "12", "Partitions of a topic that is made without a number.",
                                   {.least = "1", .most = "10000"}),
    key<&TopicsConfig::auto_create>("auto_create", "true", "Topics that clients name and that do not exist are made."),
    key<&TopicsConfig::partitions_max>("partitions_max", "10000", "Partitions of all topics together.",
                                       {.least = "1", .most = "1000000"}),
});
constexpr auto kGroups = std::to_array<Key>({
    key<&GroupsConfig::initial_delay>("initial_delay", "500ms",
                                      "How long the first member of an empty group waits for others.",
                                      {.least = "0ms", .most = "1m"}),
    key<&GroupsConfig::session_timeout_min>("session_timeout_min", "1s",
                                            "The shortest session time-out that a member may ask for.",
                                            {.least = "100ms", .most = "1h"}),
    key<&GroupsConfig::session_timeout_max>("session_timeout_max", "30m",
                                            "The longest; so long a dead member's partitions may wait.",
                                            {.least = "1s", .most = "1d"}),
    key<&GroupsConfig::offsets_expire>(
        "offsets_expire", "never",
        "Deletes the offsets of a group that had no member and committed nothing for so long while the broker ran (a "
        "restart counts anew), and with them what keeps its records: \"never\", or a duration from 1h on."),
    key<&GroupsConfig::groups_max>("groups_max", "10000", "Groups; a further one is refused.",
                                   {.least = "1", .most = "1000000"}),
    key<&GroupsConfig::members_max>("members_max", "1000", "Members of one group (GROUP_MAX_SIZE_REACHED).",
                                    {.least = "1", .most = "100000"}),
    key<&GroupsConfig::member_memory>("member_memory", "256KiB", "What one member may send of itself.",
                                      {.least = "1KiB", .most = "4MiB"}),
    key<&GroupsConfig::memory>("memory", "16MiB", "What all members of all groups may; it is held twice.",
                               {.least = "1MiB", .most = "1GiB"}),
    unavailable("recovery_delay", "leave it out: groups survive a restart of the broker as they are"),
});
constexpr auto kStorage = std::to_array<Key>({
    key<&StorageConfig::journal_file>("journal_file", "64MiB", "Size of each of the four journal files.",
                                      {.least = "1MiB", .most = "1GiB"}),
    key<&StorageConfig::segment>("segment", "256MiB", "Size at which a partition begins a new file.",
                                 {.least = "1MiB", .most = "16GiB"}),
    key<&StorageConfig::reserve>("reserve", "64MiB", "Disk space kept aside, so that commits still go through.",
                                 {.least = "1MiB", .most = "1TiB"}),
    key<&StorageConfig::open_files>("open_files", "1024",
                                    "Partitions' files held open, at most half of what the process may have open.",
                                    {.least = "16", .most = "1000000"}),
    key<&StorageConfig::free_min>("free_min", "0B",
                                  "Produce is refused, and tried again by producers, while less than this is free on "
                                  "the disk; 0B: only `reserve` counts."),
    key<&StorageConfig::total_max>("total_max", "0B",
                                   "The same while the records of all partitions are more than this; 0B: no limit."),
    key<&StorageConfig::warn_percent>("warn_percent", "70",
                                      "From so much of the disk, or of `total_max`, on the log names what holds most, "
                                      "every 10 minutes; 100: never.",
                                      {.least = "1", .most = "100"}),
    key<&StorageConfig::retention_interval>("retention_interval", "10s",
                                            "How often all partitions are looked over for segments that may go.",
                                            {.least = "100ms", .most = "1d"}),
});
constexpr auto kLimits = std::to_array<Key>({
    key<&LimitsConfig::frame>("frame", "8MiB", "The largest request; a larger one ends its connection.",
                              {.least = "16KiB", .most = "15MiB"}),
    key<&LimitsConfig::partitions_per_request>(
        "partitions_per_request", "2000",
        "Topics, partitions or resources that one request may name; more end its connection.",
        {.least = "1", .most = "100000"}),
    key<&LimitsConfig::elements_per_request>("elements_per_request", "10000",
                                             "Elements of all arrays of one request together; the same.",
                                             {.least = "100", .most = "1000000"}),
    key<&LimitsConfig::tagged_fields>("tagged_fields", "64", "Tagged fields in one section of a request; the same.",
                                      {.least = "8", .most = "10000"}),
    key<&LimitsConfig::memory_per_request>(
        "memory_per_request", "256KiB",
        "Memory that a request may take when it is decoded, or four times its bytes, if that is more; the same.",
        {.least = "64KiB", .most = "64MiB"}),
    key<&LimitsConfig::fetch_answer>("fetch_answer", "4MiB", "The largest Fetch answer; but at least one whole batch.",
                                     {.least = "64KiB", .most = "64MiB"}),
    key<&LimitsConfig::fetch_wait>("fetch_wait", "1m", "The longest wait that a Fetch is granted.",
                                   {.least = "1s", .most = "10m"}),
    key<&LimitsConfig::in_flight>(
        "in_flight", "64MiB",
        "Memory of all connections for requests, from their first byte until they are answered and written, and for "
        "answers until they are sent. Beyond it each is read from only while nothing of it is under way, and large "
        "requests wait; beyond twice as much these end.",
        {.least = "16MiB", .most = "1TiB"}),
    key<&LimitsConfig::in_flight_per_connection>("in_flight_per_connection", "16MiB",
                                                 "The same of one connection: beyond it that one is not read from.",
                                                 {.least = "8MiB", .most = "1TiB"}),
    key<&LimitsConfig::requests_per_connection>("requests_per_connection", "256",
                                                "Unanswered requests of one connection; the same.",
                                                {.least = "5", .most = "100000"}),
    key<&LimitsConfig::unsent>("unsent", "1MiB", "Answers that a connection has not taken yet; the same.",
                               {.least = "64KiB", .most = "1GiB"}),
    key<&LimitsConfig::connections>("connections", "16384",
                                    "Connections in all, fewer when the process may not open so many files; a further "
                                    "one is closed at once.",
                                    {.least = "1", .most = "1000000"}),
    key<&LimitsConfig::connections_per_address>(
        "connections_per_address", "256",
        "Connections of one address; the same. Not for loopback, the address of everything on this machine.",
        {.least = "1", .most = "1000000"}),
    key<&LimitsConfig::idle>("idle", "10m", "A connection that says nothing for so long is closed.",
                             {.least = "1s", .most = "30d"}),
    key<&LimitsConfig::stall>("stall", "1m",
                              "Half a request, or an answer that is not taken: after so long without a byte the "
                              "connection ends; after 5s when memory is short.",
                              {.least = "1s", .most = "1d"}),
    key<&LimitsConfig::rate_min>("rate_min", "16KiB",
                                 "One that moves may take `stall`, and the time for its bytes at this rate a second.",
                                 {.least = "1KiB", .most = "1GiB"}),
});
constexpr auto kLog = std::to_array<Key>({
    key<&LogConfig::level>("level", "info", "The least level that is logged.", More{.choices = kLevels}),
    key<&LogConfig::format>("format", "auto", "auto: text on a terminal, JSON lines otherwise.",
                            More{.choices = kFormats}),
});
constexpr auto kSections = std::to_array<Section>({
    table<&Config::broker>("broker", "Where it keeps data and listens.", kBroker),
    table<&Config::topics>("topics", "Topics.", kTopics),
    table<&Config::groups>("groups", "Consumer groups.", kGroups),
    table<&Config::storage>("storage", "The disk.", kStorage),
    table<&Config::limits>("limits", "What clients may ask for, and cost.", kLimits),
    table<&Config::log>("log", "What is logged, to stderr.", kLog),
});

void check_address(const std::string& name, const std::string& text, bool may_be_far, bool insecure) {
  const auto refuse = [](const std::string& why) { throw common::Error(why, false, common::ExitCode::configuration); };
  const auto parsed = common::parse_host_port(text);
  if (!parsed.value) refuse(name + " = \"" + text + "\": " + parsed.problem);
  if (may_be_far || insecure || common::is_loopback(parsed.value->host)) return;
  refuse(name + " = \"" + text +
         "\" reaches beyond this machine and there is no authentication: listen on 127.0.0.1, or say --insecure");
}

constexpr std::chrono::hours kOffsetsExpireMin{1};

void check_groups(const GroupsConfig& groups) {
  const auto refuse = [](const std::string& why) { throw common::Error(why, false, common::ExitCode::configuration); };
  if (groups.session_timeout_min > groups.session_timeout_max) {
    refuse("[groups] session_timeout_min is more than session_timeout_max");
  }
  if (groups.offsets_expire == kNever) return;
  const auto parsed = common::parse_duration(groups.offsets_expire);
  const auto name = "[groups] offsets_expire = \"" + groups.offsets_expire + "\": ";
  if (!parsed.value) refuse(name + parsed.problem + "; or say \"never\"");
  if (*parsed.value < kOffsetsExpireMin) refuse(name + "at least 1h, so that a restart of consumers costs nothing");
}

}  // namespace

std::optional<std::chrono::milliseconds> offsets_expire_after(const GroupsConfig& groups) {
  if (groups.offsets_expire == kNever) return std::nullopt;
  return common::parse_duration(groups.offsets_expire).value;
}

Config load_config(const Flags& flags) {
  Config config;
  const auto text = flags.config_file.empty() ? std::string() : common::config::read_config_file(flags.config_file);
  const auto report =
      common::config::load(kSections, &config, flags.config_file, text, common::config::process_environment());
  report.throw_if_any();
  auto& own = config.broker;
  own.data_dir = flags.data_dir.value_or(own.data_dir);
  own.listen = flags.listen.value_or(own.listen);
  own.advertise = flags.advertise.value_or(own.advertise);
  own.admin_listen = flags.admin_listen.value_or(own.admin_listen);
  own.insecure = own.insecure || flags.insecure;
  check_address("listen", own.listen, false, own.insecure);
  check_address("admin_listen", own.admin_listen, false, own.insecure);
  if (!own.advertise.empty()) check_address("advertise", own.advertise, true, own.insecure);
  const auto host = common::parse_host_port(own.listen).value->host;
  if (own.advertise.empty() && (host == "0.0.0.0" || host == "::")) {
    throw common::Error("listen = \"" + own.listen +
                            "\" is no address to connect to: tell clients where this machine is with --advertise",
                        false, common::ExitCode::configuration);
  }
  check_groups(config.groups);
  if (own.data_dir.empty()) {
    throw common::Error("data_dir is empty: name a folder with --data-dir", false, common::ExitCode::configuration);
  }
  return config;
}

std::string config_reference() { return common::config::markdown(kSections); }

}  // namespace broker
