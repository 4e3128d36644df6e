// A response on its way to the socket: what was encoded, and in between large bytes that lie elsewhere and are not
// copied. Whoever sends it sends the pieces in order.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "common/byte_buffer.h"

namespace broker::protocol {

// What is smaller is copied: that costs less than one more piece for the socket.
inline constexpr std::size_t kBorrowBytesMin = 4096;

class ResponseFrame {
 public:
  ResponseFrame() = default;
  // A frame that is encoded whole.
  ResponseFrame(std::vector<std::byte> encoded)  // NOLINT(google-explicit-constructor): every frame but a Fetch's
      : encoded_(std::move(encoded)) {}

  // What was encoded, to be written to.
  [[nodiscard]] std::span<std::byte> encoded() { return encoded_; }
  // Puts the bytes before encoded()[at]; `at` never descends. They must outlive the frame, or be kept by it.
  void borrow(std::size_t at, std::span<const std::byte> bytes) {
    borrowed_.push_back({at, bytes});
    borrowed_bytes_ += bytes.size();
  }
  void keep(common::ByteBuffer bytes) { kept_.push_back(std::move(bytes)); }

  // Of the whole frame.
  [[nodiscard]] std::size_t size() const { return encoded_.size() + borrowed_bytes_; }
  // Calls visit(std::span<const std::byte>) with each piece in order. Pieces stay where they are when a frame is moved.
  template <class Visit>
  void for_each_piece(Visit visit) const {
    const std::span<const std::byte> encoded(encoded_);
    std::size_t begin = 0;
    for (const auto& one : borrowed_) {
      if (one.at > begin) visit(encoded.subspan(begin, one.at - begin));
      visit(one.bytes);
      begin = one.at;
    }
    if (begin < encoded.size()) visit(encoded.subspan(begin));
  }
  // A copy in one piece.
  [[nodiscard]] std::vector<std::byte> joined() const {
    std::vector<std::byte> all;
    all.reserve(size());
    for_each_piece([&](std::span<const std::byte> piece) { all.insert(all.end(), piece.begin(), piece.end()); });
    return all;
  }

 private:
  struct Borrowed {
    std::size_t at;
    std::span<const std::byte> bytes;
  };

  std::vector<std::byte> encoded_;
  std::vector<Borrowed> borrowed_;
  std::size_t borrowed_bytes_ = 0;
  std::vector<common::ByteBuffer> kept_;
};

}  // namespace broker::protocol
