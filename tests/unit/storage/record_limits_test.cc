// Numbers in the journal's records that cannot be.
#include <gtest/gtest.h>

#include <cstdint>

#include "broker/storage/record_codec.h"
#include "tests/unit/storage/support.h"

namespace broker::storage::test {
namespace {

// As a record with a right checksum could only say by a fault of ours: refused, not made by the million.
TEST(RecordCodec, NumbersThatCannotBeAreRefused) {
  const auto refused = [](const Record& record) {
    std::vector<std::byte> bytes;
    encode_record(bytes, record);
    ByteReader meta(bytes);
    ByteReader data({});
    try {
      (void)decode_record(meta, data);
      return false;
    } catch (const CorruptError&) {
      return true;
    }
  };
  for (const std::int32_t partitions : {-1, 0, 1'000'001, INT32_MAX}) {
    EXPECT_TRUE(refused(TopicMade{topic_id(1), "t", partitions, {}})) << partitions;
    EXPECT_TRUE(refused(PartitionsAdded{topic_id(1), partitions})) << partitions;
  }
  Append append;
  EXPECT_TRUE(refused(append)) << "no records";
  append.count = 1;
  EXPECT_FALSE(refused(append));
  append.base = Offset(-1);
  EXPECT_TRUE(refused(append));
  append.base = Offset(INT64_MAX);
  EXPECT_TRUE(refused(append));
}

}  // namespace
}  // namespace broker::storage::test
