// Real clients against the codec alone: what they send decodes to the last byte, what we answer they understand.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "broker/protocol/api_key.h"
#include "tests/integration/protocol/scripted_broker.h"
#include "tests/support/net.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace broker::protocol {
namespace {

class Clients : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const std::string& complaint : broker_.complaints()) ADD_FAILURE() << complaint;
  }

  std::string address() const { return test_support::loopback(broker_.port()); }
  test_support::RunResult kcat_produce(const std::string& lines, std::vector<std::string> more) {
    const std::filesystem::path input = folder_.path() / "lines";
    std::ofstream(input) << lines;
    std::vector<std::string> argv{"kcat", "-P", "-b", address(), "-t", "orders", "-K", ":", "-l", input.string()};
    argv.insert(argv.end(), more.begin(), more.end());
    return test_support::run(argv);
  }

  test_support::TempDir folder_;
  ScriptedBroker broker_;
};

TEST_F(Clients, KcatProducesAndConsumes) {
  const auto produced = kcat_produce("a:one\nb:two\nc:three\n", {"-H", "source=test"});
  ASSERT_EQ(produced.exit.code, 0) << produced.error_output;
  EXPECT_GE(broker_.requests(ApiKey::produce), 1);
  const auto consumed = test_support::run(
      {"kcat", "-C", "-q", "-b", address(), "-t", "orders", "-o", "beginning", "-c", "3", "-f", "%k=%s %h\n"});
  EXPECT_EQ(consumed.exit.code, 0) << consumed.error_output;
  EXPECT_EQ(consumed.output, "a=one source=test\nb=two source=test\nc=three source=test\n");
}

TEST_F(Clients, KcatProducesWithEveryAcksAndCodec) {
  for (const std::string option : {"acks=0", "acks=1", "acks=all", "enable.idempotence=true", "compression.codec=gzip",
                                   "compression.codec=snappy", "compression.codec=lz4", "compression.codec=zstd"}) {
    const auto produced = kcat_produce("k:a value that repeats repeats repeats repeats repeats\n", {"-X", option});
    EXPECT_EQ(produced.exit.code, 0) << option << ": " << produced.error_output;
  }
  EXPECT_EQ(broker_.requests(ApiKey::produce), 8);
  EXPECT_GE(broker_.requests(ApiKey::init_producer_id), 1);
}

TEST_F(Clients, KcatConsumesInAGroup) {
  ASSERT_EQ(kcat_produce("a:one\nb:two\n", {}).exit.code, 0);
  const auto consumed = test_support::run({"kcat", "-q", "-b", address(), "-X", "auto.offset.reset=earliest", "-c", "2",
                                           "-f", "%s\n", "-G", "points", "orders"});
  EXPECT_EQ(consumed.exit.code, 0) << consumed.error_output;
  EXPECT_EQ(consumed.output, "one\ntwo\n");
  EXPECT_GE(broker_.requests(ApiKey::join_group), 2);
  EXPECT_GE(broker_.requests(ApiKey::offset_commit), 1);
  EXPECT_GE(broker_.requests(ApiKey::leave_group), 1);
}

}  // namespace
}  // namespace broker::protocol
