// Finds the functions of a C++ file and how long they are, by braces: enough for sources in our own format.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace house {

struct FunctionSize {
  std::string name;  // as it is written: "Pipeline::admit", or the first argument list's text of a TEST
  std::size_t first_line = 0;
  std::size_t lines = 0;  // from the line of its opening brace to that of its closing one
};

// Functions outside of other functions; lambdas and local classes count to the function they stand in.
[[nodiscard]] std::vector<FunctionSize> functions(const std::vector<std::string>& lines);

// The same lines with comments, strings, character literals and preprocessor lines blanked.
[[nodiscard]] std::vector<std::string> blanked(const std::vector<std::string>& lines);

}  // namespace house
