# ./x bench: sourced by ./x.

run_bench() {
  if wants_help "$@" && [[ ! -x /usr/bin/python3 ]]; then
    echo "usage: ./x bench"
    return
  fi
  if ! wants_help "$@"; then
    need_packages build test demo
    configure_with_tests release
    build_targets release all
  fi
  exec /usr/bin/python3 tests/bench/run.py "$@"
}
