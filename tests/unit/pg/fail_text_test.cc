// What goes into fail_msg: valid, short, without NUL.
#include "relay/pg/fail_text.h"

#include <gtest/gtest.h>

namespace relay::pg {
namespace {

TEST(FailText, CutsAtACharacter) {
  EXPECT_EQ(storable("aü☃𝄞b", 4), "aü☃𝄞");
  EXPECT_EQ(storable("aü☃𝄞b", 3), "aü☃");
  EXPECT_EQ(storable("abc", 3), "abc");
  EXPECT_EQ(storable("abc", 0), "");
}

TEST(FailText, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(storable(std::string("a\0\0b", 4)), "ab");
  EXPECT_EQ(storable("a\xff"
                     "b"),
            "a\uFFFD"
            "b");
  EXPECT_EQ(storable("cut \xe2\x98"), "cut \uFFFD\uFFFD");
}

TEST(FailText, MegabytesAreCutToo) {
  EXPECT_EQ(storable(std::string(1 << 24, 'x')).size(), 500U);
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "𝄞";
  EXPECT_EQ(storable(wide).size(), 2000U);
}

}  // namespace
}  // namespace relay::pg
