// What encoder and decoder must agree on: how a version lies on the wire, and which types are structs of ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "broker/protocol/types.h"

namespace broker::protocol {

// The classic form's limit holds for compact strings too, so that what came in one version goes out in any.
inline constexpr std::int64_t kStringBytesMax = 32'767;

struct WireForm {
  std::int16_t version = 0;
  bool flexible = false;
};

template <class T>
inline constexpr bool is_field_type = false;
template <>
inline constexpr bool is_field_type<std::string> = true;
template <>
inline constexpr bool is_field_type<Uuid> = true;
template <>
inline constexpr bool is_field_type<BytesView> = true;
template <class T>
inline constexpr bool is_field_type<std::vector<T>> = true;
template <class T>
inline constexpr bool is_field_type<std::optional<T>> = true;

// A struct of the messages, with a describe of its own.
template <class T>
concept Described = std::is_class_v<T> && !is_field_type<T>;

template <class T>
inline constexpr bool is_optional_struct = false;
template <Described T>
inline constexpr bool is_optional_struct<std::optional<T>> = true;

}  // namespace broker::protocol
