// Folders of older formats: read whole, upgraded once, whatever happens in between. On the simulated disk.
#include <gtest/gtest.h>

#include <cstring>
#include <iostream>

#include "broker/storage/record_codec.h"
#include "broker/storage/store_impl.h"
#include "broker/storage/superblock.h"
#include "tests/unit/storage/old_folder.h"
#include "tests/unit/storage/sim_disk.h"
#include "tests/unit/storage/support.h"

namespace broker::storage::test {
namespace {

const std::filesystem::path kFolder = "/broker";
constexpr std::uint64_t kUncrashed = 0;

class UpgradeTest : public ::testing::Test {
 protected:
  UpgradeTest() {
    options_.dir = kFolder;
    options_.journal_file_bytes = 1 << 20;
    options_.reserve_bytes = 0;
  }
  void start(std::uint64_t seed) {
    store_.reset();
    disk_ = SimDisk(seed);
    write_folder_of_format_1(*disk_.mount(), kFolder);
    disk_.power_cut();  // nothing of it hangs in a cache
  }
  void open() {
    store_.reset();
    fs_ = disk_.mount();
    state_ = MemoryState();
    store_ = std::make_unique<StoreImpl>(*fs_, clock_, options_, state_, StoreImpl::Threads::none, StoreHooks{});
  }
  // False: the process was ended on the way.
  bool open_until_call(std::uint64_t call) {
    disk_.crash_after(call);
    try {
      open();
    } catch (const SimCrash&) {
      return false;
    }
    disk_.crash_after(kUncrashed);
    return true;
  }
  [[nodiscard]] std::uint32_t durable_format() {
    std::uint32_t format = 0;
    std::memcpy(&format, disk_.inode(kFolder / "store")->durable.data() + 8, sizeof format);
    return format;
  }
  // All that the old program had acknowledged.
  void expect_whole() {
    ASSERT_EQ(state_.topics.size(), 1U);
    const auto& topic = state_.topics.begin()->second;
    EXPECT_EQ(topic.name, "orders");
    const PartitionRef partition{topic.id, PartitionIndex(0)};
    EXPECT_EQ(store_->bounds(partition)->end, Offset(5));
    EXPECT_EQ((state_.group_offsets[{"dynamic", partition}]), 5);
    EXPECT_EQ((state_.group_offsets[{"static", partition}]), 5);
    EXPECT_EQ(store_->read(partition, Offset(0), 1 << 20).bytes.size(), 167U);
    EXPECT_EQ(store_->uuid(), "9303a96b-532e-497b-936c-72a884706ece");
  }

  SimDisk disk_{1};
  ManualClock clock_;
  StoreOptions options_;
  std::unique_ptr<FileSystem> fs_;
  MemoryState state_;
  std::unique_ptr<StoreImpl> store_;
};

TEST_F(UpgradeTest, AFolderOfFormat1IsReadWholeAndLeftInTheNewestFormat) {
  start(1);
  EXPECT_EQ(durable_format(), 1U);
  open();
  expect_whole();
  EXPECT_EQ(durable_format(), kStoreFormat);
  disk_.power_cut();
  open();
  expect_whole();
}

TEST_F(UpgradeTest, KilledAtAnyCallItHasOneFormatOrTheOtherAndAllData) {
  std::uint64_t call = 1;
  std::uint64_t old_after = 0;
  std::uint64_t new_after = 0;
  for (bool killed = true; killed; ++call) {
    for (std::uint64_t variant = 0; variant < 4; ++variant) {
      SCOPED_TRACE("killed at call " + std::to_string(call) + ", seed " + std::to_string(call * 4 + variant));
      start(call * 4 + variant);
      killed = !open_until_call(call);
      if (variant % 2 == 0) {
        disk_.power_cut();
      } else {
        disk_.kill();
      }
      disk_.crash_after(kUncrashed);
      ++(read_superblock(*disk_.mount(), kFolder)->format == 1 ? old_after : new_after);
      open();
      expect_whole();
      EXPECT_EQ(durable_format(), kStoreFormat);
    }
  }
  std::cout << call << " calls; old format after the crash " << old_after << " times, new " << new_after << "\n";
  EXPECT_GT(old_after, 20U);
  EXPECT_GT(new_after, 20U);
}

// An upgrade that came first would leave a folder that neither program opens, when it could have been mended with the
// old one.
TEST_F(UpgradeTest, DamagedOldDataIsRefusedAndKeepsItsFormat) {
  start(1);
  disk_.inode(kFolder / "checkpoint-00000000000000000008")->now[200] ^= std::byte{1};
  EXPECT_THROW(open(), CorruptError);
  EXPECT_EQ(durable_format(), 1U);
}

TEST_F(UpgradeTest, AFreshFolderHasTheNewestFormat) {
  open();
  EXPECT_EQ(durable_format(), kStoreFormat);
}

}  // namespace
}  // namespace broker::storage::test
