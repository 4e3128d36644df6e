// The sparse index beside a segment: it spares walking, and nothing depends on it. Reads that do not wait for the disk.
#include "broker/storage/segment_index.h"

#include "tests/unit/storage/sim_store.h"

namespace broker::storage::test {
namespace {

class IndexTest : public SimStoreTest {
 protected:
  // One sealed segment and one that grows, each of some index entries.
  void fill() {
    options_.segment_bytes = 1 << 20;
    options_.journal_file_bytes = 1 << 20;
    options_.checkpoint_bytes = 256 << 10;
    open();
    make_topic();
    round();
    while (store_->run_background()) {
    }
    for (int i = 0; i < 300; ++i) {
      append(5000);
      store_->maybe_checkpoint();
      while (store_->run_background()) {
      }
      round();
    }
    ASSERT_EQ(store_->segments(kPartition).size(), 2U);
    last_base_ = store_->segments(kPartition).back().base.value();
    store_->close();
  }
  std::uint64_t bytes_read_by(Offset from) {
    const std::uint64_t before = disk_.read_bytes();
    const ReadResult read = store_->read(kPartition, from, 1);
    EXPECT_EQ(parse_batch_header(read.bytes)->base, from);
    return disk_.read_bytes() - before;
  }
  std::int64_t last_base_ = 0;
};

TEST_F(IndexTest, AfterAStartTheFirstReadDoesNotWalk) {
  fill();
  ASSERT_NE(disk_.inode(index_path(segment(0))), nullptr);
  ASSERT_NE(disk_.inode(index_path(segment(last_base_))), nullptr);
  open();
  EXPECT_LT(bytes_read_by(Offset(180)), 200U << 10);
  EXPECT_LT(bytes_read_by(Offset(10)), 200U << 10);
  EXPECT_LT(bytes_read_by(Offset(299)), 200U << 10);
  EXPECT_EQ(store_->find_time(kPartition, 1290)->first, Offset(290));
}

TEST_F(IndexTest, WithoutAnIndexItIsTheSameWithMoreReading) {
  fill();
  fs_->remove(index_path(segment(0)));
  fs_->remove(index_path(segment(last_base_)));
  open();
  EXPECT_GT(bytes_read_by(Offset(180)), 500U << 10);
  EXPECT_LT(bytes_read_by(Offset(181)), 200U << 10) << "the cache has it now";
  EXPECT_EQ(offsets().size(), 300U);
}

TEST_F(IndexTest, EveryByteOfItIsProtected) {
  fill();
  const auto inode = disk_.inode(index_path(segment(0)));
  const Superblock superblock = *read_superblock(*fs_, "/broker");
  const auto bytes = inode->now;
  const std::uint64_t all = 1ULL << 40;
  const SegmentIdentity identity{kPartition, Offset(0)};
  ASSERT_TRUE(decode_index(bytes, identity, all, superblock).has_value());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] ^= std::byte{4};
    EXPECT_FALSE(decode_index(damaged, identity, all, superblock).has_value()) << at;
  }
  EXPECT_FALSE(decode_index(ConstBuffer(bytes).first(bytes.size() - 24), identity, all, superblock).has_value());
  EXPECT_FALSE(decode_index(bytes, {partition_of(1, 1), Offset(0)}, all, superblock).has_value());
  EXPECT_FALSE(decode_index(bytes, {kPartition, Offset(1)}, all, superblock).has_value());
  EXPECT_FALSE(decode_index(bytes, identity, 1000, superblock).has_value()) << "covers more than there is";
}

TEST_F(IndexTest, ADamagedOrLyingIndexChangesNoAnswer) {
  fill();
  flip(index_path(segment(0)), 100);
  // One that proves itself and points astray: made for this segment, with every position a little off.
  const Superblock superblock = *read_superblock(*fs_, "/broker");
  const SegmentIdentity identity{kPartition, Offset(last_base_)};
  auto lie = read_index(*fs_, segment(last_base_), identity, 1ULL << 40, superblock);
  ASSERT_TRUE(lie.has_value());
  for (std::size_t i = 1; i < lie->entries.size(); ++i) lie->entries[i].position += 7;
  write_index(*fs_, segment(last_base_), *lie, identity, superblock);
  open();
  EXPECT_EQ(parse_batch_header(store_->read(kPartition, Offset(290), 1).bytes)->base, Offset(290));
  std::vector<std::int64_t> all(300);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  EXPECT_EQ(offsets(), all);
}

class ColdReadTest : public IndexTest {};

TEST_F(ColdReadTest, ComesWhenItWasFetched) {
  fill();
  open();
  disk_.set_cached_percent(0);
  EXPECT_FALSE(store_->try_read(kPartition, Offset(50), 20'000).has_value());
  EXPECT_FALSE(store_->try_read(kPartition, Offset(50), 20'000).has_value()) << "asked twice, fetched once";
  EXPECT_TRUE(store_->take_advanced().empty());
  EXPECT_TRUE(store_->run_cold_read());
  EXPECT_FALSE(store_->run_cold_read());
  EXPECT_EQ(store_->take_advanced(), std::vector{kPartition});
  const auto read = store_->try_read(kPartition, Offset(50), 20'000);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(parse_batch_header(read->bytes)->base, Offset(50));
  EXPECT_EQ(read->bytes.size(), 3 * (5000 + kBatchHeaderBytes));
  // Another reader that takes less gets less, and whole batches.
  EXPECT_FALSE(store_->try_read(kPartition, Offset(60), 20'000).has_value());
  store_->run_cold_read();
  EXPECT_EQ(store_->try_read(kPartition, Offset(60), 6'000)->bytes.size(), 5000 + kBatchHeaderBytes);
  // What is in memory needs nobody.
  disk_.set_cached_percent(100);
  EXPECT_TRUE(store_->try_read(kPartition, Offset(150), 1).has_value());
}

TEST_F(ColdReadTest, ADamagedBatchIsToldToWhoAsked) {
  fill();
  flip(segment(0), 10 * (5000 + kBatchHeaderBytes) + 100);
  open();
  disk_.set_cached_percent(0);
  EXPECT_FALSE(store_->try_read(kPartition, Offset(10), 100).has_value());
  store_->run_cold_read();
  EXPECT_EQ(store_->take_advanced(), std::vector{kPartition});
  EXPECT_THROW((void)store_->try_read(kPartition, Offset(10), 100), CorruptError);
  EXPECT_FALSE(store_->poisoned().has_value());
}

TEST_F(ColdReadTest, AnswersThatNobodyTakesAreForgotten) {
  fill();
  open();
  disk_.set_cached_percent(0);
  EXPECT_FALSE(store_->try_read(kPartition, Offset(10), 100).has_value());
  store_->run_cold_read();
  clock_.now += std::chrono::seconds(60);
  store_->maybe_checkpoint();
  EXPECT_FALSE(store_->try_read(kPartition, Offset(10), 100).has_value());
}

}  // namespace
}  // namespace broker::storage::test
