// `outbox-broker check` and `dump` on folders that are well, damaged, in use, not there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "broker/protocol/metadata.h"
#include "broker/protocol/produce.h"
#include "broker/protocol/record_batch_builder.h"
#include "tests/integration/broker/wire_client.h"
#include "tests/support/programs.h"

namespace broker_tests {
namespace {

using test_support::BrokerProcess;
using test_support::program;

void write_some(const BrokerProcess& broker) {
  WireClient client(broker.port());
  protocol::MetadataRequest topics;
  topics.topics.emplace();
  topics.topics->push_back({{}, "t"});
  ASSERT_TRUE(client.call<protocol::MetadataResponse>(topics, 4));
  const auto records = protocol::plain_batch(10, 1'000);
  for (int i = 0; i < 20; ++i) {
    protocol::ProduceRequest request;
    request.acks = -1;
    request.topics.push_back({"t", {{i % 12, protocol::BytesView(records)}}});
    ASSERT_TRUE(client.call<protocol::ProduceResponse>(request, 7));
  }
}

test_support::RunResult inspect(const std::string& command, const std::filesystem::path& folder) {
  return test_support::run({program("outbox-broker").string(), "--data-dir", folder.string(), command});
}

// Changes a byte of a record in some segment.
void damage(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "data")) {
    if (entry.path().extension() != ".log" || entry.file_size() < 5'000) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3'000);
    file.put('!');
    return;
  }
  FAIL() << "no segment to damage";
}

TEST(Inspect, CheckReadsEverythingAndDumpTellsOfIt) {
  BrokerProcess broker;
  write_some(broker);
  EXPECT_NE(inspect("check", broker.data_dir()).exit.code, 0) << "while a broker has the folder";
  EXPECT_EQ(broker.terminate().code, 0);
  const auto well = inspect("check", broker.data_dir());
  EXPECT_EQ(well.exit.code, 0) << well.error_output;
  EXPECT_NE(well.output.find("ok: 1 topics, 12 partitions, 200 records"), std::string::npos) << well.output;
  const auto dump = inspect("dump", broker.data_dir());
  EXPECT_EQ(dump.exit.code, 0);
  EXPECT_NE(dump.output.find("topic t, 12 partitions"), std::string::npos) << dump.output;
  EXPECT_NE(dump.output.find("partition 0: offsets 0 to 20"), std::string::npos) << dump.output;
}

TEST(Inspect, CheckNamesADamagedPartition) {
  BrokerProcess broker;
  write_some(broker);
  EXPECT_EQ(broker.terminate().code, 0);
  damage(broker.data_dir());
  const auto damaged = inspect("check", broker.data_dir());
  EXPECT_EQ(damaged.exit.code, 74);
  EXPECT_NE(damaged.output.find("damaged: topic t partition"), std::string::npos) << damaged.output;
}

TEST(Inspect, FolderThatIsNotThereIsNotMade) {
  test_support::TempDir folder;
  const auto nothing = inspect("check", folder / "none");
  EXPECT_EQ(nothing.exit.code, 78);
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
}

}  // namespace
}  // namespace broker_tests
