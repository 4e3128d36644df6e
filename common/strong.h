// Strong<Tag, T>: a number that is not any other number. Two bare integers never stand side by side in a signature.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace common {

template <class Tag, class T>
class Strong {
 public:
  using Value = T;
  constexpr Strong() = default;
  constexpr explicit Strong(T value) : value_(value) {}
  [[nodiscard]] constexpr T value() const { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

 private:
  T value_{};
};

}  // namespace common

template <class Tag, class T>
struct std::hash<common::Strong<Tag, T>> {
  std::size_t operator()(const common::Strong<Tag, T>& strong) const noexcept { return std::hash<T>{}(strong.value()); }
};
