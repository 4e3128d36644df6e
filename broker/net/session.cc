// Reading frames, queueing their answers, sending them.
//
// g++ 12 destroys some temporaries of co_await expressions twice: every argument of one is a named local here.
#include "broker/net/session.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cstring>
#include <exception>

#include "broker/protocol/headers.h"
#include "broker/protocol/wire.h"

namespace broker::net {
namespace {

constexpr std::size_t kLengthBytes = protocol::kFrameLengthBytes;
constexpr std::size_t kHeaderMin = 8;  // key, version, correlation
// A frame gets memory as its bytes come: first so much, then as much again as it has.
constexpr std::size_t kPieceMin = 64 << 10;
constexpr std::size_t kPieceMax = 1 << 20;
constexpr std::size_t kSmallFrame = 64 << 10;  // read even when memory is tight
constexpr std::size_t kWriteBuffersMax = 64;
constexpr std::size_t kWriteBytesMax = 1 << 20;

}  // namespace

Session::Session(asio::ip::tcp::socket socket, Hub& hub, std::string address, std::string peer)
    : socket_(std::move(socket)),
      hub_(hub),
      address_(std::move(address)),
      peer_(std::move(peer)),
      gate_(socket_.get_executor(), asio::steady_timer::time_point::max()),
      memory_(std::make_shared<handlers::MemoryAccount>(hub.limits().bytes_in_flight_max, hub.memory())),
      last_read_(hub.now()),
      last_sent_(last_read_) {
  hub_.add(*this);
}

Session::~Session() { close(Ended::over); }

void Session::start() {
  asio::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  socket_.non_blocking(true, ignored);
  asio::co_spawn(socket_.get_executor(), read_frames(shared_from_this()), asio::detached);
}

bool Session::may_read() const {
  // When memory is tight one request at a time: what is under way elsewhere must come to its end first.
  if (hub_.tight()) return slots_.empty() && !writing_.under_way();
  const auto& limits = hub_.limits();
  return slots_.size() < limits.requests_in_flight_max && !memory_->full() && unsent_ < limits.unsent_bytes_max;
}

bool Session::short_of_memory() const { return hub_.tight() || memory_->full(); }

bool Session::refuse_length(std::size_t length) {
  const auto most = hub_.limits().frame_bytes_max;
  if (length >= kHeaderMin && length <= most) return false;
  close(Ended::frame_size, length < kHeaderMin ? "a frame of " + std::to_string(length) + " bytes is no request"
                                               : "a frame of " + std::to_string(length) +
                                                     " bytes is beyond the limit of " + std::to_string(most));
  return true;
}

asio::awaitable<void> Session::read_frames(std::shared_ptr<Session> self) {
  try {
    while (!self->closed_ && !self->finishing_) {
      if (!self->may_read() && self->short_of_memory()) self->hub_.metrics().memory_pauses.add();
      while (!self->may_read() && !self->closed_) co_await wait_at_gate(self);
      if (self->ahead_have_ < kLengthBytes) {
        const bool has_length = co_await read_length(self);
        if (!has_length) break;
      }
      std::array<std::byte, kLengthBytes> declared{};
      self->take_ahead(declared.data(), declared.size());
      const std::size_t length = protocol::load_big_endian<std::uint32_t>(declared.data());
      if (self->refuse_length(length)) break;
      self->reading_.expect(length);
      if (length > kSmallFrame && self->hub_.tight()) {
        const auto since = self->hub_.now();
        while (self->hub_.tight() && !self->closed_) co_await wait_at_gate(self);
        self->reading_.waited_for_us(since, self->hub_.now());
      }
      auto frame = std::make_shared<HeldFrame>(HeldFrame{{}, handlers::MemoryShare(self->memory_)});
      if (!self->take_small(*frame, length)) {
        const bool is_whole = co_await read_body(self, frame, length);
        if (!is_whole) break;
      }
      const handlers::Frame bytes(frame, &frame->bytes);
      frame.reset();
      self->on_frame(bytes);
    }
  } catch (const std::exception& error) {
    self->close(Ended::failed, std::string("failed: ") + error.what());
  }
  if (!self->finishing_) self->close(Ended::over);
}

asio::awaitable<void> Session::wait_at_gate(std::shared_ptr<Session> self) {
  if (self->short_of_memory() && !self->waits_for_memory_) {
    self->waits_for_memory_ = true;
    self->hub_.wait_for_memory(self);
  }
  self->at_gate_ = true;
  asio::error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  co_await self->gate_.async_wait(token);
  self->at_gate_ = false;
}

void Session::open_gate() {
  if (at_gate_) gate_.cancel();
}

void Session::memory_freed() {
  waits_for_memory_ = false;
  open_gate();
}

std::size_t Session::take_ahead(std::byte* to, std::size_t size) {
  const auto taken = std::min(size, ahead_have_);
  std::memcpy(to, ahead_.data(), taken);
  ahead_have_ -= taken;
  std::memmove(ahead_.data(), ahead_.data() + taken, ahead_have_);
  return taken;
}

asio::awaitable<bool> Session::read_length(std::shared_ptr<Session> self) {
  while (self->ahead_have_ < kLengthBytes) {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    auto buffer = asio::buffer(self->ahead_.data() + self->ahead_have_, self->ahead_.size() - self->ahead_have_);
    const std::size_t count = co_await self->socket_.async_read_some(buffer, token);
    if (error || self->closed_) co_return false;
    self->last_read_ = self->hub_.now();
    if (self->ahead_have_ == 0) self->reading_.begin(self->last_read_);
    self->ahead_have_ += count;
  }
  co_return true;
}

// A request that has come whole: no further read.
bool Session::take_small(HeldFrame& frame, std::size_t length) {
  if (length > ahead_have_) return false;
  frame.share.grow(length);
  frame.bytes.resize(length);
  take_ahead(frame.bytes.data(), length);
  frame_read(length);
  return true;
}

void Session::frame_read(std::size_t length) {
  reading_.end();
  if (ahead_have_ > 0) reading_.begin(last_read_);
  hub_.metrics().bytes_in.add(length + kLengthBytes);
}

// Reserves the declared length, which costs only addresses, and touches memory as bytes really come. The read that
// ends the frame also takes what follows along: a pipelining client costs one call per frame.
asio::awaitable<bool> Session::read_body(std::shared_ptr<Session> self, std::shared_ptr<HeldFrame> frame,
                                         std::size_t length) {
  auto& bytes = frame->bytes;
  bytes.reserve(length);
  std::size_t have = 0;
  while (have < length) {
    if (bytes.size() == have) {
      const std::size_t piece = std::min(length - have, std::clamp(have, kPieceMin, kPieceMax));
      frame->share.grow(piece);
      self->hub_.memory_changed();
      if (length > kSmallFrame && self->hub_.exhausted()) {
        self->close(Ended::memory, "the memory for requests and answers is used up");
        co_return false;
      }
      bytes.resize(have + piece);
      have += self->take_ahead(bytes.data() + have, piece);
      continue;
    }
    const bool last_piece = bytes.size() == length;
    std::array<asio::mutable_buffer, 2> buffers{
        asio::buffer(bytes.data() + have, bytes.size() - have),
        asio::buffer(self->ahead_.data(), last_piece ? self->ahead_.size() : 0)};
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const std::size_t count = co_await self->socket_.async_read_some(buffers, token);
    if (error || self->closed_) co_return false;
    self->last_read_ = self->hub_.now();
    self->reading_.moved(self->last_read_);
    const std::size_t of_frame = std::min(count, length - have);
    have += of_frame;
    self->ahead_have_ = count - of_frame;
  }
  self->frame_read(length);
  co_return true;
}

void Session::on_frame(const handlers::Frame& frame) {
  const auto& limits = hub_.limits().requests;
  const auto decoded = protocol::decode_request_header(*frame, limits.decode);
  if (!decoded) {
    return close(Ended::request, "malformed request header: " + std::string(protocol::name(decoded.error)));
  }
  // close() abandons every reply that waits, so none of them outlives this.
  auto reply = std::make_shared<handlers::Reply>([this](std::size_t bytes) { on_filled(bytes); });
  slots_.push_back({reply, last_read_});
  const auto body = std::span<const std::byte>(*frame).subspan(decoded.size);
  hub_.handle({decoded.header, body, frame, address_, &fetched_, memory_}, reply);
}

bool Session::head_ready() const {
  if (slots_.empty()) return false;
  const auto& reply = *slots_.front().reply;
  return reply.kind() != handlers::Reply::Kind::waiting && hub_.durable(reply.ticket());
}

void Session::pump() {
  while (!closed_ && !writing_.under_way() && head_ready()) {
    auto& out = hub_.outgoing();
    take_ready(out);
    if (closed_ || out.frames.empty()) continue;
    const bool all = send_now(out);
    if (all || closed_) {
      out.frames.clear();
      if (all) sent(out.bytes);
      continue;
    }
    writing_.begin(hub_.now(), out.bytes);
    asio::co_spawn(socket_.get_executor(), write_rest(shared_from_this(), std::move(out)), asio::detached);
    return;
  }
  if (closed_ || writing_.under_way()) return;
  if (slots_.empty()) {
    if (finishing_) close(Ended::over);
  } else if (slots_.front().reply->kind() != handlers::Reply::Kind::waiting && !waits_for_durable_) {
    waits_for_durable_ = true;
    hub_.wait_for_durable(shared_from_this());
  }
}

void Session::durable_moved() {
  waits_for_durable_ = false;
  pump();
}

void Session::take_ready(Outgoing& out) {
  out.clear();
  while (head_ready() && out.left.size() < kWriteBuffersMax && out.bytes < kWriteBytesMax) {
    auto& reply = *slots_.front().reply;
    if (reply.kind() == handlers::Reply::Kind::close) {
      // What was answered before it still goes out; then the end.
      if (out.frames.empty()) close(Ended::request, std::string(reply.why()));
      return;
    }
    const auto slot = std::move(slots_.front());
    slots_.pop_front();
    if (reply.kind() == handlers::Reply::Kind::nothing) continue;
    if (reply.ticket() > storage::Ticket(0)) {
      hub_.metrics().durable_answer.observe(std::chrono::duration<double>(hub_.now() - slot.arrived).count());
    }
    out.bytes += reply.size();
    out.frames.push_back(reply.take_frame());
    out.frames.back().for_each_piece(
        [&out](std::span<const std::byte> piece) { out.left.emplace_back(piece.data(), piece.size()); });
  }
  if (may_read()) open_gate();
}

bool Session::send_now(Outgoing& out) {
  while (!out.left.empty()) {
    asio::error_code error;
    std::size_t count = socket_.write_some(out.left, error);
    if (error == asio::error::would_block || error == asio::error::try_again) return false;
    if (error) {
      close(Ended::over);
      return false;
    }
    hub_.metrics().bytes_out.add(count);
    std::size_t whole = 0;
    for (; whole < out.left.size() && count >= out.left[whole].size(); ++whole) count -= out.left[whole].size();
    out.left.erase(out.left.begin(), out.left.begin() + static_cast<std::ptrdiff_t>(whole));
    if (!out.left.empty()) out.left.front() += count;
  }
  return true;
}

void Session::sent(std::size_t bytes) {
  unsent_ -= bytes;
  last_sent_ = hub_.now();
  memory_->add(-static_cast<std::int64_t>(bytes));
  hub_.memory_changed();
  if (may_read()) open_gate();
}

void Session::on_filled(std::size_t bytes) {
  unsent_ += bytes;
  memory_->add(static_cast<std::int64_t>(bytes));
  hub_.memory_changed();
  pump();
}

asio::awaitable<void> Session::write_rest(std::shared_ptr<Session> self, Outgoing out) {
  constexpr auto kWritable = asio::ip::tcp::socket::wait_write;
  bool all = false;
  while (!all && !self->closed_) {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await self->socket_.async_wait(kWritable, token);
    if (error) self->close(Ended::over);
    if (self->closed_) co_return;
    self->writing_.moved(self->hub_.now());
    all = self->send_now(out);
  }
  if (self->closed_) co_return;
  self->writing_.end();
  self->sent(out.bytes);
  self->pump();
}

void Session::finish() {
  finishing_ = true;
  if (slots_.empty() && !writing_.under_way()) return close(Ended::over);
  asio::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_receive, ignored);
  open_gate();
}

void Session::close(Ended how, const std::string& why) {
  if (closed_) return;
  closed_ = true;
  if (!why.empty()) hub_.log_closed(peer_, why);
  if (auto* counter = hub_.metrics().ended.at(static_cast<std::size_t>(how))) counter->add();
  for (const auto& slot : slots_) slot.reply->abandon();
  slots_.clear();
  memory_->add(-static_cast<std::int64_t>(std::exchange(unsent_, 0)));
  gate_.cancel();
  asio::error_code ignored;
  socket_.close(ignored);
  hub_.remove(*this, address_);
  hub_.memory_changed();
}

Ended Session::overdue(Time now) const {
  const auto patience = hub_.patience();
  if (writing_.overdue(now, patience)) return Ended::slow_reader;
  if (at_gate_) return Ended::over;  // it waits for us
  if (reading_.overdue(now, patience)) return Ended::slow_sender;
  const bool quiet = slots_.empty() && !writing_.under_way();
  const bool idle = quiet && now - std::max(last_read_, last_sent_) > hub_.limits().idle_timeout;
  return idle ? Ended::idle : Ended::over;
}

void Session::end_overdue(Time now) {
  switch (const auto how = overdue(now)) {
    case Ended::slow_reader:
      return close(how, "its answers are not being read, or too slowly");
    case Ended::slow_sender:
      return close(how, "half a frame and then nothing, or too slowly");
    case Ended::idle:
      return close(how);
    default:
      return;
  }
}

}  // namespace broker::net
