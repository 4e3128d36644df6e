# ./x test: sourced by ./x.

run_test() {
  if wants_help "$@"; then
    cat <<'TEXT'
usage: ./x test [--preset release|dev|asan|tsan] [--long] [FILTER]

Builds everything and runs the tests through ctest, two at a time; each integration test starts its own servers on free
ports in a temporary folder. FILTER is a regular expression on the tests' names. --long adds the tests labelled long.
Ends with 0 only when all that ran passed, and when any ran.
TEXT
    return
  fi
  local preset=release long=no filter="" folder
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --preset) preset=${2:-}; shift ;;
      --preset=*) preset=${1#*=} ;;
      --long) long=yes ;;
      -*) bad_argument "$1" ;;
      *) filter=$1 ;;
    esac
    shift
  done
  check_preset "$preset"
  need_packages build test
  folder=$(preset_folder "$preset")
  configure_with_tests "$preset"
  make_venv "$folder/venv"  # before the long part, because it is what a network may refuse
  build_targets "$preset" all

  local arguments=(--test-dir "$folder" -j2 --output-on-failure --no-tests=error)
  if [[ $long == no ]]; then arguments+=(-LE '^long$'); fi
  if [[ -n $filter ]]; then arguments+=(-R "$filter"); fi
  export LSAN_OPTIONS=suppressions=$PWD/tests/support/leaks.supp TSAN_OPTIONS=suppressions=$PWD/tests/support/races.supp
  say "Testing"
  OUTBOX_VENV=$PWD/$folder/venv ctest "${arguments[@]}"
}

# make_venv FOLDER: a virtual environment with scripts/requirements.txt, made anew when that list has changed.
make_venv() {
  local folder=$1
  if cmp -s scripts/requirements.txt "$folder/requirements.txt"; then return; fi
  say "Making $folder for the Python client of the tests; some seconds"
  rm -rf "$folder"
  /usr/bin/python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check -r scripts/requirements.txt \
    || fail "$EXIT_MISSING" "pip could not install what scripts/requirements.txt lists"
  cp scripts/requirements.txt "$folder/requirements.txt"
}
