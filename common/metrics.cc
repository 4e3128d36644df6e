// The registry of metrics and its text: families by name, in each a handle for every set of labels.
#include "common/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <mutex>
#include <type_traits>
#include <variant>

#include "common/ensure.h"
#include "common/text.h"

namespace common {
namespace {

constexpr std::size_t kLabelSetsMax = 1000;
constexpr std::string_view kOther = "_other";

std::vector<double> default_bounds() {
  return {0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};
}

template <class Number>
void append_number(std::string& out, Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (std::isnan(number)) {
      out += "NaN";
      return;
    }
    if (std::isinf(number)) {
      out += number > 0 ? "+Inf" : "-Inf";
      return;
    }
  }
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, number);
  out.append(buffer, result.ptr);
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : valid_utf8(text)) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (quotes && c == '"')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

// name{labels,extra} and a space; `le` is the histogram's own label, empty for none.
void append_series(std::string& out, std::string_view name, std::string_view suffix, const Labels& labels,
                   std::string_view le = {}) {
  out += name;
  out += suffix;
  char before = '{';
  for (const auto& [label, value] : labels) {
    out += before;
    out += label;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
    before = ',';
  }
  if (!le.empty()) {
    out += before;
    out += "le=\"";
    out += le;
    out += '"';
    before = ',';
  }
  if (before == ',') out += '}';
  out += ' ';
}

void append_sample(std::string& out, std::string_view name, const Labels& labels, const Counter& counter) {
  append_series(out, name, "", labels);
  append_number(out, counter.value());
  out += '\n';
}

void append_sample(std::string& out, std::string_view name, const Labels& labels, const Gauge& gauge) {
  append_series(out, name, "", labels);
  append_number(out, gauge.value());
  out += '\n';
}

void append_sample(std::string& out, std::string_view name, const Labels& labels, const Histogram& histogram) {
  std::uint64_t total = 0;
  const auto& bounds = histogram.upper_bounds();
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    std::string le;
    append_number(le, i < bounds.size() ? bounds[i] : HUGE_VAL);
    total += histogram.count_in_bucket(i);
    append_series(out, name, "_bucket", labels, le);
    append_number(out, total);
    out += '\n';
  }
  append_series(out, name, "_sum", labels);
  append_number(out, histogram.sum());
  out += '\n';
  append_series(out, name, "_count", labels);
  append_number(out, total);
  out += '\n';
}

template <class Handle>
using Children = std::map<Labels, std::unique_ptr<Handle>>;

std::string_view type_name(const Children<Counter>&) { return "counter"; }
std::string_view type_name(const Children<Gauge>&) { return "gauge"; }
std::string_view type_name(const Children<Histogram>&) { return "histogram"; }

struct Family {
  std::string help;
  std::variant<Children<Counter>, Children<Gauge>, Children<Histogram>> children;
};

// Where a new set of labels goes when the family has its full number: first all under the last label's _other, and,
// should even those be too many, under _other in every label.
template <class Handle>
Labels capped(const Children<Handle>& children, Labels labels) {
  if (children.size() < kLabelSetsMax || labels.empty() || children.contains(labels)) return labels;
  labels.back().second = kOther;
  if (children.size() < 2 * kLabelSetsMax || children.contains(labels)) return labels;
  for (auto& [label, value] : labels) value = kOther;
  return labels;
}

}  // namespace

Histogram::Histogram(std::vector<double> upper_bounds)
    : upper_bounds_(std::move(upper_bounds)),
      counts_(std::make_unique<std::atomic<std::uint64_t>[]>(upper_bounds_.size() + 1)) {
  ENSURE(std::is_sorted(upper_bounds_.begin(), upper_bounds_.end()), "a histogram's bounds rise");
}

void Histogram::observe(double value, std::uint64_t times) {
  const auto bucket = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value) - upper_bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(times, std::memory_order_relaxed);
  sum_.fetch_add(value * static_cast<double>(times), std::memory_order_relaxed);
}

struct Metrics::Impl {
  mutable std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;  // guarded by mutex; the handles inside are not

  template <class Handle, class Make>
  Handle& handle(std::string_view name, std::string_view help, const Labels& labels, const Make& make) {
    const std::lock_guard lock(mutex);
    auto family = families.find(name);
    if (family == families.end()) {
      family = families.emplace(std::string(name), Family{std::string(help), Children<Handle>{}}).first;
    }
    auto* children = std::get_if<Children<Handle>>(&family->second.children);
    ENSURE(children != nullptr, "one metric name, one type");
    auto& slot = (*children)[capped(*children, labels)];
    if (!slot) slot = make();
    return *slot;
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->handle<Counter>(name, help, labels, [] { return std::make_unique<Counter>(); });
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->handle<Gauge>(name, help, labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, const Labels& labels,
                              std::vector<double> upper_bounds) {
  if (upper_bounds.empty()) upper_bounds = default_bounds();
  return impl_->handle<Histogram>(name, help, labels,
                                  [&] { return std::make_unique<Histogram>(std::move(upper_bounds)); });
}

std::string Metrics::render() const {
  const std::lock_guard lock(impl_->mutex);
  std::string out;
  for (const auto& [name, family] : impl_->families) {
    out += "# HELP ";
    out += name;
    out += ' ';
    append_escaped(out, family.help, false);
    out += "\n# TYPE ";
    out += name;
    out += ' ';
    out += std::visit([](const auto& children) { return type_name(children); }, family.children);
    out += '\n';
    std::visit(
        [&](const auto& children) {
          for (const auto& [labels, handle] : children) append_sample(out, name, labels, *handle);
        },
        family.children);
  }
  return out;
}

}  // namespace common
