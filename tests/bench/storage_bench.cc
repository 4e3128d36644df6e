// The storage alone, without network: one durable round against one bare fdatasync of the same size, interleaved so
// that both see the same machine; rounds over 12 partitions; and a stream of batches. storage_bench [FOLDER] [ROUNDS]:
// the folder must lie on the disk to be measured; everything is in its storage-bench.tmp. Default: here, 2000.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "broker/storage/posix_file.h"
#include "broker/storage/store.h"

namespace {

using broker::storage::Append;
using broker::storage::Offset;
using broker::storage::PartitionIndex;
using broker::storage::PartitionRef;
using broker::storage::SharedBytes;
using broker::storage::Store;
using broker::storage::Ticket;
using Clock = std::chrono::steady_clock;

constexpr std::int32_t kPartitions = 12;
constexpr int kBlock = 100;  // rounds of one kind before the other kind's turn

struct NoState final : broker::storage::StateMachine {
  void apply(const broker::storage::Record& /*record*/) override {}
  [[nodiscard]] std::vector<broker::storage::Record> snapshot() const override { return {}; }
};

double microseconds(Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

struct Samples {
  std::vector<double> values;
  [[nodiscard]] double at(double share) {
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  }
};

class Bench {
 public:
  explicit Bench(std::filesystem::path folder) : folder_(std::move(folder)) {
    options_.dir = folder_ / "store";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = Store::open(fs_, clock_, options_, state_);
    store_->submit(broker::storage::TopicMade{{1}, "bench", kPartitions, {}});
    bare_ = ::open((folder_ / "bare").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const std::vector<char> zeros(1 << 20);
    for (int i = 0; i < 64; ++i) (void)!::pwrite(bare_, zeros.data(), zeros.size(), static_cast<off_t>(i) << 20);
    ::fsync(bare_);
    // The journal's files are prepared in the background; what is measured comes after.
    while (std::distance(std::filesystem::directory_iterator(options_.dir / "journal"), {}) < 4) ::usleep(10'000);
    ::usleep(500'000);
  }
  ~Bench() {
    store_->close();
    ::close(bare_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // One round: a batch for each of some partitions, acknowledged. Against a bare write and flush of as many bytes.
  void rounds(const char* name, std::int32_t partitions, std::size_t batch_bytes, int count) {
    Samples durable;
    Samples bare;
    for (int done = 0; done < count; done += kBlock) {
      for (int i = 0; i < kBlock; ++i)
        bare.values.push_back(bare_round(static_cast<std::size_t>(partitions) * batch_bytes));
      for (int i = 0; i < kBlock; ++i) durable.values.push_back(durable_round(partitions, batch_bytes));
    }
    std::printf("%-44s p50 %7.0f us  p99 %7.0f us   bare p50 %7.0f us  p99 %7.0f us   ratio of p50 %.2f\n", name,
                durable.at(0.5), durable.at(0.99), bare.at(0.5), bare.at(0.99), durable.at(0.5) / bare.at(0.5));
  }

  // Batches one after the other over the partitions, at most `window` unacknowledged.
  void stream(std::size_t batch_bytes, std::uint64_t total_bytes, std::size_t window) {
    std::deque<Ticket> waiting;
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto start = Clock::now();
    for (std::uint64_t sent = 0; sent < total_bytes; sent += batch_bytes) {
      waiting.push_back(append(static_cast<std::int32_t>(sent / batch_bytes % kPartitions), batch_bytes));
      store_->maybe_checkpoint();
      while (waiting.size() >= window) wait(waiting);
    }
    while (!waiting.empty()) wait(waiting);
    const double seconds = microseconds(Clock::now() - start) / 1e6;
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    const auto cpu = [](const rusage& usage) {
      return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    };
    const double gigabytes = static_cast<double>(total_bytes) / 1e9;
    std::printf("%-44s %.0f MB/s, %.2f CPU s per GB\n",
                ("stream of " + std::to_string(batch_bytes >> 10) + " KiB batches, 12 partitions").c_str(),
                gigabytes * 1000 / seconds, (cpu(after) - cpu(before)) / gigabytes);
  }

 private:
  Ticket append(std::int32_t index, std::size_t bytes) {
    const PartitionRef partition{{1}, PartitionIndex(index)};
    Append record;
    record.partition = partition;
    record.base = store_->bounds(partition)->end;
    record.count = 1;
    const auto buffer = std::make_shared<const common::ByteBuffer>(bytes, std::byte{42});
    record.bytes = *buffer;
    if (store_->make_room(partition, bytes) != broker::storage::RoomRefusal::none) {
      std::fprintf(stderr, "the disk is full\n");
      std::exit(1);
    }
    return store_->submit(record, buffer);
  }
  void wait(std::deque<Ticket>& waiting) {
    pollfd moved{store_->durable_fd(), POLLIN, 0};
    ::poll(&moved, 1, 1000);
    std::uint64_t count = 0;
    (void)!::read(store_->durable_fd(), &count, sizeof count);
    (void)store_->take_advanced();
    while (!waiting.empty() && waiting.front() <= store_->durable()) waiting.pop_front();
    store_->maybe_checkpoint();
  }
  double durable_round(std::int32_t partitions, std::size_t batch_bytes) {
    const auto start = Clock::now();
    std::deque<Ticket> waiting;
    {
      const broker::storage::Burst burst(*store_);
      for (std::int32_t p = 0; p < partitions; ++p) waiting.push_back(append(p, batch_bytes));
    }
    while (!waiting.empty()) wait(waiting);
    return microseconds(Clock::now() - start);
  }
  double bare_round(std::size_t bytes) {
    const std::vector<char> buffer((bytes + 4095) / 4096 * 4096, 'b');
    if (bare_offset_ + buffer.size() > (64U << 20)) bare_offset_ = 0;
    const auto start = Clock::now();
    (void)!::pwrite(bare_, buffer.data(), buffer.size(), static_cast<off_t>(bare_offset_));
    ::fdatasync(bare_);
    bare_offset_ += buffer.size();
    return microseconds(Clock::now() - start);
  }

  std::filesystem::path folder_;
  broker::storage::PosixFileSystem fs_;
  common::SystemClock clock_;
  broker::storage::StoreOptions options_;
  NoState state_;
  std::unique_ptr<Store> store_;
  int bare_ = -1;
  std::uint64_t bare_offset_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  // Emptied before and removed after the run: never the caller's folder itself.
  const auto folder = std::filesystem::path(argc > 1 ? argv[1] : ".") / "storage-bench.tmp";
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 2000;
  Bench bench(folder);
  bench.rounds("one batch of 3.5 KiB (a frame of 4 KiB)", 1, 3500, rounds);
  bench.rounds("one batch of 60 KiB", 1, 60 << 10, rounds);
  bench.rounds("12 partitions, a batch of 4 KiB each", kPartitions, 4 << 10, rounds);
  bench.stream(100 << 10, 2ULL << 30, 64);
  bench.stream(16 << 10, 1ULL << 30, 256);
}
