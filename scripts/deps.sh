# ./x deps: sourced by ./x.

run_deps() {
  if wants_help "$@"; then
    cat <<'TEXT'
usage: ./x deps [GROUP]...

Installs the missing Debian packages of scripts/packages.txt; without a group those of build, test, demo, lint and
format. Works as root or through sudo; elsewhere it says in one line what to install and ends with 69.
No server is started and no PostgreSQL cluster is made. The other commands do this themselves, for what they need.
TEXT
    return
  fi
  local group
  for group in "$@"; do
    awk -v group="$group" '$1 == group { found = 1 } END { exit !found }' scripts/packages.txt || bad_argument "$group"
  done
  if [[ $# -eq 0 ]]; then set -- build test demo lint format; fi
  need_packages "$@"
  echo "All packages of $* are installed."
}
