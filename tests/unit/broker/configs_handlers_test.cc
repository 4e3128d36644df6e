// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, by bytes; and that a changed setting is acted on.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broker/protocol/alter_configs.h"
#include "broker/protocol/configs.h"
#include "broker/protocol/describe_configs.h"
#include "broker/protocol/fetch.h"
#include "broker/protocol/record_batch.h"
#include "tests/unit/broker/handlers_fixture.h"

namespace broker_tests {
namespace {

using protocol::ConfigOperation;
using protocol::ConfigResource;
using protocol::ErrorCode;
using Values = std::vector<protocol::AlterableConfig>;
using Edits = std::vector<protocol::IncrementalConfig>;

class ConfigsTest : public HandlersTest {
 protected:
  protocol::DescribeConfigsResult described(const protocol::DescribeConfigsRequest& request, int version) {
    return call<protocol::DescribeConfigsResponse>(request, version).results.at(0);
  }
  static protocol::DescribeConfigsRequest description(ConfigResource type, const std::string& name) {
    protocol::DescribeConfigsRequest request;
    request.resources.push_back({type, name, std::nullopt});
    return request;
  }
  static const protocol::DescribedConfig& of(const protocol::DescribeConfigsResult& result, std::string_view name) {
    const auto found = std::ranges::find(result.configs, name, &protocol::DescribedConfig::name);
    EXPECT_NE(found, result.configs.end()) << name;
    return *found;
  }
  protocol::AlterConfigsResult altered(const Values& values, int version = 2, bool validate_only = false,
                                       ConfigResource type = ConfigResource::topic, const std::string& name = "t") {
    protocol::AlterConfigsRequest request;
    request.resources.push_back({type, name, values});
    request.validate_only = validate_only;
    return call<protocol::AlterConfigsResponse>(request, version).responses.at(0);
  }
  protocol::AlterConfigsResult edited(const Edits& edits, int version = 1, bool validate_only = false,
                                      ConfigResource type = ConfigResource::topic, const std::string& name = "t") {
    protocol::IncrementalAlterConfigsRequest request;
    request.resources.push_back({type, name, edits});
    request.validate_only = validate_only;
    return call<protocol::IncrementalAlterConfigsResponse>(request, version).responses.at(0);
  }
  using Config = std::map<std::string, std::string, std::less<>>;
  const Config& config() { return state.find_topic("t")->config; }
};

TEST_F(ConfigsTest, DescribeConfigsOfATopicByVersions) {
  make_topic("t", 1, {{"max.message.bytes", "10000"}});
  auto request = description(ConfigResource::topic, "t");
  request.include_synonyms = true;
  request.include_documentation = true;
  const auto oldest = described(request, 0);
  EXPECT_EQ(of(oldest, "max.message.bytes").value, "10000");
  EXPECT_FALSE(of(oldest, "max.message.bytes").is_default);
  EXPECT_TRUE(of(oldest, "retention.ms").is_default);
  EXPECT_TRUE(of(oldest, "retention.ms").synonyms.empty());

  const auto newest = described(request, 4);
  const auto& set = of(newest, "max.message.bytes");
  EXPECT_EQ(set.config_source, protocol::ConfigSource::topic);
  EXPECT_EQ(set.config_type, protocol::ConfigType::int32);
  ASSERT_EQ(set.synonyms.size(), 2U);
  EXPECT_EQ(set.synonyms[0].source, protocol::ConfigSource::topic);
  EXPECT_EQ(set.synonyms[1].source, protocol::ConfigSource::default_value);
  EXPECT_EQ(set.synonyms[1].value, "1048588");
  EXPECT_FALSE(set.documentation.value_or("").empty());
  EXPECT_EQ(of(newest, "retention.ms").config_type, protocol::ConfigType::int64);
  EXPECT_EQ(of(newest, "cleanup.policy").config_type, protocol::ConfigType::list);
  EXPECT_EQ(of(newest, "retention.ms").config_source, protocol::ConfigSource::default_value);
  EXPECT_TRUE(of(newest, "outbox.topic.id").read_only);
  EXPECT_EQ(of(newest, "outbox.topic.id").value, core::uuid_text(state.find_topic("t")->id));

  request.include_synonyms = request.include_documentation = false;
  const auto plain = described(request, 4);
  EXPECT_TRUE(of(plain, "max.message.bytes").synonyms.empty());
  EXPECT_EQ(of(plain, "max.message.bytes").documentation, std::nullopt);
}

TEST_F(ConfigsTest, DescribeConfigsShowsTheKeysThatAreAsked) {
  make_topic("t");
  auto request = description(ConfigResource::topic, "t");
  request.resources[0].configuration_keys = {"retention.ms", "no.such"};
  const auto result = described(request, 4);
  ASSERT_EQ(result.configs.size(), 1U);
  EXPECT_EQ(result.configs[0].name, "retention.ms");
  request.resources[0].configuration_keys = std::vector<std::string>{};
  EXPECT_EQ(described(request, 4).configs.size(), core::topic_config_keys().size()) << "an empty list means all";
}

TEST_F(ConfigsTest, DescribeConfigsOfTheBrokerAndOfNothing) {
  auto request = description(ConfigResource::broker, "1");
  request.include_synonyms = request.include_documentation = true;
  const auto result = described(request, 4);
  EXPECT_EQ(of(result, "num.partitions").value, "12");
  EXPECT_EQ(of(result, "num.partitions").config_type, protocol::ConfigType::int32);
  EXPECT_EQ(of(result, "auto.create.topics.enable").config_type, protocol::ConfigType::boolean);
  EXPECT_EQ(of(result, "auto.create.topics.enable").synonyms.size(), 1U);
  EXPECT_TRUE(of(result, "broker.id").documentation);
  for (const auto& one : result.configs) EXPECT_TRUE(one.read_only) << one.name;
  EXPECT_TRUE(described(description(ConfigResource::broker, ""), 0).configs.empty());
  EXPECT_EQ(described(description(ConfigResource::broker, "2"), 4).error_code, ErrorCode::invalid_request);
  EXPECT_EQ(described(description(ConfigResource::broker_logger, "1"), 4).error_code, ErrorCode::invalid_request);
  const auto none = described(description(ConfigResource::topic, "none"), 0);
  EXPECT_EQ(none.error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_NE(none.error_message.value_or("").find("none"), std::string::npos);
}

TEST_F(ConfigsTest, AlterConfigsSetsAllAndResetsTheRest) {
  make_topic("t", 1, {{"retention.ms", "1000"}, {"max.message.bytes", "10000"}});
  EXPECT_EQ(altered({{"retention.ms", "2000"}, {"retention.bytes", "5"}}, 0).error_code, ErrorCode::none);
  EXPECT_EQ(config(), (Config{{"retention.bytes", "5"}, {"retention.ms", "2000"}}));
  EXPECT_EQ(state.find_topic("t")->settings.max_message_bytes, 1'048'588);
  EXPECT_EQ(altered({}, 2, true).error_code, ErrorCode::none);
  EXPECT_EQ(config().size(), 2U) << "only validated";
  EXPECT_EQ(altered({}, 2).error_code, ErrorCode::none);
  EXPECT_TRUE(config().empty());
  core::State replayed;
  for (const auto& record : store.journal()) replayed.apply(record);
  EXPECT_TRUE(replayed.find_topic("t")->config.empty());
}

TEST_F(ConfigsTest, AlterConfigsTakesAllOrNothing) {
  make_topic("t", 1, {{"retention.ms", "1000"}});
  const auto before = store.journal().size();
  for (const auto& [key, value] : {std::pair{"no.such", "1"},
                                   {"cleanup.policy", "compact"},
                                   {"max.message.bytes", "1"},
                                   {"outbox.topic.id", "another"}}) {
    const auto refused = altered({{"retention.ms", "5"}, {key, value}});
    EXPECT_EQ(refused.error_code, ErrorCode::invalid_config) << key;
    EXPECT_NE(refused.error_message.value_or("").find(key), std::string::npos) << *refused.error_message;
  }
  EXPECT_EQ(altered({{"retention.ms", std::nullopt}}).error_code, ErrorCode::invalid_request);
  EXPECT_EQ(altered({{"retention.ms", "5"}, {"retention.ms", "6"}}).error_code, ErrorCode::invalid_request);
  EXPECT_EQ(altered({}, 2, false, ConfigResource::topic, "none").error_code, ErrorCode::unknown_topic_or_partition);
  const auto of_broker = altered({{"num.partitions", "3"}}, 2, false, ConfigResource::broker, "1");
  EXPECT_EQ(of_broker.error_code, ErrorCode::invalid_request);
  EXPECT_NE(of_broker.error_message.value_or("").find("configuration file"), std::string::npos);
  EXPECT_EQ(altered({}, 0, false, ConfigResource::broker_logger, "1").error_code, ErrorCode::invalid_request);
  EXPECT_EQ(store.journal().size(), before);

  const auto own_id = core::uuid_text(state.find_topic("t")->id);
  EXPECT_EQ(altered({{"retention.ms", "1000"}, {"outbox.topic.id", own_id}}).error_code, ErrorCode::none)
      << "what was read may be written back";
  EXPECT_EQ(store.journal().size(), before) << "nothing changed, nothing is journalled";
}

TEST_F(ConfigsTest, AResourceNamedTwiceIsRefused) {
  make_topic("t");
  protocol::AlterConfigsRequest request;
  request.resources = {{ConfigResource::topic, "t", {{"retention.ms", "1"}}}, {ConfigResource::topic, "t", {}}};
  for (const auto& one : call<protocol::AlterConfigsResponse>(request, 1).responses) {
    EXPECT_EQ(one.error_code, ErrorCode::invalid_request);
  }
  EXPECT_TRUE(config().empty());
}

TEST_F(ConfigsTest, IncrementalAlterConfigsChangesWhatIsNamed) {
  make_topic("t", 1, {{"retention.ms", "1000"}});
  EXPECT_EQ(edited({{"max.message.bytes", ConfigOperation::set, "10000"}}, 0).error_code, ErrorCode::none);
  EXPECT_EQ(config(), (Config{{"max.message.bytes", "10000"}, {"retention.ms", "1000"}}));
  EXPECT_EQ(edited({{"retention.ms", ConfigOperation::remove, std::nullopt}}, 1, true).error_code, ErrorCode::none);
  EXPECT_EQ(config().size(), 2U) << "only validated";
  EXPECT_EQ(edited({{"retention.ms", ConfigOperation::remove, std::nullopt}}, 1).error_code, ErrorCode::none);
  EXPECT_EQ(config(), (Config{{"max.message.bytes", "10000"}}));
}

TEST_F(ConfigsTest, IncrementalAlterConfigsKnowsLists) {
  make_topic("t");
  EXPECT_EQ(edited({{"cleanup.policy", ConfigOperation::append, "delete"}}).error_code, ErrorCode::none);
  EXPECT_EQ(config(), (Config{{"cleanup.policy", "delete"}})) << "it was there already";
  const auto compact = edited({{"cleanup.policy", ConfigOperation::append, "compact"}});
  EXPECT_EQ(compact.error_code, ErrorCode::invalid_config);
  EXPECT_NE(compact.error_message.value_or("").find("does not compact"), std::string::npos);
  EXPECT_EQ(edited({{"cleanup.policy", ConfigOperation::subtract, "delete"}}).error_code, ErrorCode::invalid_config);
  const auto no_list = edited({{"retention.ms", ConfigOperation::append, "1"}});
  EXPECT_EQ(no_list.error_code, ErrorCode::invalid_config);
  EXPECT_NE(no_list.error_message.value_or("").find("no list"), std::string::npos);
}

TEST_F(ConfigsTest, IncrementalAlterConfigsRefusesInWords) {
  make_topic("t");
  EXPECT_EQ(edited({{"retention.ms", ConfigOperation::set, std::nullopt}}).error_code, ErrorCode::invalid_request);
  EXPECT_EQ(edited({{"retention.ms", ConfigOperation(9), "1"}}).error_code, ErrorCode::invalid_request);
  EXPECT_EQ(edited({{"no.such", ConfigOperation::remove, std::nullopt}}).error_code, ErrorCode::invalid_config);
  EXPECT_EQ(edited({{"outbox.topic.id", ConfigOperation::remove, std::nullopt}}).error_code, ErrorCode::invalid_config);
  EXPECT_EQ(
      edited({{"retention.ms", ConfigOperation::set, "1"}, {"retention.ms", ConfigOperation::set, "2"}}).error_code,
      ErrorCode::invalid_request);
  EXPECT_EQ(edited({}, 0, false, ConfigResource::broker, "1").error_code, ErrorCode::invalid_request);
  EXPECT_EQ(edited({}, 1, false, ConfigResource::topic, "none").error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_TRUE(config().empty());
}

TEST_F(ConfigsTest, AnswersWaitForTheChange) {
  make_topic("t");
  store.set_durable_at_once(false);
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({ConfigResource::topic, "t", {{"retention.ms", ConfigOperation::set, "1"}}});
  const auto changed = ask(request, 1);
  EXPECT_EQ(changed->ticket(), storage::Ticket(2));
  EXPECT_EQ(ask(description(ConfigResource::topic, "t"), 4)->ticket(), storage::Ticket(2));
}

TEST_F(ConfigsTest, ChangedSettingsAreActedOnAtOnce) {
  make_topic("t");
  const auto produce = [&](const std::vector<std::byte>& records) {
    protocol::ProduceRequest request;
    request.acks = -1;
    request.topics.push_back({"t", {{0, protocol::BytesView(records)}}});
    return call<protocol::ProduceResponse>(request, 9).topics.at(0).partitions.at(0);
  };
  EXPECT_EQ(produce(protocol::plain_batch(1, 500)).log_append_time_ms, -1);
  EXPECT_EQ(edited({{"max.message.bytes", ConfigOperation::set, "300"},
                    {"message.timestamp.type", ConfigOperation::set, "LogAppendTime"}})
                .error_code,
            ErrorCode::none);
  EXPECT_EQ(produce(protocol::plain_batch(1, 500)).error_code, ErrorCode::message_too_large);
  EXPECT_EQ(produce(protocol::plain_batch(2, 10, 5)).log_append_time_ms, 1'700'000'000'000);
  EXPECT_EQ(edited({{"message.timestamp.type", ConfigOperation::remove, std::nullopt}}).error_code, ErrorCode::none);
  EXPECT_EQ(produce(protocol::plain_batch(1, 10, 5)).log_append_time_ms, -1);

  protocol::FetchRequest fetch;
  fetch.topics.emplace_back();
  fetch.topics[0].topic = "t";
  fetch.topics[0].partitions.emplace_back();
  fetch.topics[0].partitions[0].partition_max_bytes = 1 << 20;
  const auto response = call<protocol::FetchResponse>(fetch, 11);
  protocol::BatchIterator batches(response.topics.at(0).partitions.at(0).records->span());
  std::vector<std::pair<bool, std::int64_t>> times;
  while (const auto batch = batches.next()) {
    EXPECT_TRUE(protocol::crc_matches(*batch)) << "the CRC was made anew";
    times.emplace_back(batch->log_append_time(), batch->max_timestamp_ms);
  }
  EXPECT_EQ(times, (std::vector<std::pair<bool, std::int64_t>>{
                       {false, 1'700'000'000'000}, {true, 1'700'000'000'000}, {false, 5}}));
}

}  // namespace
}  // namespace broker_tests
