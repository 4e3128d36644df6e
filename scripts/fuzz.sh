# ./x fuzz: sourced by ./x.

run_fuzz() {
  if wants_help "$@"; then
    cat <<'TEXT'
usage: ./x fuzz                       the targets
       ./x fuzz TARGET [SECONDS]      fuzzes, 600 seconds by default
       ./x fuzz TARGET FILE           runs one input: what a finding left behind, for example
       ./x fuzz TARGET --keep         minimises what was found worth keeping into tests/fuzz/corpus/TARGET.hex

Builds with clang 19, libFuzzer, AddressSanitizer and UBSan in build-fuzz/. Ends with 0 only without a finding; a
finding's input lies in build-fuzz/findings/ and its story on stderr. What was learnt stays in build-fuzz/corpus/.
TEXT
    return
  fi
  local target=${1:-} what=${2:-600} corpus
  # Each target has its corpus. Told, like a wrong argument, before minutes of building.
  if [[ -z $target ]]; then
    echo "the targets (tests/fuzz/README.md):"
    for corpus in tests/fuzz/corpus/*.hex; do echo "  $(basename "$corpus" .hex)"; done
    return
  fi
  [[ $target =~ ^[a-z]+$ && -f tests/fuzz/corpus/$target.hex ]] || bad_argument "$target"
  [[ -f $what || $what == --keep || $what =~ ^[0-9]+$ ]] || bad_argument "$what"
  need_packages build test fuzz
  configure_with_tests fuzz
  build_targets fuzz fuzzer fuzz_seeds
  corpus=build-fuzz/corpus/$target
  mkdir -p build-fuzz/findings
  export FUZZ_TARGET=$target
  if [[ -f $what ]]; then
    exec build-fuzz/tests/fuzzer "$what"
  elif [[ $what == --keep ]]; then
    keep_corpus "$target" "$corpus"
  else
    first_corpus "$target" "$corpus"
    say "Fuzzing $target for $what seconds"
    exec build-fuzz/tests/fuzzer -max_total_time="$what" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build-fuzz/findings/$target-" "$corpus"
  fi
}

# What the repository holds, and the seeds of today's captures.
first_corpus() {
  OUTBOX_SOURCE=$PWD build-fuzz/tests/fuzz_seeds build-fuzz/seeds > build-fuzz/seeds.log
  [[ -d build-fuzz/seeds/$1 ]] || bad_argument "$1"
  mkdir -p "$2"
  cp "build-fuzz/seeds/$1/"* "$2/"
  /usr/bin/python3 tests/fuzz/corpus.py unpack "tests/fuzz/corpus/$1.hex" "$2"
}

keep_corpus() {
  rm -rf "$2.kept"
  mkdir -p "$2.kept"
  build-fuzz/tests/fuzzer -set_cover_merge=1 -use_counters=0 "$2.kept" "$2"
  /usr/bin/python3 tests/fuzz/corpus.py pack "$2.kept" "tests/fuzz/corpus/$1.hex"
}
