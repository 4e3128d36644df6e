// Reading frames, queueing their answers, sending them.
//
// g++ 12 destroys some temporaries of co_await expressions twice: every argument of one is a named local here.
#include "broker/net/session.h"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>

#include "broker/protocol/headers.h"

namespace broker::net {
namespace {

constexpr std::size_t kHeaderMin = 8;  // key, version, correlation
constexpr std::size_t kReadPiece = 256 << 10;
constexpr std::size_t kSmallFrame = 64 << 10;  // read even when memory is tight
constexpr std::size_t kWriteBuffersMax = 64;
constexpr std::size_t kWriteBytesMax = 1 << 20;

}  // namespace

Session::Session(asio::ip::tcp::socket socket, Hub& hub, std::string address, std::string peer)
    : socket_(std::move(socket)),
      hub_(hub),
      address_(std::move(address)),
      peer_(std::move(peer)),
      gate_(socket_.get_executor(), asio::steady_timer::time_point::max()) {}

Session::~Session() { close({}); }

void Session::start() {
  asio::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  asio::co_spawn(socket_.get_executor(), read_frames(shared_from_this()), asio::detached);
}

bool Session::may_read() const {
  // When memory is tight one request at a time: what is under way elsewhere must come to its end first.
  if (hub_.tight()) return slots_.empty() && !writing_;
  const auto& limits = hub_.limits();
  return slots_.size() < limits.requests_in_flight_max && bytes_in_flight_ < limits.bytes_in_flight_max &&
         unsent_ < limits.unsent_bytes_max;
}

std::size_t Session::declared_length() const {
  std::size_t length = 0;
  for (const auto byte : header_) length = (length << 8) | std::to_integer<std::size_t>(byte);
  return length;
}

bool Session::refuse_length(std::size_t length) {
  const auto most = hub_.limits().frame_bytes_max;
  if (length >= kHeaderMin && length <= most) return false;
  close(length < kHeaderMin
            ? "a frame of " + std::to_string(length) + " bytes is no request"
            : "a frame of " + std::to_string(length) + " bytes is beyond the limit of " + std::to_string(most));
  return true;
}

asio::awaitable<void> Session::read_frames(std::shared_ptr<Session> self) {
  try {
    while (!self->closed_ && !self->finishing_) {
      while (!self->may_read() && !self->closed_) co_await wait_at_gate(self, self->hub_.tight());
      const bool got_header = co_await read_header(self);
      if (!got_header) break;
      const auto length = self->declared_length();
      self->header_have_ = 0;
      if (self->refuse_length(length)) break;
      while (self->hub_.tight() && length > kSmallFrame && !self->closed_) co_await wait_at_gate(self, true);
      auto frame = std::make_shared<std::vector<std::byte>>();
      const bool got_body = co_await read_body(self, frame, length);
      if (!got_body) break;
      self->on_frame(frame);
    }
  } catch (const std::exception& error) {
    self->close(std::string("failed: ") + error.what());
  }
  if (!self->finishing_) self->close({});
}

asio::awaitable<void> Session::wait_at_gate(std::shared_ptr<Session> self, bool for_memory) {
  if (for_memory) self->hub_.wait_for_memory(self);
  asio::error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  co_await self->gate_.async_wait(token);
}

void Session::open_gate() { gate_.cancel(); }

asio::awaitable<bool> Session::read_header(std::shared_ptr<Session> self) {
  while (self->header_have_ < self->header_.size()) {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    auto buffer = asio::buffer(self->header_.data() + self->header_have_, self->header_.size() - self->header_have_);
    const std::size_t count = co_await self->socket_.async_read_some(buffer, token);
    if (error || self->closed_) co_return false;
    self->header_have_ += count;
    self->last_read_ = Clock::now();
    self->reading_frame_ = true;
  }
  co_return true;
}

// Reserves the declared length, which costs only addresses, and touches memory as bytes really come. The read that
// ends the frame also takes the next one's length along: a pipelining client costs one call per frame.
asio::awaitable<bool> Session::read_body(std::shared_ptr<Session> self, handlers::Frame frame, std::size_t length) {
  self->reading_frame_ = true;
  frame->reserve(length);
  std::size_t have = 0;
  while (have < length) {
    if (frame->size() == have) {
      const std::size_t piece = std::min(length - have, kReadPiece);
      self->bytes_in_flight_ += piece;
      self->hub_.account(static_cast<std::int64_t>(piece));
      if (length > kSmallFrame && self->hub_.exhausted()) {
        self->close("the memory for frames is used up");
        co_return false;
      }
      frame->resize(have + piece);
    }
    const bool last_piece = frame->size() == length;
    std::array<asio::mutable_buffer, 2> buffers{
        asio::buffer(frame->data() + have, frame->size() - have),
        asio::buffer(self->header_.data(), last_piece ? self->header_.size() : 0)};
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const std::size_t count = co_await self->socket_.async_read_some(buffers, token);
    if (error || self->closed_) co_return false;
    self->last_read_ = Clock::now();
    const std::size_t of_frame = std::min(count, length - have);
    have += of_frame;
    self->header_have_ = count - of_frame;
  }
  self->reading_frame_ = self->header_have_ > 0;
  self->hub_.metrics().bytes_in.add(length + protocol::kFrameLengthBytes);
  co_return true;
}

void Session::on_frame(const handlers::Frame& frame) {
  const auto decoded = protocol::decode_request_header(*frame);
  if (!decoded) return close("malformed request header: " + std::string(protocol::name(decoded.error)));
  auto reply = std::make_shared<handlers::Reply>([weak = weak_from_this()](std::size_t bytes) {
    if (const auto self = weak.lock()) self->on_filled(bytes);
  });
  slots_.push_back({reply, frame->size(), last_read_});
  hub_.handle({decoded.header, std::span<const std::byte>(*frame).subspan(decoded.size), frame, address_, &fetched_},
              reply);
}

bool Session::head_ready() const {
  if (slots_.empty()) return false;
  const auto& reply = *slots_.front().reply;
  return reply.kind() != handlers::Reply::Kind::waiting && hub_.durable(reply.ticket());
}

void Session::pump() {
  if (closed_ || writing_ || slots_.empty()) return;
  if (head_ready()) {
    writing_ = true;
    asio::co_spawn(socket_.get_executor(), write_ready(shared_from_this()), asio::detached);
  } else if (slots_.front().reply->kind() != handlers::Reply::Kind::waiting && !waits_for_durable_) {
    waits_for_durable_ = true;
    hub_.wait_for_durable(shared_from_this());
  }
}

void Session::durable_moved() {
  waits_for_durable_ = false;
  pump();
}

std::vector<std::vector<std::byte>> Session::take_ready() {
  std::vector<std::vector<std::byte>> frames;
  std::size_t bytes = 0;
  while (head_ready() && frames.size() < kWriteBuffersMax && bytes < kWriteBytesMax) {
    auto slot = std::move(slots_.front());
    auto& reply = *slot.reply;
    if (reply.kind() == handlers::Reply::Kind::close) {
      // What was answered before it still goes out; then the end.
      if (!frames.empty()) {
        slots_.front() = std::move(slot);
        break;
      }
      close(reply.why());
      return {};
    }
    slots_.pop_front();
    release(slot.bytes);
    if (reply.kind() == handlers::Reply::Kind::nothing) continue;
    if (reply.ticket() > storage::Ticket(0)) {
      hub_.metrics().durable_answer.observe(std::chrono::duration<double>(Clock::now() - slot.arrived).count());
    }
    bytes += reply.size();
    frames.push_back(reply.take_frame());
  }
  return frames;
}

void Session::on_filled(std::size_t bytes) {
  unsent_ += bytes;
  bytes_in_flight_ += bytes;
  hub_.account(static_cast<std::int64_t>(bytes));
  pump();
}

void Session::release(std::size_t bytes) {
  bytes_in_flight_ -= bytes;
  hub_.account(-static_cast<std::int64_t>(bytes));
  if (may_read()) open_gate();
}

asio::awaitable<void> Session::write_ready(std::shared_ptr<Session> self) {
  while (!self->closed_) {
    const auto frames = self->take_ready();
    if (frames.empty()) break;
    std::vector<asio::const_buffer> buffers;
    std::size_t left = 0;
    for (const auto& frame : frames) {
      buffers.emplace_back(frame.data(), frame.size());
      left += frame.size();
    }
    const std::size_t total = left;
    self->last_write_ = Clock::now();
    while (left > 0 && !self->closed_) {
      asio::error_code error;
      auto token = asio::redirect_error(asio::use_awaitable, error);
      std::size_t count = co_await self->socket_.async_write_some(buffers, token);
      if (error) {
        self->close({});
        break;
      }
      self->last_write_ = Clock::now();
      self->hub_.metrics().bytes_out.add(count);
      left -= count;
      while (count > 0) {
        const auto step = std::min(count, buffers.front().size());
        buffers.front() += step;
        count -= step;
        if (buffers.front().size() == 0) buffers.erase(buffers.begin());
      }
    }
    if (self->closed_) break;
    self->unsent_ -= total;
    self->release(total);
  }
  self->writing_ = false;
  self->pump();
  if (self->may_read()) self->open_gate();
  if (self->finishing_ && self->slots_.empty()) self->close({});
}

void Session::finish() {
  finishing_ = true;
  if (slots_.empty() && !writing_) return close({});
  asio::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_receive, ignored);
  open_gate();
}

void Session::close(const std::string& why) {
  if (closed_) return;
  closed_ = true;
  if (!why.empty()) hub_.log_closed(peer_, why);
  for (const auto& slot : slots_) {
    if (slot.reply) slot.reply->abandon();
  }
  slots_.clear();
  hub_.account(-static_cast<std::int64_t>(std::exchange(bytes_in_flight_, 0)));
  gate_.cancel();
  asio::error_code ignored;
  socket_.close(ignored);
  hub_.remove(*this, address_);
}

void Session::check_timeouts(Clock::time_point now) {
  if (closed_) return;
  const auto& limits = hub_.limits();
  const auto patience = hub_.tight() ? limits.stall_timeout_when_tight : limits.stall_timeout;
  if (writing_ && now - last_write_ > patience) return close("its answers are not being read");
  const bool waits_for_us = !may_read() || !slots_.empty();
  if (reading_frame_ && !waits_for_us && now - last_read_ > limits.stall_timeout) {
    return close("half a frame and then nothing");
  }
  if (!waits_for_us && !writing_ && now - last_read_ > limits.idle_timeout) close({});
}

}  // namespace broker::net
