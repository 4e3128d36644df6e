// Taking secrets out of connection strings. When in doubt everything goes.
#include "relay/config_redact.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/url.h"

namespace relay {
namespace {

constexpr std::string_view kRedacted = "(redacted)";
constexpr std::array<std::string_view, 7> kSecretWords = {
    "password", "secret", "token", "pem", "passwd", "jaas", "oauthbearer.config"};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

bool is_secret_word(std::string_view word) { return word == "password" || word == "sslpassword"; }

// Takes one value of a key=value string as libpq reads it: quoted with ' or up to a blank, \ escapes. False: no value.
bool take_value(std::string_view& rest, std::string& raw) {
  const bool quotes = rest.starts_with('\'');
  std::size_t i = quotes ? 1 : 0;
  bool closed = !quotes;
  while (i < rest.size()) {
    if (rest[i] == '\\') {
      i += 2;
      continue;
    }
    if (quotes && rest[i] == '\'') {
      closed = true;
      ++i;
      break;
    }
    if (!quotes && is_blank(rest[i])) break;
    ++i;
  }
  i = std::min(i, rest.size());
  raw = std::string(rest.substr(0, i));
  rest.remove_prefix(i);
  return closed;
}

void skip_blanks(std::string_view& rest) {
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
}

std::string redact_words(std::string_view rest) {
  std::string out;
  skip_blanks(rest);
  while (!rest.empty()) {
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::string(kRedacted);
    std::string word(rest.substr(0, equals));
    while (!word.empty() && is_blank(word.back())) word.pop_back();
    rest.remove_prefix(equals + 1);
    skip_blanks(rest);
    std::string raw;
    // A blank inside a word: a value was not quoted as libpq wants it, and could be the rest of a password.
    if (std::any_of(word.begin(), word.end(), is_blank) || !take_value(rest, raw)) return std::string(kRedacted);
    out += (out.empty() ? "" : " ") + word + '=' + (is_secret_word(word) ? std::string(kRedacted) : raw);
    skip_blanks(rest);
  }
  return out;
}

std::string redact_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::string_view word = pair.substr(0, pair.find('='));
    // A percent sign in the name could spell "password" another way.
    const bool secret = is_secret_word(word) || word.find('%') != std::string_view::npos;
    out += secret ? std::string(word) + '=' + std::string(kRedacted) : std::string(pair);
    query.remove_prefix(end);
    if (!query.empty()) {
      out += '&';
      query.remove_prefix(1);
    }
  }
  return out;
}

// postgresql://user:password@host:port/dbname?word=value&…
std::string redact_dsn_url(std::string_view url) {
  // A password with a bare question mark in it: nobody can say where it ends.
  if (url.rfind('@') != std::string_view::npos && url.rfind('@') > url.find('?')) return std::string(kRedacted);
  const std::size_t start = url.find("://") + 3;
  const std::size_t question = std::min(url.find('?', start), url.size());
  const std::size_t at = url.substr(0, question).rfind('@');
  std::string out(url.substr(0, start));
  std::string_view rest = url.substr(start, question - start);
  if (at != std::string_view::npos && at >= start) {
    const std::string_view user = url.substr(start, at - start);
    const std::size_t colon = user.find(':');
    out += user.substr(0, colon);
    if (colon != std::string_view::npos) out += ':' + std::string(kRedacted);
    rest = url.substr(at, question - at);
  }
  out += rest;
  if (question < url.size()) out += '?' + redact_query(url.substr(question + 1));
  return out;
}

}  // namespace

std::string redact_dsn(std::string_view dsn) {
  if (dsn.starts_with("postgresql://") || dsn.starts_with("postgres://")) return redact_dsn_url(dsn);
  return redact_words(dsn);
}

std::string redact_url(std::string_view url) {
  if (url.empty()) return {};
  const auto parsed = common::parse_url(url);
  return parsed ? parsed->origin() + "/(redacted)" : std::string(kRedacted);
}

bool is_secret_property(std::string_view name) {
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

}  // namespace relay
