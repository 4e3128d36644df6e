// What this build is, and which versions of schema and data it works with: its own and the one before.
#pragma once

#include <string>
#include <string_view>

namespace common {

// The versions of something kept outside the program that this build works with.
struct VersionRange {
  int oldest = 0;
  int newest = 0;
};

// The format of the broker's data folder: what is read, and what is written.
inline constexpr VersionRange kBrokerData{1, 2};

[[nodiscard]] std::string_view version();
// The commit it was built from; "unknown" outside a repository.
[[nodiscard]] std::string_view revision();
// What --version prints: a line for the program, one for the schema, one for the data. Ends without a newline.
// `schema` comes from the schema library, which common does not know.
[[nodiscard]] std::string version_text(std::string_view program, VersionRange schema);

}  // namespace common
