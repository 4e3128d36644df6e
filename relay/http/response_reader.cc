// See response_reader.h.
#include "relay/http/response_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace relay::http {
namespace {

constexpr std::size_t kLineBytesMax = 256;  // of a chunk's size line, or a trailer

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

template <class Number>
bool parse_number(std::string_view text, Number& number, int base = 10) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return !text.empty() && parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

}  // namespace

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  if (state_ != State::head && state_ != State::body) return state_;
  pending_.append(bytes);
  if (state_ == State::head) read_head();
  if (state_ == State::body) read_body();
  return state_;
}

ResponseReader::State ResponseReader::end() {
  if (state_ == State::body && framing_ == Framing::until_close) state_ = State::complete;
  return state_;
}

void ResponseReader::read_head() {
  // What is no status line from its first bytes on will not become one.
  constexpr std::string_view kBegin = "HTTP/1.";
  if (!std::string_view(pending_).starts_with(kBegin.substr(0, std::min(pending_.size(), kBegin.size())))) {
    state_ = State::malformed;
    return;
  }
  const auto end = pending_.find("\r\n\r\n");
  if (head_bytes_ + std::min(end, pending_.size()) > limits_.head_bytes_max) {
    state_ = State::malformed;
    return;
  }
  if (end == std::string::npos) return;
  const std::string head = pending_.substr(0, end + 2);
  pending_.erase(0, end + 4);
  head_bytes_ += head.size();
  if (!read_fields(head)) {
    state_ = State::malformed;
    return;
  }
  if (status_ >= 100 && status_ < 200 && status_ != 101) {  // interim: the real one follows
    status_ = 0;
    chunked_ = has_length_ = false;
    read_head();
    return;
  }
  start_body();
}

bool ResponseReader::read_fields(std::string_view head) {
  const auto line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  // HTTP/1.x SP three digits, then SP and a reason nobody reads.
  if (line.size() < 12 || (line[7] != '0' && line[7] != '1') || line[8] != ' ') return false;
  if (line.size() > 12 && line[12] != ' ') return false;
  int status = 0;
  if (!parse_number(line.substr(9, 3), status) || status < 100 || status > 599) return false;
  head.remove_prefix(line_end + 2);
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    if (!read_field(head.substr(0, end))) return false;
    head.remove_prefix(end + 2);
  }
  status_ = status;
  return true;
}

bool ResponseReader::read_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.find_first_of(" \t") < colon) return false;
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (equal_ignoring_case(name, "content-length")) {
    std::uint64_t length = 0;
    if (has_length_ || !parse_number(value, length)) return false;
    has_length_ = true;
    left_ = length;
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (chunked_ || !equal_ignoring_case(value, "chunked")) return false;
    chunked_ = true;
  }
  return !(chunked_ && has_length_);
}

void ResponseReader::start_body() {
  state_ = State::body;
  if (status_ == 204 || status_ == 304) {
    state_ = State::complete;
  } else if (chunked_) {
    framing_ = Framing::chunk_size;
  } else if (has_length_) {
    framing_ = Framing::length;
    if (left_ > limits_.body_bytes_max) state_ = State::too_large;
  }
}

bool ResponseReader::take(std::size_t bytes) {
  if (body_.size() + bytes > limits_.body_bytes_max) {
    state_ = State::too_large;
    return false;
  }
  body_.append(pending_, 0, bytes);
  pending_.erase(0, bytes);
  return true;
}

// False: no whole line yet, or none that will come.
bool ResponseReader::take_line(std::string& line) {
  const auto end = pending_.find("\r\n");
  if (std::min(end, pending_.size()) > kLineBytesMax) state_ = State::malformed;
  if (end == std::string::npos || state_ == State::malformed) return false;
  line = pending_.substr(0, end);
  pending_.erase(0, end + 2);
  return true;
}

bool ResponseReader::read_chunk_size() {
  std::string line;
  if (!take_line(line)) return false;
  const std::string_view size = trimmed(std::string_view(line).substr(0, line.find(';')));
  if (size.size() > 8 || !parse_number(size, left_, 16)) {
    state_ = State::malformed;
    return false;
  }
  if (left_ > limits_.body_bytes_max) state_ = State::too_large;
  framing_ = left_ == 0 ? Framing::trailer : Framing::chunk_data;
  return state_ == State::body;
}

void ResponseReader::read_body() {
  while (state_ == State::body) {
    std::string line;
    switch (framing_) {
      case Framing::until_close:
        take(pending_.size());
        return;
      case Framing::length:
      case Framing::chunk_data: {
        const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left_, pending_.size()));
        if (!take(bytes)) return;
        left_ -= bytes;
        if (left_ > 0) return;
        if (framing_ == Framing::length) state_ = State::complete;
        framing_ = Framing::chunk_end;
        break;
      }
      case Framing::chunk_end:
        if (!take_line(line)) return;
        if (!line.empty()) state_ = State::malformed;
        framing_ = Framing::chunk_size;
        break;
      case Framing::chunk_size:
        if (!read_chunk_size()) return;
        break;
      case Framing::trailer:
        if (!take_line(line)) return;
        head_bytes_ += line.size() + 2;
        if (head_bytes_ > limits_.head_bytes_max) state_ = State::malformed;
        if (line.empty() && state_ == State::body) state_ = State::complete;
        break;
    }
  }
}

}  // namespace relay::http
