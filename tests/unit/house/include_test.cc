// Arrows point down only: every #include of the sources is one that cmake/allowed_includes.txt allows.
#include <gtest/gtest.h>

#include "tests/unit/house/include_rules.h"
#include "tests/unit/house/source_tree.h"

namespace house {
namespace {

TEST(Includes, FollowTheAllowedArrows) {
  const IncludeRules rules(rule_lines("cmake/allowed_includes.txt"));
  for (const SourceFile& file : cpp_files()) {
    for (std::size_t number = 0; number < file.lines.size(); ++number) {
      const std::string objection = rules.objection(file.path, file.lines[number]);
      EXPECT_EQ(objection, "") << file.path << ':' << number + 1 << ": " << file.lines[number];
    }
  }
}

TEST(Includes, AreRefusedUpwardsSidewaysAndByOtherRoots) {
  const IncludeRules rules({"common:", "low: common", "side: common", "low/part: low common", "= made.h: low/made.cc",
                            "< lib/: low side/one.cc"});
  EXPECT_EQ(rules.objection("low/a.cc", "#include \"common/b.h\""), "");
  EXPECT_EQ(rules.objection("low/a.cc", "#include \"low/b.h\""), "");
  EXPECT_EQ(rules.objection("low/a.cc", "// #include \"side/b.h\""), "");
  EXPECT_EQ(rules.objection("low/a.cc", "#include \"side/b.h\""), "low must not know side");
  EXPECT_EQ(rules.objection("common/a.cc", "#include \"low/b.h\""), "common must not know low");
  EXPECT_EQ(rules.objection("low/a.cc", "#include \"low/part/b.h\""), "low must not know low/part");
  EXPECT_NE(rules.objection("low/a.cc", "#include \"b.h\""), "");
  EXPECT_NE(rules.objection("new/a.cc", "#include \"common/b.h\""), "");
  EXPECT_EQ(rules.objection("low/made.cc", "#include \"made.h\""), "");
  EXPECT_NE(rules.objection("low/a.cc", "#include \"made.h\""), "");
  EXPECT_EQ(rules.objection("low/a.cc", "#include <lib/x.h>"), "");
  EXPECT_EQ(rules.objection("side/one.cc", "#include <lib/x.h>"), "");
  EXPECT_NE(rules.objection("side/two.cc", "#include <lib/x.h>"), "");
}

TEST(Files, OpenWithACommentThatSaysWhatTheyAre) {
  for (const SourceFile& file : cpp_files()) {
    EXPECT_TRUE(!file.lines.empty() && file.lines.front().starts_with("// ")) << file.path;
  }
}

}  // namespace
}  // namespace house
