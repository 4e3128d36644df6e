# What the commands of ./x share; sourced by ./x, from the repository's root.

readonly EXIT_USAGE=64 EXIT_MISSING=69
readonly PRESETS="release dev asan tsan"

say() { printf '\n== %s\n' "$*"; }
fail() { local status=$1; shift; printf './x: %s\n' "$*" >&2; exit "$status"; }
wants_help() { [[ ${1:-} == -h || ${1:-} == --help ]]; }
# shows_help FILE USAGE ARGUMENT…: true when help was asked for and given. A wrong argument ends ./x here, before minutes
# of installing and building; FILE knows the arguments and needs nothing but Python.
shows_help() {
  local file=$1 help=$2
  shift 2
  if [[ -x /usr/bin/python3 ]]; then
    help=$(/usr/bin/python3 "$file" "$@") || exit "$EXIT_USAGE"
  elif ! wants_help "$@"; then
    return 1
  fi
  [[ -n $help ]] && echo "$help"
}
bad_argument() { fail "$EXIT_USAGE" "unknown argument '$1'; see ./x $command --help"; }

# need_packages GROUP…: installs what is missing of these groups. Quick when nothing is.
need_packages() {
  local groups="$*" wanted missing
  command -v dpkg-query > /dev/null \
    || fail "$EXIT_MISSING" "this is not a Debian system; install what scripts/packages.txt lists and use cmake directly"
  wanted=$(awk -v groups="$*" 'BEGIN { n = split(groups, list, " "); for (i = 1; i <= n; ++i) want[list[i]] = 1 }
                               $1 in want { print $2 }' scripts/packages.txt | sort -u)
  missing=$(comm -23 <(echo "$wanted") <(installed_packages $wanted))
  [[ -z $missing ]] || install_packages $missing
}

installed_packages() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null | sed -n 's/^installed //p' | sort -u
}

# Called by need_packages, whose groups it names.
install_packages() {
  local become=() by_hand="please install, as root: apt-get install --no-install-recommends $*"
  if [[ " $* " == *" postgresql "* ]]; then by_hand+=" (or run ./x deps $groups, which makes no PostgreSQL cluster)"; fi
  if [[ $(id -u) -ne 0 ]]; then
    may_sudo || fail "$EXIT_MISSING" "$by_hand"
    become=(sudo)
  fi
  say "Installing $# Debian packages and what they need; usually 1 to 4 minutes: $*"
  "${become[@]}" bash scripts/install_packages.sh "$@" || fail "$EXIT_MISSING" "the installation failed; see above"
}

# Asks for the password where there is somebody to ask.
may_sudo() {
  command -v sudo > /dev/null || return 1
  sudo -n true 2> /dev/null && return
  [[ -t 0 ]] && sudo -p "./x $command needs Debian packages; [sudo] password for %p to install them: " -v
}

preset_folder() { if [[ $1 == release ]]; then echo build; else echo "build-$1"; fi; }
check_preset() { [[ " $PRESETS " == *" $1 "* ]] || fail "$EXIT_USAGE" "unknown preset '$1'; there are: $PRESETS"; }

# configure PRESET [CMake arguments]: only when the folder is new or arguments are given; ninja does it by itself later.
configure() {
  local preset=$1 folder
  folder=$(preset_folder "$preset")
  shift
  [[ -e $folder/build.ninja && $# -eq 0 ]] && return
  say "Configuring $folder"
  mkdir -p "$folder"
  cmake --preset "$preset" "$@" > "$folder/configure.log" 2>&1 \
    || { cat "$folder/configure.log" >&2; fail 1 "CMake could not configure $folder"; }
}

# configure_with_tests PRESET: like configure, the tests' targets included.
configure_with_tests() {
  local folder
  folder=$(preset_folder "$1")
  if [[ -e $folder/build.ninja ]] && grep -q '^OUTBOX_TESTS:BOOL=ON' "$folder/CMakeCache.txt"; then return; fi
  configure "$1" -DOUTBOX_TESTS=ON
}

# build_targets PRESET TARGET…
build_targets() {
  local folder hint=""
  folder=$(preset_folder "$1")
  shift
  [[ -e $folder/.ninja_log ]] || hint="; the first time takes some minutes"
  say "Building $folder$hint"
  cmake --build "$folder" --target "$@"
}

# Programs only; a folder that has its tests configured keeps them.
build_programs() {
  local folder
  folder=$(preset_folder "$1")
  if [[ -e $folder/build.ninja ]]; then configure "$1"; else configure "$1" -DOUTBOX_TESTS=OFF; fi
  build_targets "$1" programs
}
