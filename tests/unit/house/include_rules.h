// The arrows of cmake/allowed_includes.txt and the question whether one #include follows them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace house {

class IncludeRules {
 public:
  // Lines in the words of cmake/allowed_includes.txt. Throws common::Error on one it does not understand.
  explicit IncludeRules(const std::vector<std::string>& lines);

  // Empty when `file` may have this line; otherwise what is wrong with it. A line that includes nothing is fine.
  [[nodiscard]] std::string objection(const std::string& file, const std::string& line) const;

 private:
  [[nodiscard]] std::string module_of(const std::string& path) const;
  [[nodiscard]] std::string quoted_objection(const std::string& file, const std::string& included) const;
  [[nodiscard]] std::string library_objection(const std::string& file, const std::string& included) const;

  std::map<std::string, std::vector<std::string>> arrows_;     // folder → folders it may include
  std::map<std::string, std::vector<std::string>> generated_;  // name → the files that may include it
  std::map<std::string, std::vector<std::string>> libraries_;  // beginning of a header's name → places
};

}  // namespace house
