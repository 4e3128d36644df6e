// One connection: reads length-prefixed frames, hands them to handlers without waiting for their answers, and sends the
// answers in request order, each when it is filled and the frame of the journal it depends on is durable.
//
// Reading pauses while too much is unanswered or unsent, so a client that does not read its answers costs a bounded
// amount of memory. Core thread only.
#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/handlers/fetched_topics.h"
#include "broker/handlers/reply.h"
#include "broker/net/hub.h"

namespace broker::net {

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
  // Reading may go on.
  void open_gate();
  // No more requests; what is under way is answered, then the connection ends.
  void finish();
  // Ends at once. `why`: for the log, empty: nothing to say.
  void close(const std::string& why);
  // Called once a second: ends connections that are idle or stuck.
  void check_timeouts(std::chrono::steady_clock::time_point now);

 private:
  using Clock = std::chrono::steady_clock;
  struct Slot {
    handlers::ReplyPtr reply;
    std::size_t bytes = 0;  // of the request's frame, until answered
    Clock::time_point arrived;
  };

  static asio::awaitable<void> read_frames(std::shared_ptr<Session> self);
  static asio::awaitable<bool> read_header(std::shared_ptr<Session> self);
  static asio::awaitable<bool> read_body(std::shared_ptr<Session> self, handlers::Frame frame, std::size_t length);
  static asio::awaitable<void> wait_at_gate(std::shared_ptr<Session> self, bool for_memory);
  static asio::awaitable<void> write_ready(std::shared_ptr<Session> self);

  [[nodiscard]] bool may_read() const;
  [[nodiscard]] std::size_t declared_length() const;
  [[nodiscard]] bool refuse_length(std::size_t length);
  void on_frame(const handlers::Frame& frame);
  // Takes answers off the head of the queue, as many as one write should carry.
  [[nodiscard]] std::vector<std::vector<std::byte>> take_ready();
  [[nodiscard]] bool head_ready() const;
  void on_filled(std::size_t bytes);
  void release(std::size_t bytes);

  asio::ip::tcp::socket socket_;
  Hub& hub_;
  std::string address_;
  std::string peer_;
  asio::steady_timer gate_;
  std::array<std::byte, 4> header_{};
  std::size_t header_have_ = 0;  // bytes of the next frame's length that came with the last frame
  std::deque<Slot> slots_;
  handlers::FetchedTopics fetched_;
  std::size_t bytes_in_flight_ = 0;  // frames not yet answered, and unsent_
  std::size_t unsent_ = 0;           // answers not yet sent
  bool reading_frame_ = false;
  bool writing_ = false;
  bool waits_for_durable_ = false;
  bool finishing_ = false;
  bool closed_ = false;
  Clock::time_point last_read_ = Clock::now();
  Clock::time_point last_write_ = Clock::now();
};

}  // namespace broker::net
