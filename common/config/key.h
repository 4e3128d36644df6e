// The table a program's configuration is made of: keys in sections, each bound to a member of the program's struct.
// From it come the loading, `config show`, `config init` and the README's table, so that they cannot differ.
// bind.h makes the entries.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/units.h"

namespace common::config {

using Properties = std::map<std::string, std::string>;
// A choice is its number.
using Value = std::variant<std::string, std::int64_t, double, bool, std::chrono::milliseconds, ByteSize,
                           std::vector<std::string>, Properties>;

// duration and size: strings with a unit; properties: a free table of strings; unavailable: named only to be refused.
enum class Kind { string, integer, real, boolean, duration, size, list, properties, choice, unavailable };

struct Choice {
  std::string_view text;
  int value = 0;
  std::string_view unavailable;  // not empty: refused with this sentence
};

// What a key may have besides; all texts as they stand in the file, without quotes.
struct More {
  std::string_view least = {}, most = {};  // both included; empty: no limit
  std::string_view note = {};    // what the default is, when it is no constant; the member keeps its own initial value
  std::string_view sample = {};  // what `config init` writes; for a required key, or one without a default
  bool required = false;
  bool opening = false;  // `config init` writes it without comment, although it is not required
  // What `config show` prints of a value; for properties called with each property's name.
  std::string (*redact)(std::string_view name, std::string_view value) = nullptr;
  std::span<const Choice> choices = {};
};

struct Key {
  std::string_view name;
  Kind kind = Kind::string;
  std::string_view fallback;  // the default; a list's entries are separated by blanks
  std::string_view help;      // for Kind::unavailable: why, and what to do instead
  More more;
  void (*assign)(void* section, const Value& value) = nullptr;
  Value (*fetch)(const void* section) = nullptr;
};

struct Section {
  std::string_view name;
  std::string_view help;
  std::span<const Key> keys;
  bool repeated = false;               // [[name]]; one [name] is taken as one of them
  void* (*add)(void* root) = nullptr;  // the table's struct; a new one when repeated
  std::size_t (*count)(const void* root) = nullptr;
  const void* (*at)(const void* root, std::size_t index) = nullptr;
};

using Schema = std::span<const Section>;

}  // namespace common::config
