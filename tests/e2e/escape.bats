# A process that left everything by which one is known (its session, its group, its parent, its environment, its
# descriptors) and is deaf to TERM: gone at every end. Nothing here needs an engine.
# bats file_tags=engineless
load helpers

setup_more() {
  AWAY=31$RANDOM # how long it sleeps: what it is found by
  manifest <<END
resources:
  web: {type: process,
    shell: 'env -i setsid sh -c "trap \"\" TERM; exec sleep $AWAY" </dev/null >/dev/null 2>&1 & exec sleep 1000'}
END
}

runaways() {
  pgrep -fx "sleep $AWAY"
}

# The engine is none of this test's.
teardown() {
  local code=0 pid
  teardown_test || code=$?
  for pid in $(runaways); do
    echo "left behind: $pid"
    kill -9 "$pid"
    code=1
  done
  return $code
}

start() {
  ok apphost up -d
  wait_until 5 runaways
}

none_away() {
  not runaways
}

@test "down takes those that ran away" {
  start
  ok apphost down
  none_away
}

@test "so does the end of a run: those of resources, and of the command itself" {
  ok apphost run -- true
  none_away
  ok apphost run -- sh -c "env -i setsid sleep $AWAY </dev/null >/dev/null 2>&1 & exit 0"
  none_away
}

@test "so does the end of up in the foreground" {
  background up >"$T/out" 2>"$T/err"
  wait_until 5 runaways
  kill -INT "$PID"
  ended "$PID"
  wait_until 5 none_away
}

@test "so does a supervisor's end without goodbye" {
  start
  kill -9 "$(session supervisor)"
  wait_until 5 none_away
}

@test "so does the guard's death" {
  start
  kill -9 "$(session guard)"
  wait_until 5 none_away
}

# Both at once; the stopped one cannot clean up after the other.
kill_both() {
  local guard supervisor
  guard=$(session guard) supervisor=$(session supervisor)
  kill -STOP "$guard"
  kill -9 "$supervisor" "$guard"
  wait_until 5 dead "$guard"
  wait_until 5 dead "$supervisor"
  runaways
}

@test "both killed: gc, down and the next up take them" {
  start
  kill_both
  ok apphost gc
  none_away
  start
  kill_both
  ok apphost down
  none_away
  start
  local first
  first=$(runaways)
  kill_both
  ok apphost up -d
  not alive "$first"
  ok apphost down
}

@test "both killed and the session's record lost: gc, down and the next up take them" {
  [ -z "${E2E_NO_ENGINE:-}" ] || skip "without the record only an engine tells what a session left there"
  start
  kill_both
  rm "$T"/state/apphost/*/session.json
  ok apphost gc
  none_away
  start
  kill_both
  rm "$T"/state/apphost/*/session.json
  ok apphost down
  none_away
  start
  local first
  first=$(runaways)
  kill_both
  rm "$T"/state/apphost/*/session.json
  ok apphost up -d
  not alive "$first"
  ok apphost down
}

@test "a session that was started from within another one outlives it" {
  mkdir "$T/inner"
  echo "{name: $PROJECT-inner, resources: {web: {type: process, command: [sleep, '$AWAY']}}}" >"$T/inner/apphost.yaml"
  ok apphost run -- "$APPHOST" -f "$T/inner/apphost.yaml" up -d
  runaways
  ok apphost -f "$T/inner/apphost.yaml" down
  none_away
}
