// Bytes that are about to be overwritten: a vector whose new elements are not zeroed first. For what is read from a
// disk or a socket. Make it as large as it gets: growing and inserting copy byte by byte.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace common {

template <class T>
struct UninitializedAllocator : std::allocator<T> {
  static_assert(std::is_trivially_default_constructible_v<T>);
  // Without a value: as it lies in memory.
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
};

using ByteBuffer = std::vector<std::byte, UninitializedAllocator<std::byte>>;

}  // namespace common
