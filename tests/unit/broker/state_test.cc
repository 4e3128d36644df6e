// The state machine: replaying the journal, or a snapshot and what came after it, gives the state that lived.
#include "broker/core/state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "broker/storage/file.h"
#include "tests/unit/broker/memory_store.h"

namespace broker_tests {
namespace {

namespace storage = broker::storage;
using broker::core::State;

storage::TopicId id_of(int n) {
  storage::TopicId id{};
  id[0] = static_cast<std::uint8_t>(n);
  id[15] = 1;
  return id;
}

// Random but plausible records: topics come, change and go; producers, groups and epochs refer to some of them.
class Scribe {
 public:
  explicit Scribe(std::uint32_t seed) : random_(seed) {}

  storage::Record next() {
    const int topic = pick(5);
    const storage::PartitionRef partition{id_of(topic), storage::PartitionIndex(pick(3))};
    switch (pick(12)) {
      case 0:
        return storage::TopicMade{id_of(topic), "t" + std::to_string(topic), 3, {{"retention.ms", "1000"}}};
      case 1:
        return pick(4) != 0 ? storage::Record(storage::ProducerIdBlock{storage::ProducerId(1000 * ++blocks_)})
                            : storage::Record(storage::TopicDeleted{id_of(topic)});
      case 2:
        return storage::PartitionsAdded{id_of(topic), 3 + pick(4)};
      case 3:
        return config(topic);
      case 4:
      case 5:
        return offset(partition);
      case 6:
        return group();
      case 7:
        return storage::EpochStarted{++epoch_, {{partition, storage::Offset(base_)}}};
      default:
        return append(partition);
    }
  }

 private:
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  storage::Record config(int topic) {
    if (pick(2) == 0) return storage::ConfigSet{id_of(topic), "retention.ms", std::nullopt};
    return storage::ConfigSet{id_of(topic), "max.message.bytes", std::to_string(10'000 + pick(100))};
  }
  storage::Record offset(const storage::PartitionRef& partition) {
    return storage::GroupOffset{
        "g" + std::to_string(pick(3)), partition, storage::Offset(pick(20) - 1), 1, "note", base_};
  }
  storage::Record group() {
    const auto name = "g" + std::to_string(pick(3));
    if (pick(6) == 0) {
      return storage::GroupState{name, pick(100), "consumer", "range", "m", {{"i1", "m"}}, pick(5) == 0};
    }
    storage::GroupGeneration record;
    record.group = name;
    record.generation = pick(100);
    record.phase = static_cast<storage::GroupPhase>(pick(5));
    record.protocol_type = "consumer";
    record.protocol = "range";
    record.leader = "m" + std::to_string(pick(4));
    record.whole = pick(3) == 0;
    if (!record.whole && pick(2) == 0) record.removed.push_back("m" + std::to_string(pick(4)));
    for (int left = pick(3); left > 0; --left) record.members.push_back(member());
    return record;
  }
  storage::GroupMember member() {
    storage::GroupMember one;
    one.id = "m" + std::to_string(pick(4));
    if (pick(2) == 0) one.instance = "i" + std::to_string(pick(4));
    one.client_id = "c";
    one.client_host = "127.0.0.1";
    one.session_timeout_ms = pick(10'000);
    one.rebalance_timeout_ms = pick(10'000);
    one.protocols = {{"range", {std::byte{'r'}}}};
    one.assignment.assign(static_cast<std::size_t>(pick(3)), std::byte{'a'});
    return one;
  }
  storage::Record append(const storage::PartitionRef& partition) {
    const int count = 1 + pick(5);
    base_ += count;
    return storage::Append{partition,
                           storage::Offset(base_),
                           count,
                           base_,
                           base_,
                           storage::ProducerId(pick(6) - 1),
                           static_cast<std::int16_t>(pick(2)),
                           pick(1000),
                           {}};
  }

  std::mt19937 random_;
  std::int64_t base_ = 0;
  std::int64_t blocks_ = 0;
  std::int32_t epoch_ = 0;
};

TEST(State, ReplayGivesTheStateThatLived) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scribe scribe(seed);
    State lived;
    std::vector<storage::Record> journal;
    for (int i = 0; i < 400; ++i) {
      journal.push_back(scribe.next());
      lived.apply(journal.back());
    }
    State replayed;
    for (const auto& record : journal) replayed.apply(record);
    ASSERT_EQ(to_text(replayed.snapshot()), to_text(lived.snapshot()));
    ASSERT_EQ(replayed.partition_count(), lived.partition_count());
  }
}

TEST(State, SnapshotAndTheRestGiveTheStateThatLived) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scribe scribe(seed);
    State lived;
    State checkpointed;
    for (int i = 0; i < 400; ++i) {
      const auto record = scribe.next();
      lived.apply(record);
      if (i < 200) continue;
      if (i == 200) {
        for (const auto& kept : lived.snapshot()) checkpointed.apply(kept);
      } else {
        checkpointed.apply(record);
      }
    }
    ASSERT_EQ(to_text(checkpointed.snapshot()), to_text(lived.snapshot()));
    ASSERT_EQ(checkpointed.partition_count(), lived.partition_count());
  }
}

TEST(State, DeletedTopicTakesItsOffsetsAndProducersWithIt) {
  State state;
  state.apply(storage::TopicMade{id_of(1), "t", 1, {}});
  const storage::PartitionRef partition{id_of(1), storage::PartitionIndex(0)};
  state.apply(storage::GroupOffset{"g", partition, storage::Offset(3), -1, "", 0});
  state.apply(storage::Append{partition, storage::Offset(0), 1, 0, 0, storage::ProducerId(5), 0, 0, {}});
  EXPECT_EQ(state.producers().size(), 1U);
  state.apply(storage::TopicDeleted{id_of(1)});
  EXPECT_EQ(state.find_topic("t"), nullptr);
  EXPECT_EQ(state.producers().size(), 0U);
  EXPECT_TRUE(state.find_group("g")->offsets.empty());
  EXPECT_EQ(state.partition_count(), 0);
}

TEST(State, GroupOfTheOldFormatKeepsItsGenerationAndOffsetsAndHasNoMembers) {
  State state;
  state.apply(storage::TopicMade{id_of(1), "t", 1, {}});
  const storage::PartitionRef partition{id_of(1), storage::PartitionIndex(0)};
  state.apply(storage::GroupOffset{"g", partition, storage::Offset(3), -1, "", 0});
  state.apply(storage::GroupState{"g", 7, "consumer", "range", "m-1", {{"i-1", "m-1"}}, false});
  const auto& group = *state.find_group("g");
  EXPECT_EQ(group.state.generation, 7);
  EXPECT_EQ(group.state.phase, storage::GroupPhase::empty);
  EXPECT_TRUE(group.members.empty());
  EXPECT_EQ(group.offsets.size(), 1U);
  state.apply(storage::GroupState{"g", 7, "consumer", "range", "m-1", {}, true});
  EXPECT_EQ(state.find_group("g"), nullptr);
}

TEST(State, GroupsChangesComeOnTopOfItsGeneration) {
  State state;
  storage::GroupMember one;
  one.id = "m-1";
  auto two = one;
  two.id = "m-2";
  storage::GroupGeneration record;
  record.group = "g";
  record.generation = 4;
  record.phase = storage::GroupPhase::stable;
  record.members = {one, two};
  state.apply(record);
  auto three = two;
  three.id = "m-3";
  record.whole = false;
  record.phase = storage::GroupPhase::preparing_rebalance;
  record.removed = {"m-2"};
  record.members = {three};
  state.apply(record);
  const auto whole = state.find_group("g")->whole();
  ASSERT_EQ(whole.members.size(), 2U);
  EXPECT_EQ(whole.members[0].id, "m-1");
  EXPECT_EQ(whole.members[1].id, "m-3");
  EXPECT_EQ(whole.phase, storage::GroupPhase::preparing_rebalance);
  EXPECT_TRUE(whole.whole);
  EXPECT_TRUE(whole.removed.empty());
  record.phase = storage::GroupPhase::dead;
  state.apply(record);
  EXPECT_EQ(state.find_group("g"), nullptr);
}

TEST(State, ASecondTopicOfTheSameNameIsNotTaken) {
  State state;
  state.apply(storage::TopicMade{id_of(1), "t", 1, {}});
  state.apply(storage::TopicMade{id_of(2), "t", 5, {}});
  EXPECT_EQ(state.find_topic(id_of(2)), nullptr);
  EXPECT_EQ(state.find_topic("t"), state.find_topic(id_of(1)));
  EXPECT_EQ(state.partition_count(), 1);
}

TEST(State, ASettingThatNoProgramOfOursStoresIsRefusedNotAborted) {
  State state;
  EXPECT_THROW(state.apply(storage::TopicMade{id_of(1), "t", 1, {{"retention.ms", "soon"}}}), storage::CorruptError);
  EXPECT_NO_THROW(state.apply(storage::TopicMade{id_of(2), "u", 1, {{"retention.ms", "1"}, {"unknown", "soon"}}}));
}

TEST(State, EpochWithoutAppendsLeavesNoTrace) {
  State state;
  state.apply(storage::TopicMade{id_of(1), "t", 1, {}});
  const storage::PartitionRef partition{id_of(1), storage::PartitionIndex(0)};
  for (int epoch = 1; epoch <= 100; ++epoch) {
    state.apply(storage::EpochStarted{epoch, {{partition, storage::Offset(epoch < 50 ? 0 : 9)}}});
  }
  EXPECT_EQ(*state.epoch_starts(partition), (State::EpochStarts{{49, storage::Offset(0)}, {100, storage::Offset(9)}}));
}

}  // namespace
}  // namespace broker_tests
