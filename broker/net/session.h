// One connection: reads length-prefixed frames, hands them to handlers without waiting for their answers, and sends the
// answers in request order, each when it is filled and the frame of the journal it depends on is durable.
//
// Reading pauses while too much is unanswered or unsent, so a client that does not read its answers costs a bounded
// amount of memory; and while memory is short for all. Every wait has an end (transfer.h), so memory comes back. Core
// thread only.
#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/handlers/fetched_topics.h"
#include "broker/handlers/memory_account.h"
#include "broker/handlers/reply.h"
#include "broker/net/hub.h"
#include "broker/net/transfer.h"
#include "broker/protocol/response_frame.h"
#include "common/byte_buffer.h"

namespace broker::net {

// Answers on their way to the socket.
struct Outgoing {
  std::vector<protocol::ResponseFrame> frames;
  std::vector<asio::const_buffer> left;
  std::size_t bytes = 0;

  void clear() {
    frames.clear();
    left.clear();
    bytes = 0;
  }
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, Hub& hub, std::string address, std::string peer);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Starts reading; the session lives until its connection ends.
  void start();
  // Sends what is ready at the head of the queue; durable_moved(): once asked for through the hub.
  void pump();
  void durable_moved();
  // Once asked for through the hub: reading may go on.
  void memory_freed();
  // No more requests; what is under way is answered, then the connection ends.
  void finish();
  // Ends at once. `why`: for the log, empty: nothing to say.
  void close(Ended how, const std::string& why = {});
  // Ended::over: it is neither idle nor stuck.
  [[nodiscard]] Ended overdue(Time now) const;
  void end_overdue(Time now);

 private:
  struct Slot {
    handlers::ReplyPtr reply;
    Time arrived;
  };
  // A frame and its place on the account, for as long as anybody has it.
  struct HeldFrame {
    common::ByteBuffer bytes;
    handlers::MemoryShare share;
  };

  static asio::awaitable<void> read_frames(std::shared_ptr<Session> self);
  static asio::awaitable<bool> read_length(std::shared_ptr<Session> self);
  static asio::awaitable<bool> read_body(std::shared_ptr<Session> self, std::shared_ptr<HeldFrame> frame,
                                         std::size_t length);
  static asio::awaitable<void> wait_at_gate(std::shared_ptr<Session> self);
  static asio::awaitable<void> write_rest(std::shared_ptr<Session> self, Outgoing out);

  [[nodiscard]] bool may_read() const;
  [[nodiscard]] bool short_of_memory() const;
  [[nodiscard]] bool refuse_length(std::size_t length);
  // Takes up to `size` bytes of what was read ahead.
  std::size_t take_ahead(std::byte* to, std::size_t size);
  [[nodiscard]] bool take_small(HeldFrame& frame, std::size_t length);
  void frame_read(std::size_t length);
  void on_frame(const handlers::Frame& frame);
  // Takes answers off the head of the queue, as many as one write should carry.
  void take_ready(Outgoing& out);
  [[nodiscard]] bool head_ready() const;
  // Sends what the socket takes now; false: it does not take all.
  [[nodiscard]] bool send_now(Outgoing& out);
  void sent(std::size_t bytes);
  void on_filled(std::size_t bytes);
  void open_gate();

  asio::ip::tcp::socket socket_;
  Hub& hub_;
  std::string address_;
  std::string peer_;
  asio::steady_timer gate_;
  const std::shared_ptr<handlers::MemoryAccount> memory_;
  std::array<std::byte, 256> ahead_{};  // what came with the last read: the next frame's length, small frames whole
  std::size_t ahead_have_ = 0;
  std::deque<Slot> slots_;
  handlers::FetchedTopics fetched_;
  std::size_t unsent_ = 0;  // bytes of answers
  Transfer reading_;        // a frame that has begun
  Transfer writing_;        // answers that the socket did not take at once
  Time last_read_;
  Time last_sent_;
  bool at_gate_ = false;
  bool waits_for_memory_ = false;
  bool waits_for_durable_ = false;
  bool finishing_ = false;
  bool closed_ = false;
};

}  // namespace broker::net
