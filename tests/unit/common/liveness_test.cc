// Heartbeats against a clock that the test moves.
#include "common/liveness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/fake_clock.h"

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Liveness, NamesTheLoopThatIsLate) {
  FakeClock clock;
  common::Liveness liveness(clock);
  const auto poll = liveness.add("poll shop", seconds(10));
  const auto mark = liveness.add("mark shop", seconds(60));
  clock.advance(seconds(10));
  EXPECT_THAT(liveness.late(), IsEmpty());
  clock.advance(seconds(1));
  EXPECT_THAT(liveness.late(), ElementsAre("poll shop: no turn for 11s, the limit is 10s"));
  poll->beat();
  EXPECT_THAT(liveness.late(), IsEmpty());
}

TEST(Liveness, ForgetsALoopThatEnded) {
  FakeClock clock;
  common::Liveness liveness(clock);
  auto poll = liveness.add("poll shop", seconds(1));
  clock.advance(seconds(5));
  poll.reset();
  EXPECT_THAT(liveness.late(), IsEmpty());
}
