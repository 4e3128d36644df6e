// Snapshots, log positions, times and headers as PostgreSQL writes them.
#include "relay/pg/row_decode.h"

#include <gmock/gmock.h>

#include <limits>

namespace relay::pg {
namespace {

using core::Lsn;
using core::TransactionId;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(RowDecode, Snapshot) {
  const auto quiet = parse_snapshot("731:731:");
  EXPECT_EQ(quiet.xmin, TransactionId(731));
  EXPECT_EQ(quiet.xmax, TransactionId(731));
  EXPECT_THAT(quiet.in_progress, IsEmpty());
  const auto busy = parse_snapshot("10:20:10,14,4294967297000");
  EXPECT_THAT(busy.in_progress, ElementsAre(TransactionId(10), TransactionId(14), TransactionId(4294967297000)));
}

TEST(RowDecode, Lsn) {
  EXPECT_EQ(parse_lsn("0/0"), Lsn(0));
  EXPECT_EQ(parse_lsn("16/B374D848"), Lsn(0x16B374D848));
}

TEST(RowDecode, APositionInsideAPageHeaderIsThePagesStart) {
  constexpr std::uint64_t kBlock = 8192, kSegment = 16U << 20U;
  const auto normal = [&](std::uint64_t at) { return without_page_header(Lsn(at), kBlock, kSegment).value(); };
  EXPECT_EQ(normal(kSegment + 40), kSegment);
  EXPECT_EQ(normal(kSegment + 48), kSegment + 48);
  EXPECT_EQ(normal(kSegment), kSegment);
  EXPECT_EQ(normal(kBlock + 24), kBlock);
  EXPECT_EQ(normal(kBlock + 32), kBlock + 32);
  EXPECT_EQ(normal(kBlock + 40), kBlock + 40);
  EXPECT_EQ(normal(kBlock - 8), kBlock - 8);
}

TEST(RowDecode, TimesSaturate) {
  EXPECT_EQ(since_1970(0).count(), 946684800000000);
  EXPECT_EQ(since_1970(-946684800000001).count(), -1);
  EXPECT_EQ(since_1970(std::numeric_limits<PgTime>::max()), std::chrono::microseconds::max());
}

TEST(RowDecode, HeadersAreAnObjectOfStrings) {
  EXPECT_THAT(*decode_headers("{}"), IsEmpty());
  EXPECT_THAT(*decode_headers(R"({"a": "1", "b": "\u0001\"ü"})"),
              testing::UnorderedElementsAre(testing::Pair("a", "1"), testing::Pair("b", "\x01\"ü")));
  for (const char* bad : {"", "null", "[]", "1", "\"a\"", "{\"a\": 1}", "{\"a\": null}", "{\"a\": {}}",
                          "{\"a\": [\"b\"]}", "{\"a\": \"\xff\"}", "{"}) {
    EXPECT_FALSE(decode_headers(bad)) << bad;
  }
  EXPECT_FALSE(decode_headers(std::string(100000, '['))) << "depth costs no stack";
}

}  // namespace
}  // namespace relay::pg
