// Primitives: integers, varints and their bounds.
#include "broker/protocol/wire.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "tests/unit/protocol/hex.h"
#include "tests/unit/protocol/seed.h"

namespace broker::protocol {
namespace {

std::vector<std::byte> write_unsigned_varint(std::uint32_t value) {
  WireSizer sizer;
  sizer.unsigned_varint(value);
  std::vector<std::byte> bytes(sizer.size());
  WireWriter writer(bytes);
  writer.unsigned_varint(value);
  EXPECT_EQ(writer.remaining(), 0U);
  return bytes;
}

TEST(Wire, ReadsBigEndian) {
  const auto bytes = from_hex("ff 8001 00010203 8000000000000001");
  WireReader in(bytes);
  EXPECT_EQ(in.integer<std::int8_t>(), -1);
  EXPECT_EQ(in.integer<std::int16_t>(), -32767);
  EXPECT_EQ(in.integer<std::int32_t>(), 0x00010203);
  EXPECT_EQ(in.integer<std::int64_t>(), INT64_MIN + 1);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.integer<std::int8_t>(), 0);
  EXPECT_EQ(in.error(), DecodeError::truncated);
}

TEST(Wire, WritesUnsignedVarintsAsTheProtocolHasThem) {
  EXPECT_EQ(to_hex(write_unsigned_varint(0)), "00");
  EXPECT_EQ(to_hex(write_unsigned_varint(127)), "7f");
  EXPECT_EQ(to_hex(write_unsigned_varint(128)), "8001");
  EXPECT_EQ(to_hex(write_unsigned_varint(300)), "ac02");
  EXPECT_EQ(to_hex(write_unsigned_varint(UINT32_MAX)), "ffffffff0f");
}

TEST(Wire, ReadsBackEveryUnsignedVarint) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 20'000; ++round) {
    const auto value = static_cast<std::uint32_t>(random() >> (random() % 64));
    const auto bytes = write_unsigned_varint(value);
    WireReader in(bytes);
    ASSERT_EQ(in.unsigned_varint(), value);
    ASSERT_TRUE(in.ok());
    ASSERT_EQ(in.remaining(), 0U);
  }
}

TEST(Wire, ReadsZigzag) {
  const auto bytes = from_hex("00 01 02 03 feffffff0f ffffffff0f feffffffffffffffff01 ffffffffffffffffff01");
  WireReader in(bytes);
  EXPECT_EQ(in.varint(), 0);
  EXPECT_EQ(in.varint(), -1);
  EXPECT_EQ(in.varint(), 1);
  EXPECT_EQ(in.varint(), -2);
  EXPECT_EQ(in.varint(), INT32_MAX);
  EXPECT_EQ(in.varint(), INT32_MIN);
  EXPECT_EQ(in.varlong(), INT64_MAX);
  EXPECT_EQ(in.varlong(), INT64_MIN);
  EXPECT_TRUE(in.ok());
}

TEST(Wire, RefusesVarintsBeyondTheirBytesOrBits) {
  for (const std::string_view text : {"808080808001", "ffffffff1f", "8080808080"}) {
    const auto bytes = from_hex(text);
    WireReader in(bytes);
    EXPECT_EQ(in.unsigned_varint(), 0U);
    EXPECT_EQ(in.error(), DecodeError::bad_varint) << text;
    EXPECT_EQ(in.remaining(), 0U);
  }
  for (const std::string_view text : {"8080808080808080808001", "ffffffffffffffffff02"}) {
    const auto bytes = from_hex(text);
    WireReader in(bytes);
    EXPECT_EQ(in.varlong(), 0);
    EXPECT_EQ(in.error(), DecodeError::bad_varint) << text;
  }
  const auto cut = from_hex("80");
  WireReader in(cut);
  EXPECT_EQ(in.unsigned_varint(), 0U);
  EXPECT_EQ(in.error(), DecodeError::truncated);
}

TEST(Wire, KeepsTheFirstError) {
  const auto bytes = from_hex("ffffffffff 00000001");
  WireReader in(bytes);
  EXPECT_EQ(in.unsigned_varint(), 0U);
  EXPECT_EQ(in.integer<std::int32_t>(), 0);
  EXPECT_TRUE(in.take(1).empty());
  EXPECT_EQ(in.error(), DecodeError::bad_varint);
}

}  // namespace
}  // namespace broker::protocol
