# ./x bench: sourced by ./x.

run_bench() {
  # A wrong argument is told before minutes of installing and building; this file needs nothing but Python.
  local help
  if [[ -x /usr/bin/python3 ]]; then
    help=$(/usr/bin/python3 tests/bench/arguments.py "$@") || exit "$EXIT_USAGE"
  elif wants_help "$@"; then
    help="usage: ./x bench"
  fi
  if [[ -n ${help:-} ]]; then
    echo "$help"
    return
  fi
  need_packages build test demo
  configure_with_tests release
  build_targets release all
  exec /usr/bin/python3 tests/bench/run.py "$@"
}
