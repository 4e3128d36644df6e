// What --version prints.
#include "common/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Version, NamesProgramSchemaAndData) {
  const std::string text = common::version_text("outbox-relay", {2, 3});
  EXPECT_THAT(text, StartsWith("outbox-relay " + std::string(common::version()) + " ("));
  EXPECT_THAT(text, HasSubstr("\ndatabase schema: version 2 to 3\n"));
  EXPECT_THAT(text, HasSubstr("broker data: version 1 to 2"));
  EXPECT_THAT(common::version_text("x", {3, 3}), HasSubstr("schema: version 3\n"));
  EXPECT_THAT(common::version_text("outbox-broker", {}), Not(HasSubstr("schema")));
}
