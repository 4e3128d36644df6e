// Encoding without a copy of what is large: sizer and writer of a ResponseFrame. Included only where messages are
// compiled (messages_*.cc).
#pragma once

#include <cstddef>
#include <span>

#include "broker/protocol/response_frame.h"
#include "broker/protocol/wire.h"

namespace broker::protocol {

class BorrowingSizer : public WireSizer {
 public:
  void view(std::span<const std::byte> view) {
    if (view.size() < kBorrowBytesMin) bytes(view);
  }
};

class BorrowingWriter : public WireWriter {
 public:
  // Writes to frame.encoded() from there on.
  BorrowingWriter(ResponseFrame& frame, std::size_t begin)
      : WireWriter(frame.encoded().subspan(begin)), frame_(frame) {}

  void view(std::span<const std::byte> view) {
    if (view.size() < kBorrowBytesMin) return bytes(view);
    frame_.borrow(frame_.encoded().size() - remaining(), view);
  }

 private:
  ResponseFrame& frame_;
};

}  // namespace broker::protocol
