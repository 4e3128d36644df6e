// A parsed TOML document as plain values with places, so that the TOML library is known to toml.cc alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace common::config {

// From 1; line 0: no place, the file as a whole.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Place&) const = default;
};

struct Node {
  enum class Kind { string, integer, real, boolean, date, array, table };
  Kind kind = Kind::table;
  Place place;       // of the value; of the header for a table
  std::string text;  // string
  std::int64_t integer = 0;
  double real = 0;
  bool flag = false;
  std::vector<Node> items;  // array
  struct Member;
  std::vector<Member> members;  // table

  [[nodiscard]] const Node* find(std::string_view name) const;
};

struct Node::Member {
  std::string name;
  Place place;  // of the name
  Node value;
};

inline const Node* Node::find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

// Throws config::Error with file, line and column when the text is no TOML 1.0. Never reads a file itself.
[[nodiscard]] Node parse_toml(const std::string& file, std::string_view text);

}  // namespace common::config
