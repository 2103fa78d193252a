# Sections of tests/bench/run about the Redis hosting integration; sourced by it.
#
#   stack     two servers with Commander and Insight's stand-in on one network, all healthy
#   reaction  from a server's death to the report of it; from its first PONG to `ready`
#   snapshot  100,000 keys: back to a snapshot, beside a plain restart of the server
#   ends      from kill -9 of the supervisor to a machine with nothing of it; from the third Ctrl-C to the command's
#   exit
# shellcheck shell=bash disable=SC2154 # T, BIN, ROUNDS and IMAGE are the caller's

COMMANDER=apphost-test/commander:1
INSIGHT=apphost-test/insight-stand-in:1

stack_floor() { "$BIN/stack" "$DOCKER_HOST" $IMAGE $COMMANDER $INSIGHT "$@"; }

stack_up() {
  apphost -C "$T/stack" up -d && apphost -C "$T/stack" wait redisinsight rediscommander --wait-timeout 120s
}

section_stack() {
  local rounds=5 dir=$T/stack order best=together
  if ! tests/images/build $COMMANDER $INSIGHT; then
    echo 'stack: the images of the sidecars could not be built'
    return
  fi
  mkdir -p "$dir"
  cat >"$dir/apphost.yaml" <<END
name: bench-$$-stack
resources:
  one: {type: redis, image: $IMAGE, commander: {image: $COMMANDER}, insight: {image: $INSIGHT}}
  two: {type: redis, image: $IMAGE, password: false}
END
  for _ in $(seq $rounds); do
    for order in together after; do
      note "s$order" "$(stack_floor up $order)"
      stack_floor down >/dev/null
    done
    note sservers "$(ms apphost -C "$dir" up -d)"
    apphost -C "$dir" down >/dev/null 2>&1
    note sup "$(ms stack_up)"
    note sdown "$(ms apphost -C "$dir" down)"
  done
  awk "BEGIN { exit !($(of safter) < $(of stogether)) }" && best=after
  head_line "two Redis, Commander, Insight's stand-in, ms (medians of $rounds)"
  printf '  floor, everything at once: %6.0f   sidecars after the servers: %6.0f\n' "$(of stogether)" "$(of safter)"
  row "all four healthy (floor: $best)" "$(of "s$best")" "$(of sup)" x1.10
  echo '  sidecars are started when the servers run: up -d is not to wait for an engine that starts sidecars at' \
    'the same time'
  row 'up -d, which waits for the servers only' '' "$(of sservers)" ''
  row 'down' '' "$(of sdown)" ''
}

# Arrival times of the project's transitions, as a client sees them: "MICROSECONDS {…}" a line, into a file.
watch_events() { # FOLDER FILE
  apphost -C "$1" events | while read -r line; do echo "${EPOCHREALTIME/./} $line"; done >"$2"
}

# The first transition in FILE after a time, optionally to a state: prints when it arrived.
arrival() { # FILE AFTER [STATE]
  awk -v after="$2" -v state="${3:+\"state\":\"$3\"}" '$1 > after && index($0, state) { print $1; exit }' "$1"
}

await_arrival() {
  local end=$((SECONDS + 30)) when=
  until when=$(arrival "$@") && [ -n "$when" ]; do
    [ $SECONDS -lt $end ] || { echo nan; return; }
    sleep 0.02
  done
  echo "$when"
}

# The server's own process: a container's first process is an init.
server_pid() { # FOLDER
  local pid container
  pid=$(apphost -C "$1" ps -o json | jq '.resources[0].pid // 0')
  [ "$pid" = 0 ] || { echo "$pid"; return; }
  container=$(apphost -C "$1" ps -o json | jq -r '.resources[0].containerName')
  pgrep -P "$(engine_call GET "/containers/$container/json" | jq .State.Pid)"
}

# Kills the server ROUNDS times: notes the time until the report, and from the first PONG of the next one to `ready`.
react() { # NAME FOLDER
  local killed reported answered ready watcher port
  apphost -C "$2" up -d >/dev/null 2>&1 || return
  port=$(apphost -C "$2" port cache | sed 's/.*://')
  watch_events "$2" "$T/events.$1" &
  watcher=$!
  sleep 0.5
  for _ in $(seq "$ROUNDS"); do
    killed=${EPOCHREALTIME/./}
    kill -9 "$(server_pid "$2")"
    killed=${EPOCHREALTIME/./}
    reported=$(await_arrival "$T/events.$1" "$killed")
    answered=$("$BIN/answers" "$port")
    ready=$(await_arrival "$T/events.$1" "$reported" ready)
    note "report.$1" "$(awk "BEGIN { print ($reported - $killed) / 1000 }")"
    note "ready.$1" "$(awk "BEGIN { print ($ready - $answered) / 1000 }")"
  done
  apphost -C "$2" down >/dev/null 2>&1
  wait $watcher
}

section_reaction() {
  local engine
  for engine in docker native; do
    mkdir -p "$T/react-$engine"
    printf 'name: bench-%s-react\nengine: %s\nresources:\n  cache: {type: redis, password: false, %s}\n' \
      $$ $engine "restart: {backoff: 100ms, max_backoff: 100ms}$([ $engine = native ] || echo ", image: $IMAGE")" \
        >"$T/react-$engine/apphost.yaml"
    [ $engine = docker ] || command -v redis-server >/dev/null || continue
    react $engine "$T/react-$engine"
  done
  head_line "reactions, ms (medians of $ROUNDS)"
  for engine in docker native; do
    [ -e "$T/m.report.$engine" ] || continue
    row "death of the server until the report of it, $engine" '' "$(of "report.$engine")" '<=50 ms'
    row "its answer until \`ready\`, $engine" '' "$(of "ready.$engine")" '<=5 ms'
  done
}

section_snapshot() {
  local dir=$T/snapshot figures
  mkdir -p "$dir"
  printf 'name: bench-%s-snapshot\nresources: {cache: {type: redis, image: %s}}\n' $$ $IMAGE >"$dir/apphost.yaml"
  figures=$(cd "$dir" && APPHOST=$APPHOST "$ROOT/tests/bench/snapshot" 5) || return
  head_line '100,000 keys, ms (medians of 5)'
  row 'restore of a snapshot (floor: a plain restart)' "${figures% *}" "${figures#* }" ''
}

# Nothing is left of the project in FOLDER: containers, networks, processes.
is_empty() { # NAME FOLDER
  local label="filters=%7B%22label%22%3A%5B%22io.apphost.project%3D$1%22%5D%7D"
  ! pgrep -f "$2/asleep" >/dev/null && [ "$(engine_call GET "/networks?$label")" = '[]' ] &&
    [ "$(engine_call GET "/containers/json?all=1&$label")" = '[]' ]
}

# Prints the milliseconds from the kill until the machine is empty.
kill_and_wait() { # NAME FOLDER
  local killed end=$((SECONDS + 60))
  apphost -C "$2" up -d >"$T/log" 2>&1 || { tail -n 5 "$T/log" >&2; echo nan; return; }
  killed=$(now_us)
  kill -9 "$(session supervisor "$2")"
  until is_empty "$1" "$2"; do
    [ $SECONDS -lt $end ] || { echo nan; return; }
    sleep 0.01
  done
  awk "BEGIN { print ($(now_us) - $killed) / 1000 }"
}

# Three interruptions of a foreground up whose process does not want to go: the first asks, the second kills, the
# third leaves. Its supervisor is stopped before the third, so that there is something left to leave.
third_interruption() { # FOLDER
  local up sup start
  env --default-signal=INT "$APPHOST" -C "$1" up >"$T/third" 2>&1 &
  up=$!
  until grep -q '  ready' "$T/third"; do
    sleep 0.05
    [ -e /proc/$up ] || { echo nan; return; }
  done
  sup=$(session supervisor "$1")
  kill -STOP "$sup"
  kill -INT $up
  sleep 0.3
  kill -INT $up
  sleep 0.3
  start=$(now_us)
  kill -INT $up
  wait $up
  awk "BEGIN { print ($(now_us) - $start) / 1000 }"
  kill -CONT "$sup"
  apphost -C "$1" down --kill >/dev/null 2>&1
}

section_ends() {
  local dir=$T/ends name=bench-$$-ends i
  mkdir -p "$dir" "$T/third-of"
  cp "$(command -v sleep)" "$dir/asleep"
  {
    printf 'name: %s\nresources:\n' "$name"
    for i in 1 2 3 4; do echo "  cache$i: {type: redis, image: $IMAGE}"; done
    for i in 1 2; do echo "  worker$i: {type: process, command: ['$dir/asleep', '1000']}"; done
    echo "  box: {type: container, image: $IMAGE, command: [redis-server], references: [cache1]}" # it makes the network
  } >"$dir/apphost.yaml"
  printf 'name: %s-third\nresources: {worker: {type: process, command: [sleep, "1000"]}}\n' "$name" \
    >"$T/third-of/apphost.yaml"
  for _ in $(seq "$ROUNDS"); do
    floor up 5 5 >/dev/null
    note efloor "$(floor down 5 5)"
    note ekill "$(kill_and_wait "$name" "$dir")"
    note ethird "$(third_interruption "$T/third-of")"
  done
  head_line "ends, ms (medians of $ROUNDS)"
  row 'kill -9 until nothing is left (floor: 5 kills)' "$(of efloor)" "$(of ekill)" '<=1000 ms'
  row 'third Ctrl-C until the command has left' '' "$(of ethird)" '<=100 ms'
}
