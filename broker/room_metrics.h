// Disk and retention for /metrics and /statusz: who holds how much. Families with topics and groups in their labels are
// bounded: the first so many keep their own, the rest is added up under `_other`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "broker/core/room.h"
#include "common/metrics.h"

namespace broker {

// A family of gauges whose label sets come and go. One thread.
class BoundedGauges {
 public:
  static constexpr std::size_t kOwnMax = 500;
  BoundedGauges(common::Metrics& metrics, std::string_view name, std::string_view help)
      : metrics_(metrics), name_(name), help_(help) {}

  // Between begin() and end() every set that still is; the others become 0.
  void begin();
  void set(const common::Labels& labels, double value);
  void end();

 private:
  struct Entry {
    common::Gauge* gauge = nullptr;
    bool seen = false;
  };
  common::Metrics& metrics_;
  std::string name_;
  std::string help_;
  std::map<common::Labels, Entry> own_;
  common::Gauge* other_ = nullptr;
  double other_sum_ = 0;
  common::Labels other_labels_;
};

// Core thread only.
class RoomMetrics {
 public:
  explicit RoomMetrics(common::Metrics& metrics);
  void update(const core::Room& room);

 private:
  common::Gauge& full_;
  common::Gauge& disk_free_;
  common::Gauge& disk_total_;
  common::Gauge& data_bytes_;
  common::Counter& freed_;
  common::Counter& offsets_gone_;
  BoundedGauges topic_bytes_;
  BoundedGauges topic_held_;
  BoundedGauges topic_groups_;
  BoundedGauges group_pinned_;
  BoundedGauges group_lag_;
  std::uint64_t passes_ = 0;  // of the report that was taken over last
};

// Members of /statusz, beginning with a comma: "disk" and "retention", the latter with the largest topics.
[[nodiscard]] std::string room_json(const core::Room& room);

}  // namespace broker
