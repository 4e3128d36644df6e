// The sources as the house tests see them: paths and lines of every C++ file of ours.
#pragma once

#include <string>
#include <vector>

namespace house {

struct SourceFile {
  std::string path;  // from the repository's root, with slashes
  std::vector<std::string> lines;
};

// Every .h and .cc below common, schema, relay, broker and tests, sorted by path. Throws common::Error when there is
// none.
[[nodiscard]] std::vector<SourceFile> cpp_files();

// Lines of one file of the repository, without comments (#) and empty lines. Throws common::Error.
[[nodiscard]] std::vector<std::string> rule_lines(const std::string& path);

// Text without spaces at its ends.
[[nodiscard]] std::string trimmed(const std::string& text);

// Below a folder, or that very file: "relay/pg" holds "relay/pg/connection.cc".
[[nodiscard]] bool lies_in(const std::string& path, const std::string& folder_or_file);

}  // namespace house
