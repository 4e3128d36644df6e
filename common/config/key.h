// The table a program's configuration is made of: keys in sections, each bound to a member of the program's struct.
// From it come the loading, `config show`, `config init` and the README's table, so that they cannot differ.
//
//   constexpr Key kLeaseKeys[] = {key<&LeaseConfig::ttl>("ttl", "15s", "how long …", {.least = "2s"})};
//   constexpr Section kSections[] = {table<&Config::lease>("lease", "Who publishes.", kLeaseKeys)};
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
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

namespace detail {

template <class T>
struct MemberOf;
template <class Owner, class Type>
struct MemberOf<Type Owner::*> {
  using OwnerType = Owner;
  using ValueType = Type;
};

template <class T>
constexpr Kind kind_of() {
  if constexpr (std::is_same_v<T, bool>)
    return Kind::boolean;
  else if constexpr (std::is_enum_v<T>)
    return Kind::choice;
  else if constexpr (std::is_integral_v<T>)
    return Kind::integer;
  else if constexpr (std::is_same_v<T, double>)
    return Kind::real;
  else if constexpr (std::is_same_v<T, std::chrono::milliseconds>)
    return Kind::duration;
  else if constexpr (std::is_same_v<T, ByteSize>)
    return Kind::size;
  else if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return Kind::list;
  else if constexpr (std::is_same_v<T, Properties>)
    return Kind::properties;
  else {
    static_assert(std::is_same_v<T, std::string>, "no configuration type");
    return Kind::string;
  }
}

// How the member is held in a Value.
template <class T>
using Stored =
    std::conditional_t<(std::is_integral_v<T> && !std::is_same_v<T, bool>) || std::is_enum_v<T>, std::int64_t, T>;

}  // namespace detail

template <auto Member>
constexpr Key key(std::string_view name, std::string_view fallback, std::string_view help, More more = {}) {
  using Owner = typename detail::MemberOf<decltype(Member)>::OwnerType;
  using Type = typename detail::MemberOf<decltype(Member)>::ValueType;
  using Held = detail::Stored<Type>;
  return {name,
          detail::kind_of<Type>(),
          fallback,
          help,
          more,
          [](void* section, const Value& value) {
            static_cast<Owner*>(section)->*Member = static_cast<Type>(std::get<Held>(value));
          },
          [](const void* section) { return Value(static_cast<Held>(static_cast<const Owner*>(section)->*Member)); }};
}

// A key of CONTRACTS that this version does not have yet: refused, never ignored.
constexpr Key unavailable(std::string_view name, std::string_view instead) {
  return {name, Kind::unavailable, {}, instead, {}, nullptr, nullptr};
}

template <auto Member>
constexpr Section table(std::string_view name, std::string_view help, std::span<const Key> keys) {
  using Root = typename detail::MemberOf<decltype(Member)>::OwnerType;
  return {name,
          help,
          keys,
          false,
          [](void* root) -> void* { return &(static_cast<Root*>(root)->*Member); },
          [](const void*) -> std::size_t { return 1; },
          [](const void* root, std::size_t) -> const void* { return &(static_cast<const Root*>(root)->*Member); }};
}

// Member is a vector.
template <auto Member>
constexpr Section repeated(std::string_view name, std::string_view help, std::span<const Key> keys) {
  using Root = typename detail::MemberOf<decltype(Member)>::OwnerType;
  return {name,
          help,
          keys,
          true,
          [](void* root) -> void* { return &(static_cast<Root*>(root)->*Member).emplace_back(); },
          [](const void* root) -> std::size_t { return (static_cast<const Root*>(root)->*Member).size(); },
          [](const void* root, std::size_t i) -> const void* { return &(static_cast<const Root*>(root)->*Member)[i]; }};
}

}  // namespace common::config
