// Implements functions.h. One walk over the blanked text: a brace opens a container (namespace, class), a function, or
// something inside one; which of them is told by the words since the last declaration's end.
#include "tests/unit/house/functions.h"

#include <cctype>
#include <string_view>

namespace house {
namespace {

// The state of blanked() between two characters.
class Blanker {
 public:
  std::string line(const std::string& text) {
    if (state_ == State::preprocessor || (state_ == State::code && is_directive(text))) {
      state_ = !text.empty() && text.back() == '\\' ? State::preprocessor : State::code;
      return std::string(text.size(), ' ');
    }
    std::string result(text.size(), ' ');
    for (position_ = 0; position_ < text.size(); ++position_) {
      if (state_ == State::code) {
        code(text, result);
      } else if (state_ == State::comment) {
        end_at(text, "*/");
      } else if (state_ == State::raw) {
        end_at(text, raw_end_);
      }
    }
    return result;
  }

 private:
  enum class State { code, comment, raw, preprocessor };

  static bool is_directive(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first != std::string::npos && text[first] == '#';
  }

  void code(const std::string& text, std::string& result) {
    const std::string_view rest = std::string_view(text).substr(position_);
    const bool in_word = position_ > 0 && (std::isalnum(static_cast<unsigned char>(text[position_ - 1])) != 0);
    if (rest.starts_with("//")) {
      position_ = text.size();
    } else if (rest.starts_with("/*")) {
      state_ = State::comment;
      ++position_;
    } else if (rest.starts_with("R\"") && !in_word) {
      const std::size_t open = text.find('(', position_);
      raw_end_ = ")" + text.substr(position_ + 2, open - position_ - 2) + "\"";
      state_ = State::raw;
      position_ = open;
    } else if (rest.front() == '"' || (rest.front() == '\'' && !in_word)) {
      skip_literal(text);
    } else {
      result[position_] = rest.front();
    }
  }

  void skip_literal(const std::string& text) {
    const char quote = text[position_++];
    while (position_ < text.size() && text[position_] != quote) position_ += text[position_] == '\\' ? 2U : 1U;
  }

  void end_at(const std::string& text, const std::string& end) {
    if (text.compare(position_, end.size(), end) != 0) return;
    position_ += end.size() - 1;
    state_ = State::code;
  }

  State state_ = State::code;
  std::string raw_end_;
  std::size_t position_ = 0;
};

bool has_word(const std::string& text, std::string_view word) {
  const auto is_letter = [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
  };
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_letter(text[at - 1]);
    const bool ends = at + word.size() == text.size() || !is_letter(text[at + word.size()]);
    if (begins && ends) return true;
  }
  return false;
}

// Without what stands between < and >, and between ( and ): "template <class T> class X" → "template  class X".
std::string outermost(const std::string& head) {
  std::string result;
  int depth = 0;
  for (const char letter : head) {
    if (letter == '<' || letter == '(') ++depth;
    if (depth == 0) result += letter;
    if ((letter == '>' || letter == ')') && depth > 0) --depth;
  }
  return result;
}

enum class Block { container, function, other };

Block classify(const std::string& head) {
  if (!has_word(head, "operator")) {
    const std::string outer = outermost(head);
    if (outer.find('=') != std::string::npos) return Block::other;
    for (const char* word : {"namespace", "class", "struct", "union", "enum", "extern"}) {
      if (has_word(outer, word)) return Block::container;
    }
  }
  const std::size_t last = head.find_last_not_of(" \t\n");
  if (last == std::string::npos || head.find('(') == std::string::npos) return Block::other;
  return Block::function;
}

std::string function_name(const std::string& head) {
  const std::size_t open = head.find('(');
  std::size_t begin = head.find_last_of(" \n*&", open == 0 ? 0 : open - 1);
  begin = begin == std::string::npos ? 0 : begin + 1;
  std::string name = head.substr(begin, open - begin);
  if (!name.starts_with("TEST")) return name;
  return head.substr(begin, head.find(')', open) - begin + 1);
}

// Walks the braces.
class Walker {
 public:
  std::vector<FunctionSize> found;

  void character(char letter, std::size_t line) {
    if (inner_depth_ > 0) {
      inside(letter, line);
      return;
    }
    const bool space = std::isspace(static_cast<unsigned char>(letter)) != 0;
    if (just_closed_ && !space) after_closing(letter);
    if (letter == '{') {
      open(line);
    } else if (letter == '}' || letter == ';') {
      head_.clear();
    } else if (!head_.empty() || !space) {
      head_ += letter;
    }
  }

 private:
  void open(std::size_t line) {
    const Block block = classify(head_);
    if (block == Block::container) {
      head_.clear();
      return;
    }
    inner_depth_ = 1;
    first_line_ = line;
    is_function_ = block == Block::function;
  }

  void inside(char letter, std::size_t line) {
    if (letter == '{') ++inner_depth_;
    if (letter != '}' || --inner_depth_ > 0) return;
    if (is_function_) found.push_back({function_name(head_), first_line_, line - first_line_ + 1});
    just_closed_ = true;
  }

  // What follows a closing brace tells whether the declaration goes on: "Thing() : a_{1}, b_{2} {" is one function.
  void after_closing(char letter) {
    just_closed_ = false;
    if (letter != ',' && letter != ')' && letter != '{') {
      head_.clear();
    } else if (is_function_) {
      found.pop_back();
    }
  }

  std::string head_;
  bool just_closed_ = false;
  bool is_function_ = false;
  int inner_depth_ = 0;
  std::size_t first_line_ = 0;
};

}  // namespace

std::vector<std::string> blanked(const std::vector<std::string>& lines) {
  Blanker blanker;
  std::vector<std::string> result;
  result.reserve(lines.size());
  for (const std::string& line : lines) result.push_back(blanker.line(line));
  return result;
}

std::vector<FunctionSize> functions(const std::vector<std::string>& lines) {
  Walker walker;
  const std::vector<std::string> text = blanked(lines);
  for (std::size_t number = 0; number < text.size(); ++number) {
    for (const char letter : text[number]) walker.character(letter, number + 1);
    walker.character('\n', number + 1);
  }
  return walker.found;
}

}  // namespace house
