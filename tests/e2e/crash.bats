# Whatever dies, nothing stays behind: the command, the supervisor, the guard, the terminal.
load helpers

setup_more() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  app: {type: process, command: [sh, -c, 'echo up; exec sleep 1000'], references: [cache], stop: {timeout: 1s}}
END
}

foreground() {
  background up >"$T/out" 2>"$T/err"
  UP=$PID
  wait_until 20 grep -q up "$T/out" || { cat "$T/out" "$T/err"; return 1; }
}

@test "Ctrl-C, TERM and HUP take everything down" {
  for signal in INT TERM HUP; do
    foreground
    kill -$signal $UP
    ended $UP
    wait_until 5 nothing_left
  done
}

@test "kill -9 of the command: all gone" {
  foreground
  kill -9 $UP
  ended $UP
  wait_until 5 nothing_left
}

@test "kill -9 of the command while a process ignores TERM: gone at once" {
  manifest <<'END'
resources:
  app: {type: process, command: [sh, -c, 'trap "" TERM; echo up; while true; do sleep 0.05; done'],
    stop: {timeout: 60s}}
END
  foreground
  kill -9 $UP
  ended $UP
  wait_until 5 nothing_left
}

@test "kill -9 of the supervisor: all gone" {
  foreground
  kill -9 "$(session supervisor)"
  wait_until 5 nothing_left
  ended $UP
}

@test "kill -9 of the supervisor of a detached session: all gone" {
  ok apphost up -d
  kill -9 "$(session supervisor)"
  wait_until 5 nothing_left
}

@test "kill -9 of the guard: the supervisor goes down in order" {
  ok apphost up -d
  kill -9 "$(session guard)"
  wait_until 5 nothing_left
}

@test "kill -9 of guard and supervisor: the next up heals" {
  ok apphost up -d
  local old
  old=$(labelled containers/json | jq -r '.[].Id')
  kill -9 "$(session guard)" "$(session supervisor)"
  ok apphost up -d
  has_state cache ready
  has_state app ready || has_state app running
  [ "$(containers | wc -l)" -eq 1 ]
  [ "$(processes | wc -l)" -le 4 ]
  ok apphost down
}

# Both at once; the stopped one cannot clean up after the other.
kill_both() {
  local guard supervisor
  guard=$(session guard) supervisor=$(session supervisor)
  kill -STOP "$guard"
  kill -9 "$supervisor" "$guard"
  wait_until 60 dead "$guard"
  wait_until 60 dead "$supervisor"
}

@test "a paused container of dead owners: the next up lets it go on, down and gc remove it" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  local verb id
  for verb in up down gc; do
    ok apphost up -d
    id=$(labelled containers/json | jq -r '.[].Id')
    kill_both
    engine -X POST "containers/$id/pause"
    if [ $verb = up ]; then
      ok apphost up -d --wait-timeout 60s
      [ "$(labelled containers/json | jq -r '.[] | .Id + " " + .State')" = "$id running" ]
      ok apphost redis cache -- PING
      ok apphost down
    else
      ok apphost $verb
    fi
    nothing_left
  done
}

@test "kill -9 of guard and supervisor: gc cleans up" {
  ok apphost up -d
  kill_both
  ok apphost ls
  prints "$PROJECT +dead"
  says 'apphost gc'
  ok apphost gc
  nothing_left
}

is_stopping() {
  apphost ps -o json | jq -e '[.resources[], .others[]] | any(.state == "stopping")'
}

interrupted_to_death() {
  kill -INT "$1" 2>/dev/null
  sleep 0.3 # what comes twice in the same moment is one
  dead "$1"
}

# bats test_tags=engineless
@test "a guard that cleans up: up and down wait for it and say so, others are told" {
  manifest <<<'resources: {app: {type: process, command: [sleep, "1000"]}}'
  local verb guard supervisor
  for verb in 'up -d' down; do
    ok apphost up -d
    guard=$(session guard) supervisor=$(session supervisor)
    kill -STOP "$guard" # takes its time, that is
    kill -9 "$supervisor"
    background $verb >out 2>err
    wait_until 60 grep -q "waiting for the guard of the last session (pid $guard)" err
    if [ "$verb" = down ]; then
      fails 10 apphost wait app
      says "its guard .pid $guard. cleans up"
    fi
    kill -CONT "$guard"
    wait "$PID"
  done
  fails 10 apphost wait app
  wait_until 60 nothing_left
}

@test "taking a dead session down: Ctrl-Z holds nothing up, Ctrl-C says what goes on, and then kills" {
  manifest <<END
resources:
  deaf:
    type: container
    image: $REDIS
    command: [sh, -c, 'trap "" TERM; while true; do sleep 0.05; done']
    stop: {timeout: 1h}
END
  local verb
  for verb in down gc; do
    ok apphost up -d
    kill_both
    background $verb >"$T/out" 2>"$T/err"
    local command=$PID
    wait_until 60 grep -q 'deaf.*stopping' "$T/err"
    kill -STOP "$command"
    is_stopping
    kill -CONT "$command"
    kill -INT "$command"
    wait_until 10 grep -q 'stopping goes on; once more to kill, a third time to leave' "$T/err"
    alive "$command"
    is_stopping
    wait_until 60 interrupted_to_death "$command"
    grep -q 'killing; once more to leave' "$T/err"
    wait_until 60 nothing_left
  done
}

# What a dead owner left, then a command and its exit code; all is gone when it has ended.
heals() {
  local code=$1
  shift
  ok apphost up -d
  kill_both
  run --separate-stderr apphost "$@"
  echo "$* ($status): $output $stderr"
  [ "$status" -eq "$code" ]
  nothing_left
}

@test "kill -9 of guard and supervisor: the next command of any kind heals, and says so" {
  heals 0 ps
  says "last session of $PROJECT was killed; removed what it left: 1 process.*container" 'nothing is running'
  heals 0 doctor
  prints "last session of $PROJECT was killed"
  heals 10 env
  heals 0 logs app
  prints 'up'
  heals 0 validate
}

# bats test_tags=engineless
@test "kill -9 of guard and supervisor: whatever is asked next heals" {
  manifest <<'END'
resources:
  app: {type: process, command: [sh, -c, 'echo up; setsid sleep 1000 & exec sleep 1000'], stop: {timeout: 1s}}
END
  heals 10 wait app
  heals 10 top
  heals 125 exec app true
  heals 0 config
  heals 0 run -- true
  heals 0 down
}

# bats test_tags=engineless
@test "healing leaves neighbours alone: one that lives, and one that is dead but not meant" {
  manifest <<'END'
resources:
  app: {type: process, command: [sleep, "1000"], stop: {timeout: 1s}}
END
  local living=$T/living dead=$T/dead
  mkdir "$living" "$dead"
  cp apphost.yaml "$living"
  cp apphost.yaml "$dead"
  ok apphost -C "$living" -p "living-$PROJECT" up -d
  ok apphost -C "$dead" -p "dead-$PROJECT" up -d
  PROJECT=dead-$PROJECT kill_both
  ok apphost up -d
  kill_both

  ok apphost ps
  says "last session of $PROJECT was killed"
  ok apphost ls
  prints "living-$PROJECT +running" "dead-$PROJECT +dead"
  run --separate-stderr apphost doctor
  prints "last session of dead-$PROJECT was killed"
  ok apphost ls
  prints "living-$PROJECT +running"
  [[ $output != *" dead "* ]]
  ok apphost -C "$living" -p "living-$PROJECT" ps
  prints 'app +(running|ready)'
  ok apphost -C "$living" -p "living-$PROJECT" down
}

@test "kill -9 of guard and supervisor, and the engine cannot be asked: said, tried again, and no failure" {
  ok apphost up -d
  kill_both
  local record
  record=$(ls "$T"/state/apphost/"$PROJECT"-*/session.json)
  cp "$record" "$T/record"
  jq '.engine.unix_path = "/nowhere/docker.sock"' "$T/record" >"$record"
  ok apphost ps
  says 'could not be removed' 'nothing is running'
  cp "$T/record" "$record"
  ok apphost ps
  says 'removed what it left'
  nothing_left
}

@test "data of a server is saved when the supervisor is killed" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, data_volume: true}}"
  ok apphost up -d
  load_env
  ask "$CACHE_PORT" "$CACHE_PASSWORD" SET k kept
  kill -9 "$(session supervisor)"
  local all="http://e/containers/json?all=1&filters=%7B%22label%22%3A%5B%22io.apphost.project%3D$PROJECT%22%5D%7D"
  wait_until 10 sh -c "[ -z \"\$(curl -s --max-time 5 --unix-socket '${ENGINE_HOST#unix://}' '$all' | tr -d '[]\n')\" ]"
  ok apphost up -d
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" GET k)" = kept ]
  ok apphost down -v
}

@test "kill -9 of a server's container: it is noticed" {
  ok apphost up -d
  local id
  id=$(labelled containers/json | jq -r '.[].Id')
  engine POST "/containers/$id/kill"
  wait_until 5 sh -c "! '$APPHOST' ps | grep -E '^cache .*ready'"
  ok apphost down
}

@test "somebody removes the container behind our back: the next up brings it back" {
  ok apphost up -d
  local id
  id=$(labelled containers/json | jq -r '.[].Id')
  engine DELETE "/containers/$id?force=1&v=1"
  wait_until 5 sh -c "! '$APPHOST' ps | grep -E '^cache .*ready'" || true
  ok apphost up -d
  has_state cache ready
  ok apphost down
}

@test "Ctrl-Z on the command does not stop the supervisor" {
  foreground
  kill -STOP $UP
  ok apphost ps
  has_state cache ready
  kill -CONT $UP
  kill -INT $UP
  ended $UP
  wait_until 5 nothing_left
}

@test "a reader that closes its pipe ends the command and the session" {
  manifest <<'END'
resources:
  app: {type: process, command: [sh, -c, 'while true; do echo tick; sleep 0.05; done']}
END
  timeout 20 bash -c "'$APPHOST' up 2>$T/err | head -n 2" >"$T/out"
  wait_until 5 nothing_left
}

supervised_sleep() {
  pgrep -xf 'sleep 1000' -P "$(session supervisor)"
}

# bats test_tags=engineless
@test "a reader that has stalled: a signal ends the command and the session" {
  manifest <<<'resources: {app: {type: process, command: [sleep, "1000"]}}'
  local pipe
  mkfifo "$T/full"
  exec {pipe}<>"$T/full"
  timeout 1 dd if=/dev/zero bs=4096 count=10000 >&"$pipe" 2>/dev/null || true # as much as fits
  background up >"$T/full" 2>&1
  wait_until 30 supervised_sleep # by then somebody listens to signals, and waits for the reader
  kill -TERM "$PID"
  ended "$PID" 143
  wait_until 5 nothing_left
  exec {pipe}>&-
}

@test "the second Ctrl-C kills: nobody waits for the stop timeout" {
  manifest <<'END'
resources:
  app: {type: process, command: [sh, -c, 'trap "" TERM; echo up; while true; do sleep 0.05; done'], stop: {timeout: 1h}}
END
  foreground
  kill -INT $UP
  wait_until 5 has_state app stopping
  alive $UP
  sleep 0.3 # what comes twice in the same moment is one
  kill -INT $UP
  ended $UP
  grep -q 'killing; once more to leave' "$T/err"
  wait_until 5 nothing_left
}

@test "down: the first Ctrl-C is answered, the second kills, a third leaves the rest to the supervisor" {
  manifest <<'END'
resources:
  app: {type: process, command: [sh, -c, 'trap "" TERM; echo up; while true; do sleep 0.05; done'], stop: {timeout: 1h}}
END
  ok apphost up -d
  background down >"$T/out" 2>"$T/err"
  wait_until 10 has_state app stopping
  kill -INT "$PID"
  wait_until 10 grep -q 'stopping goes on; once more to kill' "$T/err"
  alive "$PID"
  has_state app stopping
  sleep 0.3 # what comes twice in the same moment is one
  kill -INT "$PID"
  ended "$PID" 0
  grep -q 'killing; once more to leave' "$T/err"
  nothing_left
}

@test "two ups at once: one session" {
  background up -d >"$T/1" 2>&1
  local one=$PID
  background up -d >"$T/2" 2>&1
  local two=$PID
  ended $one 0 || { cat "$T/1"; false; }
  ended $two 0 || { cat "$T/2"; false; }
  [ "$(containers | wc -l)" -eq 1 ]
  ok apphost down
}

@test "down while up is under way: both end, nothing is left" {
  background up -d >"$T/1" 2>&1
  local one=$PID
  wait_until 5 sh -c "find $T/run -type s | grep -q ."
  run --separate-stderr apphost down
  echo "$status $output $stderr"
  [ "$status" -eq 0 ]
  ended $one
  wait_until 5 nothing_left
}
