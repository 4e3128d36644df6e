// Connecting, without a database. The rest of Connection is tested with one: tests/integration/pg/connection_test.cc.
#include "relay/pg/connection.h"

#include <gtest/gtest.h>

#include "relay/core/outbox_store.h"
#include "tests/support/net.h"
#include "tests/support/packet_loss.h"

namespace relay::pg {
namespace {

// An hour's patience for a server that answers is none for a network that does not: the caller tries anew, with a
// first packet of its own.
TEST(Connection, GivesUpAHandshakeThatNobodyAnswersLongBeforeItsTimeOut) {
  if (!test_support::can_lose_packets()) GTEST_SKIP() << test_support::kNoPacketLoss;
  const test_support::Hole hole;
  Connection connection({.dsn = "host=127.0.0.1 dbname=shop user=relay port=" + std::to_string(hole.port()),
                         .timeout = std::chrono::hours(1)},
                        nullptr);
  try {
    connection.connect();
    FAIL();
  } catch (const core::DatabaseError& error) {
    EXPECT_TRUE(error.retryable());
    EXPECT_NE(std::string(error.what()).find("packets to the server are lost"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace relay::pg
