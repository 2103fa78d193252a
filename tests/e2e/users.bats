# Several users of one machine: an ordinary one, root over somebody's manifest (sudo), two who share an identity.
# Root only: the other user is "nobody", with a home of his own and the group of the engine's socket.
load helpers

setup_more() {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
  [ -z "${E2E_OTHER:-}" ] || skip "tested on the machine's Docker"
  needs setpriv
  SOCKET=${ENGINE_HOST#unix://}
  [ -S "$SOCKET" ] || skip "the engine has no socket whose group can be had"
  mkdir "$T/o"
  mkdir -m 700 "$T/o/home" "$T/o/run" "$T/o/state" "$T/o/work"
  cp "$APPHOST" "$T/o/apphost"
  chown -R 65534:65534 "$T/o"
  chmod 755 "$T" "$T/work"
}

# What is left of the other user's: sockets; processes are found by their environment.
teardown() {
  [ -z "${BATS_TEST_COMPLETED:-}" ] || [ -z "$(find "$T/o/run" -type s 2>/dev/null)" ] || echo "a socket is left"
  teardown_test
}

# other COMMAND… : as nobody
other() {
  timeout --foreground -k 5 60 setpriv --reuid=65534 --regid=65534 --groups="$(stat -c %g "$SOCKET")" \
    env HOME="$T/o/home" XDG_RUNTIME_DIR="$T/o/run" XDG_STATE_HOME="$T/o/state" "$@"
}

# other_apphost ARGUMENT… : the program as nobody
other_apphost() {
  other "$T/o/apphost" "$@"
}

persistent() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, lifetime: persistent, data_volume: true${1:-}}
END
}

id_of_cache() {
  labelled 'containers/json?all=1' | jq -r '.[].Id'
}

@test "an ordinary user in the engine's group: up, run, data in his own folder, down" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, data_bind_mount: $T/o/work}
END
  ok other_apphost up -d
  ok other_apphost redis cache SET kept 1
  ok other_apphost restart cache
  ok other_apphost redis cache GET kept
  [ "$output" = 1 ]
  [ "$(find "$T/o/work" -name dump.rdb -printf '%U')" = 65534 ]
  ok other_apphost down
  ok other_apphost run -- sh -c 'echo "$CACHE_HOST"'
  [ "$output" = "$HERE" ]
}

@test "a bind mount that this user may not use is an error at its position" {
  mkdir -m 700 closed
  mkdir -m 755 "$T/work/open"
  manifest <<END
resources:
  cache:
    type: redis
    image: $REDIS
    data_bind_mount: ./closed
END
  fails 3 other_apphost validate
  says 'apphost.yaml:6:22: error.*closed'
  sed -i 's/closed/open/' apphost.yaml
  fails 3 other_apphost validate
  says 'apphost.yaml:6:22: error.*open.*written' read_only
  sed -i 's/data_bind_mount: .*/data_bind_mount: {source: .\/open, read_only: true}/' apphost.yaml
  ok other_apphost validate
}

@test "two users of one identity: the password is read back from the server that runs, and from one that is stopped" {
  persistent
  export APPHOST_PROJECT_NAME=$PROJECT
  ok other_apphost up -d
  eval "$(other_apphost env --format shell)"
  local before password=$CACHE_PASSWORD
  before=$(id_of_cache)
  ask "$CACHE_PORT" "$CACHE_PASSWORD" SET kept 1
  ok other_apphost down
  ok apphost up -d
  not grep -q 'another one' <<<"$stderr"
  load_env
  [ "$CACHE_PASSWORD" = "$password" ]
  [ "$(id_of_cache)" = "$before" ]
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" GET kept)" = 1 ]
  ok apphost down
  engine POST "/containers/$before/stop?t=5"
  rm -rf "$T"/o/state/*
  ok other_apphost up -d
  [ "$(id_of_cache)" = "$before" ]
  ok other_apphost redis cache GET kept
  [ "$output" = 1 ]
  ok other_apphost down --all -v
}

# stranger COMMAND… : as a third user, who may see nothing of the others' processes but their names
stranger() {
  timeout --foreground -k 5 60 setpriv --reuid=65533 --regid=65533 --groups="$(stat -c %g "$SOCKET")" \
    env HOME="$T/s" XDG_RUNTIME_DIR="$T/s" XDG_STATE_HOME="$T/s" "$@"
}

@test "two users of one identity: what runs for the one's session is not the other's to take down" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, data_volume: true}}"
  export APPHOST_PROJECT_NAME=$PROJECT
  mkdir -m 700 "$T/s"
  chown 65533:65533 "$T/s"
  ok other_apphost up -d
  local before
  before=$(id_of_cache)
  fails 9 stranger "$T/o/apphost" down -v
  says "$PROJECT runs already" 'of user 65534' 'end it there'
  fails 9 stranger "$T/o/apphost" up -d
  [ "$(id_of_cache)" = "$before" ]
  has_state_of_other ready
  fails 9 apphost down -v
  kill -9 "$(sed -n 's/.*: pid \([0-9]*\) of user.*/\1/p' <<<"$stderr")"
  wait_until 20 no_cache
  ok stranger "$T/o/apphost" down -v
  ok other_apphost down -v
}

has_state_of_other() {
  [ "$(other_apphost ps -o json | jq -r '.resources[0].state')" = "$1" ]
}

no_cache() {
  [ -z "$(id_of_cache)" ]
}

@test "somebody else's state folder (sudo that keeps the environment): exit 9, whose it is, what to do" {
  persistent
  export APPHOST_PROJECT_NAME=$PROJECT
  ok other_apphost up -d
  XDG_STATE_HOME=$T/o/state fails 9 apphost up -d
  says 'nobody \(uid 65534\)' 'same user'
  ok other_apphost down --all -v
}

@test "sudo over somebody's manifest: told whose the data is and how to work with it, before a new server has none" {
  persistent
  ok other_apphost up -d
  ok other_apphost redis cache SET kept 1
  ok apphost up -d
  says 'warning: nobody \(uid 65534\) has .*this manifest: volume .*-cache-data' 'without sudo' APPHOST_PROJECT_NAME
  [ "$(id_of_cache | wc -l)" = 2 ]
  ok apphost up -d
  not grep -q nobody <<<"$stderr"
  ok apphost down --all -v
  ok other_apphost redis cache GET kept
  [ "$output" = 1 ]
  ok other_apphost down --all -v
}

@test "sudo over somebody's manifest with a given port: the port's holder is named" {
  local port
  port=$(free_port)
  persistent ", host_port: $port"
  ok other_apphost up -d
  local name
  name=$(containers)
  fails 8 apphost up -d
  says 'nobody \(uid 65534\)' "$port.*$name"
  [ "$(containers)" = "$name" ] # what never ran is not kept
  ok apphost down -v
  ok other_apphost down --all -v
}

@test "quickstart where no engine can be had: the native one, and it says so" {
  needs redis-server
  local what
  mkdir "$T/o/src"
  (cd "$ROOT" && cp -a --parents Makefile src include scripts manifests packaging tests/checks.mk "$T/o/src")
  mkdir -p "$T/o/src/build"
  cp -a "$ROOT/build/release" "$T/o/src/build/"
  ln -s release/apphost "$T/o/src/build/apphost"
  chown -R 65534:65534 "$T/o/src"
  run --separate-stderr timeout -k 5 300 setpriv --reuid=65534 --regid=65534 --clear-groups \
    env HOME="$T/o/home" XDG_RUNTIME_DIR="$T/o/run" XDG_STATE_HOME="$T/o/state" DOCKER_HOST=unix:///nowhere.sock \
    "$T/o/src/scripts/quickstart"
  printf '%s\n%s\n' "$output" "$stderr"
  [ "$status" -eq 0 ]
  prints 'no container engine can be started here' 'APPHOST_ENGINE=native' 'cache +ready' 'that is all'
}
