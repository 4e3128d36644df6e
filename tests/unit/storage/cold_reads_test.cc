// Reads that wait for the disk: the reader's bounds, and a real store whose reader hangs in the disk while everybody
// else goes on.
#include "broker/storage/cold_reads.h"

#include <poll.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "broker/storage/posix_file.h"
#include "tests/unit/storage/sim_store.h"

namespace broker::storage::test {
namespace {

constexpr std::size_t kBatchBytes = 5000 + kBatchHeaderBytes;

class ColdReadsTest : public SimStoreTest {
 protected:
  void SetUp() override {
    options_.segment_bytes = 1 << 20;
    options_.tail_cache_bytes = 0;
    open();
    make_topic();
    round();
    append_rounds(20, 5000);
    while (store_->run_background()) {
    }
    files_.emplace(*fs_, "/broker/data", 8);
    cold_.emplace(*files_, *read_superblock(*fs_, "/broker"), 2 * kBatchBytes);
  }
  static ColdKey key(std::int64_t from) { return {kPartition, Offset(from), std::nullopt}; }
  // One batch.
  void ask(std::int64_t from) {
    SegmentQuestion question;
    question.file = files_->at(kPartition, Offset(0));
    question.identity = {kPartition, Offset(0)};
    question.bytes = question.limit = question.old_bytes = 20 * kBatchBytes;
    question.from = Offset(from);
    question.bytes_max = 1;
    cold_->ask(key(from), {{question}, Offset(20)}, std::chrono::nanoseconds(0));
  }
  bool take(std::int64_t from) {
    const auto answer = cold_->take(key(from));
    if (!answer) return false;
    EXPECT_EQ(parse_batch_header(answer->answers.back().bytes)->base, Offset(from));
    return true;
  }

  std::optional<SegmentFiles> files_;
  std::optional<ColdReads> cold_;
};

TEST_F(ColdReadsTest, TheReaderDoesNotReadOnOverWhatNobodyCouldTake) {
  for (std::int64_t from = 0; from < 6; ++from) ask(from);
  EXPECT_EQ(cold_->run_one(), ColdStep::answered);
  EXPECT_EQ(cold_->run_one(), ColdStep::answered);
  EXPECT_EQ(cold_->run_one(), ColdStep::full);
  EXPECT_FALSE(cold_->take_finished().empty());
  EXPECT_EQ(cold_->run_one(), ColdStep::full) << "whoever was told is only now asking again";
  EXPECT_TRUE(take(0));
  EXPECT_TRUE(take(1));
  EXPECT_EQ(cold_->run_one(), ColdStep::answered);
}

TEST_F(ColdReadsTest, WhatNobodyTookMakesRoomForTheNext) {
  for (std::int64_t from = 0; from < 6; ++from) ask(from);
  while (cold_->run_one() == ColdStep::answered) {
  }
  (void)cold_->take_finished();
  (void)cold_->take_finished();
  EXPECT_EQ(cold_->run_one(), ColdStep::answered) << "those that were told of in the first look had their chance";
  EXPECT_FALSE(take(0)) << "the oldest went";
  EXPECT_TRUE(take(1));
  EXPECT_TRUE(take(2));
  ask(0);
  while (cold_->run_one() == ColdStep::answered) (void)cold_->take_finished();
  EXPECT_TRUE(take(0)) << "asked for anew";
}

TEST_F(ColdReadsTest, EveryQuestionIsAnsweredInTheEndHoweverManyThereAre) {
  std::set<std::int64_t> missing;
  for (std::int64_t from = 0; from < 20; ++from) missing.insert(from);
  for (int turn = 0; turn < 100 && !missing.empty(); ++turn) {
    for (const auto from : missing) ask(from);
    while (cold_->run_one() == ColdStep::answered) {
    }
    (void)cold_->take_finished();
    std::erase_if(missing, [this](std::int64_t from) { return take(from); });
  }
  EXPECT_TRUE(missing.empty());
}

TEST_F(ColdReadsTest, TimesAreFoundInOldSegmentsAndInMemory) {
  store_->close();
  options_.tail_cache_bytes = 1 << 20;
  open();
  append_rounds(3, 5000);  // offsets 20 to 22 stay in memory
  disk_.set_cached_percent(0);
  const auto find = [this](std::int64_t time) -> FoundTime {
    for (int i = 0; i < 10; ++i) {
      if (const auto found = store_->try_find_time(kPartition, time)) return *found;
      EXPECT_TRUE(store_->run_cold_read());
    }
    ADD_FAILURE() << "looked for without end";
    return std::nullopt;
  };
  EXPECT_EQ(find(1007)->first, Offset(7));
  EXPECT_EQ(find(1021)->first, Offset(21));
  EXPECT_FALSE(find(1023).has_value());
  for (const std::int64_t time : {0, 1000, 1019, 1020, 1022, 5000})
    EXPECT_EQ(find(time), store_->find_time(kPartition, time)) << time;
}

// The real disk with a gate before the segments: who reads them and may wait, waits here.
class GatedFiles final : public FileSystem {
 public:
  std::unique_ptr<File> open(const std::filesystem::path& path, OpenMode mode) override {
    auto file = real_.open(path, mode);
    if (!file || path.extension() != ".log") return file;
    return std::make_unique<Gated>(*this, std::move(file));
  }
  bool make_directory(const std::filesystem::path& path) override { return real_.make_directory(path); }
  std::vector<DirectoryEntry> list(const std::filesystem::path& path) override { return real_.list(path); }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override { real_.rename(from, to); }
  void remove(const std::filesystem::path& path) override { real_.remove(path); }
  void remove_directory(const std::filesystem::path& path) override { real_.remove_directory(path); }
  void sync_directory(const std::filesystem::path& path) override { real_.sync_directory(path); }
  std::int64_t size_of(const std::filesystem::path& path) override { return real_.size_of(path); }
  std::unique_ptr<FolderLock> lock(const std::filesystem::path& path) override { return real_.lock(path); }
  std::unique_ptr<FolderLock> lock_shared(const std::filesystem::path& path) override {
    return real_.lock_shared(path);
  }
  std::uint64_t room(const std::filesystem::path& path) override { return real_.room(path); }
  void random(std::span<std::byte> into) override { real_.random(into); }

  void shut() {
    const std::scoped_lock lock(mutex_);
    open_ = false;
  }
  void wait_until_somebody_waits() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  void let_pass() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  class Gated final : public File {
   public:
    Gated(GatedFiles& files, std::unique_ptr<File> real) : files_(files), real_(std::move(real)) {}
    void pwritev(std::span<const ConstBuffer> buffers, std::uint64_t offset) override {
      real_->pwritev(buffers, offset);
    }
    std::size_t pread(std::span<std::byte> into, std::uint64_t offset) override {
      files_.pass();
      return real_->pread(into, offset);
    }
    // Nothing is in memory.
    std::optional<std::size_t> pread_cached(std::span<std::byte> /*into*/, std::uint64_t /*offset*/) override {
      return std::nullopt;
    }
    void fdatasync() override { real_->fdatasync(); }
    void fsync() override { real_->fsync(); }
    std::uint64_t size() const override { return real_->size(); }
    void truncate(std::uint64_t size) override { real_->truncate(size); }
    Reservation reserve(std::uint64_t offset, std::uint64_t length) override { return real_->reserve(offset, length); }
    void start_writeback(std::uint64_t offset, std::uint64_t length) override {
      real_->start_writeback(offset, length);
    }

   private:
    GatedFiles& files_;
    std::unique_ptr<File> real_;
  };
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }

  PosixFileSystem real_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

class ColdStoreTest : public ::testing::Test {
 protected:
  void open() {
    store_.reset();
    state_ = MemoryState();
    StoreOptions options;
    options.dir = folder_.path() / "data";
    options.journal_file_bytes = 1 << 20;
    options.reserve_bytes = 0;
    options.tail_cache_bytes = 0;
    store_ = Store::open(fs_, clock_, options, state_);
  }
  Ticket append(std::int32_t partition, std::int64_t time = 1000) {
    const PartitionRef where = partition_of(1, partition);
    const Offset base = store_->bounds(where)->end;
    const SharedBytes bytes = make_batch(base, 1, time, std::string(700, 'x'));
    const Append record = make_append(where, base, 1, time, bytes);
    state_.apply(record);
    return store_->submit(record, bytes);
  }
  // As the broker does when the store's descriptor is readable.
  template <class Try>
  auto when_told(const PartitionRef& partition, Try attempt) {
    for (;;) {
      if (auto found = attempt()) return found;
      for (bool told = false; !told;) {
        pollfd moved{store_->durable_fd(), POLLIN, 0};
        EXPECT_EQ(::poll(&moved, 1, 60'000), 1) << "nobody was told";
        if (moved.revents == 0) return attempt();
        const auto advanced = store_->take_advanced();
        told = std::ranges::find(advanced, partition) != advanced.end();
      }
    }
  }

  TempFolder folder_;
  GatedFiles fs_;
  common::SystemClock clock_;
  MemoryState state_;
  std::unique_ptr<Store> store_;
};

TEST_F(ColdStoreTest, AfterARestartAPartitionIsReadThroughWithoutWaiting) {
  open();
  state_.apply(TopicMade{topic_id(1), "t", 2, {}});
  store_->submit(TopicMade{topic_id(1), "t", 2, {}});
  Ticket last;
  for (std::int64_t i = 0; i < 100; ++i) last = append(0, 1000 + i);
  wait_durable(*store_, last);
  store_->close();
  open();
  const PartitionRef partition = partition_of(1, 0);
  fs_.shut();
  ASSERT_FALSE(store_->try_read(partition, Offset(0), 5000).has_value());
  fs_.wait_until_somebody_waits();
  // The reader hangs in the disk; the core thread and the journal do not.
  wait_durable(*store_, append(1));
  EXPECT_FALSE(store_->try_read(partition, Offset(0), 5000).has_value());
  EXPECT_FALSE(store_->try_find_time(partition, 1050).has_value());
  fs_.let_pass();
  for (Offset next(0); next < Offset(100);) {
    const auto read = when_told(partition, [&] { return store_->try_read(partition, next, 5000); });
    ASSERT_TRUE(read.has_value());
    for (std::size_t at = 0; at < read->bytes.size();) {
      const auto header = parse_batch_header(ConstBuffer(read->bytes).subspan(at));
      ASSERT_EQ(header->base, next);
      next = header->end;
      at += header->bytes;
    }
  }
  const auto found = when_told(partition, [&] { return store_->try_find_time(partition, 1050); });
  ASSERT_TRUE(found.has_value() && found->has_value());
  EXPECT_EQ((*found)->first, Offset(50));
  store_->close();
}

}  // namespace
}  // namespace broker::storage::test
