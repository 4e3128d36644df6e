#!/bin/sh
# A temporary PostgreSQL server for demo, tests and benchmarks: the one place that starts one.
# Everything lies in DIR (data/, socket/, postgres.log, port); it listens on 127.0.0.1 and on the socket only,
# and trusts whoever connects there as user postgres. PostgreSQL refuses root: as root it runs as postgres or nobody.
set -eu

usage() {
  cat <<'TEXT'
usage: postgres.sh start DIR [PORT] [--watch PID] [--no-sync] [--set NAME=VALUE]...
       postgres.sh stop DIR | immediate-stop DIR | restart DIR | bin-dir

start           makes the cluster when DIR has none, starts it, returns once it answers. Without PORT: the one of last time.
  --watch PID   stops the server at once when process PID has ended, however it ended
  --no-sync     the new cluster's files are not flushed (quicker; the running server flushes all the same)
  --set N=V     a setting of postgresql.conf, kept for later starts
stop            lets the transactions in progress fail and stops (pg_ctl -m fast)
immediate-stop  stops without a checkpoint, like a crash
restart         fast stop, then start on the same port
bin-dir         prints where initdb and postgres of the newest installed version lie
TEXT
}

fail() { echo "postgres.sh: $1" >&2; exit "${2:-1}"; }

find_bin_dir() {
  newest=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
  if [ -n "$newest" ]; then dirname "$newest"; return; fi
  found=$(command -v initdb) || fail "no PostgreSQL server found; install postgresql" 69
  dirname "$found"
}

# Runs its arguments as an ordinary user, from a folder that user may be in.
as_user() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups -- "$@")
  else
    (cd / && exec "$@")
  fi
}

make_cluster() {
  mkdir -p "$dir/socket"
  : > "$dir/postgres.log"
  if [ "$(id -u)" -eq 0 ]; then
    chown "$user" "$dir" "$dir/socket" "$dir/postgres.log"
    as_user test -w "$dir" || fail "user $user cannot enter $dir: every folder above it needs o+x"
  fi
  # shellcheck disable=SC2086
  as_user "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 $no_sync \
    >> "$dir/postgres.log" 2>&1 || { tail -n 20 "$dir/postgres.log" >&2; fail "initdb failed in $dir"; }
  cat >> "$dir/data/postgresql.conf" <<TEXT
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir/socket'
max_connections = 200
shared_buffers = '128MB'
include 'port.conf'
TEXT
}

start_server() {
  [ -s "$dir/data/PG_VERSION" ] || make_cluster
  [ -n "$port" ] || port=$(cat "$dir/port" 2>/dev/null) || fail "start: $dir was never started, so PORT is needed" 64
  echo "$port" > "$dir/port"
  echo "port = $port" > "$dir/data/port.conf"
  chmod a+r "$dir/data/port.conf"
  printf '%s' "$settings" >> "$dir/data/postgresql.conf"
  as_user "$bin/pg_ctl" -D "$dir/data" -l "$dir/postgres.log" -w -t 120 -s start < /dev/null > /dev/null \
    || { tail -n 20 "$dir/postgres.log" >&2; fail "PostgreSQL did not start in $dir on port $port"; }
}

# One watcher at a time, leader of its own process group; its pid is written so that a later stop ends it.
watch_parent() {
  stop_watcher
  setsid "$0" watch "$dir" "$1" < /dev/null > /dev/null 2>&1 &
  echo $! > "$dir/watcher.pid"
}

stop_watcher() {
  [ -s "$dir/watcher.pid" ] || return 0
  kill -- "-$(cat "$dir/watcher.pid")" 2> /dev/null || true
  rm -f "$dir/watcher.pid"
}

stop_server() {
  if [ ! -e "$dir/data/postmaster.pid" ]; then return 0; fi
  as_user "$bin/pg_ctl" -D "$dir/data" -w -t 120 -s -m "$1" stop > /dev/null 2>> "$dir/postgres.log" || {
    # A postmaster that was killed leaves its pid file; that is stopped, too.
    as_user "$bin/pg_ctl" -D "$dir/data" status > /dev/null 2>&1 && fail "PostgreSQL in $dir did not stop"
    return 0
  }
}

[ $# -ge 1 ] || { usage >&2; exit 64; }
command=$1; shift
case "$command" in
  -h|--help) usage; exit 0 ;;
  bin-dir) find_bin_dir; exit 0 ;;
esac
[ $# -ge 1 ] || { usage >&2; exit 64; }
bin=$(find_bin_dir)
mkdir -p "$1"
dir=$(cd "$1" && pwd -P); shift
user=nobody
if id postgres > /dev/null 2>&1; then user=postgres; fi

port='' no_sync='' settings='' watch=''
if [ "$command" = start ]; then
  while [ $# -gt 0 ]; do
    case "$1" in
      --no-sync) no_sync=--no-sync ;;
      --watch) watch=$2; shift ;;
      --set) settings="$settings${2%%=*} = '${2#*=}'
"; shift ;;
      -*) usage >&2; exit 64 ;;
      *) port=$1 ;;
    esac
    shift
  done
fi

case "$command" in
  start) start_server; if [ -n "$watch" ]; then watch_parent "$watch"; fi ;;
  stop) stop_watcher; stop_server fast ;;
  immediate-stop) stop_watcher; stop_server immediate ;;
  restart) stop_server fast; start_server ;;
  watch) tail --pid="$1" -f /dev/null; rm -f "$dir/watcher.pid"; stop_server immediate ;;
  *) usage >&2; exit 64 ;;
esac
