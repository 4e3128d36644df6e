// Counts what the heap is asked for: the test program's operator new adds up while a count is open.
#pragma once

#include <cstddef>

namespace broker::protocol {

// Bytes asked for by this thread since the object was made; nothing is subtracted when memory is freed.
class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;
  [[nodiscard]] std::size_t bytes() const;
};

}  // namespace broker::protocol
