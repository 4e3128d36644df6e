# ./x demo: sourced by ./x.

run_demo() {
  # A wrong argument is told before minutes of installing and building; this file needs nothing but Python.
  local help
  if [[ -x /usr/bin/python3 ]]; then
    help=$(/usr/bin/python3 deploy/demo/arguments.py "$@") || exit "$EXIT_USAGE"
  elif wants_help "$@"; then
    help="usage: ./x demo [--seconds N]"
  fi
  if [[ -n ${help:-} ]]; then
    echo "$help"
    return
  fi
  need_packages build demo
  build_programs release
  exec /usr/bin/python3 deploy/demo/run.py "$@"
}
