#!/bin/bash
# Installs Debian packages as root: install_packages.sh PACKAGE…
# For the time of the installation no service is started (policy-rc.d) and PostgreSQL makes no cluster of its own; both
# settings are gone afterwards.
set -euo pipefail

readonly POLICY=/usr/sbin/policy-rc.d SAVED=/usr/sbin/policy-rc.d.before-outbox MARK='# temporary: installation by ./x'
readonly NO_CLUSTER=/etc/postgresql-common/createcluster.d/outbox.conf
log=$(mktemp)

put_back() {
  rm -f "$NO_CLUSTER"
  rmdir -p --ignore-fail-on-non-empty "$(dirname "$NO_CLUSTER")" 2> /dev/null || true
  if grep -qsF "$MARK" "$POLICY"; then rm -f "$POLICY"; fi
  if [[ -e $SAVED ]]; then mv -f "$SAVED" "$POLICY"; fi
}
forbid_services() {
  put_back  # an installation that was killed may have left its own
  if [[ -e $POLICY ]]; then mv "$POLICY" "$SAVED"; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$MARK" > "$POLICY"
  chmod 755 "$POLICY"
  mkdir -p "$(dirname "$NO_CLUSTER")"
  echo 'create_main_cluster = false' > "$NO_CLUSTER"
}
trap 'put_back; rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# One line that moves on a terminal, else a line for each twentieth of the way.
show_progress() {
  local terminal=0
  if [[ -t 1 ]]; then terminal=1; fi
  awk -v terminal="$terminal" '
    / newly installed/ { for (i = 1; i < NF; ++i) if ($(i + 1) == "newly") total = 3 * $i }
    /^(Get:|Unpacking |Setting up )/ {
      ++done
      what = $1 == "Get:" || $1 ~ /^Get:/ ? "downloading " $5 : ($1 == "Unpacking" ? "unpacking " $2 : "setting up " $3)
      percent = total ? int(100 * done / total) : 0
      if (percent > 100) percent = 100
      if (terminal) { printf "\r\033[K  %3d %%  %s", percent, what; fflush() }
      else if (percent >= shown + 5) { shown = percent; printf "  %3d %%  %s\n", percent, what; fflush() }
    }
    END { if (terminal) printf "\r\033[K" }'
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold "$@" < /dev/null
}

echo "  reading the package lists"
if ! apt update > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "install_packages.sh: the package lists could not be read" >&2
  exit 1
fi
forbid_services
if ! apt install --no-install-recommends "$@" 2>&1 | tee "$log" | show_progress; then
  tail -n 20 "$log" >&2
  exit 1
fi
echo "  installed"
