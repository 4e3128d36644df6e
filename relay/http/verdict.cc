// The body is read by events, so that a member that stands twice is seen.
#include "relay/http/verdict.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace relay::http {
namespace {

using core::Verdict;
using Json = nlohmann::json;

// Keeps the top object's member `status`, and whether it stood there once and was a string.
class StatusReader : public Json::json_sax_t {
 public:
  [[nodiscard]] std::optional<std::string> status() const {
    return found_ == 1 && is_string_ && is_object_ ? std::optional(status_) : std::nullopt;
  }
  [[nodiscard]] bool is_object() const { return is_object_; }
  [[nodiscard]] int found() const { return found_; }

  bool null() override { return value(); }
  bool boolean(bool /*value*/) override { return value(); }
  bool number_integer(number_integer_t /*value*/) override { return value(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return value(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return value(); }
  bool binary(binary_t& /*value*/) override { return value(); }
  bool string(string_t& text) override {
    if (depth_ == 1 && is_status_) {
      is_string_ = true;
      status_ = text;
    }
    return value();
  }
  bool start_object(std::size_t /*size*/) override {
    if (depth_ == 0) is_object_ = true;
    ++depth_;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override {
    ++depth_;
    return true;
  }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      is_status_ = name == "status";
      if (is_status_) ++found_;
    }
    return true;
  }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    return false;
  }

 private:
  bool value() { return true; }
  bool close() {
    --depth_;
    return true;
  }

  int depth_ = 0;
  bool is_object_ = false;
  bool is_status_ = false;
  bool is_string_ = false;
  int found_ = 0;
  std::string status_;
};

}  // namespace

bool is_ask_again(int status) { return status == 425 || status == 429 || (status >= 500 && status <= 599); }

Judgement judge(int status, std::string_view body, bool too_large) {
  const std::string answered = "answered " + std::to_string(status);
  if (is_ask_again(status)) return {Verdict::in_progress, answered};
  if (status >= 300 && status < 400) return {Verdict::unknown, answered + ", a redirect, which is not followed"};
  if (too_large) return {Verdict::unknown, answered + " with more than 64 KiB"};
  if (status != 200 && status != 409) return {Verdict::unknown, answered};
  StatusReader reader;
  if (!Json::sax_parse(body, &reader)) return {Verdict::unknown, answered + " with a body that is no JSON"};
  if (!reader.is_object()) return {Verdict::unknown, answered + " with JSON that is no object"};
  if (reader.found() > 1) return {Verdict::unknown, answered + " with the member status more than once"};
  const auto said = reader.status();
  if (!said) return {Verdict::unknown, answered + " without a text member status"};
  if (status == 200 && *said == "committed") return {Verdict::committed, {}};
  if (status == 409 && *said == "rolled_back") return {Verdict::rolled_back, {}};
  // Only our own words are repeated: whatever else stands there was written by somebody else.
  const bool known = *said == "committed" || *said == "rolled_back" || *said == "in_progress";
  return {Verdict::unknown, answered + " with status " + (known ? *said : "that is none of the three") +
                                ": code and status do not agree"};
}

}  // namespace relay::http
