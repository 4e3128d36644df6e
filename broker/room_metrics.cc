// Gauges and JSON of disk and retention.
#include "broker/room_metrics.h"

#include <algorithm>
#include <vector>

#include "common/text.h"

namespace broker {
namespace {

constexpr std::size_t kTopicsShown = 100;
constexpr std::string_view kOther = "_other";

std::string json_string(std::string_view text) {
  std::string out = "\"";
  common::append_json_escaped(out, text);
  return out + "\"";
}

std::string number(std::string_view name, std::uint64_t value) {
  return json_string(name) + ":" + std::to_string(value);
}

std::string group_json(const core::GroupUsage& group) {
  return "{\"group\":" + json_string(group.name) + "," + number("pinned_bytes", group.pinned_bytes) + "," +
         number("unread_bytes", group.unread_bytes) + "," + number("lag", static_cast<std::uint64_t>(group.lag)) + "," +
         number("partitions_without_commit", static_cast<std::uint64_t>(group.partitions_unread)) +
         ",\"required\":" + (group.required ? "true" : "false") + "}";
}

std::string topic_json(const core::TopicUsage& topic) {
  std::string text = "{\"topic\":" + json_string(topic.name) + "," + number("bytes", topic.bytes) + "," +
                     number("held_bytes", topic.held_bytes) + "," +
                     number("held_segments", static_cast<std::uint64_t>(topic.held_segments)) + ",\"retention\":\"" +
                     (topic.until_consumed ? "consumed" : "time") + "\"," + number("groups_total", topic.groups_total) +
                     ",\"groups\":[";
  for (std::size_t i = 0; i < topic.groups.size(); ++i) text += (i == 0 ? "" : ",") + group_json(topic.groups[i]);
  return text + "]}";
}

}  // namespace

void BoundedGauges::begin() {
  other_sum_ = 0;
  for (auto& [labels, entry] : own_) entry.seen = false;
}

void BoundedGauges::set(const common::Labels& labels, double value) {
  auto found = own_.find(labels);
  if (found == own_.end() && own_.size() < kOwnMax) {
    found = own_.emplace(labels, Entry{&metrics_.gauge(name_, help_, labels), false}).first;
  }
  if (found == own_.end()) {
    other_sum_ += value;
    if (other_ == nullptr) {
      auto others = labels;
      for (auto& [name, text] : others) text = kOther;
      other_ = &metrics_.gauge(name_, help_, others);
    }
    return;
  }
  found->second.seen = true;
  found->second.gauge->set(value);
}

void BoundedGauges::end() {
  for (auto& [labels, entry] : own_) {
    if (!entry.seen) entry.gauge->set(0);
  }
  if (other_ != nullptr) other_->set(other_sum_);
}

RoomMetrics::RoomMetrics(common::Metrics& metrics)
    : full_(metrics.gauge("broker_disk_full", "1 while produce requests are refused for want of room")),
      disk_free_(metrics.gauge("broker_disk_free_bytes", "Free on the disk of the data folder")),
      disk_total_(metrics.gauge("broker_disk_total_bytes", "Size of the disk of the data folder")),
      data_bytes_(metrics.gauge("broker_data_bytes", "Records of all partitions")),
      freed_(metrics.counter("broker_retention_freed_bytes_total", "Records given up by retention")),
      offsets_gone_(metrics.counter("broker_offsets_gone_total", "Fetches that asked for deleted records")),
      topic_bytes_(metrics, "broker_topic_bytes", "Records of a topic"),
      topic_held_(metrics, "broker_topic_held_bytes", "Records that are due to go, and wait for groups"),
      topic_groups_(metrics, "broker_topic_groups", "Groups that count for retention; 0: nothing goes by itself"),
      group_pinned_(metrics, "broker_group_pinned_bytes", "Records that are due to go and this group has not passed"),
      group_lag_(metrics, "broker_group_lag", "Records from a group's commits to the end") {}

void RoomMetrics::update(const core::Room& room) {
  full_.set(room.full() ? 1 : 0);
  disk_free_.set(static_cast<double>(room.disk().space().free_bytes));
  disk_total_.set(static_cast<double>(room.disk().space().total_bytes));
  data_bytes_.set(static_cast<double>(room.disk().data_bytes()));
  freed_.add(room.retention().freed_bytes() - freed_.value());
  offsets_gone_.add(room.offsets_gone() - offsets_gone_.value());
  const auto& report = *room.retention().report();
  if (report.passes == passes_) return;
  passes_ = report.passes;
  const auto families = {&topic_bytes_, &topic_held_, &topic_groups_, &group_pinned_, &group_lag_};
  for (auto* family : families) family->begin();
  for (const auto& topic : report.topics) {
    const common::Labels of_topic{{"topic", topic.name}};
    topic_bytes_.set(of_topic, static_cast<double>(topic.bytes));
    topic_held_.set(of_topic, static_cast<double>(topic.held_bytes));
    topic_groups_.set(of_topic, static_cast<double>(topic.groups_total));
    for (const auto& group : topic.groups) {
      const common::Labels of_group{{"topic", topic.name}, {"group", group.name}};
      group_pinned_.set(of_group, static_cast<double>(group.pinned_bytes));
      group_lag_.set(of_group, static_cast<double>(group.lag));
    }
  }
  for (auto* family : families) family->end();
}

std::string room_json(const core::Room& room) {
  const auto& disk = room.disk();
  std::string text = ",\"disk\":{" + number("free_bytes", disk.space().free_bytes) + "," +
                     number("total_bytes", disk.space().total_bytes) + "," + number("data_bytes", disk.data_bytes()) +
                     "," + number("used_percent", static_cast<std::uint64_t>(disk.used_percent())) +
                     ",\"refusing\":" + json_string(room.full_because()) + "}";
  const auto& report = *room.retention().report();
  std::vector<const core::TopicUsage*> largest;
  largest.reserve(report.topics.size());
  for (const auto& topic : report.topics) largest.push_back(&topic);
  const auto shown = std::min(kTopicsShown, largest.size());
  std::ranges::partial_sort(largest, largest.begin() + static_cast<std::ptrdiff_t>(shown), std::ranges::greater(),
                            &core::TopicUsage::bytes);
  text += ",\"retention\":{" + number("passes", report.passes) + "," +
          number("freed_bytes", room.retention().freed_bytes()) + "," +
          number("topics_left_out", largest.size() - shown) + ",\"topics\":[";
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ",") + topic_json(*largest[i]);
  return text + "]}";
}

}  // namespace broker
