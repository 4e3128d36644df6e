// The storage's slow moments: a cold start in an empty folder, the first batch of each of thousands of partitions and
// the longest time that the core thread was held up meanwhile, the start after that without a stop, the first read of a
// partition after a start, and durable rounds while checkpoints flush. storage_start_bench [FOLDER] [PARTITIONS]: the
// folder must lie on the disk to be measured; default the working directory, 8000.
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "broker/storage/posix_file.h"
#include "broker/storage/store.h"
#include "common/crc32c.h"

namespace {

using broker::storage::Offset;
using broker::storage::PartitionIndex;
using broker::storage::PartitionRef;
using broker::storage::SharedBytes;
using broker::storage::Store;
using broker::storage::Ticket;
using Clock = std::chrono::steady_clock;

struct NoState final : broker::storage::StateMachine {
  std::vector<broker::storage::Record> topics;
  void apply(const broker::storage::Record& record) override {
    if (std::holds_alternative<broker::storage::TopicMade>(record)) topics.push_back(record);
  }
  [[nodiscard]] std::vector<broker::storage::Record> snapshot() const override { return topics; }
};

double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// A batch v2 that the storage's checks accept; it looks no further than the header and the checksum.
SharedBytes batch_of(Offset base, std::size_t bytes) {
  auto batch = std::make_shared<common::ByteBuffer>(bytes, std::byte{42});
  const auto put = [&](std::size_t at, std::size_t width, std::uint64_t value) {
    for (std::size_t i = 0; i < width; ++i) (*batch)[at + i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)));
  };
  put(0, 8, static_cast<std::uint64_t>(base.value()));
  put(8, 4, bytes - 12);
  put(16, 1, 2);
  put(23, 4, 0);
  put(35, 8, 1000);
  put(17, 4, common::crc32c(std::span<const std::byte>(*batch).subspan(21)));
  return batch;
}

class Bench {
 public:
  explicit Bench(std::filesystem::path folder) {
    options_.dir = std::move(folder);
    std::filesystem::remove_all(options_.dir);
    std::filesystem::create_directories(options_.dir.parent_path());
  }
  ~Bench() {
    if (store_) store_->close();
    std::error_code ignored;
    std::filesystem::remove_all(options_.dir, ignored);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  double open() {
    store_.reset();
    state_ = NoState();
    const auto start = Clock::now();
    store_ = Store::open(fs_, clock_, options_, state_);
    return milliseconds(Clock::now() - start);
  }
  void close() {
    store_->close();
    store_.reset();
  }
  void make_topic(std::int32_t partitions) {
    const broker::storage::TopicMade made{{1}, "bench", partitions, {}};
    state_.apply(made);
    wait(store_->submit(made));
  }
  // What the core thread does for one batch; the longest such call is kept.
  Ticket append(std::int32_t index, std::size_t bytes) {
    const auto start = Clock::now();
    const PartitionRef partition{{1}, PartitionIndex(index)};
    broker::storage::Append record;
    record.partition = partition;
    record.base = store_->bounds(partition)->end;
    record.count = 1;
    record.appended_at_ms = record.max_timestamp_ms = 1000;
    const SharedBytes buffer = batch_of(record.base, bytes);
    record.bytes = *buffer;
    if (store_->make_room(partition, bytes) != broker::storage::RoomRefusal::none) {
      std::fprintf(stderr, "the disk is full\n");
      std::exit(1);
    }
    const Ticket ticket = store_->submit(record, buffer);
    longest_append_ms_ = std::max(longest_append_ms_, milliseconds(Clock::now() - start));
    return ticket;
  }
  void wait(Ticket ticket) {
    while (store_->durable() < ticket) {
      pollfd moved{store_->durable_fd(), POLLIN, 0};
      ::poll(&moved, 1, 1000);
      std::uint64_t count = 0;
      (void)!::read(store_->durable_fd(), &count, sizeof count);
      (void)store_->take_advanced();
      store_->maybe_checkpoint();
    }
  }
  void first_batches(std::int32_t partitions) {
    longest_append_ms_ = 0;
    const auto start = Clock::now();
    Ticket last;
    for (std::int32_t i = 0; i < partitions; ++i) {
      last = append(i, 1024);
      if (i % 64 == 63) wait(last);  // what one client has in flight
    }
    wait(last);
    std::printf("%d partitions, the first KiB of each: %.0f ms, longest call %.1f ms\n", partitions,
                milliseconds(Clock::now() - start), longest_append_ms_);
  }
  // 300 MiB in one partition, so that a segment is sealed and another half full; then a start and a read.
  void first_read() {
    Ticket last;
    for (int i = 0; i < 300 * 16; ++i) {
      last = append(0, 64 << 10);
      if (i % 32 == 31) wait(last);
      if (i % 32 == 31) store_->maybe_checkpoint();
    }
    wait(last);
    close();
    open();
    const PartitionRef partition{{1}, PartitionIndex(0)};
    for (const std::int64_t from : {4000, 4001, 4700, 100}) {
      const auto start = Clock::now();
      const auto read = store_->read(partition, Offset(from), 1 << 20);
      std::printf("read of 1 MiB at offset %lld after a start: %.2f ms, %zu bytes\n", static_cast<long long>(from),
                  milliseconds(Clock::now() - start), read.bytes.size());
    }
  }
  // One batch at a time over 12 partitions until some checkpoints were made under it.
  void rounds_under_checkpoints() {
    std::vector<double> values;
    for (int i = 0; i < 3000; ++i) {
      const auto start = Clock::now();
      wait(append(i % 12, 60 << 10));
      values.push_back(milliseconds(Clock::now() - start));
    }
    std::ranges::sort(values);
    const auto at = [&](double share) { return values[static_cast<std::size_t>(share * double(values.size() - 1))]; };
    std::printf(
        "durable rounds of 60 KiB, 5 checkpoints meanwhile: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms\n",
        at(0.5), at(0.99), at(0.999), values.back());
  }

 private:
  broker::storage::PosixFileSystem fs_;
  common::SystemClock clock_;
  broker::storage::StoreOptions options_;
  NoState state_;
  std::unique_ptr<Store> store_;
  double longest_append_ms_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  // Emptied before and removed after the run: never the caller's folder itself.
  const auto folder = std::filesystem::path(argc > 1 ? argv[1] : ".") / "storage-start-bench.tmp";
  const int partitions = argc > 2 ? std::atoi(argv[2]) : 8000;
  {
    Bench bench(folder);
    std::printf("cold start in an empty folder: %.0f ms\n", bench.open());
    bench.make_topic(partitions);
    bench.first_batches(partitions);
    std::printf("start after no stop: %.0f ms\n", bench.open());
    bench.close();
    std::printf("start after a clean stop: %.0f ms\n", bench.open());
  }
  {
    Bench bench(folder);
    bench.open();
    bench.make_topic(12);
    bench.rounds_under_checkpoints();
    bench.first_read();
  }
}
