// The counting operator new; see allocations.h.
#include "tests/unit/protocol/allocations.h"

#include <cstdlib>
#include <new>

namespace {
thread_local bool counting = false;
thread_local std::size_t counted_bytes = 0;
}  // namespace

void* operator new(std::size_t size) {
  if (counting) counted_bytes += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  if (counting) counted_bytes += size;
  return std::malloc(size == 0 ? 1 : size);
}
// A sanitizer's own would not call the ones above.
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace broker::protocol {

AllocationCount::AllocationCount() {
  counted_bytes = 0;
  counting = true;
}
AllocationCount::~AllocationCount() { counting = false; }
std::size_t AllocationCount::bytes() const { return counted_bytes; }

}  // namespace broker::protocol
