// The sweep: a walk over every waiting and dead row from the lowest id up, the only way back for what the fast path
// refused. One turn is a page of headlines, the bodies of those that may go, and a poll; only then the page is judged,
// because a row that became visible after the page may come before one that stands in it.
#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "relay/core/pipeline.h"

namespace relay::core {

using std::chrono::duration;
using std::chrono::milliseconds;

namespace {

constexpr RowId kLowest{std::numeric_limits<std::int64_t>::min()};
constexpr RowId kHighest{std::numeric_limits<std::int64_t>::max()};
constexpr milliseconds kRequestGap{20};
constexpr milliseconds kTopicProbeGap{1'000};

}  // namespace

Nanoseconds Pipeline::next_sweep_at() const {
  if (held_.pass_open()) return next_page_at_;
  if (sweep_requested_) return pass_ended_ + std::max<Nanoseconds>(kRequestGap, pass_took_);
  if (open_topics_ > 0 || partition_waits_)
    return pass_ended_ + std::min<Nanoseconds>(kTopicProbeGap, options_.sweep_interval);
  return pass_ended_ + options_.sweep_interval;
}

void Pipeline::swept(std::vector<Headline> page) {
  database_ok();
  if (turn_.stale) return end_turn();
  turn_.last_page = static_cast<int>(page.size()) < options_.sweep_rows_max;
  turn_.passed = turn_.last_page ? kHighest : page.back().id;
  turn_.page = std::move(page);
  choose_candidates();
  turn_.next = turn_.ids.empty() ? ReadStep::Kind::poll : ReadStep::Kind::load;
}

// A guess at what will be admitted, so that its bodies are there; nothing is decided yet.
void Pipeline::choose_candidates() {
  int room = std::max(1, in_flight_.rows_free() / 2);
  int slots = check_slots();
  std::unordered_set<KeyHash> blocked;
  for (const Headline& headline : turn_.page) {
    if (headline.dead && options_.dead_rows == DeadRows::skip) continue;
    const KeyHash key = key_of(headline.topic, headline.key);
    const Flight* known = in_flight_.find(headline.id);
    if (known != nullptr && !known->blocks()) continue;
    if (!headline.dead && !headline.confirmed && headline.due_in.count() <= 0 &&
        !asked_.contains(headline.id.value()) && slots-- > 0) {
      turn_.ids.push_back(headline.id);
    }
    const TopicMeters& meters = topics_.of(headline.topic);
    const bool free = known == nullptr && !headline.dead && headline.confirmed && headline.due_in.count() <= 0 &&
                      meters.breaker.allows(now()) != Breaker::Allows::none;
    if (key != kNoKey && (held_.blocked_in_pass(key) || blocked.contains(key))) continue;
    if (!free) {
      if (key != kNoKey) blocked.insert(key);
      continue;
    }
    if (room-- <= 0) break;
    turn_.ids.push_back(headline.id);
  }
}

void Pipeline::finish_sweep(PollResult& result, std::vector<SweepItem> deferred) {
  std::vector<SweepItem> page;
  page.reserve(turn_.page.size() + deferred.size());
  for (std::size_t i = 0; i < turn_.page.size(); ++i) {
    const Headline& headline = turn_.page[i];
    page.push_back(SweepItem{
        .id = headline.id, .key = key_of(headline.topic, headline.key), .kind = SweepItem::Kind::headline, .index = i});
  }
  // A row that stands in both: the poll saw it later.
  std::vector<SweepItem> items;
  items.reserve(page.size() + deferred.size());
  const auto lower = [](const SweepItem& left, const SweepItem& right) { return left.id < right.id; };
  std::set_union(deferred.begin(), deferred.end(), page.begin(), page.end(), std::back_inserter(items), lower);

  RowId looked = kHighest;
  if (result.more) {
    looked = result.rows.empty() ? kLowest : result.rows.back().id;
    if (!result.dead.empty()) looked = std::max(looked, result.dead.back().id);
  }
  std::size_t judged = 0;
  for (; judged < items.size(); ++judged) {
    if (items[judged].id > looked || !sweep_item(items[judged], result)) break;
    cursor_ = std::max(cursor_, items[judged].id);
  }
  const bool stopped = judged < items.size();
  for (; judged < items.size(); ++judged) {
    if (items[judged].id <= cursor_) held_.block_in_pass(items[judged].key, items[judged].id, false);
  }
  const Nanoseconds took = now() - turn_.begun;
  next_page_at_ = now() + (pass_requested_ ? took : std::min<Nanoseconds>(took * 9, options_.sweep_interval));
  if (stopped) return;
  if (turn_.last_page) {
    end_pass();
  } else {
    cursor_ = std::max(cursor_, turn_.passed);
  }
}

// False: the window is full, the pass goes on from before this row.
bool Pipeline::sweep_item(const SweepItem& item, PollResult& result) {
  if (item.kind == SweepItem::Kind::blocker) {
    held_.block_in_pass(item.key, item.id, !held_.blocked_in_pass(item.key));
    return true;
  }
  if (item.kind == SweepItem::Kind::headline) return sweep_headline(turn_.page[item.index], item.key);
  if (held_.blocked_in_pass(item.key)) {
    held_.follow_in_pass(item.key);
    return true;
  }
  if (in_flight_.rows_free() <= 0) return false;
  admitting_swept_ = true;
  if (!admit(std::move(result.rows[item.index]), item.key)) held_.block_in_pass(item.key, item.id, true);
  admitting_swept_ = false;
  return true;
}

bool Pipeline::sweep_headline(const Headline& headline, KeyHash key) {
  const bool blocked = key != kNoKey && held_.blocked_in_pass(key);
  const auto block = [&](RowState state) {
    count(headline, state);
    if (blocked) {
      held_.follow_in_pass(key);
    } else {
      held_.block_in_pass(key, headline.id, true);
    }
    return true;
  };
  if (headline.dead) {
    if (options_.dead_rows == DeadRows::hold) return block(RowState::dead);
    count(headline, RowState::dead);
    return true;
  }
  if (const Flight* known = in_flight_.find(headline.id)) {
    if (known->blocks()) return block(RowState::in_flight);
    count(headline, RowState::in_flight);
    return true;
  }
  if (!headline.confirmed) return block(RowState::unclear);
  if (headline.due_in.count() > 0) return block(RowState::retrying);
  if (blocked) return block(RowState::held);

  const auto row = std::lower_bound(turn_.rows.begin(), turn_.rows.end(), headline.id,
                                    [](const Row& candidate, RowId id) { return candidate.id < id; });
  if (row == turn_.rows.end() || row->id != headline.id) {
    const bool asked = std::binary_search(turn_.ids.begin(), turn_.ids.end(), headline.id);
    if (topics_.of(headline.topic).breaker.allows(now()) == Breaker::Allows::none) return block(RowState::held);
    if (!asked || headline.id > turn_.loaded_up_to) return false;
    // Changed since its page was read. Whatever it is now, the next pass sees it.
    held_.block_in_pass(key, headline.id, false);
    return true;
  }
  if (row->due_in.count() > 0) return block(RowState::retrying);
  if (in_flight_.rows_free() <= 0) return false;
  admitting_swept_ = true;
  const bool admitted = admit(std::move(*row), key);
  admitting_swept_ = false;
  if (!admitted) return block(RowState::pending);
  count(headline, RowState::pending);
  return true;
}

void Pipeline::count(const Headline& headline, RowState state) {
  ++topics_.of(headline.topic).counted[static_cast<std::size_t>(state)];
  switch (state) {
    case RowState::pending:
      ++counting_.pending;
      break;
    case RowState::retrying:
      ++counting_.retrying;
      break;
    case RowState::held:
      ++counting_.held;
      break;
    case RowState::unclear:
      ++counting_.unclear;
      break;
    case RowState::in_flight:
      ++counting_.in_flight;
      break;
    case RowState::dead:
      ++counting_.dead;
      break;
  }
  if (state == RowState::dead || headline.created_at.count() <= 0) return;
  if (oldest_counting_.count() == 0 || headline.created_at < oldest_counting_) oldest_counting_ = headline.created_at;
}

void Pipeline::end_pass() {
  held_.end_pass();
  cursor_ = kLowest;
  ++passes_;
  pass_ended_ = now();
  pass_took_ = pass_ended_ - pass_begun_;
  counts_ = counting_;
  counts_at_ = pass_ended_;
  oldest_ = oldest_counting_;
  meters_.sweep_pass_seconds.set(duration<double>(pass_took_).count());
  open_topics_ = 0;
  // A death that was decided but not yet marked is not to be seen in the table.
  const bool failures_marked = failed_.empty() && blocked_.empty() && !marking_failures_;
  topics_.for_each([this, failures_marked](TopicMeters& meters) {
    for (std::size_t state = 0; state < kRowStates; ++state) {
      meters.gauges[state]->set(static_cast<double>(meters.counted[state]));
    }
    // A row that died after this pass had gone by it was counted as what it was before, and one above the watermark,
    // which a doubt or a new epoch puts back, was not met at all.
    const bool quiet = meters.counted[static_cast<std::size_t>(RowState::dead)] == 0 &&
                       meters.counted[static_cast<std::size_t>(RowState::unclear)] == 0 && failures_marked &&
                       meters.alerted_at < pass_begun_ && meters.alerted_up_to <= turn_.up_to;
    if (quiet && !meters.alerts.empty()) {
      for (const std::string& error_class : meters.alerts) resolve(meters.topic, error_class);
      meters.alerts.clear();
      meters.alerted_up_to = RowId{};
    }
    alert_found_dead(meters);
    if (meters.turned_away_at.count() >= 0 && pass_begun_ - meters.turned_away_at >= options_.sweep_interval) {
      resolve(meters.topic, "partition_silent");
      meters.turned_away_at = Nanoseconds{-1};
    }
    if (!meters.breaker.closed()) ++open_topics_;
    meters.counted = {};
  });
}

// They died under another owner or before a restart, which may have come between the death and its alert.
void Pipeline::alert_found_dead(TopicMeters& meters) {
  const std::int64_t dead = meters.counted[static_cast<std::size_t>(RowState::dead)];
  if (dead == 0 || !meters.alerts.empty()) return;
  meters.alerts.insert("dead_messages");
  meters.alerted_at = now();
  alert(meters.topic, "dead_messages",
        "Messages are dead (status 2), and were when this relay took over; their fail_msg says why.", dead);
}

void Pipeline::abandon_pass() {
  held_.abandon_pass();
  cursor_ = kLowest;
  next_page_at_ = now();
  topics_.for_each([](TopicMeters& meters) { meters.counted = {}; });
}

}  // namespace relay::core
