# ./x lint: sourced by ./x.

run_lint() {
  if wants_help "$@"; then
    cat <<'TEXT'
usage: ./x lint [--all | --since COMMIT]

clang-format-19 and clang-tidy-19 over the C++ files that changed since COMMIT, committed or not; by default since this
branch left origin/main, on origin/main itself since the commit before; where neither is known, over all. A changed
header is checked through a file that includes it alone. --all takes every file: some 10 minutes on 2 cores.
Ends with 0 only when nothing was found; ./x format repairs what clang-format finds.
TEXT
    return
  fi
  local base="" files
  case "${1:-}" in
    --all) base=all ;;
    --since) base=${2:?--since needs a commit} ;;
    "") ;;
    *) bad_argument "$1" ;;
  esac
  need_packages build test lint
  files=$(files_to_check "$base")
  if [[ -z $files ]]; then
    echo "No C++ file has changed."
    return
  fi
  say "clang-format on $(wc -l <<< "$files") files"
  local status=0
  xargs -d '\n' clang-format-19 --dry-run -Werror <<< "$files" || { status=1; echo "./x format puts this right"; }
  configure_with_tests release
  tidy "$files" || status=1
  return "$status"
}

# Where the changes begin; "all" when nothing tells.
lint_base() {
  local fork
  fork=$(git merge-base origin/main HEAD 2> /dev/null) || fork=""
  if [[ -n $fork && $fork != "$(git rev-parse HEAD)" ]]; then
    echo "$fork"
  elif [[ -n $(git status --porcelain --untracked-files=no 2> /dev/null) ]]; then
    echo HEAD
  else
    git rev-parse --verify --quiet HEAD~ || echo all
  fi
}

# files_to_check [BASE|all]: C++ files that exist, one a line.
files_to_check() {
  local base=${1:-$(lint_base)}
  if [[ $base == all ]]; then
    if git rev-parse --git-dir > /dev/null 2>&1; then
      git ls-files --cached --others --exclude-standard -- '*.h' '*.cc'
    else
      find common schema relay broker tests -name '*.h' -o -name '*.cc'
    fi
  else
    git diff --name-only --diff-filter=d "$base" -- '*.h' '*.cc'
    git ls-files --others --exclude-standard -- '*.h' '*.cc'
  fi | sort -u | while read -r file; do if [[ -e $file ]]; then echo "$file"; fi; done
}

# tidy FILES: each through its command in build/compile_commands.json, as many at once as there are cores.
tidy() {
  local log status=0
  log=$(mktemp)
  say "clang-tidy, $(nproc) at once; about 5 seconds a file"
  # Only what the build knows: a source by itself, a header through the file that includes it alone.
  /usr/bin/python3 scripts/tidy_targets.py build/compile_commands.json <<< "$1" > "$log.targets"
  xargs -d '\n' -r -P "$(nproc)" -n 1 bash scripts/tidy_one.sh < "$log.targets" > "$log" 2>&1 || status=1
  # A header's finding comes once for each file that includes it.
  awk '/: (error|warning): /{ show = !seen[$0]++ } show' "$log"
  printf '%d files checked, %d findings\n' "$(wc -l < "$log.targets")" \
    "$(grep -E ': (error|warning): ' "$log" | sort -u | wc -l)"
  rm -f "$log" "$log.targets"
  return "$status"
}
