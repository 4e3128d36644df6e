// Statements of a mark's transaction. Arrays go in through unnest(), in id order, so that rows are locked in it.
#include "relay/pg/mark_statements.h"

#include "relay/pg/session.h"

namespace relay::pg {
namespace {

// A delivery is what happens to nearly every row: one index look-up and one update each, nothing more.
std::string delivered(const std::string& table) {
  return "UPDATE " + table +
         " m SET status = 1, sent_at = statement_timestamp(), sent_partition = d.at_partition, sent_offset = "
         "d.at_offset "
         "FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS d(id, at_partition, at_offset) "
         "WHERE m.id = d.id AND m.status IN (0, 2)";
}

// Rows that an operator had cancelled or discarded while they were on their way.
std::string conflicts(const std::string& table, const std::string& event_table) {
  return "WITH found AS MATERIALIZED (SELECT id, status FROM " + table +
         " WHERE id = ANY ($1::bigint[]) AND status IN (3, 4) ORDER BY id FOR NO KEY UPDATE), "
         "marked AS (UPDATE " +
         table +
         " m SET status = 1, sent_at = statement_timestamp(), sent_partition = d.at_partition, sent_offset = "
         "d.at_offset "
         "FROM found f JOIN unnest($1::bigint[], $2::integer[], $3::bigint[]) AS d(id, at_partition, at_offset) "
         "ON d.id = f.id WHERE m.id = f.id RETURNING m.id, f.status, d.at_partition, d.at_offset), "
         "kept AS (INSERT INTO public.outbox_event (table_name, message, kind, detail) SELECT " +
         event_table +
         ", id, 'conflict', format('delivered to partition %s, offset %s, although it was %s meanwhile', at_partition, "
         "at_offset, CASE status WHEN 3 THEN 'cancelled' ELSE 'discarded' END) FROM marked) "
         "SELECT id FROM marked ORDER BY id";
}

// The lease is ours as long as its row has our epoch; lock_lease holds it there until the commit.
std::string lease_guard(int first_parameter) {
  const auto parameter = [&](int offset) { return "$" + std::to_string(first_parameter + offset); };
  return "EXISTS (SELECT FROM public.outbox_lease WHERE table_name = " + parameter(0) +
         "::text AND bucket = " + parameter(1) + "::integer AND epoch = " + parameter(2) + "::bigint)";
}

std::string failed(const std::string& table, const std::string& event_table) {
  return "WITH marked AS (UPDATE " + table +
         " m SET attempts = m.attempts + 1, fail_msg = f.message, status = CASE WHEN f.dead THEN 2 ELSE 0 END, "
         "next_attempt_at = CASE WHEN f.dead THEN NULL ELSE "
         "statement_timestamp() + f.wait * interval '1 microsecond' END "
         "FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::bigint[], $5::integer[]) "
         "AS f(id, message, dead, wait, before) "
         "WHERE m.id = f.id AND m.status = 0 AND (f.before < 0 OR m.attempts = f.before) AND " +
         lease_guard(6) +
         " RETURNING m.id, m.attempts, f.dead, f.message), "
         "kept AS (INSERT INTO public.outbox_event (table_name, message, kind, detail) SELECT " +
         event_table +
         ", id, CASE WHEN dead THEN 'dead' ELSE 'failure' END, format('attempt %s: %s', attempts, message) FROM "
         "marked) "
         "SELECT id FROM marked";
}

// The numbers are core::Checked::Result.
std::string checked(const std::string& table, const std::string& event_table) {
  return "WITH marked AS (UPDATE " + table +
         " m SET checks = m.checks + c.asked::integer, unknown_checks = m.unknown_checks + c.unknown::integer, "
         "first_check_at = CASE WHEN c.asked THEN coalesce(m.first_check_at, statement_timestamp()) "
         "ELSE m.first_check_at END, "
         "fail_msg = coalesce(c.message, m.fail_msg), "
         "confirmed = c.result = 0, "
         "status = CASE c.result WHEN 1 THEN 3 WHEN 3 THEN 2 ELSE 0 END, "
         "next_attempt_at = CASE WHEN c.result = 0 THEN NULL ELSE m.next_attempt_at END, "
         "next_check_at = CASE WHEN c.result = 2 THEN statement_timestamp() + c.wait * interval '1 microsecond' END "
         "FROM unnest($1::bigint[], $2::integer[], $3::boolean[], $4::boolean[], $5::text[], $6::bigint[], "
         "$7::integer[]) AS c(id, result, asked, unknown, message, wait, before) "
         "WHERE m.id = c.id AND m.status = 0 AND NOT m.confirmed AND (c.before < 0 OR m.checks = c.before) AND " +
         lease_guard(8) +
         " RETURNING m.id, m.checks, c.result, c.asked, c.message), "
         "kept AS (INSERT INTO public.outbox_event (table_name, message, kind, detail) SELECT " +
         event_table +
         ", id, 'check', concat_ws(': ', format('check %s', checks), "
         "(ARRAY['committed', 'rolled back', 'ask again', 'parked'])[result + 1], message) "
         "FROM marked WHERE asked OR result = 3) "
         "SELECT id FROM marked";
}

// A locker's transaction number stands in the row's xmax (several lockers share a multixact, which is not resolved).
// Of its statement only what comes before the first quote, parenthesis or digit: no value of anybody's.
std::string blocker(const std::string& table) {
  return "SELECT format('pid %s, user %s, %s, %s since %s s: %s', a.pid, a.usename, "
         "coalesce(nullif(a.application_name, ''), 'no application_name'), a.state, "
         "round(extract(epoch FROM statement_timestamp() - a.xact_start)), "
         "coalesce(substring(a.query FROM '^[^''\"(0-9$]{1,60}'), '?')) "
         "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
         "WHERE l.locktype = 'transactionid' AND l.granted "
         "AND l.transactionid::text = (SELECT m.xmax::text FROM " +
         table + " m WHERE m.id = $1::bigint)";
}

}  // namespace

std::vector<std::pair<const char*, std::string>> mark_statements(const std::string& table,
                                                                 const std::string& table_name) {
  const std::string event_table = quoted_literal(table_name);
  return {
      {"begin", "BEGIN"},
      {"commit", "COMMIT"},
      {"settings",
       "SELECT set_config('idle_in_transaction_session_timeout', $1::text, true), "
       "set_config('statement_timeout', $1::text, true), set_config('lock_timeout', $2::text, true)"},
      {"delivered", delivered(table)},
      {"conflicts", conflicts(table, event_table)},
      {"lock_rows",
       "SELECT id FROM " + table + " WHERE id = ANY ($1::bigint[]) AND status = 0 ORDER BY id FOR NO KEY UPDATE"},
      {"lock_free_rows",
       "SELECT id FROM " + table + " WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"},
      {"existing_rows", "SELECT id FROM " + table + " WHERE id = ANY ($1::bigint[])"},
      {"lock_lease",
       "SELECT 1 FROM public.outbox_lease WHERE table_name = $1::text AND bucket = $2::integer AND epoch = $3::bigint "
       "FOR KEY SHARE"},
      {"failed", failed(table, event_table)},
      {"checked", checked(table, event_table)},
      {"blocker", blocker(table)},
  };
}

}  // namespace relay::pg
