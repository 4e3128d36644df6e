// ${VAR} in string values, and the files that secrets stand in.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "common/config/load.h"
#include "common/text.h"

namespace common::config {
namespace {

constexpr std::size_t kConfigBytesMax = std::size_t{1} << 20U;
constexpr std::size_t kSecretBytesMax = std::size_t{64} << 10U;

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// What stands between the braces → what takes its place.
Parsed<std::string> variable_value(std::string_view inside, const Environment& environment) {
  using Result = Parsed<std::string>;
  const std::size_t colon = inside.find(':');
  const std::string name(inside.substr(0, colon));
  if (!is_variable_name(name)) {
    return Result::bad("\"${" + valid_utf8(inside) +
                       "}\" names no variable; write ${NAME}, ${NAME:-default} or ${NAME:?text}");
  }
  const std::optional<std::string> value = environment(name);
  if (colon == std::string_view::npos) {
    if (value) return Result::good(*value);
    return Result::bad("the environment variable " + name + " is not set; set it, or write ${" + name + ":-default}");
  }
  const std::string_view tail = inside.substr(colon);
  const std::string rest(tail.substr(std::min<std::size_t>(2, tail.size())));
  if (tail.starts_with(":-")) return Result::good(value && !value->empty() ? *value : rest);
  if (tail.starts_with(":?")) {
    if (value && !value->empty()) return Result::good(*value);
    return Result::bad("the environment variable " + name + " is not set: " + (rest.empty() ? "it is required" : rest));
  }
  return Result::bad("after ${" + name + " comes }, :-default} or :?text}");
}

// At most `bytes_max` of a file that is no folder.
Parsed<std::string> read_bounded(const std::string& path, std::size_t bytes_max) {
  using Result = Parsed<std::string>;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return Result::bad("cannot read " + path + ": " + std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return Result::bad(path + " is a folder, a file is wanted");
  std::ifstream in(path, std::ios::binary);
  if (!in) return Result::bad("cannot read " + path + ": " + std::strerror(errno));
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Result::bad("cannot read " + path + ": " + std::strerror(errno));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max) {
    return Result::bad(path + " is larger than " + format_size(ByteSize(static_cast<std::int64_t>(bytes_max))) +
                       "; is it the right file?");
  }
  return Result::good(std::move(text));
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Parsed<std::string> expand_variables(std::string_view text, const Environment& environment) {
  using Result = Parsed<std::string>;
  std::string out;
  while (!text.empty()) {
    const std::size_t start = text.find("${");
    out += text.substr(0, start);
    if (start == std::string_view::npos) break;
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) return Result::bad("\"${\" without its \"}\"");
    auto value = variable_value(text.substr(start + 2, end - start - 2), environment);
    if (!value) return value;
    out += *value;
    text.remove_prefix(end + 1);
  }
  return Result::good(std::move(out));
}

std::string read_config_file(const std::string& path) {
  auto text = read_bounded(path, kConfigBytesMax);
  if (!text) throw Error(text.problem + "; name another file with --config FILE");
  return *text;
}

Parsed<std::string> read_secret_file(const std::string& path, const std::string& config_file) {
  using Result = Parsed<std::string>;
  if (path.empty()) return Result::bad("the file's name is empty");
  const std::string whole = (std::filesystem::path(config_file).parent_path() / path).string();
  auto text = read_bounded(whole, kSecretBytesMax);
  if (!text) return text;
  std::string secret = *text;
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) return Result::bad(whole + " is empty; it should hold the secret on one line");
  if (secret.find('\n') != std::string::npos || secret.find('\0') != std::string::npos) {
    return Result::bad(whole + " has more than one line; it should hold the secret on one line");
  }
  return Result::good(std::move(secret));
}

}  // namespace common::config
