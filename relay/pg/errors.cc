// Which SQLSTATE means what for the relay.
#include "relay/pg/errors.h"

#include <algorithm>
#include <array>

namespace relay::pg {
namespace {

struct Known {
  std::string_view sqlstate;  // or the first two characters: a class
  std::string_view way_out;
};

// The definite ones: somebody has to do something first.
constexpr auto kDefinite = std::to_array<Known>({
    {"28P01", "check the password (password_file) and the user"},
    {"28", "let the user in: CREATE ROLE … LOGIN, and a line in pg_hba.conf"},
    {"3D000", "create the database or correct dbname"},
    {"3F000", "correct the schema in the table's name"},
    {"42P01", "run: outboxctl migrate up --dsn …"},
    {"42703", "the table is not the one of this version; run: outboxctl migrate status --dsn …"},
    {"42883", "run: outboxctl migrate up --dsn …"},
    {"42501",
     "the user lacks a right; for the relay: GRANT outbox_relay TO its user, for migrations: one that may create "
     "tables"},
});

const Known* find_definite(std::string_view sqlstate) {
  for (const Known& known : kDefinite) {
    if (sqlstate.starts_with(known.sqlstate)) return &known;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Five digits or capitals, with a digit among them: "FATAL" is none.
bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::ranges::any_of(text, is_digit) &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else {
      line += c;
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

bool is_definite(std::string_view sqlstate) { return !sqlstate.empty() && find_definite(sqlstate) != nullptr; }

bool is_encoding_error(std::string_view sqlstate) { return sqlstate == "22021" || sqlstate == "22P05"; }

SqlError make_error(std::string_view where, std::string_view sqlstate, std::string_view message) {
  std::string text = "database " + std::string(where) + ": " + one_line(message);
  if (!sqlstate.empty()) text += " (SQLSTATE " + std::string(sqlstate) + ")";
  const Known* known = sqlstate.empty() ? nullptr : find_definite(sqlstate);
  if (known != nullptr) text += "; " + std::string(known->way_out);
  return {text, known == nullptr, known != nullptr ? common::ExitCode::dependency_refused : common::ExitCode::failed,
          std::string(sqlstate)};
}

ConnectFailure parse_connect_failure(std::string_view text) {
  ConnectFailure failure;
  for (std::size_t at = text.find(": "); at != std::string_view::npos; at = text.find(": ", at + 1)) {
    std::size_t start = at + 2;
    while (start < text.size() && text[start] == ' ') ++start;
    if (start + 5 < text.size() && text[start + 5] == ':' && is_sqlstate(text.substr(start, 5))) {
      failure.sqlstate = text.substr(start, 5);
      std::string_view rest = text.substr(start + 6);
      failure.message = one_line(rest.substr(0, rest.find('\n')));
      failure.message.erase(0, failure.message.find_first_not_of(' '));
      return failure;
    }
  }
  failure.message = one_line(text);
  return failure;
}

}  // namespace relay::pg
