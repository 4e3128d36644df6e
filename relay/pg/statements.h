// The text of the statements that read rows. `table` is a quoted identifier.
#pragma once

#include <string>

namespace relay::pg {

// What the body column is; the relay looks at the column.
enum class BodyType { text, bytea, json };

struct ReadStatements {
  // Prepared under these names:
  std::string poll;      // $1 after, $2 rows, $3 $4 gaps' first and last ids, $5 bytes that come along per row
  std::string poll_ids;  // the same without a text column: the header row, and ids
  std::string rows;      // $1 ids, $2 bytes that come along per row: status 0 or 2, in id order
  std::string raw_rows;  // the same with text as unconverted bytes
  std::string sweep;     // $1 after, $2 up to, $3 rows
  std::string sweep_ids;
  std::string due;  // $1 rows, $2 µs from created_at to the first check-back
  std::string due_ids;
};

ReadStatements read_statements(const std::string& table, BodyType body);

}  // namespace relay::pg
