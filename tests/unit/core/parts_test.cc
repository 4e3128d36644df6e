// The small parts of relay/core, each by itself.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <random>
#include <set>

#include "relay/core/breaker.h"
#include "relay/core/gaps.h"
#include "relay/core/held_keys.h"
#include "relay/core/in_flight.h"
#include "relay/core/lease_guard.h"
#include "relay/core/pipeline.h"
#include "relay/core/schedule.h"
#include "tests/unit/core/sim_relay.h"

namespace relay::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::vector<RowId> ids(std::initializer_list<std::int64_t> values) {
  std::vector<RowId> result;
  for (const std::int64_t value : values) result.emplace_back(value);
  return result;
}

PollResult answer(std::initializer_list<std::uint64_t> in_progress, std::int64_t last_seen = 0) {
  PollResult result;
  result.last_seen = RowId{last_seen};
  result.snapshot.xmax = TransactionId{1'000};
  result.snapshot.xmin = result.snapshot.xmax;
  for (const std::uint64_t id : in_progress) {
    result.snapshot.in_progress.emplace_back(id);
    result.snapshot.xmin = std::min(result.snapshot.xmin, TransactionId{id});
  }
  return result;
}

std::vector<std::pair<std::int64_t, std::int64_t>> ranges(const Gaps& gaps) {
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  for (const IdRange& range : gaps.ranges()) result.emplace_back(range.first.value(), range.last.value());
  return result;
}

using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

TEST(Gaps, KeepsHolesAndClosesThemOnlyWhenTheirTransactionsHaveEnded) {
  Gaps gaps(10);
  gaps.polled(answer({7}), ids({1, 2, 5, 9}), seconds{0}, seconds{0});
  EXPECT_EQ(gaps.watermark(), RowId{9});
  EXPECT_EQ(ranges(gaps), (Ranges{{3, 4}, {6, 8}}));
  gaps.polled(answer({7, 8}), ids({7}), milliseconds{500}, milliseconds{500});
  EXPECT_EQ(ranges(gaps), (Ranges{{3, 4}, {6, 6}, {8, 8}}));
  // Old enough: from here on it is known whom to wait for, also for one that began later.
  gaps.polled(answer({7, 8}), {}, milliseconds{1'100}, milliseconds{1'100});
  gaps.polled(answer({8, 900}), {}, milliseconds{1'200}, milliseconds{1'200});
  EXPECT_EQ(ranges(gaps).size(), 3U);
  gaps.polled(answer({900}), {}, milliseconds{1'300}, milliseconds{1'300});
  EXPECT_EQ(ranges(gaps), Ranges{});
}

TEST(Gaps, ASlowStatementDoesNotMakeAHoleOlder) {
  Gaps gaps(10);
  gaps.polled(answer({}), ids({3}), seconds{0}, milliseconds{900});
  gaps.polled(answer({}), {}, milliseconds{1'500}, milliseconds{1'500});
  EXPECT_EQ(ranges(gaps).size(), 1U);
  gaps.polled(answer({}), {}, milliseconds{1'900}, milliseconds{1'900});
  EXPECT_EQ(ranges(gaps).size(), 0U);
}

TEST(Gaps, StopsTheWatermarkBelowTheFirstHoleThatDoesNotFit) {
  Gaps gaps(2);
  gaps.polled(answer({}), ids({2, 4, 6, 8}), seconds{0}, seconds{0});
  EXPECT_EQ(ranges(gaps), (Ranges{{1, 1}, {3, 3}}));
  EXPECT_EQ(gaps.watermark(), RowId{4});
}

TEST(Gaps, WhatIsSettledIsNeverListedAgain) {
  Gaps gaps(2);
  PollResult first = answer({});
  first.highest_id = RowId{1'000};
  first.more = true;
  gaps.polled(first, ids({1}), seconds{0}, seconds{0});
  PollResult later = answer({});
  later.more = true;
  gaps.polled(later, ids({10, 20, 30, 40, 50}), seconds{2}, seconds{2});
  EXPECT_EQ(gaps.watermark(), RowId{50});
  EXPECT_EQ(ranges(gaps), Ranges{});
}

TEST(Gaps, AnAnswerThatWasCutOffClosesOnlyWhatItLookedAt) {
  Gaps gaps(10);
  gaps.polled(answer({}), ids({2, 9, 20}), seconds{0}, seconds{0});
  PollResult cut = answer({});
  cut.more = true;
  gaps.polled(cut, ids({5}), seconds{2}, seconds{2});
  EXPECT_EQ(ranges(gaps), (Ranges{{6, 8}, {10, 19}}));
}

TEST(Gaps, ReadsAgainAfterARewind) {
  Gaps gaps(10);
  gaps.polled(answer({}), ids({2, 9, 20}), seconds{0}, seconds{0});
  gaps.rewind(RowId{5});
  EXPECT_EQ(gaps.watermark(), RowId{5});
  EXPECT_EQ(ranges(gaps), (Ranges{{1, 1}, {3, 5}}));
}

TEST(HeldKeys, FreesAKeyWhoseOnlyRowWentAndKeepsOneWithFollowers) {
  HeldKeys held(10, 1);
  held.hold(11, RowId{1}, true, false);
  held.hold(12, RowId{2}, true, false);
  held.hold(12, RowId{3}, false, false);
  EXPECT_EQ(held.first_blocker(12), RowId{2});
  EXPECT_FALSE(held.release(11, RowId{1}));
  EXPECT_FALSE(held.held(11));
  EXPECT_TRUE(held.release(12, RowId{2}));
  EXPECT_TRUE(held.held(12));
}

TEST(HeldKeys, PastItsLimitKeysAreFreedByThePassAlone) {
  HeldKeys held(1, 1);
  held.hold(11, RowId{1}, true, false);
  held.hold(12, RowId{2}, true, false);
  EXPECT_TRUE(held.held(12));
  EXPECT_EQ(held.first_blocker(12), std::nullopt);
  EXPECT_TRUE(held.release(12, RowId{2}));
  EXPECT_TRUE(held.held(12));
  held.begin_pass();
  held.block_in_pass(11, RowId{1}, true);
  held.end_pass();
  EXPECT_TRUE(held.held(11));
  EXPECT_FALSE(held.held(12));
}

TEST(HeldKeys, WhatClosesBehindThePassOutlivesIt) {
  HeldKeys held(10, 1);
  held.begin_pass();
  held.hold(11, RowId{1}, true, true);
  held.hold(12, RowId{50}, true, false);  // the pass will meet it
  EXPECT_TRUE(held.blocked_in_pass(11));
  held.end_pass();
  EXPECT_TRUE(held.held(11));
  EXPECT_FALSE(held.held(12));
}

TEST(HeldKeys, AnEarlierBlockerOfUnknownRankIsNotTakenForTheFirst) {
  HeldKeys held(10, 1);
  held.hold(11, RowId{5}, true, false);
  held.hold(11, RowId{3}, false, false);
  EXPECT_EQ(held.first_blocker(11), std::nullopt);
}

TEST(BloomFilter, NeverForgetsAndSeldomLies) {
  BloomFilter filter(42);
  for (std::uint64_t key = 1; key <= 100'000; ++key) filter.insert(mix_bits(key));
  int lies = 0;
  for (std::uint64_t key = 1; key <= 100'000; ++key) {
    ASSERT_TRUE(filter.contains(mix_bits(key)));
    if (filter.contains(mix_bits(key + 1'000'000))) ++lies;
  }
  EXPECT_LT(lies, 100);
}

TEST(FlightMap, AgreesWithAPlainMapUnderRandomUse) {
  std::mt19937_64 random(7);
  FlightMap map(4);
  std::deque<Flight> flights(200);
  std::set<std::int64_t> inside;
  for (int step = 0; step < 20'000; ++step) {
    const auto id = static_cast<std::int64_t>(random() % flights.size());
    Flight& flight = flights[static_cast<std::size_t>(id)];
    flight.row.id = RowId{id};
    if (inside.contains(id)) {
      map.erase(RowId{id});
      inside.erase(id);
    } else {
      map.insert(&flight);
      inside.insert(id);
    }
    const auto other = static_cast<std::int64_t>(random() % flights.size());
    ASSERT_EQ(map.find(RowId{other}) != nullptr, inside.contains(other));
    ASSERT_EQ(map.size(), inside.size());
  }
}

TEST(LeaseGuard, CountsFromTheStartOfTheLastRenewal) {
  LeaseGuard guard(seconds{6});
  EXPECT_FALSE(guard.may_feed(seconds{0}));
  guard.acquired(Epoch{4}, seconds{10});
  EXPECT_TRUE(guard.may_feed(milliseconds{12'999}));
  EXPECT_FALSE(guard.may_feed(seconds{13}));
  EXPECT_FALSE(guard.must_cut(milliseconds{13'999}));
  EXPECT_TRUE(guard.must_cut(seconds{14}));
  guard.renewed(seconds{12});
  EXPECT_TRUE(guard.may_feed(seconds{14}));
  guard.lost();
  guard.renewed(seconds{14});
  EXPECT_FALSE(guard.may_feed(seconds{14}));
}

TEST(LeaseWatch, WaitsAWholeTtlFromTheFirstLookThatShowedThisBeat) {
  LeaseWatch watch("me", seconds{6});
  LeaseView view{.owner = "other", .epoch = Epoch{1}, .beat = 5};
  EXPECT_FALSE(watch.may_take(view, seconds{0}));
  EXPECT_FALSE(watch.may_take(view, milliseconds{5'999}));
  view.beat = 6;
  EXPECT_FALSE(watch.may_take(view, seconds{6}));
  EXPECT_FALSE(watch.may_take(view, milliseconds{11'999}));
  EXPECT_TRUE(watch.may_take(view, seconds{12}));
  view.owner = "me";
  EXPECT_TRUE(watch.may_take(view, seconds{12}));
  view.owner.clear();
  EXPECT_TRUE(watch.may_take(view, seconds{12}));
}

TEST(RetryWait, DoublesUpToItsMaximumWithinItsJitter) {
  const RetryOptions options;
  Dice dice(3);
  for (int failures = 1; failures < 60; ++failures) {
    const double plain = std::min(10.0 * std::pow(2, failures - 1), 600.0);
    const auto wait = static_cast<double>(retry_wait(options, failures, dice).count()) / 1'000;
    EXPECT_GE(wait, plain * 0.8 - 0.001);
    EXPECT_LE(wait, plain * 1.2);
  }
}

TEST(OutagePause, IsNoneAfterTheFirstFailureThenGrowsToItsMaximum) {
  const Nanoseconds max = milliseconds{500};
  EXPECT_EQ(outage_pause(0, max), Nanoseconds{0});
  EXPECT_EQ(outage_pause(1, max), Nanoseconds{0});
  for (int failures = 1; failures < 100; ++failures) {
    EXPECT_LE(outage_pause(failures, max), outage_pause(failures + 1, max));
  }
  EXPECT_GT(outage_pause(2, max), Nanoseconds{0});
  EXPECT_LT(outage_pause(2, max), milliseconds{50});
  EXPECT_EQ(outage_pause(1'000'000, max), max);
}

// What the shell is told to do next is all that decides how soon a database is found again.
TEST(Pipeline, ReadsAgainAtOnceAfterALostConnectionAndPausesOnlyWhenThatFailsToo) {
  sim::ManualClock clock;
  sim::NoAlerts alerts;
  common::Metrics metrics;
  SourceOptions options;
  options.name = "shop";
  Pipeline pipeline(options, clock, alerts, metrics);
  pipeline.owned(Epoch{1});
  pipeline.rebuilt(Epoch{1});
  const DatabaseError away("away", true);
  const auto next = [&] {
    const ReadStep step = pipeline.next_read();
    return step.kind == ReadStep::Kind::wait ? step.wait_until - clock.steady() : Nanoseconds{0};
  };
  for (int outage = 0; outage < 2; ++outage) {
    ASSERT_EQ(next(), Nanoseconds{0});
    pipeline.read_failed(away);
    ASSERT_EQ(next(), Nanoseconds{0}) << "a lost connection may be all there is";
    pipeline.read_failed(away);
    EXPECT_GT(next(), Nanoseconds{0});
    EXPECT_LE(next(), milliseconds{50});
    for (int failures = 2; failures < 100; ++failures) pipeline.read_failed(away);
    EXPECT_EQ(next(), options.retry_pause) << "a long outage is not hammered";
    clock.now += options.retry_pause;
    ReadStep step = pipeline.next_read();  // it is back
    while (step.kind != ReadStep::Kind::poll) {
      if (step.kind == ReadStep::Kind::due) pipeline.due_found({});
      if (step.kind == ReadStep::Kind::sweep) pipeline.swept({});
      step = pipeline.next_read();
    }
    pipeline.polled(PollResult{}, clock.steady());
    clock.now += std::chrono::seconds{10};
  }
}

TEST(Pipeline, MarksAgainAtOnceAfterALostConnectionAndPausesOnlyWhenThatFailsToo) {
  sim::ManualClock clock;
  sim::NoAlerts alerts;
  common::Metrics metrics;
  SourceOptions options;
  options.name = "shop";
  Pipeline pipeline(options, clock, alerts, metrics, Sabotage{.mark_before_ack = true});
  pipeline.owned(Epoch{1});
  pipeline.rebuilt(Epoch{1});
  const DatabaseError away("away", true);
  for (std::int64_t id = 1; id <= 2; ++id) {  // an outage each
    while (pipeline.next_read().kind != ReadStep::Kind::poll) pipeline.due_found({});
    PollResult found;
    found.rows.resize(1);
    found.rows[0].id = found.last_seen = found.highest_id = RowId{id};
    pipeline.polled(std::move(found), clock.steady());
    ASSERT_EQ(pipeline.next_sink(true).batch.size(), 1U);
    clock.now += milliseconds{100};
    auto work = pipeline.next_marks();
    ASSERT_TRUE(work);
    pipeline.mark_failed(*work, away);
    clock.now += options.mark_linger;
    work = pipeline.next_marks();
    ASSERT_TRUE(work) << "a lost connection may be all there is";
    pipeline.mark_failed(*work, away);
    clock.now += options.mark_linger;
    EXPECT_FALSE(pipeline.next_marks());
    clock.now += milliseconds{50};
    work = pipeline.next_marks();
    ASSERT_TRUE(work);
    pipeline.marked(*work, MarkResult{});
    clock.now += milliseconds{300};
  }
}

TEST(JudgeCheck, OnlyExactAnswersActAndOnlyTheUnknownSpendTheLimit) {
  const CheckOptions options;
  const auto judge = [&](Verdict verdict, CheckHistory history) {
    return judge_check(options, history, CheckBackAnswer{.id = RowId{1}, .verdict = verdict, .detail = "status 404"});
  };
  EXPECT_EQ(judge(Verdict::committed, {}).result, Checked::Result::committed);
  EXPECT_EQ(judge(Verdict::rolled_back, {}).result, Checked::Result::rolled_back);
  const CheckHistory worn{.checks = 500, .unknown_checks = 14, .since_first_check = std::chrono::hours{1}};
  EXPECT_EQ(judge(Verdict::in_progress, worn).result, Checked::Result::ask_again);
  const Checked parked = judge(Verdict::unknown, worn);
  EXPECT_EQ(parked.result, Checked::Result::parked);
  EXPECT_EQ(parked.fail_msg, "check-back unresolved: status 404");
  const CheckHistory old{.checks = 3, .unknown_checks = 0, .since_first_check = std::chrono::hours{24}};
  EXPECT_EQ(judge(Verdict::in_progress, old).result, Checked::Result::parked);
  const Checked not_allowed = judge(Verdict::not_allowed, old);
  EXPECT_EQ(not_allowed.result, Checked::Result::ask_again);
  EXPECT_FALSE(not_allowed.asked);
  EXPECT_EQ(judge(Verdict::in_progress, {}).ask_in, milliseconds{6'000});
  EXPECT_EQ(judge(Verdict::in_progress, {.checks = 2}).ask_in, milliseconds{24'000});
  EXPECT_EQ(judge(Verdict::in_progress, {.checks = 90}).ask_in, milliseconds{60'000});
}

TEST(Breaker, SendsOneProbeAndWaitsLongerEachTime) {
  Breaker breaker(milliseconds{100}, milliseconds{500});
  EXPECT_EQ(breaker.allows(seconds{0}), Breaker::Allows::all);
  breaker.failed(seconds{0});
  EXPECT_EQ(breaker.allows(milliseconds{99}), Breaker::Allows::none);
  EXPECT_EQ(breaker.allows(milliseconds{100}), Breaker::Allows::one);
  breaker.probe_sent();
  EXPECT_EQ(breaker.allows(seconds{9}), Breaker::Allows::none);
  breaker.failed(seconds{10});
  EXPECT_EQ(breaker.allows(milliseconds{10'199}), Breaker::Allows::none);
  EXPECT_EQ(breaker.allows(milliseconds{10'200}), Breaker::Allows::one);
  breaker.succeeded();
  EXPECT_EQ(breaker.allows(milliseconds{10'200}), Breaker::Allows::all);
}

}  // namespace
}  // namespace relay::core
