// Filling a reply.
#include "broker/handlers/reply.h"

#include "common/ensure.h"

namespace broker::handlers {

void Reply::fill(Kind kind) {
  ENSURE(kind_ == Kind::waiting, "a request is answered once");
  kind_ = kind;
  cancel_ = nullptr;
  if (!abandoned_ && filled_) std::exchange(filled_, nullptr)(frame_.size());
}

void Reply::send(protocol::ResponseFrame frame, storage::Ticket ticket) {
  if (abandoned_) return;
  frame_ = std::move(frame);
  ticket_ = ticket;
  fill(Kind::frame);
}

void Reply::close(std::string why) {
  why_ = std::move(why);
  fill(Kind::close);
}

void Reply::abandon() {
  abandoned_ = true;
  filled_ = nullptr;
  if (cancel_) std::exchange(cancel_, nullptr)();
}

}  // namespace broker::handlers
