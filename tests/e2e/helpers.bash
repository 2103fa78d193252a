# What every end-to-end test stands on. Load it first:  load helpers
#
# Each test gets folders of its own for state, sockets, configuration and home, a project name nobody else has, and an
# empty working folder. At its end the engine, the process table and the socket folder are searched for leftovers; a
# test that leaves something behind fails. When a test fails, the supervisor's log is shown and everything of it is
# swept.
#
#   manifest < text     writes apphost.yaml in the working folder (the project's name is put in front)
#   apphost …           the program                        fails CODE apphost …   expects this exit code
#   background …        the program in the background      ended PID CODE…        its end, bounded
#   wait_until 5 cmd…   repeats until the command succeeds, or fails the test after that many seconds
#   engine …            engine_call of scripts/engine.sh   containers             names of the project's containers
#   needs_image NAME    skips the test when the image is not there
#
# A test that needs no engine has the tag "engineless" ("# bats test_tags=engineless", or file_tags): it runs without
# one.
bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
APPHOST=${APPHOST:-$ROOT/build/apphost}
REDIS=apphost-test/redis:7.0
. "$ROOT/scripts/engine.sh"
REAL_HOME=${REAL_HOME:-$HOME}
export REAL_HOME
ENGINE_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
# Where published ports are reached (scripts/run-e2e): the gateway of our network when we are in a container.
HERE=${E2E_HERE:-127.0.0.1}

# For tests of what is on this machine's own loopback.
needs_loopback() {
  [ "$HERE" = 127.0.0.1 ] || skip "published ports are at $HERE here"
}

setup() {
  T=$(mktemp -d /tmp/ae.XXXXXX)
  mkdir -m 700 "$T/run" "$T/state" "$T/config" "$T/home" "$T/work"
  local name
  for name in $(compgen -e | grep -E '^(APPHOST_|CI$|GITHUB_|XDG_|COMPOSE_|NO_COLOR|FORCE_COLOR|CLICOLOR|DOCKER_)'); do
    unset "$name"
  done
  export XDG_RUNTIME_DIR=$T/run XDG_STATE_HOME=$T/state XDG_CONFIG_HOME=$T/config HOME=$T/home
  export LC_ALL=C.UTF-8 TERM=dumb DOCKER_HOST=$ENGINE_HOST
  PROJECT=e2e-$(basename "$T" | tr 'A-Z.' 'a-z-')-$RANDOM
  cd "$T/work" || return 1
  if declare -F setup_more >/dev/null; then setup_more; fi
}

# A file that needs one of its own calls teardown_test in it.
teardown() {
  teardown_test
}

teardown_test() {
  cd / || return 1
  if [ -n "${BATS_TEST_COMPLETED:-}" ]; then
    local left=0
    wait_quietly 5 nothing_left || left=1
    if [ $left = 1 ]; then
      echo "left behind:"
      leftovers
    fi
    sweep
    return $left
  fi
  [ -n "${BATS_TEST_SKIPPED:-}" ] || show_logs
  sweep
}

show_logs() {
  local log
  for log in "$T"/state/apphost/*/logs/supervisor.log; do
    [ -s "$log" ] && echo "--- ${log#"$T"/state/apphost/}" && tail -n 20 "$log"
  done
  return 0
}

manifest() {
  { echo "name: $PROJECT"; cat; } >apphost.yaml
}

# Bounded, so that a hang fails one test instead of stopping them all; --foreground leaves the process group alone.
apphost() {
  timeout --foreground -k 5 "${APPHOST_BOUND:-60}" "$APPHOST" "$@"
}

# background ARGUMENT… >out 2>err : the program in the background; its pid is $PID. A shell without job control makes
# background commands ignore Ctrl-C, which no terminal does, and nohup the hangup; bats waits for whoever holds its
# descriptor 3.
background() {
  env --default-signal=INT,QUIT,HUP "$APPHOST" "$@" 3>&- &
  PID=$!
}

# ended PID [CODE…] : it ends within 20 seconds, with one of these exit codes
ended() {
  local pid=$1 code=0 wanted
  shift
  wait_until 20 dead "$pid"
  wait "$pid" || code=$?
  [ $# -gt 0 ] || return 0
  for wanted; do
    [ $code -ne "$wanted" ] || return 0
  done
  echo "$pid ended with $code, wanted $*"
  return 1
}

# What a command said goes to the test's output, which bats shows only when the test fails.
ok() {
  run --separate-stderr "$@"
  printf '$ %s\n[%s]\n%s\n%s\n' "$*" "$status" "$output" "$stderr"
  [ "$status" -eq 0 ]
}

fails() {
  local code=$1 expected=()
  shift
  # bats warns of a 127 that it was not told of.
  [ "$code" -ne 127 ] || expected=(-127)
  run --separate-stderr "${expected[@]}" "$@"
  printf '$ %s\n[%s, wanted %s]\n%s\n%s\n' "$*" "$status" "$code" "$output" "$stderr"
  [ "$status" -eq "$code" ]
}

# says TEXT… : standard error holds each of them (regular expressions, in any case)
says() {
  local text
  for text; do
    grep -Eqi -- "$text" <<<"$stderr" || { echo "not said on stderr: $text"; return 1; }
  done
}

prints() {
  local text
  for text; do
    grep -Eqi -- "$text" <<<"$output" || { echo "not printed: $text"; return 1; }
  done
}

# `! command` does not fail a test; this does.
not() {
  if "$@"; then
    echo "should not hold: $*"
    return 1
  fi
}

prints_or_says() {
  grep -Eqi -- "$1" <<<"$output$stderr" || { echo "neither printed nor said: $1"; return 1; }
}

# The seconds are those of a quiet machine; a loaded one gets several times as much before a wait has failed.
wait_quietly() {
  local end=$((SECONDS + $1 * 6))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.05
  done
}

wait_until() {
  local seconds=$1
  shift
  wait_quietly "$seconds" "$@" >/dev/null 2>&1 || { echo "not within $seconds s: $*"; return 1; }
}

engine() {
  engine_call "$@"
}

# Names of what the engine has with our project's label: $1 is containers/json?all=1, networks or volumes.
labelled() {
  local sep='?'
  [[ $1 = *\?* ]] && sep='&'
  engine GET "/$1${sep}filters=%7B%22label%22%3A%5B%22io.apphost.project%3D$PROJECT%22%5D%7D"
}

containers() {
  labelled 'containers/json?all=1' | jq -r '.[].Names[0][1:]'
}

networks() {
  labelled networks | jq -r '.[].Name'
}

volumes() {
  labelled volumes | jq -r '(.Volumes // [])[].Name'
}

# Processes of this test: the program's own, and children that carry a session. bats and its shells have neither.
# One grep over all environments, and the record of who runs: a supervisor may have overwritten its own.
processes() {
  local pid
  for pid in $(grep -lsz "^XDG_STATE_HOME=$T/" /proc/[0-9]*/environ | cut -d/ -f3) \
    $(find "$T/state/apphost" -maxdepth 2 -name session.json -type f -exec cat {} + 2>/dev/null |
    jq -r '.supervisor, .guard' 2>/dev/null); do
    [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$(readlink -f "$APPHOST")" ] ||
      grep -qsz '^APPHOST_SESSION=' "/proc/$pid/environ" || continue
    if alive "$pid"; then echo "$pid"; fi
  done | cat - <(native_servers) | sort -un
}

# Native servers overwrite their environment: those of this test are known by the folder that they work in.
native_servers() {
  local pid
  for pid in $(pgrep -f '(redis|valkey)-server'); do
    [[ $(readlink "/proc/$pid/cwd") = $T/* ]] && alive "$pid" && echo "$pid"
  done
  return 0
}

sockets() {
  find "$T/run" -type s 2>/dev/null
}

leftovers() {
  local pid
  containers | sed 's/^/container /'
  networks | sed 's/^/network /'
  volumes | sed 's/^/volume /'
  sockets | sed 's/^/socket /'
  for pid in $(processes); do
    echo "process $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
  done
}

nothing_left() {
  [ -z "$(leftovers)" ]
}

# By force, for a test that failed: nothing of ours may disturb the next one.
sweep() {
  local pid name
  for pid in $(processes) $(processes); do kill -9 "$pid" 2>/dev/null; done
  for name in $(containers); do engine DELETE "/containers/$name?force=1&v=1" >/dev/null; done
  for name in $(networks); do engine DELETE "/networks/$name" >/dev/null; done
  for name in $(volumes); do engine DELETE "/volumes/$name" >/dev/null; done
  umount "$T"/* 2>/dev/null
  rm -rf "$T"
  return 0
}

needs_image() {
  [ "$(engine_status GET "/images/$1/json")" = 200 ] || skip "the image $1 could not be built here"
}

# For setup_file: programs of the client library's own tests, where one of these images is there. They are there after
# `make check`; to build them takes longer than a test may, on a busy machine.
make_client_tests() { # "IMAGE…" PROGRAM…
  local image
  for image in $1; do
    [ "$(engine_status GET "/images/$image/json")" = 200 ] || continue
    make -s -C "$ROOT" VARIANT=asan BUILD="$ROOT/build/asan" "${@:2}" >&2 || echo "client tests: not built" >&2
    return 0
  done
}

# A server that is not the project's, with these lines and PORT in them as its configuration: $OUTSIDE is its port. A
# port that was free may be somebody's a moment later: then another one.
outside_server() {
  local try
  for try in 1 2 3 4 5; do
    OUTSIDE=$(free_port)
    printf '%s\n' "bind 127.0.0.1" 'save ""' "dir $T" "$@" | sed "s/PORT/$OUTSIDE/" >"$T/outside.conf"
    redis-server "$T/outside.conf" >"$T/outside.log" 2>&1 3>&- &
    OUTSIDE_PID=$!
    wait_until 30 outside_is_decided
    alive "$OUTSIDE_PID" && return
  done
  cat "$T/outside.log"
  return 1
}

outside_is_decided() {
  grep -q 'Ready to accept' "$T/outside.log" || dead "$OUTSIDE_PID"
}

# Podman has names in networks only with a plugin of its own.
needs_container_names() {
  engine GET /_ping -i | grep -qi '^libpod-api' || return 0
  [ -e /usr/lib/cni/dnsname ] || [ -e /usr/lib/podman/aardvark-dns ] || skip "this Podman resolves no container names"
}

needs() {
  command -v "$1" >/dev/null || skip "$1 is not installed"
}

# A field of the running session's record: supervisor, guard, id, socket.
session() {
  jq -r ".$1" "$T"/state/apphost/"$PROJECT"-*/session.json
}

# There, and no zombie. Asked once: what is a zombie at a first question may be gone at a second one.
alive() {
  [ -n "$1" ] && [[ $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) = [!ZX]* ]]
}

dead() {
  ! alive "$1"
}

# state_of RESOURCE
state_of() {
  apphost ps -o json | jq -r --arg name "$1" '.resources[] | select(.name == $name) | .state'
}

has_state() {
  [ "$(state_of "$1")" = "$2" ]
}

# A port on loopback that nobody listens on now.
free_port() {
  local port
  for port in $(shuf -i 10000-18999 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# ask PORT PASSWORD WORD… : one command to a Redis server, its first answer line
ask() {
  redis-cli --no-auth-warning -h "${CACHE_HOST:-$HERE}" -p "$1" ${2:+-a "$2"} "${@:3}"
}

# The environment of a consumer, into shell variables of this test.
load_env() {
  eval "$(apphost env --format shell "$@")"
}
