# ./x demo: sourced by ./x.

run_demo() {
  if wants_help "$@" && [[ ! -x /usr/bin/python3 ]]; then
    echo "usage: ./x demo [--seconds N]"
    return
  fi
  if ! wants_help "$@"; then
    need_packages build demo
    build_programs release
  fi
  exec /usr/bin/python3 deploy/demo/run.py "$@"
}
