// Binary parameters byte by byte, as the server's *_recv functions read them.
#include "relay/pg/params.h"

#include <gtest/gtest.h>

namespace relay::pg {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

TEST(Params, IntegersAreBigEndian) {
  Params params;
  params.add_int(-2).add_bigint(0x0102030405060708).add_text("x").add_null();
  EXPECT_EQ(params.size(), 4U);
  EXPECT_EQ(params.value(0), bytes({0xff, 0xff, 0xff, 0xfe}));
  EXPECT_EQ(params.value(1), bytes({1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(params.value(2), "x");
  EXPECT_FALSE(params.value(3));
}

TEST(Params, ArraysHaveAHeader) {
  Params params;
  const std::vector<std::int32_t> numbers = {7};
  params.add_ints(numbers).add_bigints({}).add_booleans({true, false});
  const std::vector<std::optional<std::string>> texts = {std::nullopt, "ab"};
  params.add_texts(texts);
  EXPECT_EQ(params.value(0),
            bytes({0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7}));
  EXPECT_EQ(params.value(1), bytes({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20}));
  EXPECT_EQ(params.value(2),
            bytes({0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(params.value(3), bytes({0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1}) +
                                 bytes({0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 'a', 'b'}));
}

}  // namespace
}  // namespace relay::pg
