# An engine that dies, comes back, or freezes while we use it. The engine is one of our own, so this needs root.
load helpers

setup_file() {
  [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null || return 0
  engine_start || return 0
  # bats runs each test in a process of its own: what stops the engine goes through files and the environment.
  export OWN_HOST=$ENGINE_HOST OWN_PID=$ENGINE_PID OWN_DIR=$ENGINE_DIR OWN_BRIDGE=$ENGINE_BRIDGE OWN_RULE=$ENGINE_RULE
  DOCKER_HOST=$OWN_HOST "$ROOT/tests/images/build" "$REDIS"
}

teardown_file() {
  [ -n "${OWN_DIR:-}" ] || return 0
  ENGINE_HOST=$OWN_HOST ENGINE_PID=$(cat "$OWN_DIR/pid") ENGINE_DIR=$OWN_DIR ENGINE_BRIDGE=$OWN_BRIDGE \
    ENGINE_RULE=$OWN_RULE
  engine_stop
}

setup_more() {
  [ -n "${OWN_HOST:-}" ] || skip "an engine of our own cannot be started here"
  export DOCKER_HOST=$OWN_HOST
  ENGINE_HOST=$OWN_HOST
  engine_answers || revive
}

# The same engine again, on the same data, as its service manager would do it. Without --default-address-pool: an engine
# that finds its old bridge and has this option deletes docker0, which may be another engine's.
begin_again() {
  # Its containerd dies with it, but not at once, and a new engine would take the dying one for its own.
  local containerd=$OWN_DIR/exec/containerd/containerd.pid
  [ ! -s "$containerd" ] || wait_until 10 dead "$(cat "$containerd")"
  rm -f "$containerd"
  rm -f "$OWN_DIR/pid"
  engine_detach setsid dockerd --data-root "$OWN_DIR/data" --exec-root "$OWN_DIR/exec" --pidfile "$OWN_DIR/pid" \
    -H "$OWN_HOST" \
    --group root -b "$OWN_BRIDGE" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false </dev/null \
      >>"$OWN_DIR/log" 2>&1 &
}

answers_or_is_dead() {
  engine_answers || dead "$1"
}

# An engine gives up when its containerd takes more than 15 s: then its service manager begins once more.
revive() {
  local try
  for try in 1 2 3; do
    begin_again
    wait_until 40 answers_or_is_dead $!
    engine_answers && return 0
    echo "the engine did not come up (try $try): $(tail -n 3 "$OWN_DIR/log")"
  done
  return 1
}

servers() {
  { echo 'resources:'; for i in $(seq "$1"); do echo "  s$i: {type: redis, image: $REDIS}"; done; } | manifest
}

@test "the engine dies in mid-up: a clear end, and what it left is healed afterwards" {
  servers 8
  background up -d --wait-timeout 10s >"$T/out" 2>"$T/err"
  local up=$PID
  wait_until 10 sh -c "curl -s --unix-socket '${OWN_HOST#unix://}' http://e/containers/json | grep -q running"
  kill -9 "$(cat "$OWN_DIR/pid")"
  ended $up 4 7 || { cat "$T/err"; false; }
  grep -qi 'engine' "$T/err"
  revive
  apphost down || apphost gc
  wait_until 20 nothing_left
}

@test "the engine is killed and comes back: a ready project becomes ready again" {
  servers 1
  ok apphost up -d
  kill -9 "$(cat "$OWN_DIR/pid")"
  revive
  wait_until 40 has_state s1 ready
  ok apphost down
}

@test "the engine is gone while the project goes down: it says so" {
  servers 1
  ok apphost up -d
  kill -9 "$(cat "$OWN_DIR/pid")"
  run --separate-stderr timeout 60 "$APPHOST" down --wait-timeout 3s
  echo "$status $stderr"
  [ "$status" -ne 0 ]
  [ "$status" -ne 124 ]
  revive
  apphost down || apphost gc
  wait_until 20 nothing_left
}

@test "a frozen engine: bounded, exit 4 or 7, names it" {
  servers 1
  kill -STOP "$(cat "$OWN_DIR/pid")"
  run --separate-stderr timeout 60 "$APPHOST" up -d --wait-timeout 5s
  kill -CONT "$(cat "$OWN_DIR/pid")"
  echo "$status $stderr"
  [ "$status" -eq 4 ] || [ "$status" -eq 7 ]
  says 'engine|docker.sock'
  apphost down || true
  wait_until 20 nothing_left
}
