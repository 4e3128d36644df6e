// Descriptors, flushes and rooms of thousands of partitions: few are open, none is forgotten.
#include "broker/storage/segment_files.h"

#include "tests/unit/storage/sim_store.h"

namespace broker::storage::test {
namespace {

class SegmentFilesTest : public ::testing::Test {
 protected:
  explicit SegmentFilesTest(std::size_t open_max = 8, std::size_t together_from = 1000)
      : files_(*fs_, "/data", open_max, together_from) {
    fs_->make_directory("/data");
  }
  std::shared_ptr<SegmentFile> write(std::int32_t partition, const std::string& text, std::uint64_t position = 0) {
    auto& file = segments_[partition];
    if (!file) file = files_.at(partition_of(1, partition), Offset(0));
    const ConstBuffer bytes = std::as_bytes(std::span(text.data(), text.size()));
    files_.write(file, {&bytes, 1}, position);
    return file;
  }
  std::string durable_text(const std::shared_ptr<SegmentFile>& segment) {
    const auto inode = disk_.inode(segment->path);
    if (!inode) return "(no file)";
    return {reinterpret_cast<const char*>(inode->now.data()), inode->now.size()};
  }

  SimDisk disk_{99};
  std::unique_ptr<FileSystem> fs_ = disk_.mount();
  SegmentFiles files_;
  std::map<std::int32_t, std::shared_ptr<SegmentFile>> segments_;
};

TEST_F(SegmentFilesTest, FewAreOpenAndAllBecomeDurable) {
  for (std::int32_t i = 0; i < 100; ++i) {
    write(i, "partition " + std::to_string(i));
    ASSERT_LE(files_.open_count(), 8U);
  }
  files_.flush_dirty();
  fs_->sync_directory("/");
  disk_.power_cut();
  for (const auto& [i, segment] : segments_) EXPECT_EQ(durable_text(segment), "partition " + std::to_string(i));
}

TEST_F(SegmentFilesTest, AFlushDuringAWriteLeavesTheFileDirty) {
  fs_->sync_directory("/");
  write(0, "first");
  bool flushed = false;
  disk_.on_write(".log", [&] {
    if (!std::exchange(flushed, true)) files_.flush_dirty();
  });
  const auto segment = write(0, " second", 5);
  ASSERT_TRUE(flushed);
  files_.flush_dirty();
  disk_.power_cut();
  EXPECT_EQ(durable_text(segment), "first second");
}

TEST_F(SegmentFilesTest, AFailedFlushIsNotForgotten) {
  write(0, "text");
  disk_.fail_flush_after(1);
  EXPECT_THROW(files_.flush_dirty(), IoError);
  // The kernel says it once; a second flush would pass, and a checkpoint would free the journal.
  write(1, "other");
  EXPECT_THROW(files_.flush_dirty(), IoError);
}

class FlushedTogetherTest : public SegmentFilesTest {
 protected:
  FlushedTogetherTest() : SegmentFilesTest(8, 4) {}
};

TEST_F(FlushedTogetherTest, ManyCostOneFlush) {
  for (std::int32_t i = 0; i < 100; ++i) {
    write(i, "partition " + std::to_string(i));
    ASSERT_LE(files_.open_count(), 8U);
  }
  files_.flush_dirty();
  EXPECT_EQ(disk_.flushes(), disk_.whole_flushes());
  EXPECT_LT(disk_.flushes(), 20U) << "one for every eight files";
  write(7, " and more", 11);
  files_.flush_dirty();
  EXPECT_EQ(disk_.flushes(), disk_.whole_flushes() + 1) << "few are flushed one by one";
  fs_->sync_directory("/");
  disk_.power_cut();
  for (const auto& [i, segment] : segments_)
    EXPECT_EQ(durable_text(segment), "partition " + std::to_string(i) + (i == 7 ? " and more" : ""));
}

TEST_F(FlushedTogetherTest, WhoseWriteFailedIsAskedOfEach) {
  for (std::int32_t i = 0; i < 8; ++i) write(i, "text");
  disk_.set_whole_flush_fails(100);
  EXPECT_THROW(files_.flush_dirty(), IoError);
  EXPECT_GT(disk_.flushes(), disk_.whole_flushes());
  disk_.set_whole_flush_fails(0);
  EXPECT_THROW(files_.flush_dirty(), IoError) << "it is told once, and not forgotten";
}

TEST_F(FlushedTogetherTest, AWriteDuringTheFlushOfAllLeavesTheFileDirty) {
  fs_->sync_directory("/");
  for (std::int32_t i = 0; i < 6; ++i) write(i, "first");
  bool flushed = false;
  disk_.on_write(".log", [&] {
    if (!std::exchange(flushed, true)) files_.flush_dirty();
  });
  const auto segment = write(0, " second", 5);
  ASSERT_TRUE(flushed);
  files_.flush_dirty();
  disk_.power_cut();
  EXPECT_EQ(durable_text(segment), "first second");
}

TEST_F(SegmentFilesTest, RemovedFilesAreClosed) {
  const auto segment = write(0, "text");
  files_.remove(segment);
  EXPECT_EQ(files_.open_count(), 0U);
  files_.flush_dirty();
}

class ManyFilesTest : public SegmentFilesTest {
 protected:
  ManyFilesTest() : SegmentFilesTest(1000) {}
};

TEST_F(ManyFilesTest, DescriptorsThatRunOutAreClosedAndTriedAgain) {
  disk_.set_descriptors_max(10);
  for (std::int32_t i = 0; i < 50; ++i) write(i, "text");
  EXPECT_LE(disk_.descriptors(), 10U);
  std::byte byte{};
  for (std::int32_t i = 0; i < 50; ++i) EXPECT_EQ(files_.read(segments_[i], {&byte, 1}, 0), 1U);
}

TEST_F(ManyFilesTest, WholeMegabytesAreWrittenBackEarly) {
  const std::string piece(700 << 10, 'x');
  write(0, piece);
  EXPECT_FALSE(files_.writeback_waits());
  for (int i = 1; i < 6; ++i) write(0, piece, static_cast<std::uint64_t>(i) * piece.size());
  while (files_.start_writeback()) {
  }
  EXPECT_EQ(disk_.writeback_bytes(), 4U << 20) << "of 4.1 MiB";
}

class FirstAppends : public SimStoreTest {};

TEST_F(FirstAppends, TouchNoFileOnTheCoreThread) {
  open();
  make_topic(100);
  round();
  const std::uint64_t before = disk_.calls();
  for (std::int32_t i = 0; i < 100; ++i) append(500, partition_of(1, i));
  EXPECT_EQ(disk_.calls(), before);
  while (store_->run_one_round() == RoundOutcome::wrote) {
  }
  EXPECT_GT(disk_.calls(), before + 100);
}

TEST_F(FirstAppends, AreRefusedBeforeTheDiskIsFull) {
  open();
  make_topic(1000);
  round();
  disk_.set_capacity(disk_.used_bytes() + (1 << 20));
  // Nothing is written meanwhile: what was promised counts.
  std::int32_t given = 0;
  const SharedBytes batch = make_batch(Offset(0), 1, 1, std::string(1000, 'x'));
  for (; given < 1000; ++given) {
    if (store_->make_room(partition_of(1, given), batch->size()) != RoomRefusal::none) break;
    submit(make_append(partition_of(1, given), Offset(0), 1, 1, batch), batch);
  }
  EXPECT_GT(given, 10);
  EXPECT_LT(given, 1000);
  while (store_->run_one_round() == RoundOutcome::wrote) {
  }
  EXPECT_FALSE(store_->poisoned().has_value());
  EXPECT_EQ(store_->bounds(partition_of(1, given - 1))->durable_end, Offset(1));
}

TEST_F(FirstAppends, WaitForRoomThatOthersTook) {
  open();
  make_topic();
  round();
  append(20'000);
  disk_.set_capacity(disk_.used_bytes());
  EXPECT_EQ(store_->run_one_round(), RoundOutcome::blocked);
  EXPECT_FALSE(store_->poisoned().has_value());
  EXPECT_EQ(store_->bounds(kPartition)->durable_end, Offset(1)) << "the journal has it";
  EXPECT_EQ(offsets(), std::vector<std::int64_t>{0}) << "and readers get it from memory";
  EXPECT_EQ(store_->make_room(kPartition, 100), RoomRefusal::disk_full);
  EXPECT_EQ(store_->run_one_round(), RoundOutcome::blocked);
  disk_.set_capacity(1 << 30);
  EXPECT_EQ(store_->run_one_round(), RoundOutcome::wrote);
  EXPECT_EQ(store_->make_room(kPartition, 100), RoomRefusal::none);
  EXPECT_EQ(offsets(), std::vector<std::int64_t>{0});
}

class LastSegment : public SimStoreTest {};

TEST_F(LastSegment, GoesWhenTheStartReachesItsEnd) {
  open();
  make_topic();
  append_rounds(5, 3000);
  submit(LogStartMoved{kPartition, Offset(5)});
  round();
  EXPECT_TRUE(store_->segments(kPartition).empty());
  EXPECT_EQ(store_->bounds(kPartition)->bytes, 0U);
  checkpoint();
  EXPECT_EQ(disk_.inode(segment(0)), nullptr);
  open();
  EXPECT_EQ(store_->bounds(kPartition)->end, Offset(5));
  append_rounds(2, 3000);
  open();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{5, 6}));
  EXPECT_EQ(store_->segments(kPartition).front().base, Offset(5));
}

TEST_F(LastSegment, IsSealedOnRequest) {
  open();
  make_topic();
  append_rounds(3, 1000);
  store_->roll(kPartition);
  append_rounds(2, 1000);
  const auto segments = store_->segments(kPartition);
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments[0].end, Offset(3));
  EXPECT_EQ(segments[0].first_append_ms, 1000);
  EXPECT_EQ(segments[0].last_append_ms, 1002);
  EXPECT_EQ(segments[1].first_append_ms, 1003);
  open();
  EXPECT_EQ(offsets(), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

class Starting : public SimStoreTest {};

TEST_F(Starting, StopsWhenAskedAndBeginsAgain) {
  open();
  make_topic();
  append_rounds(20, 1000);
  int asked = 0;
  options_.stop_requested = [&asked] { return ++asked > 5; };
  EXPECT_THROW(open(), Stopped);
  options_.stop_requested = nullptr;
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(offsets().size(), 20U);
}

}  // namespace
}  // namespace broker::storage::test
