// Formats tested by damage: every field of every header flipped, each with its right reaction. On the simulated disk.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

#include "broker/storage/bytes.h"
#include "broker/storage/group_codec.h"
#include "broker/storage/record_codec.h"
#include "broker/storage/store_impl.h"
#include "tests/unit/storage/sim_disk.h"
#include "tests/unit/storage/support.h"

namespace broker::storage::test {
namespace {

const std::filesystem::path kFolder = "/broker";
const std::filesystem::path kJournal = kFolder / "journal";

class FormatTest : public ::testing::Test {
 protected:
  FormatTest() {
    options_.dir = kFolder;
    options_.journal_file_bytes = 64 << 10;
    options_.reserve_bytes = 0;
    start(4711);
  }
  // A new disk with one topic.
  void start(std::uint64_t seed) {
    store_.reset();
    disk_ = SimDisk(seed);
    open();
    submit(TopicMade{topic_id(1), "orders", 1, {}});
    round();
  }
  void open() {
    store_.reset();
    fs_ = disk_.mount();
    state_ = MemoryState();
    store_ = std::make_unique<StoreImpl>(*fs_, clock_, options_, state_, StoreImpl::Threads::none, StoreHooks{});
  }
  void submit(const Record& record, SharedBytes bytes = nullptr) {
    state_.apply(record);
    store_->submit(record, std::move(bytes));
  }
  void round() { ASSERT_EQ(store_->run_one_round(), RoundOutcome::wrote); }
  void append_round(std::size_t bytes = 300) {
    const Offset base = store_->bounds(kPartition)->end;
    const SharedBytes batch = make_batch(base, 1, 1, std::string(bytes, 'p'));
    submit(make_append(kPartition, base, 1, 1, batch), batch);
    round();
  }
  // The process is killed and the store opened again; what it refuses with, empty if it starts.
  std::string refusal() {
    store_.reset();
    disk_.kill();
    try {
      open();
      return "";
    } catch (const common::Error& failure) {
      exit_code_ = failure.exit_code();
      return failure.what();
    }
  }
  void flip(const std::filesystem::path& path, std::uint64_t at, int bit = 0) {
    const auto inode = disk_.inode(path);
    ASSERT_TRUE(inode && at < inode->now.size()) << path << " " << at;
    inode->now[at] ^= static_cast<std::byte>(1 << bit);
  }
  // Journal file and byte of the newest frame that holds records, and of the mark behind it.
  struct Place {
    std::filesystem::path path;
    std::uint64_t offset = 0;
  };
  Place frame(std::uint64_t sequence) {
    for (const DirectoryEntry& entry : fs_->list(kJournal)) {
      const auto inode = disk_.inode(kJournal / entry.name);
      for (std::uint64_t at = kPageBytes; at + kHeaderBytes <= inode->now.size(); at += kPageBytes) {
        std::uint64_t found = 0;
        std::memcpy(&found, inode->now.data() + at + 24, sizeof found);
        if (std::memcmp(inode->now.data() + at, "OBFR", 4) == 0 && found == sequence)
          return {kJournal / entry.name, at};
      }
    }
    ADD_FAILURE() << "no frame " << sequence;
    return {};
  }
  std::uint64_t last() { return store_->durable().value(); }

  static inline const PartitionRef kPartition = partition_of(1, 0);
  SimDisk disk_{4711};
  ManualClock clock_;
  StoreOptions options_;
  std::unique_ptr<FileSystem> fs_;
  MemoryState state_;
  std::unique_ptr<StoreImpl> store_;
  common::ExitCode exit_code_ = common::ExitCode::ok;
};

TEST_F(FormatTest, EveryByteOfAFrameHeaderIsProtected) {
  append_round();
  const Place damaged = frame(last());
  append_round();
  const std::uint64_t end = last();
  for (std::uint64_t at = 0; at < kHeaderBytes; ++at) {
    flip(damaged.path, damaged.offset + at);
    const std::string refused = refusal();
    EXPECT_NE(refused.find(damaged.path.string() + " at byte " + std::to_string(damaged.offset)), std::string::npos)
        << "byte " << at << ": " << refused;
    EXPECT_NE(refused.find("restore"), std::string::npos) << "says no way out";
    EXPECT_EQ(exit_code_, common::ExitCode::disk_failed);
    flip(damaged.path, damaged.offset + at);
  }
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(last(), end);
}

TEST_F(FormatTest, APayloadIsProtected) {
  append_round(9000);
  const Place damaged = frame(last());
  append_round();
  for (const std::uint64_t at : {64U, 100U, 200U, 4096U, 8191U, 9000U}) {
    flip(damaged.path, damaged.offset + at, 7);
    EXPECT_NE(refusal().find("journal is damaged"), std::string::npos) << at;
    flip(damaged.path, damaged.offset + at, 7);
  }
  EXPECT_EQ(refusal(), "");
}

TEST_F(FormatTest, AMarkProtectsTheLastAcknowledgedFrame) {
  append_round();
  const Place damaged = frame(last());
  ASSERT_EQ(store_->write_mark(), RoundOutcome::wrote);
  EXPECT_EQ(store_->write_mark(), RoundOutcome::idle) << "one mark is enough";
  flip(damaged.path, damaged.offset + 150);
  EXPECT_NE(refusal().find(damaged.path.string() + " at byte " + std::to_string(damaged.offset)), std::string::npos);
}

TEST_F(FormatTest, WithoutAMarkADamagedLastFrameIsATornTail) {
  append_round();
  const std::uint64_t end = last();
  append_round();
  const Place damaged = frame(last());
  flip(damaged.path, damaged.offset + 150);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(last(), end);
  EXPECT_EQ(store_->bounds(kPartition)->end, Offset(1));
}

TEST_F(FormatTest, AJournalFilesHeaderIsProtected) {
  // More than one file, so that the second one's header is needed too.
  while (store_->run_background()) {
  }
  std::set<std::filesystem::path> used;
  while (used.size() < 2) {
    append_round(9000);
    used.insert(frame(last()).path);
  }
  for (const auto& path : used) {
    for (const std::uint64_t at : {0U, 8U, 12U, 16U, 32U, 40U, 48U}) {
      flip(path, at);
      EXPECT_NE(refusal().find("journal is damaged"), std::string::npos) << path << " byte " << at;
      flip(path, at);
    }
  }
  EXPECT_EQ(refusal(), "");
}

TEST_F(FormatTest, AStaleFrameOfARecycledFileIsNotTaken) {
  while (store_->run_background()) {
  }
  // Every file several times, always leaving old frames behind the new ones.
  for (int i = 0; i < 60; ++i) {
    append_round(500 + (static_cast<std::size_t>(i) * 997) % 9000);
    if (i % 7 == 0) {
      store_->start_checkpoint();
      while (store_->run_background()) {
      }
    }
  }
  const std::uint64_t end = last();
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(last(), end);
  EXPECT_EQ(store_->bounds(kPartition)->end, Offset(60));
}

TEST_F(FormatTest, ACheckpointIsProtected) {
  append_round();
  store_->start_checkpoint();
  while (store_->run_background()) {
  }
  std::filesystem::path path;
  for (const DirectoryEntry& entry : fs_->list(kFolder)) {
    if (entry.name.starts_with("checkpoint-")) path = kFolder / entry.name;
  }
  const std::size_t bytes = disk_.inode(path)->now.size();
  for (std::size_t at = 0; at < bytes; ++at) {
    flip(path, at, 3);
    EXPECT_NE(refusal().find(path.string()), std::string::npos) << at;
    flip(path, at, 3);
  }
  disk_.inode(path)->now.resize(bytes - 1);
  EXPECT_NE(refusal().find(path.string()), std::string::npos);
}

TEST_F(FormatTest, TheSuperblockIsProtected) {
  for (std::size_t at = 0; at < 512; ++at) {
    flip(kFolder / "store", at, 5);
    const std::string refused = refusal();
    EXPECT_NE(refused.find("/broker/store"), std::string::npos) << at << refused;
    EXPECT_EQ(exit_code_, common::ExitCode::disk_failed);
    flip(kFolder / "store", at, 5);
  }
  EXPECT_EQ(refusal(), "");
}

TEST_F(FormatTest, AnotherVersionIsRefusedAsConfiguration) {
  // Version 2 becomes 3 = 2 xor 1, and the checksum follows as the format page says.
  flip(kFolder / "store", 8, 0);
  flip(kFolder / "store", 12, 0);
  const std::string refused = refusal();
  EXPECT_NE(refused.find("has version 3, this program knows the versions 1 to 2"), std::string::npos) << refused;
  EXPECT_EQ(exit_code_, common::ExitCode::configuration);
}

TEST_F(FormatTest, AFolderWithDataButNoSuperblockIsRefused) {
  append_round();
  store_.reset();
  disk_.kill();
  disk_.mount()->remove(kFolder / "store");
  EXPECT_NE(refusal().find("no superblock"), std::string::npos);
}

TEST_F(FormatTest, AShortOrMissingSegmentIsRefused) {
  append_round();
  store_->close();
  const std::filesystem::path segment = kFolder / "data" / hex(topic_id(1)) / "0" / "00000000000000000000.log";
  const std::vector<std::byte> whole = disk_.inode(segment)->now;
  disk_.inode(segment)->now.pop_back();
  EXPECT_NE(refusal().find(segment.string() + " ends at byte"), std::string::npos);
  disk_.inode(segment)->now = whole;
  EXPECT_EQ(refusal(), "");
}

TEST_F(FormatTest, ADamagedBatchIsNotReadOut) {
  append_round();
  append_round();
  store_->close();
  const std::filesystem::path segment = kFolder / "data" / hex(topic_id(1)) / "0" / "00000000000000000000.log";
  ASSERT_EQ(refusal(), "");
  flip(segment, 361 + 100);
  EXPECT_EQ(store_->read(kPartition, Offset(0), 100).bytes.size(), 361U);
  try {
    (void)store_->read(kPartition, Offset(1), 100);
    FAIL() << "read out damaged bytes";
  } catch (const CorruptError& failure) {
    EXPECT_NE(std::string(failure.what()).find(segment.string() + " is damaged at byte 361"), std::string::npos)
        << failure.what();
  }
}

TEST_F(FormatTest, RandomDamageLosesNothingSilently) {
  std::mt19937_64 random(7);
  int refused = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    start(i);
    for (int k = 0; k < 8; ++k) append_round(100 + static_cast<std::size_t>(k) * 311);
    const std::uint64_t acknowledged = last();
    ASSERT_EQ(store_->write_mark(), RoundOutcome::wrote);
    const Place mark = frame(last());
    flip(mark.path, random() % mark.offset, static_cast<int>(random() % 8));
    if (!refusal().empty()) {
      ++refused;
      continue;
    }
    EXPECT_GE(last(), acknowledged) << "seed " << i;
    EXPECT_EQ(store_->bounds(kPartition)->end, Offset(8));
  }
  EXPECT_GT(refused, 30) << "the rest fell into padding";
  EXPECT_LT(refused, 200);
}

GroupGeneration group_generation(bool whole) {
  GroupMember first;
  first.id = "m-1";
  first.instance = "i-1";
  first.client_id = "billing";
  first.client_host = "10.0.0.7";
  first.session_timeout_ms = 45'000;
  first.rebalance_timeout_ms = 300'000;
  first.protocols = {{"range", {std::byte{1}, std::byte{2}}}, {"sticky", {}}};
  first.assignment = {std::byte{3}};
  GroupMember second;
  second.id = "m-2";
  GroupGeneration record{
      "points", 9, GroupPhase::stable, "consumer", "range", "m-1", whole, {}, {std::move(first), std::move(second)}};
  if (!whole) record.removed = {"m-3", "m-4"};
  return record;
}

TEST(GroupCodec, AMembersBytesAreKnownBeforehand) {
  auto record = group_generation(true);
  std::vector<std::byte> with_all;
  encode_record(with_all, record);
  std::size_t expected = with_all.size();
  for (const auto& member : record.members) expected -= encoded_bytes(member);
  record.members.clear();
  std::vector<std::byte> without;
  encode_record(without, record);
  EXPECT_EQ(without.size(), expected);
}

TEST(GroupCodec, AnUnknownPhaseIsRefused) {
  std::vector<std::byte> bytes;
  auto record = group_generation(true);
  record.group = "g";
  encode_record(bytes, record);
  bytes.at(5 + 5 + 4) = std::byte{5};  // type and length, "g", generation
  ByteReader meta(bytes);
  ByteReader data({});
  EXPECT_THROW((void)decode_record(meta, data), CorruptError);
}

TEST(RecordCodec, EveryRecordComesBack) {
  const PartitionRef partition = partition_of(3, 7);
  const std::vector<Record> records = {
      TopicMade{topic_id(3), "orders", 12, {{"retention.ms", "5"}, {"x", ""}}},
      TopicDeleted{topic_id(3)},
      PartitionsAdded{topic_id(3), 24},
      ConfigSet{topic_id(3), "retention.ms", std::nullopt},
      ConfigSet{topic_id(3), "retention.ms", "7"},
      LogStartMoved{partition, Offset(99)},
      GroupOffset{"points", partition, Offset(-1), 4, "meta", 1234567},
      GroupState{"points", 9, "consumer", "range", "m-1", {{"i-1", "m-1"}, {"i-2", "m-2"}}, true},
      ProducerIdBlock{ProducerId(2000)},
      ProducerState{partition,
                    ProducerId(5),
                    2,
                    {{.first_sequence = 1, .last_sequence = 3, .base = Offset(10), .timestamp_ms = 77}}},
      EpochStarted{3, {{partition, Offset(12)}}},
      group_generation(true),
      group_generation(false),
      ClockMark{1'700'000'000'123},
      LossAccepted{partition, Offset(5), Offset(9), 77},
  };
  for (const Record& record : records) {
    std::vector<std::byte> bytes;
    encode_record(bytes, record);
    ByteReader meta(bytes);
    ByteReader data({});
    const DecodedRecord decoded = decode_record(meta, data);
    EXPECT_EQ(meta.left(), 0U);
    std::vector<std::byte> again;
    encode_record(again, decoded.record);
    EXPECT_EQ(again, bytes) << "type " << record.index();
    EXPECT_EQ(decoded.record.index(), record.index());
    // Every shorter piece of it is refused, not read beyond.
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      ByteReader piece(ConstBuffer(bytes).first(length));
      EXPECT_THROW((void)decode_record(piece, data), CorruptError);
    }
  }
}

TEST(RecordCodec, JunkIsRefused) {
  std::mt19937_64 random(99);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> junk(random() % 120);
    for (std::byte& byte : junk) byte = static_cast<std::byte>(random() % 4 == 0 ? random() : random() % 12);
    ByteReader meta(junk);
    ByteReader data({});
    try {
      (void)decode_record(meta, data);
    } catch (const CorruptError&) {
    }
  }
}

}  // namespace
}  // namespace broker::storage::test
