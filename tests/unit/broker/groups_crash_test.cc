// Random lives of a group whose broker crashes at any record of the journal: clients that join, heartbeat, commit,
// leave, die and come back, frames that become durable late, answers that are lost with them. Whatever happens, what a
// client was told holds after the crash, and who stays alive is in a stable generation again soon.
#include <gtest/gtest.h>

#include <deque>
#include <iostream>
#include <random>
#include <set>
#include <utility>

#include "broker/core/groups.h"
#include "broker/core/state.h"
#include "tests/support/seed.h"

namespace broker_tests {
namespace {

using namespace std::chrono_literals;
using broker::core::Generation;
using broker::core::GroupPhase;
using broker::core::Groups;
using broker::core::JoinAnswer;
using broker::core::SyncAnswer;
using broker::core::Time;
using broker::protocol::ErrorCode;
namespace storage = broker::storage;

constexpr auto kStep = 100ms;
constexpr auto kSession = 3s;
constexpr auto kRebalance = 5s;
constexpr int kHeartbeatSteps = 7;

std::vector<std::byte> bytes(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

struct Client {
  enum class Does { nothing, joins, syncs, works };
  std::optional<std::string> instance;
  std::string member;  // empty: none yet
  Generation generation{-1};
  std::vector<std::byte> assignment;
  Does does = Does::nothing;
  bool alive = true;
  std::uint64_t asked = 0;  // answers to older questions are dropped
};

// The broker's groups, a journal of which the last records may be lost, and the clients.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), groups_(make()) {
    for (int i = 0; i < 4; ++i) clients_.emplace_back();
    clients_[0].instance = "static-0";
    clients_[1].instance = "static-1";
  }

  void step() {
    now_ += kStep;
    ++steps_;
    if (pick(3) == 0) durable_ = journal_.size();
    groups_.advance(now_);
    for (auto& client : clients_) act(client);
    release_answers();
  }
  // Every frame up to the durable one is kept, each later one perhaps.
  void crash() {
    const auto kept = durable_ + pick(journal_.size() - durable_ + 1);
    lost_ += journal_.size() - kept;
    journal_.resize(kept);
    durable_ = kept;
    waiting_.clear();
    state_ = broker::core::State();
    for (const auto& record : journal_) state_.apply(record);
    groups_ = make();
    for (const auto& [name, record] : state_.groups()) groups_.recover(record.whole(), now_);
    for (auto& client : clients_) {
      check_after_crash(client);
      ++client.asked;
      // What was asked is lost with its connection: joining and synchronising clients join again under their ids.
      if (client.does != Client::Does::works) client.does = Client::Does::nothing;
    }
  }
  void disturb() {
    auto& client = clients_[pick(clients_.size())];
    switch (pick(4)) {
      case 0:
        client.alive = !client.alive;
        if (client.alive) start_anew(client);
        return;
      case 1:
        if (!client.member.empty() && client.alive) {
          (void)groups_.leave("g", {{client.member, client.instance}}, now_);
          start_anew(client);
          client.alive = false;
        }
        return;
      case 2:
        if (client.alive) start_anew(client);  // its process starts again: a static member takes its own place
        return;
      default:
        return;
    }
  }
  void revive() {
    for (auto& client : clients_) {
      if (!client.alive) start_anew(client);
      client.alive = true;
    }
  }
  [[nodiscard]] bool settled() const {
    const auto* group = groups_.find("g");
    if (group == nullptr || group->phase != GroupPhase::stable) return false;
    std::set<std::vector<std::byte>> assigned;
    for (const auto& client : clients_) {
      if (client.does != Client::Does::works || client.generation != group->generation) return false;
      assigned.insert(client.assignment);
    }
    return assigned.size() == clients_.size() && group->members.size() == clients_.size();
  }
  [[nodiscard]] Generation generation() const { return groups_.find("g")->generation; }
  [[nodiscard]] std::size_t records() const { return journal_.size(); }
  [[nodiscard]] std::size_t lost() const { return lost_; }
  void make_durable() { durable_ = journal_.size(); }

 private:
  Groups make() {
    return Groups({.initial_delay = 300ms},
                  {.journal =
                       [this](storage::GroupGeneration record) {
                         journal_.push_back(record);
                         state_.apply(std::move(record));
                         return storage::Ticket(journal_.size());
                       },
                   .random_suffix = [this] { return std::to_string(++suffix_); },
                   .offsets = [](const std::string&) { return std::optional<std::size_t>(1); }});
  }
  std::size_t pick(std::size_t below) { return random_() % below; }

  void start_anew(Client& client) {
    ++client.asked;
    client.member.clear();
    client.generation = Generation(-1);
    client.assignment.clear();
    client.does = Client::Does::nothing;
  }

  // An answer leaves when its ticket is durable, and reaches only who still waits for it.
  template <class Then>
  void when_durable(storage::Ticket ticket, const Client& client, Then then) {
    waiting_.push_back({ticket, [&client, asked = client.asked, then = std::move(then)] {
                          if (client.alive && client.asked == asked) then();
                        }});
  }
  void release_answers() {
    while (!waiting_.empty() && waiting_.front().first.value() <= durable_) {
      const auto answer = std::move(waiting_.front().second);
      waiting_.pop_front();
      answer();
    }
  }

  void act(Client& client) {
    if (!client.alive) return;
    if (client.does == Client::Does::nothing) join(client);
    if (client.does == Client::Does::works && (steps_ + client.asked) % kHeartbeatSteps == 0) heartbeat(client);
  }

  void join(Client& client) {
    client.does = Client::Does::joins;
    broker::core::JoinRequest request;
    request.group = "g";
    request.member = client.member;
    request.instance = client.instance;
    request.client_id = "c";
    request.protocol_type = "consumer";
    request.protocols = {{"range", bytes("topics")}};
    request.session_timeout = kSession;
    request.rebalance_timeout = kRebalance;
    request.id_first = true;
    groups_.join(std::move(request), now_, [this, &client](JoinAnswer answer) {
      const auto ticket = answer.ticket;
      when_durable(ticket, client, [this, &client, answer = std::move(answer)] { joined(client, answer); });
    });
  }
  void joined(Client& client, const JoinAnswer& answer) {
    client.does = Client::Does::nothing;
    if (answer.error == ErrorCode::member_id_required) {
      client.member = answer.member;
    } else if (answer.error == ErrorCode::unknown_member_id || answer.error == ErrorCode::fenced_instance_id) {
      start_anew(client);
    } else if (answer.error == ErrorCode::none) {
      EXPECT_GE(answer.generation, client.generation) << "generations never go back";
      client.member = answer.member;
      client.generation = answer.generation;
      sync(client, answer);
    }
  }
  void sync(Client& client, const JoinAnswer& as) {
    client.does = Client::Does::syncs;
    broker::core::SyncRequest request;
    request.group = "g";
    request.generation = as.generation;
    request.member = as.member;
    request.instance = client.instance;
    for (const auto& member : as.members) {
      const auto what = std::to_string(as.generation.value()) + "/" + member.instance.value_or(member.id);
      if (!as.skip_assignment) request.assignments.emplace_back(member.id, bytes(what));
    }
    groups_.sync(std::move(request), now_, [this, &client](SyncAnswer answer) {
      const auto ticket = answer.ticket;
      when_durable(ticket, client, [this, &client, answer = std::move(answer)] {
        client.does = answer.error == ErrorCode::none ? Client::Does::works : Client::Does::nothing;
        client.assignment = answer.assignment;
        if (answer.error == ErrorCode::unknown_member_id) start_anew(client);
      });
    });
  }
  void heartbeat(Client& client) {
    const auto error = groups_.heartbeat({"g", client.generation, client.member, client.instance}, now_);
    when_durable(groups_.ticket(), client, [this, &client, error] {
      if (error == ErrorCode::rebalance_in_progress) client.does = Client::Does::nothing;
      if (error == ErrorCode::unknown_member_id || error == ErrorCode::illegal_generation ||
          error == ErrorCode::fenced_instance_id) {
        start_anew(client);
      }
    });
  }

  // What the client was told was durable, so it is known.
  void check_after_crash(const Client& client) {
    if (client.generation.value() < 0) return;
    const auto* group = groups_.find("g");
    ASSERT_NE(group, nullptr);
    EXPECT_GE(group->generation, client.generation);
    if (client.does != Client::Does::works || !client.alive) return;
    if (group->generation != client.generation || group->phase != GroupPhase::stable) return;
    const auto member = group->members.find(client.member);
    if (member == group->members.end()) return;  // expired, or replaced by itself
    EXPECT_EQ(member->second.data.assignment, client.assignment);
  }

  std::mt19937_64 random_;
  Time now_ = 1000s;
  std::size_t steps_ = 0;
  std::vector<storage::GroupGeneration> journal_;
  std::size_t durable_ = 0;
  std::size_t lost_ = 0;
  broker::core::State state_;
  int suffix_ = 0;
  Groups groups_;
  std::vector<Client> clients_;
  std::deque<std::pair<storage::Ticket, std::function<void()>>> waiting_;
};

// Everybody has a place again within a session, a rebalance and what the steps cost.
bool settles(World& world) {
  for (auto left = (kSession + kRebalance + kRebalance) / kStep; left > 0; --left) {
    world.step();
    if (world.settled()) return true;
  }
  return false;
}

TEST(GroupsCrash, WhatWasToldHoldsAndTheLivingSettle) {
  const auto first = test_support::seed();
  std::size_t records = 0;
  std::size_t lost = 0;
  for (std::uint64_t seed = first; seed < first + 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    World world(seed);
    for (int life = 0; life < 20; ++life) {
      for (auto steps = random() % 40; steps > 0; --steps) {
        world.step();
        if (random() % 8 == 0) world.disturb();
      }
      world.crash();
      if (testing::Test::HasFailure()) return;
    }
    world.revive();
    ASSERT_TRUE(settles(world));
    records += world.records();
    lost += world.lost();
  }
  std::cout << records << " records kept, " << lost << " lost in crashes\n";
  EXPECT_GT(lost, 50U) << "the crashes must have had something to take";
}

TEST(GroupsCrash, AGroupThatIsStableWhenTheBrokerFallsSeesNoRebalance) {
  World world(7);
  ASSERT_TRUE(settles(world));
  world.make_durable();
  const auto generation = world.generation();
  for (int crash = 0; crash < 10; ++crash) {
    world.crash();
    for (int step = 0; step < 60; ++step) world.step();
    EXPECT_TRUE(world.settled());
    EXPECT_EQ(world.generation(), generation);
  }
}

}  // namespace
}  // namespace broker_tests
