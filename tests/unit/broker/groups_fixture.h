// The coordinator with time in the test's hand, what was journalled, and restarts that know the journal alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/groups.h"
#include "broker/core/state.h"

namespace broker_tests {

using namespace std::chrono_literals;
using broker::core::Generation;
using broker::core::GroupLimits;
using broker::core::GroupPhase;
using broker::core::Groups;
using broker::core::JoinAnswer;
using broker::core::JoinRequest;
using broker::core::MemberRef;
using broker::core::SyncAnswer;
using broker::core::SyncRequest;
using broker::protocol::ErrorCode;
namespace storage = broker::storage;

inline std::vector<std::byte> bytes(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

class GroupsTest : public testing::Test {
 protected:
  Groups make() {
    return Groups(limits_, {.journal =
                                [this](storage::GroupGeneration record) {
                                  journal_.push_back(record);
                                  state_.apply(std::move(record));
                                  return storage::Ticket(journal_.size());
                                },
                            .random_suffix = [this] { return "r" + std::to_string(++suffix_); },
                            .offsets = [this](const std::string& group) -> std::optional<std::size_t> {
                              if (has_offsets_) return 1;
                              if (state_.find_group(group) == nullptr) return std::nullopt;
                              return 0;
                            }});
  }
  // The broker ends and starts again, with all that was journalled, or with its first records only.
  void restart() { restart(journal_.size()); }
  void restart(std::size_t records) {
    journal_.resize(records);
    state_ = broker::core::State();
    for (const auto& record : journal_) state_.apply(record);
    auto fresh = make();
    for (const auto& [name, record] : state_.groups()) fresh.recover(record.whole(), now_);
    groups_ = std::move(fresh);
  }

  static JoinRequest request(std::string member = {}) {
    JoinRequest join;
    join.group = "g";
    join.member = std::move(member);
    join.client_id = "c";
    join.protocol_type = "consumer";
    join.protocols = {{"range", bytes("meta")}};
    join.session_timeout = 10s;
    join.rebalance_timeout = 30s;
    return join;
  }

  void join(JoinRequest join, std::optional<JoinAnswer>& answer) {
    groups_.join(std::move(join), now_, [&answer](JoinAnswer one) { answer = std::move(one); });
  }
  void sync(const JoinAnswer& as, std::optional<SyncAnswer>& answer,
            std::vector<std::pair<std::string, std::vector<std::byte>>> assignments = {}) {
    SyncRequest sync;
    sync.group = "g";
    sync.generation = as.generation;
    sync.member = as.member;
    sync.assignments = std::move(assignments);
    groups_.sync(std::move(sync), now_, [&answer](SyncAnswer one) { answer = std::move(one); });
  }
  void pass(std::chrono::nanoseconds time) {
    const auto end = now_ + time;
    while (groups_.next_deadline() && *groups_.next_deadline() <= end) {
      now_ = std::max(now_, *groups_.next_deadline());
      groups_.advance(now_);
    }
    now_ = end;
  }
  // Joins and is answered at once.
  JoinAnswer joined(JoinRequest request) {
    std::optional<JoinAnswer> answer;
    join(std::move(request), answer);
    EXPECT_TRUE(answer) << "the answer waits";
    return answer.value_or(JoinAnswer());
  }
  SyncAnswer synced(const JoinAnswer& as) {
    std::optional<SyncAnswer> answer;
    sync(as, answer);
    EXPECT_TRUE(answer) << "the answer waits";
    return answer.value_or(SyncAnswer());
  }
  ErrorCode heartbeat(const JoinAnswer& as) { return groups_.heartbeat(ref(as), now_); }
  static MemberRef ref(const JoinAnswer& as) { return {"g", as.generation, as.member, std::nullopt}; }
  GroupPhase phase() { return groups_.find("g")->phase; }

  // Two members, stable; the first leads.
  void two_stable() {
    std::optional<JoinAnswer> a;
    std::optional<JoinAnswer> b;
    join(request(), a);
    join(request(), b);
    pass(1s);
    ASSERT_TRUE(a && b);
    first_ = *a;
    second_ = *b;
    if (first_.leader != first_.member) std::swap(first_, second_);
    std::optional<SyncAnswer> sa;
    std::optional<SyncAnswer> sb;
    sync(second_, sb);
    EXPECT_FALSE(sb);
    sync(first_, sa, {{first_.member, bytes("one")}, {second_.member, bytes("two")}});
    ASSERT_TRUE(sa && sb);
    EXPECT_EQ(sa->assignment, bytes("one"));
    EXPECT_EQ(sb->assignment, bytes("two"));
    EXPECT_EQ(phase(), GroupPhase::stable);
  }

  GroupLimits limits_{.initial_delay = 500ms};
  std::vector<storage::GroupGeneration> journal_;
  broker::core::State state_;
  int suffix_ = 0;
  bool has_offsets_ = false;
  broker::core::Time now_ = 1000s;
  Groups groups_ = make();
  JoinAnswer first_;
  JoinAnswer second_;
};

}  // namespace broker_tests
