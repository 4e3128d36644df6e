// What a store should hold, kept beside it, and a life of random work on the simulated disk that ends in a crash. After
// each crash the store is recovered and compared: it must be exactly the state after some frame that is not before the
// last acknowledged one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "broker/storage/store_impl.h"
#include "tests/unit/storage/sim_disk.h"
#include "tests/unit/storage/support.h"

namespace broker::storage::test {

// The state after a frame, made from the records submitted.
class Model {
 public:
  struct Log {
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::vector<SharedBytes> batches;
  };
  MemoryState state;
  std::map<PartitionRef, Log> logs;

  void apply(const Record& record, const SharedBytes& bytes);
};

struct CrashOptions {
  StoreHooks hooks;
  bool lie_on_flush = false;
  int work_max = 200;  // steps of a life
};

// One disk, one broker's history on it, over many crashes.
class CrashRun {
 public:
  CrashRun(std::uint64_t seed, CrashOptions options);
  ~CrashRun();

  // Recovers (with crashes inside the recovery), compares, works until the next crash. What it returns is what is
  // wrong. `crash_at`: the changing call that crashes; none: a random one.
  std::optional<std::string> live_once();
  // Once, on an empty disk: makes the folder and the journal's files and is killed at that changing call; then works
  // and loses its power. False: that many calls are not made.
  bool first_start_killed_at(std::uint64_t call, std::optional<std::string>& wrong);
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  // How often each thing happened, so that a run can show it was no empty one.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& seen() const { return seen_; }

 private:
  struct Submitted {
    std::uint64_t ticket = 0;
    Record record;
    SharedBytes bytes;
  };
  std::optional<std::string> recover();
  void open();
  [[nodiscard]] std::optional<std::string> compare();
  [[nodiscard]] std::optional<std::string> compare_log(const PartitionRef& partition, const Model::Log& log);
  [[nodiscard]] std::optional<std::string> compare_reads();
  [[nodiscard]] std::optional<std::string> compare_files();
  void work(int steps);
  void step();
  void submit(const Record& record, const SharedBytes& bytes = nullptr);
  void submit_append();
  void submit_state();
  void submit_log_start();
  [[nodiscard]] PartitionRef any_partition();
  std::optional<ReadResult> read_without_waiting(const PartitionRef& partition, Offset from, std::uint64_t bytes_max);
  void note_acknowledged();
  void crash(const char* why);
  [[nodiscard]] std::uint64_t pick(std::uint64_t bound) { return random_() % bound; }

  std::mt19937_64 random_;
  const CrashOptions options_;
  SimDisk disk_;
  ManualClock clock_;
  StoreOptions store_options_;
  std::unique_ptr<FileSystem> fs_;
  MemoryState state_;
  std::unique_ptr<StoreImpl> store_;
  std::vector<Submitted> history_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t highest_ = 0;  // a frame's number that may exist
  std::uint64_t crashes_ = 0;
  std::uint8_t next_topic_ = 1;
  std::map<std::string, std::uint64_t> seen_;
  std::optional<std::string> wrong_;
};

}  // namespace broker::storage::test
