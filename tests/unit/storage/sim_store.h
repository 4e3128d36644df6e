// A store on the simulated disk, driven round by round: what several test programs of this folder begin with.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/storage/batch_header.h"
#include "broker/storage/store_impl.h"
#include "tests/unit/storage/sim_disk.h"
#include "tests/unit/storage/support.h"

namespace broker::storage::test {

class SimStoreTest : public ::testing::Test {
 protected:
  SimStoreTest() {
    options_.dir = "/broker";
    options_.journal_file_bytes = 256 << 10;
    options_.segment_bytes = 64 << 10;
    options_.reserve_bytes = 0;
    options_.tail_cache_bytes = 0;
    options_.index_bytes_min = 8 << 10;
  }
  // The process before is gone without a stop.
  void open() {
    store_.reset();
    disk_.kill();
    fs_ = disk_.mount();
    state_ = MemoryState();
    store_ = std::make_unique<StoreImpl>(*fs_, clock_, options_, state_, StoreImpl::Threads::none, StoreHooks{});
  }
  // What open() refuses with; empty: it started.
  std::string refusal() {
    try {
      open();
      return "";
    } catch (const common::Error& failure) {
      return failure.what();
    }
  }
  void submit(const Record& record, SharedBytes bytes = nullptr) {
    state_.apply(record);
    store_->submit(record, std::move(bytes));
  }
  void make_topic(std::int32_t partitions = 1) { submit(TopicMade{topic_id(1), "orders", partitions, {}}); }
  void append(std::size_t bytes, const PartitionRef& partition = partition_of(1, 0)) {
    const Offset base = store_->bounds(partition)->end;
    const std::string payload(bytes, static_cast<char>('a' + base.value() % 26));
    const SharedBytes batch = make_batch(base, 1, 1000 + base.value(), payload);
    ASSERT_EQ(store_->make_room(partition, batch->size()), RoomRefusal::none);
    submit(make_append(partition, base, 1, 1000 + base.value(), batch), batch);
  }
  void round() {
    ASSERT_EQ(store_->run_one_round(), RoundOutcome::wrote);
    (void)store_->take_advanced();
  }
  void append_rounds(int count, std::size_t bytes) {
    for (int i = 0; i < count; ++i) {
      append(bytes);
      round();
    }
  }
  void checkpoint() {
    store_->start_checkpoint();
    while (store_->run_background()) {
    }
    ASSERT_FALSE(store_->poisoned().has_value());
  }
  // The offsets that are there, read from start to end.
  std::vector<std::int64_t> offsets(const PartitionRef& partition = partition_of(1, 0)) {
    std::vector<std::int64_t> found;
    const PartitionBounds bounds = *store_->bounds(partition);
    for (Offset next = bounds.start; next < bounds.durable_end;) {
      const ReadResult read = store_->read(partition, next, 4096);
      if (read.bytes.empty()) break;
      for (std::size_t at = 0; at < read.bytes.size();) {
        const auto header = parse_batch_header(ConstBuffer(read.bytes).subspan(at));
        EXPECT_GE(header->base, next);
        found.push_back(header->base.value());
        next = header->end;
        at += header->bytes;
      }
    }
    return found;
  }
  static std::filesystem::path segment(std::int64_t base, std::int32_t partition = 0) {
    return std::filesystem::path("/broker/data") / kTopicHex / std::to_string(partition) /
           (twenty_digits(static_cast<std::uint64_t>(base)) + ".log");
  }
  void flip(const std::filesystem::path& path, std::uint64_t at) {
    const auto inode = disk_.inode(path);
    ASSERT_TRUE(inode && at < inode->now.size()) << path << " " << at;
    inode->now[at] ^= std::byte{1};
    if (at < inode->durable.size()) inode->durable[at] ^= std::byte{1};
  }

  static constexpr const char* kTopicHex = "01010101010101010101010101010101";
  static inline const PartitionRef kPartition = partition_of(1, 0);
  SimDisk disk_{4711};
  ManualClock clock_;
  StoreOptions options_;
  std::unique_ptr<FileSystem> fs_;
  MemoryState state_;
  std::unique_ptr<StoreImpl> store_;
};

}  // namespace broker::storage::test
