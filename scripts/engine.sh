# Finding, starting and calling a container engine from scripts, with curl alone (no docker client is needed).
# Source it:  . scripts/engine.sh
#
#   engine_find            sets ENGINE_HOST to an engine that answers: $DOCKER_HOST, else the system's socket
#   engine_call M PATH …   one API call with curl; further arguments go to curl; the body comes out on stdout
#   engine_start [OPT…]    starts a dockerd of our own (root only) and sets ENGINE_HOST; OPTs go to dockerd
#   engine_stop            stops it by its pid and removes its folders, mounts and bridge
#
# An engine of our own lives in a folder, a session and a bridge of its own, and leaves the kernel's forwarding switch
# alone: ports published on loopback do not need it. Nothing that was there before is touched; only where the firewall
# drops what is forwarded (an earlier engine leaves it so), one rule lets our containers talk, until we stop.

ENGINE_HOST=${ENGINE_HOST:-}
ENGINE_DIR=
ENGINE_PID=
ENGINE_BRIDGE=
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

# A bridge of our own, on the first of a few private subnets that no interface has.
engine_make_bridge() {
  ENGINE_BRIDGE=aht$(($$ % 100000))
  for engine_net in 172.29 172.30 172.31 10.213 10.214; do
    ip -o -4 addr show | grep -q " $engine_net\." && continue
    ip link add name "$ENGINE_BRIDGE" type bridge &&
      ip addr add "$engine_net.0.1/16" dev "$ENGINE_BRIDGE" && ip link set "$ENGINE_BRIDGE" up && return 0
    return 1
  done
  return 1
}

# $1: -I or -D. Only traffic that stays on one side of docker's bridges is let through.
engine_rule() {
  PATH=$PATH:/usr/sbin:/sbin iptables "$1" FORWARD -i br-+ -o br-+ -m comment --comment "$ENGINE_BRIDGE" -j ACCEPT
}

engine_open_forward() {
  PATH=$PATH:/usr/sbin:/sbin iptables -S FORWARD 2>/dev/null | grep -q '^-P FORWARD DROP' || return 0
  engine_rule -I && ENGINE_RULE=1
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
  ENGINE_DIR=$(mktemp -d /tmp/apphost-engine.XXXXXX) && chmod 711 "$ENGINE_DIR" || return 1 # the socket says who may
  engine_make_bridge || { echo "engine: cannot make a network bridge" >&2; engine_stop; return 1; }
  engine_open_forward
  # The default address pools start at 172.17: an engine that runs already has them, so ours takes others.
  # However this script ends, the engine is told to stop: --pdeathsig.
  engine_detach setsid setpriv --pdeathsig TERM dockerd --data-root "$ENGINE_DIR/data" --exec-root "$ENGINE_DIR/exec" \
    --pidfile "$ENGINE_DIR/pid" -H "unix://$ENGINE_DIR/docker.sock" --group root -b "$ENGINE_BRIDGE" \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    --default-address-pool "base=10.215.0.0/16,size=24" "$@" \
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

# The bridges of networks that users of our engine left behind: dockerd keeps those when it stops.
engine_bridges() {
  engine_call GET '/networks?filters=%7B%22driver%22%3A%5B%22bridge%22%5D%7D' --max-time 5 2>/dev/null |
    grep -o '"Id":"[0-9a-f]\{12\}' | sed 's/.*"/br-/'
}

# An engine that was killed leaves containerd, and each container with a shim: all name our folder on their command lines.
engine_sweep() {
  for engine_left in $(grep -lsF -- "$ENGINE_DIR/exec/" /proc/[0-9]*/cmdline | cut -d/ -f3); do
    [ "$engine_left" != "$$" ] || continue
    for engine_child in $(cat "/proc/$engine_left/task/$engine_left/children" 2>/dev/null); do
      kill -9 "$engine_child" 2>/dev/null
    done
    kill -9 "$engine_left" 2>/dev/null
  done
}

# dockerd stops its containers and its containerd by itself when it is asked in peace; 20 s is twice what that takes.
engine_stop() {
  if [ -n "$ENGINE_PID" ]; then
    engine_pids=$ENGINE_PID
    [ -s "$ENGINE_DIR/pid" ] && engine_pids=$(cat "$ENGINE_DIR/pid")
    [ -n "$ENGINE_RULE" ] && engine_rule -D
    ENGINE_BRIDGE="$ENGINE_BRIDGE $(engine_bridges)"
    kill "$engine_pids" 2>/dev/null
    engine_wait_gone "$engine_pids" 200 || kill -9 "$engine_pids" 2>/dev/null
    wait "$ENGINE_PID" 2>/dev/null
  fi
  if [ -n "$ENGINE_DIR" ]; then
    engine_sweep
    # Deepest first, so that a mount below another goes before it.
    awk -v d="$ENGINE_DIR/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r | while read -r engine_mount; do
      umount -l "$engine_mount" 2>/dev/null
    done
    rm -rf --one-file-system "$ENGINE_DIR"
  fi
  for engine_bridge in $ENGINE_BRIDGE; do
    ip link del "$engine_bridge" 2>/dev/null
  done
  ENGINE_PID= ENGINE_RULE= ENGINE_DIR= ENGINE_BRIDGE= ENGINE_HOST=
  return 0
}
