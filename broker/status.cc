// Health pages' contents.
#include "broker/status.h"

#include <utility>

#include "common/text.h"
#include "common/version.h"

namespace broker {
namespace {

std::string json_string(const std::string& text) {
  std::string out = "\"";
  common::append_json_escaped(out, text);
  return out + "\"";
}

}  // namespace

StatusBoard::StatusBoard(common::Metrics& metrics)
    : topics_(metrics.gauge("broker_topics", "Topics")),
      partitions_(metrics.gauge("broker_partitions", "Partitions of all topics")),
      groups_(metrics.gauge("broker_groups", "Consumer groups with members, or known and empty")),
      waiting_fetches_(metrics.gauge("broker_waiting_fetches", "Fetches that wait for data")),
      member_bytes_(metrics.gauge("broker_group_member_bytes", "What members of groups sent of themselves")),
      producers_(metrics.gauge("broker_idempotent_producers", "Idempotent producers known, one for each partition")),
      room_metrics_(metrics) {}

common::AdminPages StatusBoard::pages() {
  common::AdminPages pages;
  pages.status = [this] { return status_json(); };
  pages.not_ready = [this]() -> std::string {
    const std::scoped_lock lock(mutex_);
    return fixed_.empty() ? "recovering the data folder" : "";
  };
  return pages;
}

void StatusBoard::ready(const std::string& cluster_id, const std::string& address, const std::string& data_dir) {
  const std::scoped_lock lock(mutex_);
  fixed_ = "\"version\":" + json_string(std::string(common::version())) + ",\"cluster_id\":" + json_string(cluster_id) +
           ",\"listen\":" + json_string(address) + ",\"data_dir\":" + json_string(data_dir);
}

void StatusBoard::update(core::Broker& broker) {
  const auto topics = broker.state().topics().size();
  const auto partitions = broker.state().partition_count();
  const auto groups = broker.groups().size();
  topics_.set(static_cast<double>(topics));
  partitions_.set(static_cast<double>(partitions));
  groups_.set(static_cast<double>(groups));
  waiting_fetches_.set(static_cast<double>(broker.fetch_waiters().size()));
  std::size_t member_bytes = 0;
  for (const auto& [name, group] : broker.groups().all()) member_bytes += group->bytes;
  member_bytes_.set(static_cast<double>(member_bytes));
  producers_.set(static_cast<double>(broker.state().producers().size()));
  room_metrics_.update(broker.room());
  auto room = room_json(broker.room());
  const std::scoped_lock lock(mutex_);
  room_ = std::move(room);
  counts_ = ",\"topics\":" + std::to_string(topics) + ",\"partitions\":" + std::to_string(partitions) +
            ",\"groups\":" + std::to_string(groups) + ",\"disk_full\":" + (broker.room().full() ? "true" : "false");
}

std::string StatusBoard::status_json() const {
  const std::scoped_lock lock(mutex_);
  return "{\"state\":" + json_string(fixed_.empty() ? "recovering" : "running") + (fixed_.empty() ? "" : "," + fixed_) +
         counts_ + room_ + "}";
}

std::string version_text() { return common::version_text("outbox-broker", {0, 0}); }

}  // namespace broker
