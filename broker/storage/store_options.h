// How a store is opened: sizes, limits, what is asked and what is given up while it recovers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "broker/storage/record.h"
#include "common/error.h"

namespace broker::storage {

// As people write it: TOPIC/PARTITION, the topic by its name or its id.
struct PartitionName {
  std::string topic;
  PartitionIndex partition;
  [[nodiscard]] std::string text() const { return topic + "/" + std::to_string(partition.value()); }
};

struct StoreOptions {
  std::filesystem::path dir;
  std::uint64_t journal_file_bytes = 64ULL << 20;
  std::uint64_t segment_bytes = 256ULL << 20;
  std::uint64_t reserve_bytes = 64ULL << 20;  // kept aside so that checkpoints and group commits still go through
  std::uint64_t tail_cache_bytes = 4ULL << 20;
  std::uint64_t checkpoint_bytes = 32ULL << 20;
  std::uint64_t uncheckpointed_bytes_max = 128ULL << 20;
  std::chrono::milliseconds checkpoint_interval{30'000};
  // Asked many times a second while open() recovers; true: it gives up with Stopped, and the next start begins again.
  std::function<bool()> stop_requested;
  // Partitions whose damage is given up at this start; see accept_loss.h.
  std::vector<PartitionName> accept_loss;
  std::size_t open_segments_max = 1024;         // descriptors; never more than half of what the process may have
  std::size_t flush_together_from = 64;         // so many dirty files and folders are flushed by one WholeSync
  std::uint64_t index_bytes_min = 1ULL << 20;   // smaller segments are read through instead of indexed on the disk
  std::size_t index_cache_bytes = 16ULL << 20;  // indexes of old segments in memory
};

// The recovery was asked to stop; nothing is lost by that.
class Stopped : public common::Error {
 public:
  Stopped() : common::Error("stopped while recovering; the next start recovers", true, common::ExitCode::ok) {}
};

}  // namespace broker::storage
