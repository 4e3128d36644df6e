# ./x format: sourced by ./x.

run_format() {
  if wants_help "$@"; then
    cat <<'TEXT'
usage: ./x format [--all]

clang-format-19 on the C++ files that changed (as ./x lint chooses them), or on all.
TEXT
    return
  fi
  local files
  case "${1:-}" in
    --all|"") ;;
    *) bad_argument "$1" ;;
  esac
  need_packages format
  source scripts/lint.sh
  files=$(files_to_check "${1:+all}")
  if [[ -n $files ]]; then xargs -d '\n' clang-format-19 -i <<< "$files"; fi
  echo "$(grep -c . <<< "$files") files formatted."
}
