// A SQL_ASCII database takes any byte: the row that does not convert is named, its neighbours flow.
#include <gmock/gmock.h>

#include "tests/integration/pg/pg_fixture.h"

namespace pg_test {
namespace {

using relay::core::RowId;
using testing::ElementsAre;
using testing::HasSubstr;

class SqlAscii : public PgTest {
 protected:
  [[nodiscard]] std::string database_options() const override {
    return "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";
  }
  // Escapes in a literal of an unconverted session: \xff is the byte.
  void spoil(const std::string& column, int id) const {
    execute("SET client_encoding = 'SQL_ASCII'; UPDATE message_record SET " + column +
            " = E'bad \\xff' WHERE id = " + std::to_string(id));
  }
};

TEST_F(SqlAscii, PollReadsByHalvesDownToTheRow) {
  insert_rows(100);
  spoil("body", 17);
  spoil("message_key", 60);
  spoil("topic", 61);
  const auto reader = relay::pg::make_reader(options_);
  const auto page = reader->poll({.after = RowId(1), .gaps = {}, .rows_max = 1000, .bytes_max = 1 << 20});
  ASSERT_EQ(page.rows.size(), 99U);
  EXPECT_EQ(page.last_seen, RowId(100));
  EXPECT_FALSE(page.more);
  for (const auto& row : page.rows) {
    const auto id = row.id.value();
    EXPECT_EQ(row.defect.has_value(), id == 17 || id == 60 || id == 61) << id;
    if (!row.defect) {
      EXPECT_EQ(row.body, "body " + std::to_string(id));
    }
  }
  EXPECT_THAT(*page.rows[15].defect, HasSubstr("body has a byte"));
  EXPECT_EQ(page.rows[15].body, "bad \uFFFD");
  EXPECT_EQ(page.rows[15].topic, "orders");
  EXPECT_THAT(*page.rows[58].defect, HasSubstr("message_key"));
  EXPECT_THAT(*page.rows[59].defect, HasSubstr("topic"));
}

TEST_F(SqlAscii, CutsAndGapsHoldThereToo) {
  insert_rows(20);
  spoil("body", 7);
  const auto reader = relay::pg::make_reader(options_);
  const std::vector<relay::core::IdRange> gaps = {{RowId(2), RowId(3)}};
  auto page = reader->poll({.after = RowId(5), .gaps = gaps, .rows_max = 5, .bytes_max = 1 << 20});
  EXPECT_THAT(ids(page.rows), ElementsAre(2, 3, 6, 7, 8));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.last_seen, RowId(8));
  page = reader->poll({.after = RowId(5), .gaps = gaps, .rows_max = 5, .bytes_max = 19});
  EXPECT_THAT(ids(page.rows), ElementsAre(2, 3, 6)) << "bodies of 6 bytes each";
}

TEST_F(SqlAscii, SweepDueAndLoadGoOnToo) {
  insert_rows(10);
  spoil("message_key", 4);
  spoil("body", 5);
  execute("UPDATE message_record SET next_attempt_at = now() - interval '1 s' WHERE id IN (4, 5, 6)");
  const auto reader = relay::pg::make_reader(options_);
  EXPECT_EQ(reader->sweep(RowId(0), RowId(100), 100).size(), 10U);
  EXPECT_EQ(reader->sweep(RowId(0), RowId(100), 100)[3].key, "bad \uFFFD");
  EXPECT_EQ(reader->due(std::chrono::seconds(6), 100).size(), 3U);
  const auto rows = reader->load(std::vector<RowId>{RowId(3), RowId(4), RowId(5)}, 1 << 20);
  ASSERT_THAT(ids(rows), ElementsAre(3, 4, 5));
  EXPECT_FALSE(rows[0].defect);
  EXPECT_TRUE(rows[1].defect);
  EXPECT_TRUE(rows[2].defect);
  // As a dead row it is shown, and holds its key.
  const auto lease = relay::pg::make_lease_store(options_);
  const auto epoch = lease->take(lease->look()).value();
  relay::pg::make_marker(options_)->mark(epoch,
                                         {.failed = {{.id = RowId(4), .fail_msg = *rows[1].defect, .dead = true}}});
  const auto dead = relay::pg::make_observer(options_)->newest_dead(5);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].key, "bad \uFFFD");
  EXPECT_TRUE(reader->sweep(RowId(3), RowId(4), 10)[0].dead);
}

TEST_F(SqlAscii, BrokenHeadersAreNamed) {
  insert_rows(2);
  execute("SET client_encoding = 'SQL_ASCII'; UPDATE message_record SET headers = E'{\"a\": \"\\xff\"}' WHERE id = 1");
  const auto page =
      relay::pg::make_reader(options_)->poll({.after = RowId(0), .gaps = {}, .rows_max = 9, .bytes_max = 99});
  ASSERT_EQ(page.rows.size(), 2U);
  EXPECT_THAT(*page.rows[0].defect, HasSubstr("headers has a byte"));
  EXPECT_FALSE(page.rows[1].defect);
}

}  // namespace
}  // namespace pg_test
