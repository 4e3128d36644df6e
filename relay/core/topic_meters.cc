// See topic_meters.h. Names and labels: the metrics list of the operators' reference.
#include "relay/core/topic_meters.h"

#include <utility>

namespace relay::core {

std::string_view row_state_name(RowState state) {
  constexpr std::array<std::string_view, kRowStates> kNames{"pending", "retrying",  "held",
                                                            "unclear", "in_flight", "dead"};
  return kNames[static_cast<std::size_t>(state)];
}

TopicTable::TopicTable(common::Metrics& metrics, std::string source, std::size_t topics_max)
    : metrics_(metrics), source_(std::move(source)), topics_max_(topics_max) {}

TopicMeters& TopicTable::of(const std::string& topic) {
  if (last_ != nullptr && last_->topic == topic) return *last_;
  if (const auto found = topics_.find(topic); found != topics_.end()) {
    last_ = found->second.get();
    return *last_;
  }
  if (topics_.size() >= topics_max_) {
    if (!others_) others_ = make("_other");
    return *others_;
  }
  last_ = topics_.emplace(topic, make(topic)).first->second.get();
  return *last_;
}

std::unique_ptr<TopicMeters> TopicTable::make(const std::string& topic) {
  auto meters = std::make_unique<TopicMeters>();
  const common::Labels labels{{"source", source_}, {"topic", topic}};
  meters->topic = topic;
  meters->published =
      &metrics_.counter("outbox_messages_published_total", "Messages the sink has acknowledged.", labels);
  meters->attempts_delivered =
      &metrics_.counter("outbox_publish_attempts_total", "Attempts to publish a message, by what came of them.",
                        {{"source", source_}, {"topic", topic}, {"result", "delivered"}, {"error_type", ""}});
  meters->publish_duration =
      &metrics_.histogram("outbox_publish_duration_seconds",
                          "From handing a message to the producer to its acknowledgement.", {{"topic", topic}});
  meters->latency = &metrics_.histogram("outbox_delivery_latency_seconds",
                                        "From the row's created_at to the acknowledgement.", labels);
  for (std::size_t state = 0; state < kRowStates; ++state) {
    meters->gauges[state] = &metrics_.gauge(
        "outbox_messages", "Rows by state, as the last whole sweep met them.",
        {{"source", source_}, {"topic", topic}, {"state", std::string(row_state_name(static_cast<RowState>(state)))}});
  }
  return meters;
}

void TopicTable::failed(const TopicMeters& meters, const std::string& error_class) {
  metrics_
      .counter("outbox_publish_attempts_total", "Attempts to publish a message, by what came of them.",
               {{"source", source_}, {"topic", meters.topic}, {"result", "failed"}, {"error_type", error_class}})
      .add();
}

void TopicTable::dead(const TopicMeters& meters, const std::string& reason) {
  metrics_
      .counter("outbox_messages_dead_total", "Messages given up, by reason.",
               {{"source", source_}, {"topic", meters.topic}, {"reason", reason}})
      .add();
}

}  // namespace relay::core
