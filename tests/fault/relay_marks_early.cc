// A relay that lies: it says "delivered" the moment a row is handed over. Nothing else about it differs from the
// product, so whatever finds it out would find the product out.
#include <memory>
#include <mutex>
#include <vector>

#include "relay/run.h"

namespace {

using relay::core::Enqueued;
using relay::core::Lane;
using relay::core::PublishOutcome;
using relay::core::Row;

class Liar final : public relay::core::Publisher {
 public:
  explicit Liar(std::unique_ptr<Publisher> honest) : honest_(std::move(honest)) {}

  void on_outcomes(OutcomeHandler handler) override {
    handler_ = std::move(handler);
    honest_->on_outcomes([](const std::vector<PublishOutcome>&) {});  // what really happened does not count
  }
  Enqueued enqueue(const Row& row, Lane lane) override {
    const auto answer = honest_->enqueue(row, lane);
    if (answer == Enqueued::accepted) handler_({{.id = row.id}});
    return answer;
  }
  std::optional<PublishOutcome> refuse(const Row& row) override { return honest_->refuse(row); }
  void cut() override { honest_->cut(); }
  void rebuild(relay::core::Epoch epoch) override { honest_->rebuild(epoch); }
  [[nodiscard]] relay::core::SinkState state() const override {
    auto state = honest_->state();
    state.up = true;
    state.fatal = false;
    return state;
  }

 private:
  std::unique_ptr<Publisher> honest_;
  OutcomeHandler handler_;
};

}  // namespace

int main(int argc, char** argv) {
  return relay::run_program(
      argc, argv, [](std::unique_ptr<relay::core::Publisher> honest) -> std::unique_ptr<relay::core::Publisher> {
        return std::make_unique<Liar>(std::move(honest));
      });
}
