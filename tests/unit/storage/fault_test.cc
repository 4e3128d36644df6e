// A full disk and a failing one: what is refused, what recovers alone, what poisons. On the simulated disk.
#include <gtest/gtest.h>

#include "broker/storage/store_impl.h"
#include "tests/unit/storage/sim_disk.h"
#include "tests/unit/storage/support.h"

namespace broker::storage::test {
namespace {

class FaultTest : public ::testing::Test {
 protected:
  FaultTest() {
    options_.dir = "/broker";
    options_.journal_file_bytes = 64 << 10;
    options_.segment_bytes = 256 << 10;
    options_.reserve_bytes = 32 << 10;
    open();
    submit(TopicMade{topic_id(1), "orders", 1, {}});
    round();
    while (store_->run_background()) {
    }
  }
  void open() {
    store_.reset();
    disk_.kill();
    fs_ = disk_.mount();
    state_ = MemoryState();
    store_ = std::make_unique<StoreImpl>(*fs_, clock_, options_, state_, StoreImpl::Threads::none, StoreHooks{});
  }
  void submit(const Record& record, SharedBytes bytes = nullptr) {
    state_.apply(record);
    store_->submit(record, std::move(bytes));
  }
  void round() { ASSERT_EQ(store_->run_one_round(), RoundOutcome::wrote); }
  RoomRefusal append(std::size_t bytes) {
    const Offset base = store_->bounds(kPartition)->end;
    const SharedBytes batch = make_batch(base, 1, 1, std::string(bytes, 'p'));
    const RoomRefusal refusal = store_->make_room(kPartition, batch->size());
    if (refusal == RoomRefusal::none) submit(make_append(kPartition, base, 1, 1, batch), batch);
    return refusal;
  }

  static inline const PartitionRef kPartition = partition_of(1, 0);
  SimDisk disk_{815};
  ManualClock clock_;
  StoreOptions options_;
  std::unique_ptr<FileSystem> fs_;
  MemoryState state_;
  std::unique_ptr<StoreImpl> store_;
};

TEST_F(FaultTest, AFullDiskRefusesAppendsAndRecoversAlone) {
  disk_.set_capacity(disk_.used_bytes() + (200 << 10));
  int stored = 0;
  while (append(8000) == RoomRefusal::none) {
    round();
    store_->maybe_checkpoint();
    while (store_->run_background()) {
    }
    ++stored;
    ASSERT_LT(stored, 100);
  }
  EXPECT_GT(stored, 10);
  EXPECT_FALSE(store_->poisoned().has_value());
  // Group offsets and a checkpoint still go through.
  GroupOffset offset;
  offset.group = "points";
  offset.partition = kPartition;
  submit(offset);
  round();
  store_->start_checkpoint();
  EXPECT_TRUE(store_->run_background());
  EXPECT_FALSE(store_->poisoned().has_value());
  EXPECT_EQ(append(8000), RoomRefusal::disk_full);
  disk_.set_capacity(disk_.used_bytes() + (4 << 20));
  EXPECT_EQ(append(8000), RoomRefusal::none);
  round();
  open();
  EXPECT_EQ(store_->bounds(kPartition)->end, Offset(stored + 1));
}

TEST_F(FaultTest, ACheckpointWithoutRoomIsMadeLater) {
  ASSERT_EQ(append(5000), RoomRefusal::none);
  round();
  disk_.set_capacity(disk_.used_bytes());
  store_->start_checkpoint();
  store_->run_background();
  EXPECT_FALSE(store_->poisoned().has_value());
  ASSERT_EQ(append(100'000), RoomRefusal::disk_full);
  disk_.set_capacity(1 << 30);
  store_->start_checkpoint();
  EXPECT_TRUE(store_->run_background());
  open();
  EXPECT_EQ(store_->bounds(kPartition)->end, Offset(1));
}

TEST_F(FaultTest, AFailedFlushOfTheJournalReleasesNothingEverAfter) {
  ASSERT_EQ(append(500), RoomRefusal::none);
  const Ticket before = store_->durable();
  disk_.fail_flush_after(1);
  EXPECT_EQ(store_->run_one_round(), RoundOutcome::idle);
  ASSERT_TRUE(store_->poisoned().has_value());
  EXPECT_NE(store_->poisoned()->find("/broker/journal/"), std::string::npos);
  EXPECT_EQ(store_->run_one_round(), RoundOutcome::idle);
  EXPECT_EQ(store_->write_mark(), RoundOutcome::idle);
  EXPECT_EQ(store_->durable(), before);
  EXPECT_EQ(store_->bounds(kPartition)->durable_end, Offset(0));
  store_->close();
  EXPECT_EQ(store_->durable(), before);
}

TEST_F(FaultTest, AFailedFlushOfASegmentKeepsTheJournal) {
  ASSERT_EQ(append(3000), RoomRefusal::none);
  round();
  store_->start_checkpoint();
  disk_.fail_flush_after(1);
  EXPECT_FALSE(store_->run_background());
  ASSERT_TRUE(store_->poisoned().has_value());
  EXPECT_NE(store_->poisoned()->find("/broker/data/"), std::string::npos);
  store_.reset();
  // The pages are readable and not on the disk: only rewriting brings them there before the power goes.
  open();
  store_.reset();
  disk_.power_cut();
  open();
  EXPECT_EQ(store_->bounds(kPartition)->end, Offset(1));
  EXPECT_GT(store_->read(kPartition, Offset(0), 1).bytes.size(), 3000U);
}

TEST_F(FaultTest, AppendsWaitForACheckpointAndGoOn) {
  options_.uncheckpointed_bytes_max = 100 << 10;
  open();
  // Nobody asks for a checkpoint: the journal stops before it has no file left.
  RoundOutcome outcome = RoundOutcome::wrote;
  for (int i = 0; i < 100 && outcome == RoundOutcome::wrote; ++i) {
    ASSERT_EQ(append(9000), RoomRefusal::none);
    outcome = store_->run_one_round();
    while (store_->run_background()) {
    }
  }
  ASSERT_EQ(outcome, RoundOutcome::blocked);
  // Much more than the journal's files can take piles up meanwhile.
  for (int i = 0; i < 60; ++i) ASSERT_EQ(append(9000), RoomRefusal::none);
  int rounds = 0;
  while (store_->durable().value() < 400 && rounds++ < 400) {
    store_->maybe_checkpoint();
    while (store_->run_background()) {
    }
    if (store_->run_one_round() == RoundOutcome::idle) break;
  }
  const Offset end = store_->bounds(kPartition)->end;
  EXPECT_EQ(store_->bounds(kPartition)->durable_end, end);
  open();
  EXPECT_EQ(store_->bounds(kPartition)->end, end);
}

}  // namespace
}  // namespace broker::storage::test
