# Finding, starting and calling a container engine from scripts, with curl alone (no docker client is needed).
# Source it:  . scripts/engine.sh
#
#   engine_find            sets ENGINE_HOST to an engine that answers: $DOCKER_HOST, else the system's socket
#   engine_call M PATH …   one API call with curl; further arguments go to curl; the body comes out on stdout
#   engine_start [OPT…]    starts a dockerd of our own (root only) and sets ENGINE_HOST; OPTs go to dockerd
#   engine_stop            stops it by its pid and removes its folders, mounts and bridge
#   engine_reap            does that for engines of shells that were killed; engine_start begins with it
#
# An engine of our own lives in a folder, a session and a bridge of its own, and leaves the kernel's forwarding switch
# alone: ports published on loopback do not need it. Nothing that was there before is touched; only where the firewall
# drops what is forwarded (an earlier engine leaves it so), two rules let our containers talk, until we stop.

ENGINE_HOST=${ENGINE_HOST:-}
ENGINE_DIR=
ENGINE_PID=
ENGINE_BRIDGE=
ENGINE_NET=
ENGINE_RULE=

# curl's way to the engine at $1: prints the options and the base address.
engine_curl() {
  case $ENGINE_HOST in
  unix://*) curl -sS --max-time 600 --unix-socket "${ENGINE_HOST#unix://}" "$@" ;;
  *) curl -sS --max-time 600 "$@" ;;
  esac
}

engine_base() {
  case $ENGINE_HOST in
  unix://*) echo http://engine ;;
  tcp://*) echo "http://${ENGINE_HOST#tcp://}" ;;
  *) echo "http://${ENGINE_HOST#http://}" ;;
  esac
}

engine_call() {
  engine_method=$1 engine_path=$2
  shift 2
  engine_curl -X "$engine_method" "$@" "$(engine_base)$engine_path"
}

# The status code alone, for tests such as "is this image there?".
engine_status() {
  engine_method=$1 engine_path=$2
  shift 2
  engine_curl -X "$engine_method" -o /dev/null -w '%{http_code}' "$@" "$(engine_base)$engine_path" 2>/dev/null
}

engine_answers() {
  [ "$(engine_curl --max-time 5 "$(engine_base)/_ping" 2>/dev/null)" = OK ]
}

engine_find() {
  for ENGINE_HOST in ${DOCKER_HOST:-} unix:///var/run/docker.sock; do
    engine_answers && return 0
  done
  ENGINE_HOST=
  return 1
}

# ---- whose an engine is: the shell that started it, written into its folder and into the alias of its bridge ----

engine_started_at() {
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# In a pid namespace with somebody else's /proc nobody can be told from anybody.
engine_sees_itself() {
  sh -c 'read -r pid rest </proc/self/stat && [ "$pid" = $$ ]'
}

# Pid, start, pid namespace and folder of our own.
engine_owner() {
  engine_sees_itself && echo "$$ $(engine_started_at $$) $(readlink /proc/self/ns/pid) $ENGINE_DIR"
}

# Dead is a shell of our pid namespace when nobody has its pid and start; one of another namespace when no process is in
# that, which can be seen from the machine's first one alone (its number is the kernel's). All others are left alone.
engine_owner_is_dead() {
  engine_our_ns=$(readlink /proc/self/ns/pid)
  if [ "$3" = "$engine_our_ns" ]; then
    [ "$(engine_started_at "$1")" != "$2" ]
  else
    [ "$engine_our_ns" = 'pid:[4026531836]' ] && ! ls -l /proc/[0-9]*/ns/pid 2>/dev/null | grep -qF "$3"
  fi
}

# Lines "BRIDGE PID START NAMESPACE FOLDER": what says that it is of an engine like ours, folders and bridges.
engine_known() {
  for engine_known_dir in /tmp/apphost-engine.*; do
    [ ! -L "$engine_known_dir" ] && [ -O "$engine_known_dir" ] && [ -f "$engine_known_dir/owner" ] || continue
    echo "aht${engine_known_dir##*.} $(cat "$engine_known_dir/owner")"
  done
  ip -o link show type bridge | sed -n 's/^[0-9]*: \(aht[^:@]*\)[:@].*alias apphost-engine \([^\\]*\).*/\1 \2/p'
}

engine_reap() {
  engine_sees_itself || return 0
  engine_known | sort -u | while read -r engine_dead engine_pid engine_start engine_ns engine_dead_dir; do
    case $engine_dead_dir in /tmp/apphost-engine.??????) ;; *) continue ;; esac
    engine_owner_is_dead "$engine_pid" "$engine_start" "$engine_ns" || continue
    ENGINE_DIR=$engine_dead_dir ENGINE_BRIDGE=$engine_dead ENGINE_RULE=1 ENGINE_PID=
    engine_stop </dev/null
  done
}

# ---- its network ----

# No route leads there but those that lead everywhere, nor does one to a part of it.
engine_net_is_free() {
  [ -z "$(ip -4 route show table all root "$1.0.0/16")" ] &&
    ! ip -4 route show table all match "$1.0.0/16" | grep -qvE '^([a-z]+ )?(default|(0|128)\.0\.0\.0/1) '
}

# A /16 of the private ones that nobody uses: the bridge has its first /24, networks get the others. Who starts at
# the same moment may have chosen the same: then both look for another.
engine_make_bridge() {
  ENGINE_BRIDGE=aht${ENGINE_DIR##*.}
  ip link add name "$ENGINE_BRIDGE" type bridge || return 1
  engine_said=$(engine_owner) && ip link set dev "$ENGINE_BRIDGE" alias "apphost-engine $engine_said"
  for ENGINE_NET in $({ seq -f 10.%g 216 254; seq -f 172.%g 20 31; } | shuf); do
    engine_net_is_free "$ENGINE_NET" || continue
    ip addr add "$ENGINE_NET.0.1/24" dev "$ENGINE_BRIDGE" && ip link set "$ENGINE_BRIDGE" up || return 1
    [ "$(ip -o -4 addr show | grep -cF " $ENGINE_NET.0.1/")" != 1 ] || return 0
    ip addr flush dev "$ENGINE_BRIDGE"
  done
  echo "engine: all private networks that it could use have routes here" >&2
  return 1
}

# $1: -I or -D. Only traffic that stays on one side of docker's bridges is let through, and what stays on ours.
engine_rule() {
  engine_done=0
  for engine_side in br-+ "$ENGINE_BRIDGE"; do
    PATH=$PATH:/usr/sbin:/sbin iptables "$1" FORWARD -i "$engine_side" -o "$engine_side" \
      -m comment --comment "$ENGINE_BRIDGE" -j ACCEPT || engine_done=1
  done
  return $engine_done
}

engine_open_forward() {
  PATH=$PATH:/usr/sbin:/sbin iptables -S FORWARD 2>/dev/null | grep -q '^-P FORWARD DROP' || return 0
  ENGINE_RULE=1
  engine_rule -I
}

# An engine outlives who started it by moments: it must not hold a pipe that somebody reads to its end.
engine_detach() {
  for engine_fd in $(ls /proc/self/fd); do
    [ "$engine_fd" -le 2 ] || eval "exec $engine_fd>&-" 2>/dev/null
  done
  PATH=$PATH:/usr/sbin:/sbin exec "$@"
}

engine_start() {
  [ "$(id -u)" = 0 ] || { echo "engine: starting one needs root" >&2; return 1; }
  engine_reap
  ENGINE_DIR=$(mktemp -d /tmp/apphost-engine.XXXXXX) && chmod 711 "$ENGINE_DIR" || return 1 # the socket says who may
  engine_said=$(engine_owner) && echo "$engine_said" >"$ENGINE_DIR/owner"
  engine_make_bridge || { echo "engine: cannot make a network bridge" >&2; engine_stop; return 1; }
  engine_open_forward
  # However this script ends, the engine is told to stop: --pdeathsig.
  engine_detach setsid setpriv --pdeathsig TERM dockerd --data-root "$ENGINE_DIR/data" --exec-root "$ENGINE_DIR/exec" \
    --pidfile "$ENGINE_DIR/pid" -H "unix://$ENGINE_DIR/docker.sock" --group root -b "$ENGINE_BRIDGE" \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    --default-address-pool "base=$ENGINE_NET.0.0/16,size=24" "$@" \
    </dev/null >"$ENGINE_DIR/log" 2>&1 &
  ENGINE_PID=$!
  ENGINE_HOST=unix://$ENGINE_DIR/docker.sock
  for _ in $(seq 300); do
    engine_answers && return 0
    kill -0 "$ENGINE_PID" 2>/dev/null || break
    sleep 0.1
  done
  echo "engine: dockerd does not come up; its last words:" >&2
  tail -n 5 "$ENGINE_DIR/log" >&2
  engine_stop
  return 1
}

engine_wait_gone() {
  for _ in $(seq "$2"); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  return 1
}

# The bridges of networks that users of our engine left behind: dockerd keeps those when it stops. One that is dead
# cannot be asked any more, but all networks that it ever had are named in its database.
engine_bridges() {
  if engine_answers; then
    engine_call GET '/networks?filters=%7B%22driver%22%3A%5B%22bridge%22%5D%7D' --max-time 5 2>/dev/null |
      grep -o '"Id":"[0-9a-f]\{12\}' | sed 's/.*"/br-/'
  elif [ -s "$ENGINE_DIR/data/network/files/local-kv.db" ]; then
    ip -o link show type bridge | grep -o ' br-[0-9a-f]\{12\}' | while read -r engine_bridge; do
      grep -aqF "${engine_bridge#br-}" "$ENGINE_DIR/data/network/files/local-kv.db" && echo "$engine_bridge"
    done
  fi
}

# An engine that was killed leaves containerd, and each container with a shim: all name our folder on their command
# lines.
engine_sweep() {
  for engine_left in $(grep -lsF -- "$ENGINE_DIR/exec/" /proc/[0-9]*/cmdline | cut -d/ -f3); do
    [ "$engine_left" != "$$" ] || continue
    for engine_child in $(cat "/proc/$engine_left/task/$engine_left/children" 2>/dev/null); do
      kill -9 "$engine_child" 2>/dev/null
    done
    kill -9 "$engine_left" 2>/dev/null
  done
}

# The daemon's pid: as we know it, else as it wrote it down, if that is still somebody who works in our folder.
engine_daemon() {
  for engine_pid in $(cat "$ENGINE_DIR/pid" 2>/dev/null) $ENGINE_PID; do
    grep -qsF -- "$ENGINE_DIR/" "/proc/$engine_pid/cmdline" && echo "$engine_pid" && return
  done
}

engine_unmount() {
  # Deepest first, so that a mount below another goes before it; also where a test has mounted our folder once more.
  awk -v d="$ENGINE_DIR/" 'index($2, d) { print $2 }' /proc/mounts | sort -r | while read -r engine_mount; do
    umount -l "$engine_mount" 2>/dev/null
  done
}

# dockerd stops its containers and its containerd by itself when it is asked in peace; 20 s is twice what that takes.
engine_stop() {
  if [ -n "$ENGINE_DIR" ]; then
    [ -z "$ENGINE_RULE" ] || engine_rule -D 2>/dev/null || true # a dead shell's may be there or not
    ENGINE_HOST=unix://$ENGINE_DIR/docker.sock
    ENGINE_BRIDGE="$ENGINE_BRIDGE $(engine_bridges)"
    engine_pids=$(engine_daemon) || true # none
    if [ -n "$engine_pids" ]; then
      kill "$engine_pids" 2>/dev/null
      engine_wait_gone "$engine_pids" 200 || kill -9 "$engine_pids" 2>/dev/null
    fi
    [ -z "$ENGINE_PID" ] || wait "$ENGINE_PID" 2>/dev/null
    engine_sweep
    engine_unmount
    rm -rf --one-file-system "$ENGINE_DIR"
  fi
  for engine_bridge in $ENGINE_BRIDGE; do
    ip link del "$engine_bridge" 2>/dev/null
  done
  ENGINE_PID= ENGINE_RULE= ENGINE_DIR= ENGINE_BRIDGE= ENGINE_NET= ENGINE_HOST=
  return 0
}
