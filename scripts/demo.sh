# ./x demo: sourced by ./x.

run_demo() {
  if shows_help deploy/demo/arguments.py "usage: ./x demo [--seconds N]" "$@"; then return; fi
  need_packages build demo
  build_programs release
  exec /usr/bin/python3 deploy/demo/run.py "$@"
}
