// One answer's place in its connection's queue. A handler fills it now or later; it leaves when it is at the head of
// the queue and the frame of the journal that it depends on is durable. Core thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "broker/protocol/response_frame.h"
#include "broker/storage/store.h"

namespace broker::handlers {

class Reply {
 public:
  enum class Kind {
    waiting,
    frame,    // bytes to send
    nothing,  // acks=0: its place is skipped
    close,    // the connection ends here, unanswered
  };

  // Called once, when the reply stops waiting, with the number of bytes to send.
  using Filled = std::function<void(std::size_t bytes)>;
  explicit Reply(Filled filled) : filled_(std::move(filled)) {}

  void send(protocol::ResponseFrame frame, storage::Ticket ticket = {});
  void send_nothing() { fill(Kind::nothing); }
  // `why` goes to the log, in one line.
  void close(std::string why);

  // The connection is gone: whoever fills this later does it in vain; `cancel` lets them stop earlier.
  void on_abandon(std::function<void()> cancel) { cancel_ = std::move(cancel); }
  void abandon();
  [[nodiscard]] bool abandoned() const { return abandoned_; }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] storage::Ticket ticket() const { return ticket_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] std::size_t size() const { return frame_.size(); }
  [[nodiscard]] protocol::ResponseFrame take_frame() { return std::move(frame_); }

 private:
  void fill(Kind kind);

  Kind kind_ = Kind::waiting;
  bool abandoned_ = false;
  storage::Ticket ticket_;
  protocol::ResponseFrame frame_;
  std::string why_;
  Filled filled_;
  std::function<void()> cancel_;
};

using ReplyPtr = std::shared_ptr<Reply>;

}  // namespace broker::handlers
