# ./x bench: sourced by ./x.

run_bench() {
  if shows_help tests/bench/arguments.py "usage: ./x bench" "$@"; then return; fi
  need_packages build test demo
  configure_with_tests release
  build_targets release all
  exec /usr/bin/python3 tests/bench/run.py "$@"
}
