// PostgreSQL's complaints as core::DatabaseError: retryable or definite, in one line with the way out. Pure.
#pragma once

#include <string>
#include <string_view>

#include "relay/core/outbox_store.h"

namespace relay::pg {

// A core::DatabaseError that still knows its SQLSTATE (empty: none, the connection itself failed).
class SqlError : public core::DatabaseError {
 public:
  SqlError(const std::string& message, bool retryable, common::ExitCode exit_code, std::string sqlstate)
      : core::DatabaseError(message, retryable, exit_code), sqlstate_(std::move(sqlstate)) {}
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  std::string sqlstate_;
};

// `where` is Connection::describe(), `message` the server's primary message. No password is in either.
[[nodiscard]] SqlError make_error(std::string_view where, std::string_view sqlstate, std::string_view message);

// libpq tells why a connection was refused only as text. With its verbose form the SQLSTATE stands in it:
// "… failed: FATAL:  28P01: password authentication failed for user "x"\nLOCATION: …" (whatever the language).
struct ConnectFailure {
  std::string sqlstate;
  std::string message;  // one line
};
[[nodiscard]] ConnectFailure parse_connect_failure(std::string_view text);

// A definite refusal: waiting mends nothing.
[[nodiscard]] bool is_definite(std::string_view sqlstate);
// Bytes that are no UTF-8 (a SQL_ASCII database), or that have no UTF-8 form.
[[nodiscard]] bool is_encoding_error(std::string_view sqlstate);

[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace relay::pg
