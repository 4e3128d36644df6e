// The power goes while a real client writes to the real broker on a real ext4: nothing acknowledged is lost, cut after
// cut. With flushes that do nothing the same test does lose, so it can see. Part of ./x test --long; needs root.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/fault/acked_producer.h"
#include "tests/fault/loop_disk.h"
#include "tests/support/programs.h"
#include "tests/support/seed.h"

namespace fault {
namespace {

using test_support::BrokerProcess;

constexpr const char* kTopic = "orders";
constexpr std::uint64_t kDiskBytes = 400ULL << 20;
constexpr int kCuts = 8;
constexpr std::size_t kBodyBytes = 400;

class PowerCutTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = LoopDisk::missing()) GTEST_SKIP() << *missing;
    std::ofstream(folder_ / "broker.toml") << "[topics]\npartitions = 3\n[storage]\njournal_file = \"4MiB\"\n"
                                           << "reserve = \"8MiB\"\nfree_min = \"8MiB\"\n";
    preload({});
    disk_ = std::make_unique<LoopDisk>(kDiskBytes);
    broker_ = std::make_unique<BrokerProcess>(
        test_support::BrokerOptions{.data_dir = disk_->folder() / "data",
                                    .flags = {"--config", (folder_ / "broker.toml").string()},
                                    .executable = folder_ / "broker.sh"});
    producer_ = std::make_unique<AckedProducer>(broker_->address(), kTopic);
  }
  // From the next start on; empty: nothing.
  void preload(const std::string& library) {
    std::ofstream script(folder_ / "broker.sh");
    script << "#!/bin/sh\nexec " << (library.empty() ? "" : "env LD_PRELOAD=" + library + " ")
           << test_support::program("outbox-broker").string() << " \"$@\"\n";
    script.close();
    std::filesystem::permissions(folder_ / "broker.sh", std::filesystem::perms::owner_all);
  }
  void produce(std::uint64_t acks) {
    producer_->produce(acks, kBodyBytes, [this] { return broker_->running(); });
  }
  // The order matters: first the disk is gone, then the process; what it still says is said without a disk.
  void cut_power() {
    disk_->cut();
    broker_->kill();
    disk_->mount_again();
  }

  test_support::TempDir folder_;
  std::unique_ptr<LoopDisk> disk_;
  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<AckedProducer> producer_;
};

TEST_F(PowerCutTest, NothingAcknowledgedIsLost) {
  std::mt19937 random(test_support::seed());
  for (int cut = 0; cut < kCuts; ++cut) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    produce(std::uniform_int_distribution<std::uint64_t>(1, 20'000)(random));
    ASSERT_TRUE(broker_->running()) << broker_->log();
    cut_power();
    ASSERT_NO_THROW(broker_->start());
    const Comparison found = compare(*producer_, broker_->address(), kTopic);
    ASSERT_EQ(found.lost, 0U) << "of " << producer_->acknowledged().size();
  }
  produce(100);
  ASSERT_TRUE(producer_->flush()) << broker_->log();
  const Comparison found = compare(*producer_, broker_->address(), kTopic);
  EXPECT_EQ(found.lost + found.repeated + found.disordered, 0U);
  EXPECT_EQ(found.logged, producer_->sent());
  EXPECT_GT(producer_->acknowledged().size(), 1000U) << "the test must have something to lose";
  std::cout << kCuts << " cuts, " << producer_->acknowledged().size() << " records acknowledged, none lost\n";
}

// No end in words: a folder that cannot be recovered shows the loss just as well.
TEST_F(PowerCutTest, WithoutFlushesTheLossIsSeen) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer must be the first library of a process, so nothing can be preloaded";
#endif
  produce(500);
  ASSERT_TRUE(producer_->flush());
  ASSERT_EQ(broker_->terminate().code, 0);  // the folder itself lies there, and one clean checkpoint
  preload(test_support::program("../tests/libwithout_flush.so").string());
  broker_->start();
  produce(20'000);
  ASSERT_TRUE(broker_->running()) << broker_->log();
  cut_power();
  preload({});
  try {
    broker_->start();
  } catch (const std::exception& refused) {
    std::cout << "refused to start: " << refused.what() << "\n";
    return;
  }
  const Comparison found = compare(*producer_, broker_->address(), kTopic);
  EXPECT_GT(found.lost, 0U);
  std::cout << found.lost << " of " << producer_->acknowledged().size() << " acknowledged records lost\n";
}

}  // namespace
}  // namespace fault
