# One resource at a time: start, stop, restart, kill, exec, wait, logs, events.
load helpers

two() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  app:
    type: process
    command: [sh, -c, 'echo "app \$\$ \$CACHE_PORT"; exec sleep 1000']
    references: [cache]
END
  ok apphost up -d
}

pid_of() {
  apphost ps -o json | jq -r --arg name "$1" '.resources[] | select(.name == $name) | .pid'
}

@test "stop and start one process" {
  two
  local before
  before=$(pid_of app)
  ok apphost stop app
  wait_until 3 dead "$before"
  has_state cache ready
  ok apphost start app
  [ "$(pid_of app)" != "$before" ]
  ok apphost down
}

@test "stopping a server stops who depends on it; starting it brings them back" {
  two
  local before
  before=$(pid_of app)
  ok apphost stop cache
  wait_until 5 dead "$before"
  ok apphost start cache
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  ok apphost down
}

@test "restart gives a new process" {
  two
  local before
  before=$(pid_of app)
  ok apphost restart app
  wait_until 3 dead "$before"
  alive "$(pid_of app)"
  ok apphost down
}

@test "restart of a server is ready again when it returns, and its dependant has the right address" {
  two
  ok apphost restart cache
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  wait_until 10 has_app_with "$CACHE_PORT"
  ok apphost down
}

has_app_with() {
  tr '\0' '\n' <"/proc/$(pid_of app)/environ" | grep -qx "CACHE_PORT=$1"
}

@test "kill ends it at once" {
  two
  local before
  before=$(pid_of app)
  ok apphost kill app
  wait_until 2 dead "$before"
  ok apphost down
}

@test "an unknown resource is exit 10 and a suggestion for every verb" {
  two
  for verb in start stop restart kill wait logs port; do
    fails 10 apphost $verb cahce
    says 'cahce' 'cache'
  done
  fails 125 apphost exec cahce -- true
  ok apphost down
}

@test "exec in a container: output, exit code, not found" {
  two
  ok apphost exec cache -- sh -c 'echo out; echo err >&2'
  [ "$output" = out ]
  [[ $stderr == *err* ]]
  fails 7 apphost exec cache -- sh -c 'exit 7'
  run ! --separate-stderr apphost exec cache -- no-such-program
  [ "$status" -eq 127 ] || [ "$status" -eq 126 ] # engines differ
  ok apphost down
}

@test "exec in a process's environment: same variables, same folder, exit code" {
  two
  load_env
  ok apphost exec app -- sh -c 'echo $CACHE_PORT'
  [ "$output" = "$CACHE_PORT" ]
  fails 3 apphost exec app -- sh -c 'exit 3'
  fails 127 apphost exec app -- no-such-program
  ok apphost down
}

@test "wait: ready at once, and by state; a timeout is exit 7" {
  manifest <<'END'
resources:
  job: {type: process, task: true, command: [sh, -c, 'while [ ! -e go ]; do sleep 0.05; done']}
  app: {type: process, command: sleep 1000, ready: {exec: [test, -e, ok]}}
END
  background up -d --wait-timeout 60s >"$T/out" 2>&1
  local up=$PID
  wait_until 10 sh -c "'$APPHOST' ps | grep -q app"
  fails 7 apphost wait app --wait-timeout 300ms
  ok apphost wait app --for started --wait-timeout 60s
  touch ok go
  ok apphost wait app --wait-timeout 60s
  ok apphost wait job --for completed --wait-timeout 60s
  ended $up 0
  ok apphost down
}

@test "logs: --tail, --grep, -o json, --timestamps, and one resource only" {
  manifest <<'END'
resources:
  one: {type: process, command: [sh, -c, 'for i in 1 2 3 4 5; do echo one-$$i; done; exec sleep 1000']}
  two: {type: process, command: [sh, -c, 'echo two-1 >&2; exec sleep 1000']}
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs one | grep -q one-5 && '$APPHOST' logs two | grep -q two-1"
  ok apphost logs
  prints 'one .*one-1' 'two .*two-1'
  ok apphost logs one
  not grep -q two-1 <<<"$output"
  ok apphost logs one --tail 2
  [ "${#lines[@]}" -eq 2 ]
  prints 'one-4' 'one-5'
  ok apphost logs --grep 'one-[23]'
  [ "${#lines[@]}" -eq 2 ]
  ok apphost logs one -o json
  jq -se 'length == 5 and all(.[]; .resource == "one")' <<<"$output"
  ok apphost logs one --timestamps
  prints '20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T'
  fails 2 apphost logs --grep '('
  ok apphost down
}

@test "a project that was renamed has the logs of its last run, whatever its names were" {
  manifest <<'END'
resources:
  one: {type: process, command: echo said-before, task: true}
END
  ok apphost up -d
  ok apphost down
  sed -i "s/^name: .*/name: zz-$PROJECT/; s/said-before/said-after/" apphost.yaml
  ok apphost up -d
  ok apphost down
  ok apphost logs
  prints 'said-after'
  sed -i "s/^name: .*/name: aa-$PROJECT/; s/said-after/said-last/" apphost.yaml
  ok apphost up -d
  ok apphost down
  ok apphost logs
  prints 'said-last'
}

@test "logs -f follows until Ctrl-C" {
  manifest <<'END'
resources:
  one: {type: process, command: [sh, -c, 'i=0; while true; do i=$((i+1)); echo tick-$$i; sleep 0.05; done']}
END
  sed -i 's/\$((/$$((/' apphost.yaml
  ok apphost up -d
  background logs -f >"$T/out"
  wait_until 5 grep -q tick-3 "$T/out"
  local n
  n=$(wc -l <"$T/out")
  wait_until 5 sh -c "[ \$(wc -l <$T/out) -gt $((n + 3)) ]"
  kill -INT $PID
  ended $PID 130 0
  ok apphost down
}

# Nothing is printed that could tell them: the pipe's end itself has to.
@test "who follows ends when nobody reads any more" {
  manifest <<'END'
resources:
  one: {type: process, command: [sh, -c, 'echo only line; exec sleep 1000']}
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs one | grep -q 'only line'"
  run bash -c "set -o pipefail; timeout 60 '$APPHOST' logs -f | grep -m 1 'only line'"
  [ "$status" = 141 ]
  prints 'only line'
  run bash -c "set -o pipefail; timeout 60 '$APPHOST' events | true"
  [ "$status" = 141 ]
  ok apphost down
  run bash -c "set -o pipefail; timeout 60 '$APPHOST' up | grep -m 1 'only line'"
  [ "$status" = 141 ]
  wait_until 5 nothing_left
}

# bats test_tags=engineless
@test "up ends with its reader while things still start" {
  manifest <<'END'
resources:
  slow: {type: process, command: [sleep, "1000"], ready: {log: never}}
END
  mkfifo pipe
  sleep 1000 <pipe 3>&- &
  local reader=$!
  background up >pipe 2>err </dev/null
  wait_until 20 grep -q 'slow *running' err
  kill "$reader"
  ended "$PID" 141
  wait_until 5 nothing_left
}

@test "logs are there after down" {
  manifest <<'END'
resources:
  one: {type: process, command: [sh, -c, 'echo last words; exec sleep 1000']}
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs one | grep -q 'last words'"
  ok apphost down
  ok apphost logs one
  prints 'last words'
}

@test "logs of a container come in, both streams" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs cache | grep -qi 'ready to accept'"
  ok apphost down
}

@test "no line is lost: 100,000 lines of a process" {
  manifest <<'END'
resources:
  many: {type: process, task: true, command: [seq, -f, 'line %.0f', '100000']}
END
  ok apphost up -d
  ok apphost wait many --for completed --wait-timeout 60s
  apphost logs many >"$T/out"
  [ "$(grep -o 'line [0-9]*' "$T/out" | sort -u | wc -l)" -eq 100000 ]
  ok apphost down
}

@test "a partial line is seen without its newline, and odd bytes do not harm the terminal" {
  manifest <<'END'
resources:
  one: {type: process, command: [sh, -c, 'printf "no newline"; exec sleep 1000']}
  two: {type: process, command: [sh, -c, 'printf "a\033]0;title\007b\000c\377d\n"; exec sleep 1000']}
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs one | grep -q 'no newline'"
  wait_until 5 sh -c "'$APPHOST' logs two -o json | grep -q title"
  apphost logs two -o json | jq -e .
  ok apphost down
}

restart_is_told() {
  apphost restart app
  wait_quietly 1 grep -q '"app"' "$1"
}

@test "events: a stream of transitions, one object a line" {
  two
  background events -o json >"$T/out"
  wait_until 5 test -e "$T/out"
  # From when on it listens cannot be seen from outside: a restart is repeated until one is told.
  wait_until 5 restart_is_told "$T/out"
  kill -INT $PID
  ended $PID
  jq -se 'length > 0 and all(.[]; .state)' "$T/out"
  ok apphost down
}

@test "top: a table once, one object a line with -f, kept up to date on a terminal" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  busy: {type: process, command: [sh, -c, 'while :; do :; done']}
END
  ok apphost up -d
  ok apphost top
  prints NAME.*CPU.*MEMORY.*READ 'cache +ready +[0-9.]+% +[0-9.]+ MB' 'busy +ready'
  ok apphost top -o json busy
  [ "$(jq -r '.resources[0] | .name == "busy" and .cpuPercent > 0 and .memoryBytes > 0 and .processes == 1' \
    <<<"$output")" = true ]
  background top -f -o json --interval 100ms >"$T/out"
  wait_until 10 sh -c "[ \$(wc -l <'$T/out') -ge 3 ]"
  kill -INT $PID
  ended $PID 130
  jq -se 'all(.[]; .resources | length == 2)' "$T/out"
  # Home and clear, twice: the second table replaces the first. And q leaves.
  ok "$ROOT/tests/e2e/terminal.py" expect '\x1b[H' expect '\x1b[H' send q -- "$APPHOST" top --interval 100ms
  prints 'code 0, settings kept'
  ok apphost down
  fails 10 apphost top
}
