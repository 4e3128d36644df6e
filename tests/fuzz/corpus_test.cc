// Every input of every corpus through its target, without libFuzzer; and what each target must be able to find.
#include <gtest/gtest.h>

#include "broker/protocol/record_batch_builder.h"
#include "tests/fuzz/corpus.h"
#include "tests/fuzz/target.h"
#include "tests/support/programs.h"

namespace fuzz {
namespace {

constexpr std::size_t kInputsMin = 20;

TEST(FuzzCorpus, EveryInputKeepsItsTargetsPromises) {
  for (const Target& target : targets()) {
    const auto inputs =
        read_corpus(test_support::source_dir() / "tests/fuzz/corpus" / (std::string(target.name) + ".hex"));
    EXPECT_GE(inputs.size(), kInputsMin) << target.name;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_LE(inputs[i].size(), target.input_bytes_max) << target.name << ", line " << i + 1;
      try {
        target.run(inputs[i]);
      } catch (const std::exception& finding) {
        ADD_FAILURE() << target.name << ", line " << i + 1 << ": " << finding.what();
      }
    }
  }
}

TEST(FuzzCorpus, EveryTargetTakesAnything) {
  const std::vector<std::byte> zeros(3000);
  const std::vector<std::byte> ones(3000, std::byte{0xff});
  for (const Target& target : targets()) {
    SCOPED_TRACE(std::string(target.name));
    for (std::size_t size = 0; size < 100; ++size) {
      EXPECT_NO_THROW(target.run(Bytes(zeros).first(size)));
      EXPECT_NO_THROW(target.run(Bytes(ones).first(size)));
    }
    EXPECT_NO_THROW(target.run(zeros));
    EXPECT_NO_THROW(target.run(ones));
  }
}

}  // namespace
}  // namespace fuzz
