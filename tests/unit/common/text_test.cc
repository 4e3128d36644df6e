// Text from outside made fit: UTF-8 and JSON.
#include "common/text.h"

#include <gtest/gtest.h>

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  common::append_json_escaped(out, text);
  return out;
}

}  // namespace

TEST(Text, ReplacesWhatIsNoUtf8) {
  const std::string bad = "\xEF\xBF\xBD";
  const std::pair<std::string, std::string> table[] = {{"Zürich ✓ 😀", "Zürich ✓ 😀"},
                                                       {"a\xFF"
                                                        "b",
                                                        "a" + bad + "b"},
                                                       {"\xC0\xAF", bad + bad},                      // overlong
                                                       {"\xE0\x80\x80", bad + bad + bad},            // overlong
                                                       {"\xED\xA0\x80", bad + bad + bad},            // a surrogate
                                                       {"\xF4\x90\x80\x80", bad + bad + bad + bad},  // beyond U+10FFFF
                                                       {"\xE2\x9C", bad + bad},                      // cut off
                                                       {"\xC3", bad}};
  for (const auto& [text, expected] : table) EXPECT_EQ(common::valid_utf8(text), expected);
}

TEST(Text, EscapesForJson) {
  EXPECT_EQ(escaped("a\"b\\c"), "a\\\"b\\\\c");
  EXPECT_EQ(escaped("a\n\r\t\x01\x7F"), "a\\n\\r\\t\\u0001\\u007f");
  EXPECT_EQ(escaped("\xC2\x9B"
                    "31m"),
            "\\u009b31m");  // CSI, which some terminals obey
  EXPECT_EQ(escaped(std::string_view("\0x", 2)), "\\u0000x");
  EXPECT_EQ(escaped("é\xFF"), "é\xEF\xBF\xBD");
}
