// The TCP sockets of one librdkafka client. A connection that has lost its peer's machine (common/cut_off.h) is ended
// here, and librdkafka makes a new one. Private to relay/kafka.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "relay/kafka/handles.h"

namespace relay::kafka {

// Thread-safe. Nothing blocks.
class Sockets {
 public:
  Sockets() = default;
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  // A client made from `conf` opens and closes its sockets here; this must outlive it. Takes the conf's opaque.
  void attach(rd_kafka_conf_t* conf);
  // As socket(2) and close(2).
  int open(int domain, int type, int protocol);
  int close(int fd);
  // Ends what is cut off. A few times a second; `now` is monotonic. Answers how many.
  int end_cut_off(std::chrono::nanoseconds now);

 private:
  std::mutex mutex_;
  std::unordered_map<int, std::optional<std::chrono::nanoseconds>> open_;  // fd → when first looked at
};

}  // namespace relay::kafka
