// An input is a list of steps, each a number of 16 bits: its two high bits say what is done, the rest how long the
// frame is that follows, or how much time passes.
#include <array>
#include <chrono>

#include "common/log.h"
#include "tests/fuzz/broker_rig.h"
#include "tests/fuzz/input.h"

namespace fuzz {
namespace {

constexpr int kStepsMax = 100;
enum class Step : std::uint16_t { ask_mended, ask, pass_time, disk };

}  // namespace

void fuzz_handlers(Bytes bytes) {
  static const bool quiet = [] {
    common::log::configure(common::log::Level::error, common::log::Format::text);
    return true;
  }();
  (void)quiet;
  Input input(bytes);
  BrokerRig rig;
  for (int count = 0; count < kStepsMax && !input.empty(); ++count) {
    const auto step = input.number<std::uint16_t>();
    const std::uint16_t amount = step & 0x3fffU;
    switch (static_cast<Step>(step >> 14U)) {
      case Step::ask_mended:
        rig.ask(input.take(amount), true);
        break;
      case Step::ask:
        rig.ask(input.take(amount), false);
        break;
      case Step::pass_time:
        rig.pass_time(std::chrono::milliseconds(amount) * 10);
        break;
      case Step::disk:
        rig.set_full((amount & 1U) != 0);
        rig.flush((amount & 2U) == 0);
        break;
    }
  }
  rig.check_at_end();
}

}  // namespace fuzz
