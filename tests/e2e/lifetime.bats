# Lifetimes: what stays, what goes, and what is found again. Data in volumes and folders, persistent servers, passwords.
load helpers

REDIS8=apphost-test/redis:8.0
VALKEY=apphost-test/valkey:8.1

# server [LINE…] : a manifest with one server called cache
server() {
  {
    printf 'resources:\n  cache:\n    type: redis\n    image: %s\n' $REDIS
    [ $# = 0 ] || printf '    %s\n' "$@"
  } | manifest
}

up() {
  ok apphost up -d "$@"
  load_env
}

cache() {
  ask "$CACHE_PORT" "${CACHE_PASSWORD:-}" "$@"
}

id_of() {
  engine GET "/containers/$(containers | grep -- "-$1\$")/json" | jq -r .Id
}

no_containers() {
  [ -z "$(containers)" ]
}

owner_dead() {
  [ -z "$(processes)" ]
}

# ---- data ----

@test "data in a volume survives down and up without a forced save, on each server" {
  needs_image "$REDIS8"
  needs_image "$VALKEY"
  for kind in "redis $REDIS" "redis $REDIS8" "valkey $VALKEY"; do
    manifest <<END2
resources:
  cache: {type: ${kind% *}, image: ${kind#* }, data_volume: true}
END2
    up
    cache SET kept "${kind#* }"
    ok apphost down
    up
    [ "$(cache GET kept)" = "${kind#* }" ]
    ok apphost down -v
  done
}

@test "data in a folder survives down and up without a forced save" {
  mkdir data
  server 'data_bind_mount: ./data'
  up
  cache SET kept folder
  ok apphost down
  up
  [ "$(cache GET kept)" = folder ]
  ok apphost down -v
  [ -s data/dump.rdb ]
}

@test "without data it is gone after down and up" {
  server
  up
  cache SET kept nowhere
  ok apphost down
  up
  [ -z "$(cache GET kept)" ]
  ok apphost down
}

@test "data survives kill -9 of the supervisor: the guard saves it" {
  server 'data_volume: true'
  up
  cache SET kept guarded
  kill -9 "$(session supervisor)"
  wait_until 20 no_containers
  wait_until 5 owner_dead
  up
  [ "$(cache GET kept)" = guarded ]
  ok apphost down -v
}

@test "data survives kill -9 of guard and supervisor: the next up finds the server and its data" {
  server 'data_volume: true'
  up
  cache SET kept orphaned
  kill -9 "$(session guard)" "$(session supervisor)"
  wait_until 5 owner_dead
  up
  [ "$(cache GET kept)" = orphaned ]
  ok apphost down -v
}

@test "data survives a server that is killed, as far as it was saved" {
  server 'data_volume: true'
  up
  cache SET kept saved
  cache SAVE
  ok apphost kill cache
  ok apphost start cache
  load_env
  [ "$(cache GET kept)" = saved ]
  ok apphost down -v
}

# ---- persistent servers ----

@test "a persistent server stays on down, and is adopted with its data and address" {
  server 'lifetime: persistent'
  up
  before=$(id_of cache) url=$CACHE_URI
  cache SET kept memory
  ok apphost down
  [ "$(cache GET kept)" = memory ]
  up --explain
  says 'cache.*reused'
  [ "$(id_of cache)" = "$before" ] && [ "$CACHE_URI" = "$url" ]
  [ "$(cache GET kept)" = memory ]
  ok apphost down --all
  no_containers
}

@test "a persistent server that was stopped is started, not recreated" {
  server 'lifetime: persistent'
  up
  before=$(id_of cache)
  cache SET kept disk
  cache SAVE
  ok apphost down
  engine POST "/containers/$before/stop?t=5"
  up --explain
  says 'cache.*started'
  [ "$(id_of cache)" = "$before" ]
  [ "$(cache GET kept)" = disk ]
  ok apphost down --all
}

@test "a persistent server whose save points changed is recreated, and --explain names the field" {
  server 'lifetime: persistent' 'data_volume: true'
  up
  before=$(id_of cache)
  cache SET kept volume
  ok apphost down
  server 'lifetime: persistent' 'data_volume: true' 'persistence: {interval: 5m}'
  up --explain
  says 'cache.*recreated' 'save|APPHOST_REDIS_CONF'
  not grep -q "$CACHE_PASSWORD" <<<"$stderr"
  [ "$(id_of cache)" != "$before" ]
  [ "$(cache CONFIG GET save | sed -n 2p)" = "300 1" ]
  [ "$(cache GET kept)" = volume ]
  ok apphost down --all -v
}

@test "a parameter's new value recreates the server; a generated password does not" {
  printf 'parameters:\n  pw: {secret: true}\n' >tail
  server 'lifetime: persistent' 'password: {parameter: pw}'
  cat tail >>apphost.yaml
  up --parameter pw=first
  before=$(id_of cache)
  up --parameter pw=first
  [ "$(id_of cache)" = "$before" ]
  up --parameter pw=second
  [ "$(id_of cache)" != "$before" ]
  [ "$(cache PING)" = PONG ]
  ok apphost down --all
}

@test "network membership does not recreate a persistent server" {
  server 'lifetime: persistent'
  up
  before=$(id_of cache)
  cat >>apphost.yaml <<END2
  talker:
    type: container
    image: $REDIS
    entrypoint: [sh, -c]
    command: ['exec sleep 1000']
    references: [cache]
END2
  up
  [ "$(id_of cache)" = "$before" ]
  [ "$(containers | wc -l)" = 2 ]
  ok apphost down --all
}

@test "ownership: a persistent server left out of the manifest is stopped, kept, and taken by down --all" {
  server 'lifetime: persistent'
  cat >>apphost.yaml <<END2
  other: {type: redis, image: $REDIS}
END2
  up
  before=$(id_of cache)
  manifest <<END2
resources:
  other: {type: redis, image: $REDIS}
END2
  ok apphost up -d
  [ "$(engine GET "/containers/$before/json" | jq -r .State.Running)" = false ]
  ok apphost down --all
  no_containers
}

# ---- volumes ----

@test "volumes whose specification changed stay until they are asked for" {
  server 'data_volume: first'
  up
  cache SET kept first
  server 'data_volume: second'
  up
  [ -z "$(cache GET kept)" ]
  [ "$(volumes | wc -l)" = 2 ]
  server
  up
  ok apphost down
  [ "$(volumes | wc -l)" = 2 ]
  server 'data_volume: first'
  up
  [ "$(cache GET kept)" = first ]
  ok apphost down -v
  [ -z "$(volumes)" ]
}

# ---- lost state ----

forget() {
  rm -rf "$T"/state/*
}

@test "a lost state folder: the password of a persistent server is read back from it" {
  server 'lifetime: persistent'
  up
  before=$(id_of cache) password=$CACHE_PASSWORD
  ok apphost down
  forget
  up
  [ "$CACHE_PASSWORD" = "$password" ]
  [ "$(id_of cache)" = "$before" ]
  [ "$(cache PING)" = PONG ]
  ok apphost down --all
}

@test "another state folder, as with sudo: the same password, the same server" {
  server 'lifetime: persistent' 'data_volume: true'
  up
  before=$(id_of cache) password=$CACHE_PASSWORD
  cache SET kept shared
  ok apphost down
  mkdir -m 700 "$T/elsewhere"
  XDG_STATE_HOME=$T/elsewhere ok apphost up -d
  [ "$(id_of cache)" = "$before" ]
  eval "$(XDG_STATE_HOME=$T/elsewhere apphost env --format shell)"
  [ "$CACHE_PASSWORD" = "$password" ]
  [ "$(cache GET kept)" = shared ]
  XDG_STATE_HOME=$T/elsewhere ok apphost down --all -v
}

@test "a stopped persistent server gives its password too, and TLS is no obstacle" {
  server 'lifetime: persistent' 'tls: true'
  up
  password=$CACHE_PASSWORD before=$(id_of cache)
  ok apphost down
  engine POST "/containers/$before/stop?t=5"
  forget
  up
  [ "$CACHE_PASSWORD" = "$password" ]
  redis-cli --no-auth-warning -a "$CACHE_PASSWORD" -h "${CACHE_HOST:-$HERE}" -p "$CACHE_PORT" --tls \
    --cacert "$CACHE_CA_FILE" PING | grep -qx PONG
  ok apphost down --all
}

@test "a lost state folder loses no data in volumes" {
  server 'data_volume: true'
  up
  cache SET kept volume
  ok apphost down
  forget
  up
  [ "$(cache GET kept)" = volume ]
  ok apphost down -v
}

# ---- a moved folder ----

@test "a moved folder is told where its data is, and adopts it" {
  mkdir old
  cd old
  server 'data_volume: true'
  up
  cache SET kept moved
  volume=$(volumes)
  hash=$(sed -E 's/.*-([0-9a-f]{8})-cache-data$/\1/' <<<"$volume")
  ok apphost down
  cd ..
  mv old new
  cd new
  ok apphost up -d
  says "warning.*$volume" "$T/work/old/apphost.yaml is gone" "apphost up --adopt $hash"
  load_env
  [ -z "$(cache GET kept)" ]
  # What runs under the other identity comes first.
  fails 9 apphost up -d --adopt "$hash"
  says 'apphost down'
  ok apphost down -v
  ok apphost up -d --adopt "$hash"
  load_env
  [ "$(cache GET kept)" = moved ]
  # From now on without the option, and for every verb.
  ok apphost down
  up
  not grep -q adopt <<<"$stderr"
  [ "$(cache GET kept)" = moved ]
  [ "$(volumes)" = "$volume" ]
  ok apphost down -v
  [ -z "$(volumes)" ]
}

@test "a copy of a folder is a project of its own, and nobody warns" {
  mkdir one
  cd one
  server 'data_volume: true'
  ok apphost up -d
  ok apphost down
  cp -r ../one ../two
  cd ../two
  ok apphost up -d
  not grep -q adopt <<<"$stderr"
  ok apphost down -v
  cd ../one
  ok apphost down -v
}

@test "adopting what is not there is an error that lists what is" {
  server 'data_volume: true'
  fails 10 apphost up -d --adopt 00000000
  says 00000000
  fails 2 apphost up -d --adopt nonsense
}

# ---- the engine ----

# An engine of our own for one test: started, and at the end of the test's process stopped, whatever happens.
own_engine() {
  [ -z "${E2E_OTHER:-}" ] || skip "an engine of our own is the machine's Docker: tested there"
  [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null || skip "starting an engine of our own needs root and dockerd"
  ENGINE_GIVEN=$ENGINE_HOST
  engine_start 3>&- || skip "no engine of our own could be started"
  export DOCKER_HOST=$ENGINE_HOST
  "$BATS_TEST_DIRNAME/../images/build" $REDIS >&2 || skip "the image could not be built there"
}

teardown() {
  local code=0
  teardown_test || code=$?
  [ -z "${ENGINE_GIVEN:-}" ] || engine_stop
  return $code
}

# As its service manager would do it. Without --default-address-pool: an engine that finds its old bridge and has this
# option deletes docker0, which may be another engine's.
restart_engine() {
  local pid
  pid=$(cat "$ENGINE_DIR/pid")
  kill "$pid"
  wait_until 30 dead "$pid"
  rm -f "$ENGINE_DIR/pid"
  setsid dockerd --data-root "$ENGINE_DIR/data" --exec-root "$ENGINE_DIR/exec" --pidfile "$ENGINE_DIR/pid" \
    -H "$ENGINE_HOST" --group root -b "$ENGINE_BRIDGE" --iptables=false --ip6tables=false --ip-forward=false \
    --ip-masq=false </dev/null >>"$ENGINE_DIR/log" 2>&1 3>&- &
  wait_until 40 engine_answers
}

answers_with() {
  load_env && [ "$(cache GET kept)" = "$1" ]
}

@test "data survives a restart of the engine, under a running project and between two" {
  own_engine
  server 'data_volume: true'
  up
  cache SET kept engine
  restart_engine
  wait_until 60 answers_with engine
  ok apphost down
  restart_engine
  up
  [ "$(cache GET kept)" = engine ]
  ok apphost down -v
}

@test "a persistent container that is ready by a line of its log is ready in the next session, too" {
  manifest <<END
resources:
  box:
    type: container
    image: $REDIS
    command: [sh, -c, 'echo now listening; exec sleep 1000']
    lifetime: persistent
    stop: {signal: KILL}
    ready: {log: now listening, timeout: 60s}
END
  ok apphost up -d
  ok apphost down
  ok apphost up -d
  has_state box ready
  ok apphost down --all
}
