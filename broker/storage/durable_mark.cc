// The durable mark and its eventfd.
#include "broker/storage/durable_mark.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "broker/storage/file.h"
#include "common/log.h"

namespace broker::storage {

DurableMark::DurableMark(std::uint64_t sequence)
    : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), durable_(sequence), written_(sequence) {
  if (descriptor_ < 0) throw IoError("eventfd", "for the durable mark", errno);
}

DurableMark::~DurableMark() { ::close(descriptor_); }

void DurableMark::release(std::uint64_t sequence) {
  if (is_poisoned()) return;
  durable_.store(sequence, std::memory_order_release);
  signal();
}

void DurableMark::signal() {
  const std::uint64_t one = 1;
  // It can only fail when the counter is near its end, and then the descriptor is readable anyway.
  [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
}

void DurableMark::poison(const std::string& reason) {
  {
    const std::scoped_lock lock(mutex_);
    if (is_poisoned()) return;
    reason_ = reason;
    is_poisoned_.store(true, std::memory_order_release);
  }
  common::log::error("storage failed, nothing is acknowledged any more",
                     {{"reason", reason}, {"next", "look at the disk, then start again; the start recovers"}});
  signal();
}

std::optional<std::string> DurableMark::poisoned() const {
  if (!is_poisoned()) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  return reason_;
}

}  // namespace broker::storage
