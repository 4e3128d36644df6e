// Every message in every version: what is encoded decodes to the same, no damage crashes or makes it allocate much.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "broker/protocol/api_table.h"
#include "broker/protocol/codec.h"
#include "tests/unit/protocol/allocations.h"
#include "tests/unit/protocol/filler.h"
#include "tests/unit/protocol/messages.h"
#include "tests/unit/protocol/seed.h"

namespace broker::protocol {
namespace {

constexpr DecodeLimits kUnlimited{.elements_max = UINT32_MAX, .allocation_factor = 1U << 20U};

template <class Case>
class Codec : public ::testing::Test {
 public:
  // Calls `check(message, encoded, version)` for `count` random messages of each version.
  template <class Check>
  void for_random_messages(int count, Check check) {
    for (std::int16_t number = Case::kMin; number <= Case::kMax; ++number) {
      const ApiVersion version{number};
      for (int round = 0; round < count && !::testing::Test::HasFailure(); ++round) {
        const std::uint64_t seed = test_seed() + static_cast<std::uint64_t>(round);
        SCOPED_TRACE("version " + std::to_string(number) + ", round " + std::to_string(round));
        Filler filler(seed, {number, is_flexible(Case::Message::kKey, version)});
        typename Case::Message message;
        filler.fill(message);
        check(message, encode(message, version), version);
      }
    }
  }
};

TYPED_TEST_SUITE_P(Codec);

TYPED_TEST_P(Codec, DecodesWhatItEncoded) {
  this->for_random_messages(100, [](const auto& message, const std::vector<std::byte>& bytes, ApiVersion version) {
    EXPECT_EQ(bytes.size(), encoded_size(message, version));
    const auto decoded = decode<typename TypeParam::Message>(bytes, version, kUnlimited);
    ASSERT_TRUE(decoded) << name(decoded.error);
    EXPECT_EQ(decoded.trailing_bytes, 0U);
    EXPECT_TRUE(decoded.message == message);
  });
}

TYPED_TEST_P(Codec, RefusesEveryTruncation) {
  this->for_random_messages(5, [](const auto&, const std::vector<std::byte>& bytes, ApiVersion version) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      // A copy of its own size, so that a sanitizer sees a read beyond it.
      const std::vector<std::byte> prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(decode<typename TypeParam::Message>(prefix, version, kUnlimited)) << size << " bytes";
    }
  });
}

TYPED_TEST_P(Codec, SurvivesDamageWithinItsBudget) {
  using Message = typename TypeParam::Message;
  std::mt19937_64 random(test_seed());
  this->for_random_messages(20, [&](const auto&, const std::vector<std::byte>& bytes, ApiVersion version) {
    for (int round = 0; round < 20; ++round) {
      std::vector<std::byte> damaged = bytes;
      damaged.resize(std::max<std::size_t>(1, damaged.size() + random() % 9) -
                     std::min<std::size_t>(random() % 5, damaged.size()));
      for (auto hits = 1 + random() % 3; hits > 0 && !damaged.empty(); --hits) {
        const bool extreme = random() % 2 == 0;
        damaged[random() % damaged.size()] = extreme ? std::byte{0xff} : static_cast<std::byte>(random());
      }
      const DecodeLimits limits;
      std::size_t allocated = 0;
      Decoded<Message> decoded;
      {
        const AllocationCount count;
        decoded = decode<Message>(damaged, version);
        allocated = count.bytes();
      }
      EXPECT_LE(allocated, std::max(limits.allocation_floor_bytes, limits.allocation_factor * damaged.size()));
      if (!decoded) continue;
      const std::vector<std::byte> again = encode(decoded.message, version);
      const auto second = decode<Message>(again, version, kUnlimited);
      ASSERT_TRUE(second) << name(second.error);
      EXPECT_TRUE(encode(second.message, version) == again);
    }
  });
}

TYPED_TEST_P(Codec, SurvivesNoise) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::byte> noise(random() % 200);
    const bool sparse = random() % 2 == 0;  // zeros lead deeper than noise does
    for (std::byte& octet : noise) octet = sparse && random() % 4 != 0 ? std::byte{} : static_cast<std::byte>(random());
    for (std::int16_t number = TypeParam::kMin; number <= TypeParam::kMax; ++number) {
      static_cast<void>(decode<typename TypeParam::Message>(noise, ApiVersion{number}));
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(Codec, DecodesWhatItEncoded, RefusesEveryTruncation, SurvivesDamageWithinItsBudget,
                            SurvivesNoise);
INSTANTIATE_TYPED_TEST_SUITE_P(Data, Codec, DataMessages);
INSTANTIATE_TYPED_TEST_SUITE_P(Cluster, Codec, ClusterMessages);
INSTANTIATE_TYPED_TEST_SUITE_P(Group, Codec, GroupMessages);
INSTANTIATE_TYPED_TEST_SUITE_P(GroupAdmin, Codec, GroupAdminMessages);
INSTANTIATE_TYPED_TEST_SUITE_P(Admin, Codec, AdminMessages);

}  // namespace
}  // namespace broker::protocol
