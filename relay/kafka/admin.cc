// DescribeConfigs for the limits, librdkafka's statistics for the connection.
#include "relay/kafka/admin.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "relay/kafka/producer.h"

namespace relay::kafka {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kRefresh = 30s;      // limits can be raised while we run
constexpr nanoseconds kRetryFirst = 50ms;  // a topic that does not exist yet, or a sink that is away
constexpr nanoseconds kRetryMax = 5s;
constexpr nanoseconds kForgetAfter = 10min;  // topics nobody writes to are not asked about for ever
constexpr std::size_t kTopicsPerQuestion = 200;
constexpr int kAnswerTimeoutMs = 5000;
constexpr auto kLost = "connection lost";

std::optional<std::int64_t> max_message_bytes(const rd_kafka_ConfigResource_t* resource) {
  std::size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (std::strcmp(rd_kafka_ConfigEntry_name(entries[i]), "max.message.bytes") != 0) continue;
    const char* text = rd_kafka_ConfigEntry_value(entries[i]);
    if (text == nullptr) return std::nullopt;
    std::int64_t bytes = 0;
    const auto parsed = std::from_chars(text, text + std::strlen(text), bytes);
    if (parsed.ec == std::errc{} && bytes > 0) return bytes;
  }
  return std::nullopt;
}

}  // namespace

Admin::Admin(const PublisherConfig& config, const common::Clock& clock, int wake_fd)
    : clock_(clock), wake_fd_(wake_fd) {
  Conf conf = make_conf(config, ClientKind::admin, BatchBytes(0), core::Epoch(0));
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS);
  send_log_to_ours(conf.get());
  sockets_.attach(conf.get());
  char reason[512] = "";
  client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), reason, sizeof reason));
  if (!client_)
    throw common::Error(std::string("the sink's Kafka client cannot be made: ") + reason, false,
                        common::ExitCode::configuration);
  (void)conf.release();  // rd_kafka_new took it
  events_.reset(rd_kafka_queue_get_main(client_.get()));
  results_.reset(rd_kafka_queue_new(client_.get()));
  static constexpr std::uint64_t kWake = 1;
  rd_kafka_queue_io_event_enable(events_.get(), wake_fd, &kWake, sizeof kWake);
  rd_kafka_queue_io_event_enable(results_.get(), wake_fd, &kWake, sizeof kWake);
}

Admin::~Admin() {
  rd_kafka_queue_io_event_enable(events_.get(), -1, nullptr, 0);
  rd_kafka_queue_io_event_enable(results_.get(), -1, nullptr, 0);
  results_.reset();
  events_.reset();
}

TopicLimit Admin::limit(const std::string& topic) {
  const std::scoped_lock lock(mutex_);
  const auto [entry, is_new] = topics_.try_emplace(topic);
  if (is_new) {
    question_due_ = true;
    const std::uint64_t wake = 1;
    (void)!write(wake_fd_, &wake, sizeof wake);
  }
  entry->second.used_at = nanoseconds::max();  // used since serve() looked last
  return entry->second.limit;
}

void Admin::ask_again(const std::string& topic) {
  const std::scoped_lock lock(mutex_);
  const auto entry = topics_.find(topic);
  if (entry == topics_.end()) return;
  entry->second.ask_at = nanoseconds(0);
  question_due_ = true;
}

void Admin::serve() {
  while (const Event event{rd_kafka_queue_poll(events_.get(), 0)}) {
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_STATS)
      take_statistics(rd_kafka_event_stats(event.get()));
    else if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
      saw_error(rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
  }
  while (const Event event{rd_kafka_queue_poll(results_.get(), 0)}) {
    if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT) continue;
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
      take_failure(rd_kafka_event_error(event.get()));
    else
      take_result(event.get());
  }
  ask_due();
}

void Admin::ask_due() {
  const std::scoped_lock lock(mutex_);
  const nanoseconds now = clock_.steady();
  if (!in_question_.empty() || (!question_due_ && now < next_look_)) return;
  question_due_ = false;
  next_look_ = now + kRefresh;
  for (auto entry = topics_.begin(); entry != topics_.end();) {
    auto& [name, about] = *entry;
    if (about.used_at == nanoseconds::max()) about.used_at = now;
    if (now - about.used_at > kForgetAfter) {
      entry = topics_.erase(entry);
      continue;
    }
    if (about.ask_at <= now && in_question_.size() < kTopicsPerQuestion)
      in_question_.push_back(name);
    else
      next_look_ = std::min(next_look_, about.ask_at);
    ++entry;
  }
  if (in_question_.empty()) return;
  std::vector<ConfigResource> resources;
  std::vector<rd_kafka_ConfigResource_t*> pointers;
  for (const auto& name : in_question_) {
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
    pointers.push_back(resources.back().get());
  }
  const AdminOptions options(rd_kafka_AdminOptions_new(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  char reason[256] = "";
  (void)rd_kafka_AdminOptions_set_request_timeout(options.get(), kAnswerTimeoutMs, reason, sizeof reason);
  rd_kafka_DescribeConfigs(client_.get(), pointers.data(), pointers.size(), options.get(), results_.get());
}

void Admin::retry_later(Entry& about, nanoseconds now) {
  about.retry = std::clamp(about.retry * 2, kRetryFirst, kRetryMax);
  about.ask_at = now + about.retry;
}

void Admin::take_result(rd_kafka_event_t* event) {
  const std::scoped_lock lock(mutex_);
  const nanoseconds now = clock_.steady();
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto entry = topics_.find(rd_kafka_ConfigResource_name(resources[i]));
    if (entry == topics_.end()) continue;
    Entry& about = entry->second;
    const auto retry = std::exchange(about.retry, nanoseconds(0));
    about.ask_at = now + kRefresh;
    const auto error = rd_kafka_ConfigResource_error(resources[i]);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      about.limit = {};  // its first record will make it, then it has a limit
      about.retry = retry;
      retry_later(about, now);
    } else if (const auto bytes = max_message_bytes(resources[i]); error == RD_KAFKA_RESP_ERR_NO_ERROR && bytes) {
      about.limit = {TopicLimit::State::known, *bytes};
    } else if (about.limit.state == TopicLimit::State::asked) {
      about.limit.state = TopicLimit::State::unknowable;
    }
  }
  in_question_.clear();
  next_look_ = now;
}

void Admin::take_failure(rd_kafka_resp_err_t error) {
  const std::scoped_lock lock(mutex_);
  const nanoseconds now = clock_.steady();
  const bool no_such_request =
      error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE || error == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION;
  for (const auto& name : in_question_) {
    const auto entry = topics_.find(name);
    if (entry == topics_.end()) continue;
    if (!no_such_request) {
      retry_later(entry->second, now);
      continue;
    }
    entry->second.ask_at = now + kRefresh;
    if (entry->second.limit.state == TopicLimit::State::asked)
      entry->second.limit.state = TopicLimit::State::unknowable;
  }
  in_question_.clear();
  next_look_ = now;
}

void Admin::take_statistics(std::string_view json) {
  const bool is_up = json.find("\"state\":\"UP\"") != std::string_view::npos;
  const std::scoped_lock lock(mutex_);
  up_ = is_up;
  if (is_up) reason_ = kLost;  // what is said from the loss of the last connection until librdkafka says more
}

bool Admin::up() const {
  const std::scoped_lock lock(mutex_);
  return up_;
}

std::string Admin::reason() const {
  const std::scoped_lock lock(mutex_);
  return up_ ? std::string() : reason_;
}

void Admin::saw_acknowledgement() {
  const std::scoped_lock lock(mutex_);
  up_ = true;
}

void Admin::saw_error(rd_kafka_resp_err_t error, const std::string& text) {
  const std::scoped_lock lock(mutex_);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    up_ = false;
  else
    reason_ = text;
}

}  // namespace relay::kafka
