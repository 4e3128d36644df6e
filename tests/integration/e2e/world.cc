// Starts the parts in the order in which they need each other.
#include "tests/integration/e2e/world.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/fault/log_reader.h"
#include "tests/support/wait_until.h"

namespace e2e {
namespace {

constexpr const char* kDatabase = "shop";

// What Debian's kcat cannot do: make a topic with a configuration of its own.
void make_topic(const std::string& servers, const std::string& name, const std::string& max_message_bytes) {
  const std::string script =
      "import sys; from confluent_kafka.admin import AdminClient, NewTopic; "
      "admin = AdminClient({'bootstrap.servers': sys.argv[1]}); made = admin.create_topics([NewTopic(sys.argv[2], 3, "
      "1, "
      "config={'max.message.bytes': sys.argv[3]})]); [f.result(30) for f in made.values()]";
  const auto done = test_support::run({"/usr/bin/python3", "-c", script, servers, name, max_message_bytes});
  if (done.exit.code != 0) throw std::runtime_error("cannot make topic " + name + ": " + done.error_output);
}

std::string prepare(const test_support::PostgresServer& postgres, const test_support::BrokerProcess& broker,
                    const WorldOptions& options) {
  postgres.execute("postgres", std::string("CREATE DATABASE ") + kDatabase + " ENCODING '" + options.encoding +
                                   "' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  test_support::migrate(postgres.dsn(kDatabase));
  for (const auto& topic : options.topics) {
    const auto colon = topic.find(':');
    make_topic(broker.address(), topic.substr(0, colon), topic.substr(colon + 1));
  }
  return postgres.dsn(kDatabase);
}

std::string config(const std::string& dsn, const std::string& servers, const std::string& webhook,
                   const WorldOptions& options) {
  return "[[source]]\nname = \"shop\"\ndsn = \"" + dsn + "\"\nsweep_interval = \"500ms\"\n" + options.source +
         "\n[sink]\nbootstrap_servers = \"" + servers + "\"\n[lease]\nttl = \"3s\"\n" +
         "[retry]\nfirst = \"200ms\"\nlimit = 3\n[check_back]\nfirst = \"200ms\"\nmax = \"1s\"\nlimit = 3\n" +
         "timeout = \"1s\"\n[alert]\nwebhook_url = \"" + webhook + "\"\nwait = \"100ms\"\n" + options.more;
}

}  // namespace

World::World(const WorldOptions& options)
    : relay({.config = config(prepare(postgres, broker, options), broker.address(), webhook.url(), options)}) {
  webhook.answer({.status = 200});
}

std::string World::sql(const std::string& statement) const { return postgres.execute(kDatabase, statement); }

std::string World::column(std::int64_t id, const std::string& name) const {
  return sql("SELECT coalesce(" + name + "::text, '') FROM message_record WHERE id = " + std::to_string(id));
}

std::int64_t World::insert(const std::string& topic, const std::string& key, const std::string& body) const {
  return std::stoll(sql("INSERT INTO message_record (topic, message_key, body) VALUES ('" + topic + "', '" + key +
                        "', '" + body + "') RETURNING id"));
}

bool World::becomes(std::int64_t id, int status) const {
  return test_support::wait_until([&] { return column(id, "status") == std::to_string(status); });
}

std::vector<std::string> World::log(const std::string& topic) const {
  std::vector<std::string> found;
  for (const auto& record : fault::read_raw_log(broker.address(), topic)) {
    const std::string text = record.key + "=" + record.body;
    if (std::ranges::find(found, text) == found.end()) found.push_back(text);
  }
  return found;
}

std::vector<std::string> World::alerts() const {
  std::vector<std::string> found;
  for (const auto& request : webhook.requests()) {
    const auto body = nlohmann::json::parse(request.body);
    for (const auto& alert : body.at("alerts")) {
      const auto& labels = alert.at("labels");
      found.push_back(alert.at("status").get<std::string>() + " " + labels.value("error_class", "") + " " +
                      labels.value("topic", ""));
    }
  }
  return found;
}

}  // namespace e2e
