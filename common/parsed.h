// Parsed<T>: what came of reading a piece of text somebody wrote: a value, or one readable sentence why not.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace common {

template <class T>
struct Parsed {
  std::optional<T> value;
  std::string problem;  // says the way out; empty when there is a value

  [[nodiscard]] explicit operator bool() const { return value.has_value(); }
  [[nodiscard]] const T& operator*() const { return *value; }
  [[nodiscard]] const T* operator->() const { return &*value; }

  static Parsed good(T value) { return {std::optional<T>(std::move(value)), {}}; }
  static Parsed bad(std::string problem) { return {std::nullopt, std::move(problem)}; }
};

}  // namespace common
