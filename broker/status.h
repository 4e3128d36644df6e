// What the broker tells of itself on its health address. Written by the core thread once a second, read by the admin
// server's thread.
#pragma once

#include <mutex>
#include <string>

#include "broker/core/broker.h"
#include "broker/room_metrics.h"
#include "common/admin_server.h"
#include "common/metrics.h"

namespace broker {

// Thread-safe.
class StatusBoard {
 public:
  explicit StatusBoard(common::Metrics& metrics);

  [[nodiscard]] common::AdminPages pages();
  // Recovery is over.
  void ready(const std::string& cluster_id, const std::string& address, const std::string& data_dir);
  void update(core::Broker& broker);

 private:
  [[nodiscard]] std::string status_json() const;

  common::Gauge& topics_;
  common::Gauge& partitions_;
  common::Gauge& groups_;
  common::Gauge& waiting_fetches_;
  common::Gauge& member_bytes_;
  common::Gauge& producers_;
  RoomMetrics room_metrics_;
  mutable std::mutex mutex_;
  std::string fixed_;   // guarded by mutex_: what does not change, as JSON members; empty until ready
  std::string counts_;  // guarded by mutex_
  std::string room_;    // guarded by mutex_: disk and retention
};

// Program, schema and data versions; the broker knows no schema.
[[nodiscard]] std::string version_text();

}  // namespace broker
