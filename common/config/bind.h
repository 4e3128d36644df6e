// Entries of a program's table of keys, bound to the members of its structs; the member's type is the key's kind.
//
//   constexpr auto kLease = std::to_array<Key>({key<&LeaseConfig::ttl>("ttl", "15s", "how long …", {.least = "2s"})});
//   constexpr auto kSections = std::to_array<Section>({table<&Config::lease>("lease", "Who publishes.", kLease)});
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "common/config/key.h"
#include "common/units.h"

namespace common::config {

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
