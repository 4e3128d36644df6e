// OutboxReader on PostgreSQL: poll, sweep, due, load. Nothing here locks a row.
//
// A byte that does not convert to UTF-8 (a SQL_ASCII database) fails a whole page's statement. The page is then read
// again within one snapshot: its ids, then its rows by halves, down to the row, which alone comes with a defect.
#include <algorithm>
#include <functional>
#include <limits>
#include <tuple>

#include "common/ensure.h"
#include "relay/pg/errors.h"
#include "relay/pg/row_decode.h"
#include "relay/pg/session.h"
#include "relay/pg/statements.h"
#include "relay/pg/store.h"

namespace relay::pg {
namespace {

using core::Headline;
using core::PollRequest;
using core::PollResult;
using core::Row;
using core::RowId;

// The column after RowColumn's in every statement but poll: the database's clock.
constexpr int kNow = column::count;

BodyType find_body_type(Connection& connection, const std::string& table) {
  const Result found = connection.execute(
      "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = " + quoted_literal(table) +
      "::regclass AND attname = 'body' AND NOT attisdropped");
  if (found.rows() == 0) return BodyType::text;  // the statements will name the missing column
  const std::string_view type = found.value(0, 0);
  if (type == "bytea") return BodyType::bytea;
  return type == "json" || type == "jsonb" ? BodyType::json : BodyType::text;
}

// Gathers rows in id order until rows_max or bytes_max cut it off; what it holds is always a prefix of what was given.
class Page {
 public:
  Page(int rows_max, std::int64_t bytes_max) : rows_max_(rows_max), bytes_max_(bytes_max) {}

  // False: full, neither this row nor a later one is in.
  bool add(const Result& result, int row, const DecodeContext& context) {
    if (full_ || count_ >= rows_max_) return !(full_ = true);
    if (result.integer(row, column::status) == 2) {
      dead.push_back(core::Headline(decode_headline(result, row, context)));
      last = dead.back().id;
      ++count_;
      return true;
    }
    const bool large = !result.is_null(row, column::oversize);
    const std::int64_t bytes = large ? result.integer(row, column::oversize)
                               : result.is_null(row, column::body)
                                   ? 0
                                   : static_cast<std::int64_t>(result.value(row, column::body).size());
    if (!rows.empty() && bytes_ + bytes > bytes_max_) return !(full_ = true);
    bytes_ += bytes;
    rows.push_back(decode_row(result, row, context));
    last = rows.back().id;
    if (large) large_ids.push_back(last.value());
    ++count_;
    return true;
  }

  // Replaces the large rows, whose bodies did not come along, by `loaded` (in id order, each at most once); one that is
  // not there any more leaves.
  void fill_large(std::vector<Row> loaded) {
    std::vector<Row> filled;
    filled.reserve(rows.size());
    auto large = large_ids.begin();
    auto next = loaded.begin();
    for (Row& row : rows) {
      if (large == large_ids.end() || row.id.value() != *large) {
        filled.push_back(std::move(row));
        continue;
      }
      ++large;
      if (next != loaded.end() && next->id == row.id) filled.push_back(std::move(*next++));
    }
    rows = std::move(filled);
  }

  std::vector<Row> rows;
  std::vector<Headline> dead;
  std::vector<std::int64_t> large_ids;
  RowId last;

 private:
  int rows_max_;
  std::int64_t bytes_max_;
  std::int64_t bytes_ = 0;
  int count_ = 0;
  bool full_ = false;
};

// Rows up to this size come along: all of a page's together are then within bytes_max.
int inline_bytes_of(std::int64_t bytes_max, std::int64_t rows_max) {
  return static_cast<int>(
      std::clamp<std::int64_t>(bytes_max / std::max<std::int64_t>(1, rows_max), 0, std::numeric_limits<int>::max()));
}

class PgReader final : public core::OutboxReader {
 public:
  explicit PgReader(const StoreOptions& options)
      : check_back_first_(options.check_back_first),
        table_(quoted_table(options.table)),
        connection_(make_session(options, "poll", [this](Connection& connection) { prepare(connection); })) {}

  PollResult poll(const PollRequest& request) override;
  std::vector<Headline> sweep(RowId after, RowId up_to, int rows_max) override;
  std::vector<Headline> due(std::chrono::milliseconds first_check_after, int rows_max) override;
  std::vector<Row> load(std::span<const RowId> ids, std::int64_t bytes_max) override;
  core::Lsn flushed(bool nudge) override;

 private:
  using Take = std::function<void(const Result& result, int row, const DecodeContext& context)>;

  void prepare(Connection& connection);
  [[nodiscard]] DecodeContext context(PgTime now, bool unconverted = false) const {
    return {.now = now, .check_back_first = check_back_first_, .unconverted = unconverted};
  }
  PollResult read_header(const Result& page, int header, const PollRequest& request) const;
  PollResult poll_by_halves(const Params& params, const PollRequest& request, int inline_bytes);
  void finish_poll(PollResult& result, Page page, const PollRequest& request, std::span<const std::int64_t> ids);
  std::vector<Headline> headlines(const char* statement, const char* ids_statement, const Params& params,
                                  std::chrono::microseconds check_back_first);
  void read_rows(std::span<const std::int64_t> ids, int inline_bytes, const Take& take);
  void read_halves(std::span<const std::int64_t> ids, int inline_bytes, const Take& take);
  std::vector<Row> load_whole(std::span<const std::int64_t> ids);
  // Runs `read` in one read-only snapshot; after an error the connection is closed.
  void in_snapshot(const std::function<void()>& read);

  std::chrono::microseconds check_back_first_;
  std::string table_;
  Connection connection_;
  std::uint64_t wal_block_bytes_ = 0;
  std::uint64_t wal_segment_bytes_ = 0;
};

void PgReader::prepare(Connection& connection) {
  const Result wal = connection.execute(
      "SELECT (SELECT setting FROM pg_settings WHERE name = 'wal_block_size'), "
      "(SELECT setting FROM pg_settings WHERE name = 'wal_segment_size')");
  wal_block_bytes_ = std::stoull(std::string(wal.value(0, 0)));
  wal_segment_bytes_ = std::stoull(std::string(wal.value(0, 1)));
  // Whatever the database's default is: a nudge must be flushed, and a standby that does not answer must not hold it.
  connection.execute("SET synchronous_commit = local");
  const ReadStatements statements = read_statements(table_, find_body_type(connection, table_));
  connection.prepare("poll", statements.poll);
  connection.prepare("poll_ids", statements.poll_ids);
  connection.prepare("rows", statements.rows);
  connection.prepare("raw_rows", statements.raw_rows);
  connection.prepare("sweep", statements.sweep);
  connection.prepare("sweep_ids", statements.sweep_ids);
  connection.prepare("due", statements.due);
  connection.prepare("due_ids", statements.due_ids);
}

PollResult PgReader::read_header(const Result& page, int header, const PollRequest& request) const {
  PollResult result;
  result.last_seen = request.after;
  result.highest_id = RowId(page.integer(header, kHeaderHighestId));
  result.snapshot = parse_snapshot(page.value(header, kHeaderSnapshot));
  result.insert_lsn =
      without_page_header(parse_lsn(page.value(header, kHeaderInsertLsn)), wal_block_bytes_, wal_segment_bytes_);
  result.flush_lsn = parse_lsn(page.value(header, kHeaderFlushLsn));
  return result;
}

int header_row(const Result& page) {
  int row = 0;
  while (row < page.rows() && !page.is_null(row, column::status)) ++row;
  ENSURE(row < page.rows(), "a poll's page has a header row");
  return row;
}

// The page's rows in id order (the statement's order: the gaps' first, then those past the watermark).
std::vector<std::pair<std::int64_t, int>> rows_in_order(const Result& page, int header) {
  std::vector<std::pair<std::int64_t, int>> rows;
  rows.reserve(static_cast<std::size_t>(page.rows()));
  for (int row = 0; row < page.rows(); ++row) {
    if (row != header) rows.emplace_back(page.integer(row, column::id), row);
  }
  if (!std::ranges::is_sorted(rows)) std::ranges::sort(rows);
  return rows;
}

PollResult PgReader::poll(const PollRequest& request) {
  const int inline_bytes = inline_bytes_of(request.bytes_max, request.rows_max);
  std::vector<std::int64_t> firsts, lasts, ids;
  for (const core::IdRange& gap : request.gaps) {
    firsts.push_back(gap.first.value());
    lasts.push_back(gap.last.value());
  }
  Params params;
  params.add_bigint(request.after.value()).add_int(request.rows_max).add_bigints(firsts).add_bigints(lasts);
  Params page_params = params;
  page_params.add_int(inline_bytes);
  try {
    const Result read = connection_.run("poll", page_params);
    const int header = header_row(read);
    PollResult result = read_header(read, header, request);
    const DecodeContext with = context(read.integer(header, kHeaderNow));
    Page page(request.rows_max, request.bytes_max);
    for (const auto& [id, row] : rows_in_order(read, header)) {
      ids.push_back(id);
      page.add(read, row, with);
    }
    finish_poll(result, std::move(page), request, ids);
    return result;
  } catch (const SqlError& error) {
    if (!is_encoding_error(error.sqlstate())) throw;
  }
  return poll_by_halves(params, request, inline_bytes);
}

PollResult PgReader::poll_by_halves(const Params& params, const PollRequest& request, int inline_bytes) {
  PollResult result;
  in_snapshot([&] {
    const Result read = connection_.run("poll_ids", params);
    const int header = header_row(read);
    result = read_header(read, header, request);
    std::vector<std::int64_t> ids;
    for (const auto& [id, row] : rows_in_order(read, header)) ids.push_back(id);
    Page page(request.rows_max, request.bytes_max);
    read_halves(ids, inline_bytes,
                [&](const Result& rows, int row, const DecodeContext& with) { page.add(rows, row, with); });
    finish_poll(result, std::move(page), request, ids);
  });
  return result;
}

// `ids`: of all rows the statement gave, in order; the page holds the first of them.
void PgReader::finish_poll(PollResult& result, Page page, const PollRequest& request,
                           std::span<const std::int64_t> ids) {
  const auto past_watermark = [&](std::int64_t id) { return id > request.after.value(); };
  const std::ptrdiff_t fresh = std::ranges::count_if(ids, past_watermark);
  const std::ptrdiff_t from_gaps = std::ssize(ids) - fresh;
  const bool cut = !ids.empty() && page.last.value() != ids.back();
  result.more = cut || fresh >= request.rows_max || from_gaps >= request.rows_max;
  result.gaps_complete = from_gaps < request.rows_max && (!cut || past_watermark(page.last.value()) ||
                                                          (from_gaps == 0 || page.last.value() == ids[from_gaps - 1]));
  if (past_watermark(page.last.value())) result.last_seen = page.last;
  if (!page.large_ids.empty()) page.fill_large(load_whole(page.large_ids));
  result.rows = std::move(page.rows);
  result.dead = std::move(page.dead);
}

void PgReader::in_snapshot(const std::function<void()>& read) {
  try {
    connection_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    read();
    connection_.execute("COMMIT");
  } catch (...) {
    connection_.close();
    throw;
  }
}

// Inside a transaction. Half the ids after a failure, down to one, whose bytes are then read as they are.
void PgReader::read_halves(std::span<const std::int64_t> ids, int inline_bytes, const Take& take) {
  if (ids.empty()) return;
  Params params;
  params.add_bigints(ids).add_int(inline_bytes);
  connection_.execute("SAVEPOINT half");
  try {
    const Result rows = connection_.run("rows", params);
    for (int row = 0; row < rows.rows(); ++row) take(rows, row, context(rows.integer(row, kNow)));
    return;
  } catch (const SqlError& error) {
    if (!is_encoding_error(error.sqlstate())) throw;
  }
  connection_.execute("ROLLBACK TO SAVEPOINT half");
  if (ids.size() == 1) {
    const Result rows = connection_.run("raw_rows", params);
    if (rows.rows() == 1) take(rows, 0, context(rows.integer(0, kNow), true));
    return;
  }
  read_halves(ids.first(ids.size() / 2), inline_bytes, take);
  read_halves(ids.subspan(ids.size() / 2), inline_bytes, take);
}

// Rows of `ids` with status 0 or 2 in id order, whatever their bytes are. `ids` ascend.
void PgReader::read_rows(std::span<const std::int64_t> ids, int inline_bytes, const Take& take) {
  Params params;
  params.add_bigints(ids).add_int(inline_bytes);
  try {
    const Result rows = connection_.run("rows", params);
    for (int row = 0; row < rows.rows(); ++row) take(rows, row, context(rows.integer(row, kNow)));
    return;
  } catch (const SqlError& error) {
    if (!is_encoding_error(error.sqlstate())) throw;
  }
  in_snapshot([&] { read_halves(ids, inline_bytes, take); });
}

std::vector<Row> PgReader::load_whole(std::span<const std::int64_t> ids) {
  std::vector<Row> rows;
  const Take take = [&](const Result& result, int row, const DecodeContext& with) {
    if (result.integer(row, column::status) == 0) rows.push_back(decode_row(result, row, with));
  };
  if (connection_.in_transaction()) {
    read_halves(ids, std::numeric_limits<int>::max(), take);
  } else {
    read_rows(ids, std::numeric_limits<int>::max(), take);
  }
  return rows;
}

std::vector<Row> PgReader::load(std::span<const RowId> ids, std::int64_t bytes_max) {
  std::vector<std::int64_t> numbers;
  for (const RowId id : ids) numbers.push_back(id.value());
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  if (numbers.empty()) return {};
  Page page(std::numeric_limits<int>::max(), bytes_max);
  read_rows(numbers, inline_bytes_of(bytes_max, std::ssize(numbers)),
            [&](const Result& result, int row, const DecodeContext& with) {
              if (result.integer(row, column::status) == 0) page.add(result, row, with);
            });
  if (!page.large_ids.empty()) page.fill_large(load_whole(page.large_ids));
  return std::move(page.rows);
}

std::vector<Headline> PgReader::headlines(const char* statement, const char* ids_statement, const Params& params,
                                          std::chrono::microseconds check_back_first) {
  std::vector<Headline> found;
  const Take take = [&](const Result& result, int row, DecodeContext with) {
    with.check_back_first = check_back_first;
    found.push_back(decode_headline(result, row, with));
  };
  try {
    const Result rows = connection_.run(statement, params);
    found.reserve(static_cast<std::size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) take(rows, row, context(rows.integer(row, kNow)));
    return found;
  } catch (const SqlError& error) {
    if (!is_encoding_error(error.sqlstate())) throw;
  }
  in_snapshot([&] {
    const Result rows = connection_.run(ids_statement, params);
    std::vector<std::int64_t> ids;
    ids.reserve(static_cast<std::size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) ids.push_back(rows.integer(row, column::id));
    std::ranges::sort(ids);
    read_halves(ids, 0, take);
  });
  return found;
}

std::vector<Headline> PgReader::sweep(RowId after, RowId up_to, int rows_max) {
  Params params;
  params.add_bigint(after.value()).add_bigint(up_to.value()).add_int(rows_max);
  return headlines("sweep", "sweep_ids", params, check_back_first_);
}

std::vector<Headline> PgReader::due(std::chrono::milliseconds first_check_after, int rows_max) {
  Params params;
  params.add_int(rows_max).add_bigint(std::chrono::microseconds(first_check_after).count());
  std::vector<Headline> found = headlines("due", "due_ids", params, first_check_after);
  std::ranges::sort(found, {}, [](const Headline& row) { return std::tuple(row.due_in, row.id); });
  if (std::ssize(found) > rows_max) found.resize(static_cast<std::size_t>(rows_max));
  return found;
}

core::Lsn PgReader::flushed(bool nudge) {
  // A message in the log that no table sees: written by a commit of ours, hence flushed with everything before it.
  if (nudge) connection_.execute("SELECT pg_logical_emit_message(true, 'outbox-relay', '')");
  return parse_lsn(connection_.execute("SELECT pg_current_wal_flush_lsn()").value(0, 0));
}

}  // namespace

std::unique_ptr<core::OutboxReader> make_reader(const StoreOptions& options) {
  return std::make_unique<PgReader>(options);
}

}  // namespace relay::pg
