// The size rules: file, header, function; reasoned exceptions stand in cmake/size_exceptions.txt.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/unit/house/functions.h"
#include "tests/unit/house/source_tree.h"

namespace house {
namespace {

constexpr std::size_t kFileLines = 400;
constexpr std::size_t kHeaderLines = 150;
constexpr std::size_t kFunctionLines = 70;
constexpr std::size_t kReasonLetters = 20;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// "path" or "path:function" → reason
std::map<std::string, std::string> exceptions() {
  std::map<std::string, std::string> result;
  for (const std::string& line : rule_lines("cmake/size_exceptions.txt")) {
    const std::size_t end = line.find(": ");
    result[line.substr(0, end)] = end == std::string::npos ? "" : trimmed(line.substr(end + 2));
  }
  return result;
}

TEST(Sizes, StayUnderTheHouseRuleOrHaveAReason) {
  const std::map<std::string, std::string> reasons = exceptions();
  std::set<std::string> needed;
  const auto judge = [&](const std::string& name, const std::string& place, std::size_t lines, std::size_t limit) {
    if (lines < limit) return;
    needed.insert(name);
    EXPECT_TRUE(reasons.contains(name)) << place << " has " << lines << " lines; the limit is under " << limit
                                        << " (split it, or give a reason in cmake/size_exceptions.txt)";
  };
  for (const SourceFile& file : cpp_files()) {
    judge(file.path, file.path, file.lines.size(), file.path.ends_with(".h") ? kHeaderLines : kFileLines);
    for (const FunctionSize& function : functions(file.lines)) {
      judge(file.path + ":" + function.name,
            file.path + ":" + std::to_string(function.first_line) + " " + function.name, function.lines,
            kFunctionLines);
    }
  }
  for (const auto& [name, reason] : reasons) {
    EXPECT_TRUE(needed.contains(name)) << "cmake/size_exceptions.txt: " << name << " needs no exception any more";
    EXPECT_GE(reason.size(), kReasonLetters) << "cmake/size_exceptions.txt: " << name << " has no reason";
  }
}

TEST(Functions, AreFoundWithTheirLengths) {
  const std::vector<FunctionSize> found = functions(split(R"code(// a comment with a { brace
#define MACRO { \
  {
namespace a {
constexpr int kTable[] = {
    1,
    2,
};
constexpr auto kOther = std::to_array<Entry>({
    {1, 2},
});
template <class T>
class Holder : public Base<T> {
 public:
  Holder(int a, int b) : a_{a}, b_{b} {
    use("{", '{', R"x({)x");
  }
  [[nodiscard]] int get() const { return a_; }

 private:
  int a_{0};
  std::array<int, 2> b_ = {1, 2};
};
bool operator<(const A& left, const A& right) {
  return left.x < right.x;
}
/* { */
std::vector<int> make(std::vector<int> list = {}, const int* more = nullptr) {
  const auto lambda = [&](int x) {
    if (x > 1'000) {
      return 1;
    }
    return 0;
  };
  return {lambda(1)};
}
struct Plain {
  int x = 0;
};
TEST(Thing, Works) {
}
}  // namespace a
)code"));
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0].name, "Holder");
  EXPECT_EQ(found[0].first_line, 15U);
  EXPECT_EQ(found[0].lines, 3U);
  EXPECT_EQ(found[1].name, "get");
  EXPECT_EQ(found[2].name, "operator<");
  EXPECT_EQ(found[2].lines, 3U);
  EXPECT_EQ(found[3].name, "make");
  EXPECT_EQ(found[3].lines, 9U);
  EXPECT_EQ(found[4].name, "TEST(Thing, Works)");
  EXPECT_EQ(found[4].lines, 2U);
}

}  // namespace
}  // namespace house
