// The real broker on a disk that fails when it is told to: strace puts errors and kills into its calls. A real client
// writes meanwhile, and nothing that it was acknowledged is lost, repeated or reordered.
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "tests/fault/acked_producer.h"
#include "tests/support/programs.h"

namespace fault {
namespace {

using test_support::BrokerProcess;
using test_support::Exit;
namespace fs = std::filesystem;

constexpr const char* kTopic = "orders";
constexpr int kDiskFailed = 74;
constexpr std::size_t kBodyBytes = 700;

// What is wrong with tracing here; none: nothing.
std::optional<std::string> strace_is_missing() {
  const auto tried = [] {
    try {
      return test_support::run({"strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "true"});
    } catch (const std::exception& failure) {
      return test_support::RunResult{{}, {}, failure.what()};
    }
  }();
  if (tried.exit.code == 0) return std::nullopt;
  return "strace cannot trace a process here: " + tried.error_output;
}

class DiskFaultTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = strace_is_missing()) GTEST_SKIP() << *missing;
    inject({}, {});
    // Small, so that files change and checkpoints come within seconds; three partitions, so that segments fill.
    std::ofstream(folder_ / "broker.toml") << "[topics]\npartitions = 3\n[storage]\njournal_file = \"1MiB\"\n";
    broker_ = std::make_unique<BrokerProcess>(
        test_support::BrokerOptions{.data_dir = folder_ / "data",
                                    .flags = {"--config", (folder_ / "broker.toml").string()},
                                    .executable = folder_ / "broker.sh"});
    producer_ = std::make_unique<AckedProducer>(broker_->address(), kTopic);
    produce(200);
    ASSERT_EQ(producer_->acknowledged().size(), producer_->sent());
  }

  // From the next start on: strace's expressions, for calls on these files alone; none: all files.
  void inject(const std::vector<std::string>& expressions, const std::vector<fs::path>& paths) {
    std::ofstream script(folder_ / "broker.sh");
    script << "#!/bin/sh\nexec ";
    if (!expressions.empty()) {
      // The tracer is the grandchild, so that signals and exit codes are the broker's own. A leak checker needs to
      // trace, too, and a process has one tracer.
      script << "env ASAN_OPTIONS=detect_leaks=0 strace -D -f -qq -y -o " << trace().string();
      for (const std::string& expression : expressions) script << " -e " << expression;
      for (const fs::path& path : paths) script << " -P " << path.string();
      script << " ";
    }
    script << test_support::program("outbox-broker").string() << " \"$@\"\n";
    script.close();
    fs::permissions(folder_ / "broker.sh", fs::perms::owner_all);
  }
  void restart(const std::vector<std::string>& expressions = {}, const std::vector<fs::path>& paths = {}) {
    if (broker_->running()) {
      ASSERT_EQ(broker_->terminate().code, 0) << broker_->log();
    }
    fs::remove(trace());
    inject(expressions, paths);
    broker_->start();
  }
  // Until so many are acknowledged, or the broker is gone.
  void produce(std::uint64_t acks) {
    producer_->produce(acks, kBodyBytes, [this] { return broker_->running(); });
    if (broker_->running()) {
      ASSERT_TRUE(producer_->flush()) << broker_->log();
    }
  }
  // The broker ended by itself in mid-stream; after a start without faults everything goes on and is there.
  void expect_end(const Exit& expected) {
    const auto exit = broker_->process().wait();
    ASSERT_TRUE(exit.has_value()) << "it runs on\n" << broker_->log();
    EXPECT_EQ(exit->code, expected.code) << broker_->log();
    EXPECT_EQ(exit->signal, expected.signal);
    if (expected.signal == 0) expect_injected();  // a kill proves itself
    restart();
    produce(100);
    expect_nothing_lost();
  }
  void expect_nothing_lost() {
    const Comparison found = compare(*producer_, broker_->address(), kTopic);
    EXPECT_EQ(found.lost, 0U);
    EXPECT_EQ(found.repeated, 0U);
    EXPECT_EQ(found.disordered, 0U);
    EXPECT_EQ(producer_->failed(), 0U);
    EXPECT_EQ(found.logged, producer_->sent()) << "what waited was sent again, once";
  }
  void expect_injected() {
    EXPECT_NE(test_support::read_file(trace()).find("INJECTED"), std::string::npos) << "no fault happened";
  }
  [[nodiscard]] fs::path trace() const { return folder_ / "trace"; }
  [[nodiscard]] std::vector<fs::path> journal() const { return files_below(folder_ / "data" / "journal", ""); }
  [[nodiscard]] std::vector<fs::path> segments() const { return files_below(folder_ / "data" / "data", ".log"); }
  static std::vector<fs::path> files_below(const fs::path& folder, const std::string& extension) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && entry.path().extension() == extension) files.push_back(entry.path());
    }
    return files;
  }

  test_support::TempDir folder_;
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<AckedProducer> producer_;
};

// A failed flush is final: the kernel has given up those pages, so asking again would get a lie.
TEST_F(DiskFaultTest, AFlushThatFailsEndsTheBrokerAndIsNeverRetried) {
  for (const int at : {1, 4, 30}) {
    SCOPED_TRACE("flush " + std::to_string(at));
    ASSERT_NO_FATAL_FAILURE(
        restart({"trace=fdatasync", "inject=fdatasync:error=EIO:when=" + std::to_string(at) + "+"}, journal()));
    const std::uint64_t before = producer_->acknowledged().size();
    produce(100'000);
    const auto exit = broker_->process().wait();
    ASSERT_TRUE(exit && exit->code == kDiskFailed) << broker_->log();
    EXPECT_LT(producer_->acknowledged().size() - before, 100'000U);
    std::istringstream lines(test_support::read_file(trace()));
    int failed = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.find("INJECTED") != std::string::npos) ++failed;
    }
    EXPECT_EQ(failed, 1) << test_support::read_file(trace());
    EXPECT_NE(broker_->log().find("Input/output error"), std::string::npos) << broker_->log();
    ASSERT_NO_FATAL_FAILURE(expect_end({.code = kDiskFailed, .signal = 0}));
  }
}

TEST_F(DiskFaultTest, KilledAtAFlushItKeepsWhatItAcknowledged) {
  for (const int at : {1, 2, 5, 17, 60}) {
    SCOPED_TRACE("flush " + std::to_string(at));
    ASSERT_NO_FATAL_FAILURE(
        restart({"trace=fdatasync", "inject=fdatasync:signal=SIGKILL:when=" + std::to_string(at) + "+"}, journal()));
    produce(100'000);
    ASSERT_NO_FATAL_FAILURE(expect_end({.code = -1, .signal = SIGKILL}));
  }
}

TEST_F(DiskFaultTest, AJournalThatCannotBeWrittenEndsTheBroker) {
  for (const std::string error : {"EIO", "ENOSPC"}) {
    for (const int at : {1, 12}) {
      SCOPED_TRACE(error + " at write " + std::to_string(at));
      ASSERT_NO_FATAL_FAILURE(
          restart({"trace=pwritev", "inject=pwritev:error=" + error + ":when=" + std::to_string(at)}, journal()));
      produce(100'000);
      ASSERT_NO_FATAL_FAILURE(expect_end({.code = kDiskFailed, .signal = 0}));
    }
  }
}

TEST_F(DiskFaultTest, ASegmentThatFailsEndsTheBroker) {
  const std::vector<std::string> faults = {"pwritev:error=EIO:when=3", "fdatasync:error=EIO:when=1"};
  for (const std::string& fault : faults) {
    SCOPED_TRACE(fault);
    ASSERT_NO_FATAL_FAILURE(restart({"trace=" + fault.substr(0, fault.find(':')), "inject=" + fault}, segments()));
    produce(5'000);  // a checkpoint comes in between: the journal's files are small
    ASSERT_NO_FATAL_FAILURE(expect_end({.code = kDiskFailed, .signal = 0}));
  }
}

// The disk is full for a while: Produce is refused or waits, clients try again, and it goes on by itself.
TEST_F(DiskFaultTest, AFullDiskRefusesAndRecoversAlone) {
  const std::pair<std::string, std::string> faults[] = {
      {"fallocate:error=ENOSPC:when=1..5", "produce requests are refused"},
      {"pwritev:error=ENOSPC:when=2..3", "durable records wait in the journal"}};
  for (const auto& [fault, said] : faults) {
    SCOPED_TRACE(fault);
    ASSERT_NO_FATAL_FAILURE(restart({"trace=" + fault.substr(0, fault.find(':')), "inject=" + fault}, segments()));
    produce(3'000);
    expect_injected();
    ASSERT_TRUE(broker_->running()) << broker_->log();
    EXPECT_NE(broker_->log().find(said), std::string::npos) << broker_->log();
    expect_nothing_lost();
  }
  ASSERT_NO_FATAL_FAILURE(restart());
  expect_nothing_lost();
}

}  // namespace
}  // namespace fault
