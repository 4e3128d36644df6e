// One list of columns, in the order of RowColumn, and the statements made of it.
//
// Poll is one statement, hence one snapshot: a header row (what the whole page shares), then the rows of the open gaps,
// then the rows past the watermark, each in id order. Bodies too large to come along are asked for by id afterwards;
// a running sum over octet_length would bound the page too, but costs more than half of the page's time again.
#include "relay/pg/statements.h"

namespace relay::pg {
namespace {

enum class Text { converted, none, raw };

std::string text_column(const std::string& expression, Text text) {
  switch (text) {
    case Text::none:
      return "NULL::text";
    case Text::raw:
      return "convert_to(" + expression + ", getdatabaseencoding())";
    case Text::converted:
      break;
  }
  return expression;
}

// `inline_bytes`: the parameter that bounds what comes along per row; empty: nothing does.
std::string columns(Text text, BodyType body_type, const std::string& inline_bytes) {
  const std::string body = body_type == BodyType::json ? "m.body::text" : "m.body";
  const std::string no_body = body_type == BodyType::bytea || text == Text::raw ? "NULL::bytea" : "NULL::text";
  const std::string no_headers = text == Text::raw ? "NULL::bytea" : "NULL::jsonb";
  const std::string whole_body = body_type == BodyType::bytea ? body : text_column(body, text);
  const std::string whole_headers = text == Text::raw ? text_column("m.headers::text", text) : "m.headers";
  std::string list = "m.id, " + text_column("m.topic", text) + ", " + text_column("m.message_key", text) + ", ";
  if (text == Text::none || inline_bytes.empty()) {
    list += no_body + ", NULL::integer, " + no_headers;
  } else {
    // pg_column_size is what is stored: enough to keep a page of giants from coming at once.
    const std::string large =
        "octet_length(" + body + ") > " + inline_bytes + " OR pg_column_size(m.headers) > " + inline_bytes;
    list += "CASE WHEN m.status <> 0 OR " + large + " THEN NULL ELSE " + whole_body + " END, ";
    list += "CASE WHEN m.status = 0 AND (" + large + ") THEN coalesce(octet_length(" + body +
            "), 0) + coalesce(pg_column_size(m.headers), 0) END, ";
    list += "CASE WHEN m.status <> 0 OR " + large + " THEN NULL ELSE " + whole_headers + " END";
  }
  return list + ", m.status, m.confirmed, " + text_column("m.msg_log_id", text) + ", " +
         text_column("m.msg_log_url", text) +
         ", m.attempts, m.next_attempt_at, m.checks, m.unknown_checks, m.first_check_at, m.next_check_at, m.redrives, "
         "m.created_at";
}

std::string poll(const std::string& table, BodyType body_type, Text text) {
  const std::string no_body = body_type == BodyType::bytea ? "NULL::bytea" : "NULL::text";
  const std::string list = columns(text, body_type, "$5::integer");
  return "(SELECT coalesce((SELECT max(id) FROM " + table +
         "), 0) AS id, pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text, " + no_body +
         ", NULL::integer, NULL::jsonb, NULL::smallint, NULL::boolean, pg_current_wal_flush_lsn()::text, NULL::text, "
         "NULL::integer, NULL::timestamptz, NULL::integer, NULL::integer, NULL::timestamptz, NULL::timestamptz, "
         "NULL::smallint, statement_timestamp()) UNION ALL "
         "(SELECT m.* FROM unnest($3::bigint[], $4::bigint[]) AS gap(first, last), LATERAL (SELECT " +
         list + " FROM " + table +
         " m WHERE m.id BETWEEN gap.first AND gap.last AND m.status IN (0, 2) ORDER BY m.id LIMIT $2::integer) m "
         "ORDER BY m.id LIMIT $2::integer) UNION ALL "
         "(SELECT " +
         list + " FROM " + table + " m WHERE m.id > $1::bigint AND m.status IN (0, 2) ORDER BY m.id LIMIT $2::integer)";
}

std::string rows_by_id(const std::string& table, BodyType body_type, Text text) {
  return "SELECT " + columns(text, body_type, "$2::integer") + ", statement_timestamp() FROM " + table +
         " m WHERE m.id = ANY ($1::bigint[]) AND m.status IN (0, 2) ORDER BY m.id";
}

std::string sweep(const std::string& table, BodyType body_type, Text text) {
  return "SELECT " + columns(text, body_type, "") + ", statement_timestamp() FROM " + table +
         " m WHERE m.id > $1::bigint AND m.id <= $2::bigint AND m.status IN (0, 2) ORDER BY m.id LIMIT $3::integer";
}

std::string due(const std::string& table, BodyType body_type, Text text) {
  const std::string list = columns(text, body_type, "") + ", statement_timestamp()";
  return "(SELECT " + list + " FROM " + table +
         " m WHERE m.status = 0 AND m.next_attempt_at IS NOT NULL AND m.next_attempt_at <= statement_timestamp() "
         "AND m.confirmed ORDER BY m.next_attempt_at LIMIT $1::integer) UNION ALL (SELECT " +
         list + " FROM " + table +
         " m WHERE m.status = 0 AND NOT m.confirmed "
         "AND coalesce(m.next_check_at, m.created_at) <= statement_timestamp() AND (m.next_check_at IS NOT NULL "
         "OR m.created_at <= statement_timestamp() - $2::bigint * interval '1 microsecond') "
         "ORDER BY coalesce(m.next_check_at, m.created_at) LIMIT $1::integer)";
}

}  // namespace

ReadStatements read_statements(const std::string& table, BodyType body) {
  return {.poll = poll(table, body, Text::converted),
          .poll_ids = poll(table, body, Text::none),
          .rows = rows_by_id(table, body, Text::converted),
          .raw_rows = rows_by_id(table, body, Text::raw),
          .sweep = sweep(table, body, Text::converted),
          .sweep_ids = sweep(table, body, Text::none),
          .due = due(table, body, Text::converted),
          .due_ids = due(table, body, Text::none)};
}

}  // namespace relay::pg
