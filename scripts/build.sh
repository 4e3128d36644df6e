# ./x build: sourced by ./x.

run_build() {
  if wants_help "$@"; then
    cat <<'TEXT'
usage: ./x build [--preset release|dev|asan|tsan] [--tests]

Builds outbox-relay, outbox-broker and outboxctl. The release preset (the default: optimised, with debug symbols) lies
in build/, its programs in build/bin; another preset in build-<preset>/. --tests builds the tests and benchmarks, too.
Afterwards `cmake --install build [--prefix DIR]` installs the programs. ccache is used when it is there.
TEXT
    return
  fi
  local preset=release tests=no
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --preset) preset=${2:-}; shift ;;
      --preset=*) preset=${1#*=} ;;
      --tests) tests=yes ;;
      *) bad_argument "$1" ;;
    esac
    shift
  done
  check_preset "$preset"
  if [[ $tests == yes ]]; then
    need_packages build test
    configure_with_tests "$preset"
    build_targets "$preset" all
  else
    need_packages build
    build_programs "$preset"
  fi
}
