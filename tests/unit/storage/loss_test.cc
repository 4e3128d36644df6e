// Damage: found by reading a folder that nobody changes, refused at a start, given up on an operator's word.
#include "broker/storage/accept_loss.h"

#include <sstream>

#include "broker/storage/dump.h"
#include "broker/storage/offline.h"
#include "tests/unit/storage/sim_store.h"

namespace broker::storage::test {
namespace {

constexpr std::uint64_t kBatch = 3000 + kBatchHeaderBytes;

class LossTest : public SimStoreTest {
 protected:
  // Segments of 21 batches: offsets 0–20, 21–41, 42–49, all in the checkpoint.
  void fill() {
    open();
    make_topic(2);
    round();
    while (store_->run_background()) {
    }
    for (int i = 0; i < 50; ++i) {
      append_rounds(1, 3000);
      if (i % 10 == 9) checkpoint();
    }
    store_->close();
    store_.reset();
    disk_.kill();
    fs_ = disk_.mount();
  }
  struct Checked {
    std::vector<Finding> findings;
    OfflineTotals totals;
    std::vector<LossAccepted> losses;
    std::vector<std::byte> snapshot;
  };
  // Also shows that looking changes nothing.
  Checked check() {
    store_.reset();
    disk_.kill();
    fs_ = disk_.mount();
    const std::uint64_t calls = disk_.calls();
    MemoryState state;
    OfflineFolder folder(*fs_, "/broker", state);
    Checked checked{{}, folder.check_segments(), folder.losses(), {}};
    checked.findings = folder.findings();
    for (const Record& record : state.snapshot()) encode_record(checked.snapshot, record);
    EXPECT_EQ(disk_.calls(), calls) << "the folder was changed";
    return checked;
  }
  void accept(const std::string& topic = "orders") {
    options_.accept_loss = {{topic, PartitionIndex(0)}};
    open();
    options_.accept_loss.clear();
  }
  static std::vector<std::int64_t> all_but(std::int64_t from, std::int64_t to, std::int64_t end = 50) {
    std::vector<std::int64_t> wanted;
    for (std::int64_t i = 0; i < end; ++i) {
      if (i < from || i >= to) wanted.push_back(i);
    }
    return wanted;
  }
  void expect_lost(std::int64_t from, std::int64_t to) {
    EXPECT_EQ(offsets(), all_but(from, to));
    EXPECT_EQ(store_->bounds(kPartition)->end, Offset(50)) << "no offset is given twice";
    append_rounds(2, 3000);
    auto wanted = all_but(from, to);
    wanted.push_back(50);
    wanted.push_back(51);
    EXPECT_EQ(offsets(), wanted);
    open();
    EXPECT_EQ(offsets(), wanted) << "after another start";
    const Checked checked = check();
    EXPECT_TRUE(checked.findings.empty()) << checked.findings.front().text;
    ASSERT_EQ(checked.losses.size(), 1U);
    EXPECT_EQ(checked.losses[0].partition, kPartition);
    EXPECT_EQ(checked.losses[0].from, Offset(from));
    EXPECT_EQ(checked.losses[0].to, Offset(to));
  }
};

TEST_F(LossTest, AWholeFolderIsFoundWhole) {
  fill();
  const Checked checked = check();
  EXPECT_TRUE(checked.findings.empty()) << checked.findings.front().text;
  EXPECT_EQ(checked.totals.records, 50);
  EXPECT_EQ(checked.totals.segments, 3U);
}

TEST_F(LossTest, AfterACrashTheJournalIsCheckedToo) {
  fill();
  open();
  append_rounds(5, 3000);
  const Checked checked = check();
  EXPECT_TRUE(checked.findings.empty()) << checked.findings.front().text;
  EXPECT_EQ(checked.totals.records, 55);
  EXPECT_EQ(checked.snapshot, check().snapshot) << "the same journal, the same state";
}

TEST_F(LossTest, CheckListsAllThatIsDamaged) {
  fill();
  flip(segment(0), 5 * kBatch + 200);
  flip(segment(21), 3 * kBatch + 16);
  fs_->remove(segment(42));
  flip("/broker/journal/00", 8);
  const auto findings = check().findings;
  ASSERT_GE(findings.size(), 3U);
  EXPECT_EQ(findings[0].text, segment(0).string() + " at byte " + std::to_string(5 * kBatch) +
                                  ": a batch whose checksum differs, offsets 5 to 5");
  EXPECT_NE(findings[1].text.find(segment(21).string() + " at byte " + std::to_string(3 * kBatch)), std::string::npos);
  EXPECT_NE(findings[2].text.find(segment(42).string() + " is missing, offsets 42 to 49"), std::string::npos);
}

TEST_F(LossTest, CheckFindsADamagedCheckpointAndSuperblock) {
  fill();
  for (const DirectoryEntry& entry : fs_->list("/broker")) {
    if (!entry.name.starts_with("checkpoint-")) continue;
    flip("/broker/" + entry.name, 130);
    EXPECT_NE(check().findings.front().text.find("is damaged"), std::string::npos);
  }
  flip("/broker/store", 40);
  EXPECT_NE(check().findings.front().text.find("/broker/store is damaged"), std::string::npos);
}

TEST_F(LossTest, AFlippedByteLosesItsBatchAlone) {
  fill();
  flip(segment(0), 5 * kBatch + 200);
  accept();
  EXPECT_NE(disk_.inode(segment(0).string() + ".damaged"), nullptr);
  expect_lost(5, 6);
}

TEST_F(LossTest, ADamagedLengthLosesUpToTheNextIndexEntry) {
  fill();
  flip(segment(0), 3 * kBatch + 10);
  accept(kTopicHex);
  const auto found = offsets();
  // The index has an entry every 32 KiB: the 12th batch is one.
  EXPECT_EQ(found, all_but(3, 11));
  expect_lost(3, 11);
}

TEST_F(LossTest, AMissingSegmentIsRefusedAndGivenUp) {
  fill();
  fs_->remove(segment(21));
  const std::string refused = refusal();
  EXPECT_NE(refused.find(segment(21).string() + " is missing"), std::string::npos) << refused;
  EXPECT_NE(refused.find(std::string("--accept-loss ") + kTopicHex + "/0"), std::string::npos) << refused;
  accept();
  expect_lost(21, 42);
}

TEST_F(LossTest, AShortLastSegmentKeepsTheEnd) {
  fill();
  fs_->open(segment(42), OpenMode::write_existing)->truncate(2 * kBatch + 100);
  EXPECT_NE(refusal().find("ends at byte"), std::string::npos);
  accept();
  expect_lost(44, 50);
}

TEST_F(LossTest, WhatTheJournalHasOfADamagedSegmentIsKept) {
  fill();
  open();
  append_rounds(3, 3000);
  store_.reset();
  flip(segment(42), 200);
  accept();
  EXPECT_EQ(offsets(), all_but(42, 43, 53));
  open();
  EXPECT_EQ(offsets(), all_but(42, 43, 53));
  EXPECT_TRUE(check().findings.empty());
}

TEST_F(LossTest, AcceptingMayBeKilledAtAnyCallAndRepeated) {
  bool killed = true;
  std::uint64_t call = 1;
  for (; killed; ++call) {
    disk_ = SimDisk(call);
    fill();
    flip(segment(42), 2 * kBatch + 300);
    options_.accept_loss = {{"orders", PartitionIndex(0)}};
    store_.reset();
    disk_.kill();
    fs_ = disk_.mount();
    disk_.crash_after(call);
    killed = false;
    try {
      MemoryState state;
      StoreImpl first(*fs_, clock_, options_, state, StoreImpl::Threads::none, StoreHooks{});
    } catch (const SimCrash&) {
      killed = true;
    }
    disk_.power_cut();
    open();
    options_.accept_loss.clear();
    ASSERT_EQ(offsets(), all_but(44, 45)) << "killed at call " << call;
    ASSERT_EQ(store_->bounds(kPartition)->end, Offset(50));
  }
  EXPECT_GT(call, 10U);
}

TEST_F(LossTest, NothingDamagedNothingGivenUp) {
  fill();
  accept();
  EXPECT_EQ(offsets(), all_but(0, 0));
  options_.accept_loss = {{"nothing", PartitionIndex(0)}};
  EXPECT_NE(refusal().find("there is no such partition"), std::string::npos);
}

TEST_F(LossTest, DumpPrintsFramesRecordsAndBatches) {
  fill();
  open();
  append_rounds(2, 3000);
  submit(LogStartMoved{kPartition, Offset(7)});
  round();
  store_.reset();
  std::ostringstream journal;
  for (const DirectoryEntry& entry : fs_->list("/broker/journal"))
    dump_file(*fs_, "/broker/journal/" + entry.name, {}, journal);
  EXPECT_NE(journal.str().find(std::string("append ") + kTopicHex + "/0 base=50 count=1"), std::string::npos)
      << journal.str();
  EXPECT_NE(journal.str().find(std::string("log start moved ") + kTopicHex + "/0 start=7"), std::string::npos);
  flip(segment(42), 3 * kBatch + 100);
  std::ostringstream batches;
  dump_file(*fs_, segment(42), {.from = 44, .limit = 2}, batches);
  EXPECT_EQ(batches.str().find("offsets 43"), std::string::npos);
  EXPECT_NE(batches.str().find("offsets 44 to 44"), std::string::npos);
  EXPECT_NE(batches.str().find("offsets 45 to 45, bytes=3061 max_timestamp_ms=1045, DAMAGED"), std::string::npos)
      << batches.str();
  EXPECT_EQ(batches.str().find("offsets 46"), std::string::npos);
  std::ostringstream checkpoint;
  for (const DirectoryEntry& entry : fs_->list("/broker")) {
    if (entry.name.starts_with("checkpoint-")) dump_file(*fs_, "/broker/" + entry.name, {}, checkpoint);
  }
  EXPECT_NE(checkpoint.str().find("segment 42 end=50"), std::string::npos) << checkpoint.str();
  EXPECT_NE(checkpoint.str().find("topic made"), std::string::npos);
}

}  // namespace
}  // namespace broker::storage::test
