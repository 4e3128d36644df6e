// Reads one HTTP/1.1 response from bytes as they come, with bounds on everything. Pure: no socket, no time.
// Source: RFC 9112 (status line, fields, chunked), read strictly: what is doubtful is malformed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace relay::http {

struct ResponseLimits {
  std::size_t head_bytes_max = 16 * 1024;  // status line and fields, interim responses included
  std::size_t body_bytes_max = 64 * 1024;
};

class ResponseReader {
 public:
  enum class State {
    head,  // the status line or the fields are still coming
    body,
    complete,
    too_large,  // the body is beyond its limit; status() is known
    malformed,  // no HTTP, or not one we would trust
  };

  explicit ResponseReader(ResponseLimits limits = {}) : limits_(limits) {}

  // Returns the state after these bytes. Feeding on after the end changes nothing.
  State feed(std::string_view bytes);
  // The peer closed the connection: ends a body without a length; anywhere else it changes nothing.
  State end();
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] int status() const { return status_; }  // 0: not known yet
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  enum class Framing { until_close, length, chunk_size, chunk_data, chunk_end, trailer };

  void read_head();
  bool read_fields(std::string_view head);
  bool read_field(std::string_view line);
  void start_body();
  void read_body();
  bool read_chunk_size();
  bool take(std::size_t bytes);
  bool take_line(std::string& line);

  ResponseLimits limits_;
  State state_ = State::head;
  Framing framing_ = Framing::until_close;
  std::string pending_;  // not yet read
  std::size_t head_bytes_ = 0;
  int status_ = 0;
  bool chunked_ = false;
  bool has_length_ = false;
  std::uint64_t left_ = 0;  // of the body or of the chunk
  std::string body_;
};

}  // namespace relay::http
