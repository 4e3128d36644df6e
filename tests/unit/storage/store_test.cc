// The store end to end on the real disk, with its threads.
#include "broker/storage/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <random>

#include "broker/storage/batch_header.h"
#include "broker/storage/posix_file.h"
#include "tests/unit/storage/support.h"

namespace broker::storage::test {
namespace {

StoreOptions small_options(const TempFolder& folder) {
  StoreOptions options;
  options.dir = folder.path() / "data";
  options.journal_file_bytes = 1 << 20;
  options.segment_bytes = 64 << 10;
  options.reserve_bytes = 0;
  options.tail_cache_bytes = 8 << 10;
  return options;
}

class StoreTest : public ::testing::Test {
 protected:
  void open() { store_ = Store::open(fs_, clock_, options_, state_); }
  void reopen() {
    store_.reset();
    state_ = MemoryState();
    open();
  }
  Ticket submit(const Record& record, SharedBytes keep_alive = nullptr) {
    state_.apply(record);
    return store_->submit(record, std::move(keep_alive));
  }
  Ticket make_topic(std::uint8_t topic, std::int32_t partitions) {
    return submit(TopicMade{topic_id(topic), "topic-" + std::to_string(topic), partitions, {{"a", "b"}}});
  }
  Ticket append(const PartitionRef& partition, std::int32_t count, const std::string& payload,
                std::int64_t timestamp_ms = 1000) {
    const Offset base = store_->bounds(partition)->end;
    const SharedBytes bytes = make_batch(base, count, timestamp_ms, payload);
    EXPECT_EQ(store_->make_room(partition, bytes->size()), RoomRefusal::none);
    return submit(make_append(partition, base, count, timestamp_ms, bytes), bytes);
  }
  // A journal that is full waits for a checkpoint, which only the core thread may begin.
  void checkpoint_until_durable(Ticket ticket) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (store_->durable() < ticket && std::chrono::steady_clock::now() < deadline) store_->maybe_checkpoint();
    wait_durable(*store_, ticket);
  }
  // All of a partition, read in pieces.
  std::vector<std::byte> read_all(const PartitionRef& partition, std::uint64_t at_once = 4096) {
    std::vector<std::byte> all;
    const PartitionBounds bounds = *store_->bounds(partition);
    Offset next = bounds.start;
    while (next < bounds.durable_end) {
      const ReadResult result = store_->read(partition, next, at_once);
      if (result.bytes.empty()) {
        ADD_FAILURE() << "nothing at " << next.value();
        break;
      }
      std::size_t at = 0;
      while (at < result.bytes.size()) {
        const auto header = parse_batch_header(ConstBuffer(result.bytes).subspan(at));
        EXPECT_EQ(header->base, next);
        next = header->end;
        at += header->bytes;
      }
      all.insert(all.end(), result.bytes.begin(), result.bytes.end());
    }
    return all;
  }

  [[noreturn]] void append_until_killed(int tell) {
    open();
    if (!store_->bounds(partition_of(1, 0))) make_topic(1, 1);
    for (;;) {
      Ticket last;
      for (int i = 0; i < 7; ++i) last = append(partition_of(1, 0), 1, std::string(900, 'k'));
      const std::int64_t end = store_->bounds(partition_of(1, 0))->end.value();
      wait_durable(*store_, last);
      store_->maybe_checkpoint();
      (void)!::write(tell, &end, sizeof end);
    }
  }

  TempFolder folder_;
  PosixFileSystem fs_;
  common::SystemClock clock_;
  StoreOptions options_ = small_options(folder_);
  MemoryState state_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, KeepsWhatWasAcknowledgedWhenItEndsWithoutClosing) {
  open();
  const PartitionRef partition = partition_of(1, 0);
  make_topic(1, 2);
  Ticket last;
  for (int i = 0; i < 500; ++i) last = append(partition, 3, "payload " + std::to_string(i) + std::string(500, 'x'));
  wait_durable(*store_, last);
  EXPECT_EQ(store_->bounds(partition)->durable_end, Offset(1500));
  const auto before = read_all(partition);
  const auto epoch = store_->leader_epoch();
  const auto uuid = store_->uuid();
  reopen();
  EXPECT_EQ(read_all(partition), before);
  EXPECT_EQ(store_->bounds(partition)->end, Offset(1500));
  EXPECT_EQ(state_.topics.at(topic_id(1)).name, "topic-1");
  EXPECT_EQ(store_->leader_epoch(), epoch + 1);
  EXPECT_EQ(store_->uuid(), uuid);
  last = append(partition, 1, "more");
  wait_durable(*store_, last);
  EXPECT_GT(read_all(partition, 1).size(), before.size());
  EXPECT_GT(store_->segments(partition).size(), 2U);
}

TEST_F(StoreTest, CleanStopKeepsTheEpoch) {
  open();
  make_topic(1, 1);
  append(partition_of(1, 0), 1, "one");
  store_->close();
  const auto epoch = store_->leader_epoch();
  reopen();
  EXPECT_EQ(store_->leader_epoch(), epoch);
  EXPECT_EQ(store_->bounds(partition_of(1, 0))->durable_end, Offset(1));
}

TEST_F(StoreTest, TellsWhichPartitionsAdvanced) {
  open();
  make_topic(1, 3);
  wait_durable(*store_, append(partition_of(1, 2), 1, "one"));
  EXPECT_EQ(store_->take_advanced(), std::vector{partition_of(1, 2)});
  EXPECT_TRUE(store_->take_advanced().empty());
}

TEST_F(StoreTest, GroupOffsetsAndStartsSurvive) {
  open();
  make_topic(1, 1);
  const PartitionRef partition = partition_of(1, 0);
  for (int i = 0; i < 300; ++i) append(partition, 1, std::string(1000, 'y'));
  GroupOffset offset;
  offset.group = "points";
  offset.partition = partition;
  offset.offset = Offset(7);
  submit(offset);
  const Ticket last = submit(LogStartMoved{partition, Offset(200)});
  wait_durable(*store_, last);
  EXPECT_EQ(store_->bounds(partition)->start, Offset(200));
  EXPECT_GT(store_->segments(partition).front().base, Offset(0));
  reopen();
  EXPECT_EQ(store_->bounds(partition)->start, Offset(200));
  EXPECT_EQ((state_.group_offsets[{"points", partition}]), 7);
  store_->close();
  reopen();
  EXPECT_EQ(store_->bounds(partition)->start, Offset(200));
  EXPECT_EQ((state_.group_offsets[{"points", partition}]), 7);
  EXPECT_FALSE(read_all(partition).empty());
}

TEST_F(StoreTest, RefusesASecondProcess) {
  open();
  MemoryState other;
  try {
    Store::open(fs_, clock_, options_, other);
    FAIL() << "two stores on one folder";
  } catch (const common::Error& failure) {
    EXPECT_NE(std::string(failure.what()).find("in use"), std::string::npos);
  }
}

TEST_F(StoreTest, FindsTimes) {
  open();
  make_topic(1, 1);
  const PartitionRef partition = partition_of(1, 0);
  for (int i = 0; i < 400; ++i) append(partition, 2, std::string(700, 'z'), 1000 + i * 10);
  wait_durable(*store_, append(partition, 2, "last", 9000));
  const auto check = [&] {
    EXPECT_EQ(store_->find_time(partition, 0)->first, Offset(0));
    EXPECT_EQ(store_->find_time(partition, 1001)->first, Offset(2));
    EXPECT_EQ(store_->find_time(partition, 3000), (std::pair(Offset(400), std::int64_t{3000})));
    EXPECT_EQ(store_->find_time(partition, 9000)->first, Offset(800));
    EXPECT_FALSE(store_->find_time(partition, 9001).has_value());
  };
  check();
  reopen();
  check();
}

TEST_F(StoreTest, FindsNoTimesBeforeTheStart) {
  open();
  make_topic(1, 1);
  const PartitionRef partition = partition_of(1, 0);
  append(partition, 2, "latest of all", 9000);
  for (int i = 0; i < 10; ++i) append(partition, 2, "z", 1000 + i * 10);
  wait_durable(*store_, submit(LogStartMoved{partition, Offset(7)}));  // in the middle of a batch
  const auto check = [&] {
    EXPECT_EQ(store_->find_time(partition, 0), (std::pair(Offset(7), std::int64_t{1020})));
    EXPECT_EQ(store_->find_time(partition, 1030)->first, Offset(8));
    EXPECT_FALSE(store_->find_time(partition, 1091).has_value()) << "the batch of time 9000 is gone";
  };
  check();
  reopen();
  check();
}

TEST_F(StoreTest, AddedPartitionsTakeRecordsAndSurvive) {
  open();
  make_topic(1, 1);
  submit(PartitionsAdded{topic_id(1), 3});
  wait_durable(*store_, append(partition_of(1, 2), 4, "one"));
  const auto check = [&] {
    EXPECT_EQ(store_->bounds(partition_of(1, 2))->durable_end, Offset(4));
    EXPECT_EQ(store_->bounds(partition_of(1, 1))->end, Offset(0));
    EXPECT_FALSE(store_->bounds(partition_of(1, 3)).has_value());
  };
  check();
  reopen();
  check();
  store_->close();
  reopen();
  check();
}

TEST_F(StoreTest, DeletedAndMadeAnewWhileRecordsAreUnderWay) {
  open();
  constexpr std::uint8_t kLast = 20;
  for (std::uint8_t topic = 1; topic < kLast; ++topic) {
    make_topic(topic, 1);
    for (int i = 0; i < 50; ++i) append(partition_of(topic, 0), 1, std::string(20'000, 'x'));
    submit(TopicDeleted{topic_id(topic)});
    store_->maybe_checkpoint();
  }
  make_topic(kLast, 1);
  checkpoint_until_durable(append(partition_of(kLast, 0), 1, "new"));
  const auto check = [&] {
    EXPECT_FALSE(store_->bounds(partition_of(kLast - 1, 0)).has_value());
    EXPECT_EQ(store_->bounds(partition_of(kLast, 0))->durable_end, Offset(1));
  };
  check();
  reopen();
  check();
  store_->close();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(options_.dir / "data"), {}), 1);
}

TEST_F(StoreTest, CheckpointsAndRecyclesTheJournal) {
  options_.checkpoint_bytes = 1 << 20;
  open();
  make_topic(1, 4);
  Ticket last;
  for (int i = 0; i < 2000; ++i) {
    last = append(partition_of(1, i % 4), 1, std::string(10'000, static_cast<char>('a' + i % 26)));
    store_->maybe_checkpoint();
    if (i % 100 == 0) checkpoint_until_durable(last);
  }
  checkpoint_until_durable(last);
  std::vector<std::vector<std::byte>> before;
  before.reserve(4);
  for (int p = 0; p < 4; ++p) before.push_back(read_all(partition_of(1, p)));
  std::uint64_t journal_bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(options_.dir / "journal"))
    journal_bytes += file.file_size();
  EXPECT_LE(journal_bytes, 8U << 20) << "20 MB went through files that are recycled";
  reopen();
  for (int p = 0; p < 4; ++p) EXPECT_EQ(read_all(partition_of(1, p)), before[static_cast<std::size_t>(p)]);
}

TEST_F(StoreTest, ABurstIsOneFrame) {
  open();
  make_topic(1, 12);
  std::vector<Ticket> tickets;
  {
    const Burst burst(*store_);
    for (int p = 0; p < 12; ++p) tickets.push_back(append(partition_of(1, p), 1, "one"));
  }
  EXPECT_EQ(tickets.front(), tickets.back());
  wait_durable(*store_, tickets.back());
}

TEST_F(StoreTest, ReplaysSixtyFourMegabytes) {
  options_.journal_file_bytes = 40 << 20;
  options_.segment_bytes = 16 << 20;
  open();
  make_topic(1, 12);
  Ticket last;
  std::vector<std::string> payloads(12);
  for (int i = 0; i < 12; ++i) payloads[static_cast<std::size_t>(i)] = std::string(65'000, static_cast<char>('a' + i));
  for (int i = 0; i < 1024; ++i) last = append(partition_of(1, i % 12), 64, payloads[static_cast<std::size_t>(i % 12)]);
  wait_durable(*store_, last);
  const auto before = read_all(partition_of(1, 5), 1 << 20);
  store_.reset();
  state_ = MemoryState();
  const auto start = std::chrono::steady_clock::now();
  open();
  std::cout << "opened after "
            << std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count()
            << " ms\n";
  EXPECT_EQ(read_all(partition_of(1, 5), 1 << 20), before);
}

// A child process appends and tells what was acknowledged; it is killed in mid-stream, ten times on the same folder.
TEST_F(StoreTest, SurvivesSigkill) {
  options_.checkpoint_bytes = 256 << 10;
  std::mt19937 random(std::random_device{}());
  std::int64_t acknowledged = 0;
  for (int life = 0; life < 10; ++life) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) append_until_killed(ends[1]);
    ::close(ends[1]);
    const auto enough = acknowledged + static_cast<std::int64_t>(random() % 400);
    std::int64_t told = 0;
    while (::read(ends[0], &told, sizeof told) == sizeof told) {
      acknowledged = told;
      if (told > enough) break;
    }
    ASSERT_GT(acknowledged, enough) << "the child died by itself";
    ::kill(child, SIGKILL);
    while (::read(ends[0], &told, sizeof told) == sizeof told) acknowledged = told;
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    reopen();
    const PartitionBounds bounds = *store_->bounds(partition_of(1, 0));
    EXPECT_GE(bounds.durable_end.value(), acknowledged);
    EXPECT_EQ(read_all(partition_of(1, 0)).size(),
              static_cast<std::size_t>(bounds.durable_end.value()) * (kBatchHeaderBytes + 900));
    acknowledged = bounds.durable_end.value();
    store_.reset();
  }
}

TEST_F(StoreTest, DeletedTopicLeavesNoFiles) {
  open();
  make_topic(1, 1);
  wait_durable(*store_, append(partition_of(1, 0), 1, "one"));
  wait_durable(*store_, submit(TopicDeleted{topic_id(1)}));
  EXPECT_FALSE(store_->bounds(partition_of(1, 0)).has_value());
  store_->close();
  EXPECT_TRUE(std::filesystem::is_empty(options_.dir / "data"));
  reopen();
  EXPECT_FALSE(store_->bounds(partition_of(1, 0)).has_value());
  EXPECT_TRUE(state_.topics.empty());
}

}  // namespace
}  // namespace broker::storage::test
