# The native engine: servers of this machine as processes, no container engine touched.
# bats file_tags=engineless
load helpers

setup_more() {
  needs redis-server
  export APPHOST_ENGINE=native
  NOWHERE=unix:///nowhere/at.all
  mkdir bin
}

servers() {
  native_servers
}

state_folder() {
  echo "$T"/state/apphost/"$PROJECT"-*
}

pid_of() {
  apphost ps -o json | jq -r --arg name "$1" '.resources[] | select(.name == $name) | .pid'
}

has_another_pid() {
  local pid
  pid=$(pid_of "$1")
  [ "$pid" != null ] && [ "$pid" != "$2" ] && has_state "$1" ready
}

cache() {
  ask "$CACHE_PORT" "${CACHE_PASSWORD:-}" "$@"
}

no_servers() {
  [ -z "$(servers)" ]
}

# one [LINE…] : a redis called cache with these lines
one() {
  {
    printf 'resources:\n  cache:\n    type: redis\n'
    [ $# = 0 ] || printf '    %s\n' "$@"
  } | manifest
}

up() {
  ok apphost up -d
  load_env
}

# ---- which engine ----

@test "flag, then environment, then manifest, then docker" {
  printf 'engine: docker\nresources: {cache: redis}\n' | manifest
  DOCKER_HOST=$NOWHERE ok apphost up -d
  ok apphost down
  export APPHOST_ENGINE=docker
  DOCKER_HOST=$NOWHERE ok apphost --engine native up -d
  ok apphost down
  unset APPHOST_ENGINE
  DOCKER_HOST=$NOWHERE fails 4 apphost up -d
  printf 'engine: native\nresources: {cache: redis}\n' | manifest
  DOCKER_HOST=$NOWHERE fails 4 apphost --engine docker up -d
  DOCKER_HOST=nonsense ok apphost up -d
  DOCKER_HOST=nonsense ok apphost down
}

@test "no container engine is asked for anything" {
  needs strace
  one
  timeout 120 strace -f -qq -e trace=connect -o "$T/trace" "$APPHOST" run -- true
  grep -q AF_UNIX "$T/trace"
  not grep -E 'docker|podman' "$T/trace"
}

@test "where containers cannot be had, the native engine is offered, if it could do it" {
  unset APPHOST_ENGINE
  one
  DOCKER_HOST=$NOWHERE fails 4 apphost up -d
  says 'nowhere' 'hint:.*--engine native'
  fails 4 env PATH="$T/work/bin" DOCKER_HOST=$NOWHERE "$APPHOST" up -d
  not says '--engine native'
  manifest <<<'resources: {web: {type: container, image: x}, cache: redis}'
  DOCKER_HOST=$NOWHERE fails 4 apphost up -d
  not says '--engine native'
}

@test "a server that is not installed is named with its package" {
  one
  fails 4 env PATH="$T/work/bin" "$APPHOST" up -d
  says 'redis-server' 'apt install redis-server' 'apphost.yaml:3'
  manifest <<<'resources: {cache: valkey}'
  ln -s "$(command -v redis-server)" bin/
  fails 4 env PATH="$T/work/bin" "$APPHOST" up -d
  says 'valkey-server' 'apt install valkey-server' 'type: redis'
}

@test "valkey runs by its own program" {
  ln -s "$(command -v redis-server)" bin/valkey-server
  manifest <<<'resources: {cache: valkey}'
  PATH=$T/work/bin:$PATH up
  [ "$(cache PING)" = PONG ]
  tr '\0' ' ' </proc/"$(pid_of cache)"/cmdline | grep -q valkey-server
  ok apphost down
}

@test "garnet runs by its own program" {
  manifest <<<'resources: {cache: garnet}'
  ok apphost validate --manifest-only
  fails 3 apphost validate
  says 'apphost.yaml:2:13: error: "cache" needs garnet-server'
  fails 4 apphost up -d
  says 'garnet-server' 'redis-server is there'
  not says 'apt install'
  # A stand-in: shown is how Garnet is called, and that its configuration says what its consumers are told.
  cat >bin/GarnetServer <<'END'
#!/bin/sh
[ "$1" = --config-import-path ] || exit 3
conf=$(cat "$2")
printf 'port %s\nbind 127.0.0.1\nsave ""\nrequirepass "%s"\n' "$(echo "$conf" | jq -r .Port)" \
  "$(echo "$conf" | jq -r .Password)" >conf
exec redis-server conf
END
  chmod +x bin/GarnetServer
  PATH=$T/work/bin:$PATH up
  [ "$(cache PING)" = PONG ]
  ok apphost down
}

# ---- what needs containers ----

@test "containers, sidecars, other addresses are refused at their position" {
  manifest <<END
resources:
  web: {type: container, image: x}
  cache:
    type: redis
    commander: true
  other: {type: redis, bind_address: 0.0.0.0}
  third: {type: redis, data_volume: {name: here, external: true}}
END
  fails 3 apphost up -d
  says 'apphost.yaml:3:.*web.*container' 'apphost.yaml:6:.*sidecar' 'apphost.yaml:7:.*0\.0\.0\.0' \
    'apphost.yaml:8:.*external' 'optional: true'
}

@test "what is optional is left out, and others go on without it" {
  manifest <<END
resources:
  web: {type: container, image: x, optional: true, references: [cache], endpoints: {http: {target_port: 80}}}
  cache: redis
  app:
    type: process
    command: [sleep, '1000']
    wait_for: [cache, web]
    references: [cache, {resource: web, optional: true}]
END
  ok apphost up -d
  [ "$(apphost ps -o json | jq -c '[.resources[].name]')" = '["cache","app"]' ]
  ok apphost down
}

@test "image, pull and network mean nothing; user and memory say so" {
  one 'image: never/was:1' 'pull: always' 'network: host' 'user: "99"' 'memory: 64m' 'labels: {a: b}'
  ok apphost up -d
  says '`user` of "cache" is without effect' '`memory` of "cache" is without effect'
  not says 'never/was'
  ok apphost down
}

# ---- life ----

@test "ready, connection string, environment, logs, exec, ps" {
  one
  up
  [ "$ConnectionStrings__cache" = "127.0.0.1:$CACHE_PORT,password=$CACHE_PASSWORD" ]
  [ "$(cache PING)" = PONG ]
  ask "$CACHE_PORT" "" PING | grep -q NOAUTH
  ok apphost logs cache
  prints 'Ready to accept connections'
  # shellcheck disable=SC2016
  ok apphost exec cache -- sh -c 'echo $APPHOST_RESOURCE of $APPHOST_PROJECT in $PWD'
  prints "^cache of $PROJECT in $T/work\$"
  ok apphost ps
  prints "cache +ready +127.0.0.1:$CACHE_PORT,password=\*\*\* +redis +pid $(servers)"
  not grep -rqs "$CACHE_PASSWORD" /proc/"$(servers)"/cmdline
  ok apphost down
  prints 'removed process cache'
  no_servers
}

@test "it listens on loopback only, and its port is sticky" {
  one
  up
  ss -Hltn "sport = :$CACHE_PORT" | awk '{ print $4 }' | grep -qx "127.0.0.1:$CACHE_PORT"
  first=$CACHE_PORT
  ok apphost down
  up
  [ "$CACHE_PORT" = "$first" ]
  ok apphost down
  one 'bind_address: 127.0.0.2'
  up
  [ "$CACHE_HOST" = 127.0.0.2 ]
  [ "$(redis-cli --no-auth-warning -h 127.0.0.2 -p "$CACHE_PORT" -a "$CACHE_PASSWORD" PING)" = PONG ]
  ok apphost down
}

@test "a server that crashes comes back on its port, and its dependants with it" {
  one
  up
  first=$(servers)
  kill -9 "$first"
  wait_until 10 has_another_pid cache "$first"
  [ "$(cache PING)" = PONG ]
  ok apphost down
}

@test "stop, start, restart, kill" {
  one
  up
  first=$(servers)
  ok apphost stop cache
  no_servers
  ok apphost start cache
  [ "$(cache PING)" = PONG ]
  second=$(servers)
  [ "$second" != "$first" ]
  ok apphost restart cache
  [ "$(servers)" != "$second" ]
  ok apphost kill cache
  no_servers
  ok apphost down
}

@test "a wrong directive fails with the server's own words" {
  one 'config: {no-such-thing: 1}'
  fails 6 apphost up -d
  says 'no-such-thing'
  no_servers
}

@test "a port that is taken is told with its holder; a chosen one moves on" {
  one
  up
  taken=$CACHE_PORT
  ok apphost down
  redis-server --port "$taken" --bind 127.0.0.1 --save '' --dir "$T" >/dev/null 3>&- &
  holder=$!
  wait_until 5 ask "$taken" "" PING
  up
  [ "$CACHE_PORT" != "$taken" ]
  ok apphost down
  one "host_port: $taken"
  fails 8 apphost up -d
  says "$taken" "pid $holder"
  kill $holder
  wait_until 5 dead $holder
}

@test "TLS" {
  one 'tls: true'
  up
  redis-cli --no-auth-warning -h 127.0.0.1 -p "$CACHE_PORT" -a "$CACHE_PASSWORD" --tls --cacert "$CACHE_CA_FILE" PING |
    grep -q PONG
  ok apphost down
}

@test "passwords with everything in them" {
  for password in 'a:b' "it's" 'say \"hi\"' 'two words' '$HOME' 'back\\slash'; do
    one "password: \"${password//\$/\$\$}\""
    up
    [ "$(cache PING)" = PONG ]
    ok apphost down
  done
  one 'password: false'
  up
  [ "$(ask "$CACHE_PORT" '' PING)" = PONG ]
  ok apphost down
}

# ---- data ----

@test "data survives down and up, also without a forced save; down -v removes it" {
  one 'data_volume: true'
  up
  cache SET k v
  ok apphost down
  up
  [ "$(cache GET k)" = v ]
  [ -e "$(state_folder)/volumes/cache-data/dump.rdb" ]
  ok apphost down -v
  [ ! -e "$(state_folder)/volumes/cache-data" ]
  up
  [ -z "$(cache GET k)" ]
  ok apphost down
  ok apphost down -v
  prints 'removed volume cache-data'
  [ ! -e "$(state_folder)/volumes/cache-data" ]
}

@test "a bind mount is the folder itself, and stays" {
  mkdir data
  one 'data_bind_mount: ./data'
  up
  cache SET k v
  ok apphost down -v
  [ -s data/dump.rdb ]
  up
  [ "$(cache GET k)" = v ]
  ok apphost down
}

@test "append-only files" {
  one 'data_volume: true' 'persistence: {append_only: true}'
  up
  cache SET k v
  kill -9 "$(servers)"
  wait_until 10 has_state cache ready
  wait_until 10 eval '[ "$(cache GET k)" = v ]'
  ok apphost down -v
}

@test "read-only data is read, and never written" {
  mkdir data
  one 'data_bind_mount: ./data'
  up
  cache SET k v
  ok apphost down
  before=$(md5sum data/dump.rdb)
  one 'data_bind_mount: {source: ./data, read_only: true}'
  up
  [ "$(cache GET k)" = v ]
  cache SET k other
  cache SAVE
  ok apphost down
  [ "$(md5sum data/dump.rdb)" = "$before" ]
  [ "$(ls data)" = dump.rdb ]
  up
  [ "$(cache GET k)" = v ]
  ok apphost down
}

@test "what keeps nothing keeps nothing, and two of them keep apart" {
  manifest <<<'resources: {cache: redis, other: redis}'
  up
  cache SET k v
  cache SAVE
  ok apphost restart other
  load_env
  [ -z "$(ask "$OTHER_PORT" "$OTHER_PASSWORD" GET k)" ]
  ok apphost down
  up
  [ -z "$(cache GET k)" ]
  ok apphost down
  [ -z "$(find "$(state_folder)" -name dump.rdb)" ]
}

@test "volumes have names, not paths" {
  one 'data_volume: ../../../../home'
  fails 3 apphost up -d
  says 'apphost.yaml:5' 'name of a volume'
}

# ---- death ----

data_and_none() {
  manifest <<END
resources:
  cache: {type: redis, data_volume: true}
  other: redis
END
  up
  cache SET k v
}

data_is_there() {
  up
  [ "$(cache GET k)" = v ]
  ok apphost down -v
}

@test "kill -9 of the supervisor: servers go, data stays" {
  data_and_none
  kill -9 "$(session supervisor)"
  wait_until 5 nothing_left
  data_is_there
}

@test "kill -9 of the guard: servers go, data stays" {
  data_and_none
  kill -9 "$(session guard)"
  wait_until 5 nothing_left
  data_is_there
}

@test "kill -9 of both: gc, down or the next up takes the servers away, data stays" {
  for heal in 'gc' 'down' 'up -d'; do
    data_and_none
    before=$(servers | sort)
    kill -9 "$(session supervisor)" "$(session guard)"
    # shellcheck disable=SC2086 # words
    ok apphost $heal
    [ "$heal" = 'up -d' ] || no_servers
    for pid in $before; do dead "$pid"; done
    up
    [ "$(cache GET k)" = v ]
    ok apphost down -v
  done
}

@test "kill -9 of a foreground up" {
  one 'data_volume: true'
  background up >"$T/out" 2>"$T/err"
  wait_until 20 grep -q 'cache *ready' "$T/err"
  kill -9 "$PID"
  ended "$PID"
  wait_until 5 nothing_left
}

# ---- a moved folder ----

@test "a moved folder is told where its data is, and adopts it" {
  mkdir old
  cd old
  manifest <<<'resources: {cache: {type: redis, data_volume: true}}'
  ok apphost up -d
  ok apphost redis cache SET kept moved
  ok apphost down
  local folder hash
  folder=$(echo "$T"/state/apphost/"$PROJECT"-*/volumes/cache-data)
  hash=$(sed -E 's/.*-([0-9a-f]{8})\/volumes.*/\1/' <<<"$folder")
  cd ..
  mv old new
  cd new
  ok apphost up -d
  says "warning.*$folder" "$T/work/old/apphost.yaml is gone" "apphost up --adopt $hash"
  ok apphost redis cache EXISTS kept
  [ "$output" = 0 ]
  fails 9 apphost up -d --adopt "$hash"
  ok apphost down -v
  fails 10 apphost up -d --adopt 00000000
  says 'no data belongs to the identity 00000000'
  ok apphost up -d --adopt "$hash"
  ok apphost redis cache GET kept
  [ "$output" = moved ]
  ok apphost down
  ok apphost up -d
  not grep -q adopt <<<"$stderr"
  ok apphost redis cache GET kept
  [ "$output" = moved ]
  ok apphost down -v
  [ ! -e "$folder" ]
}

# ---- persistent ----

persistent() {
  manifest <<END
resources:
  cache: {type: redis, lifetime: persistent, data_volume: true}
  other: redis
END
}

@test "a persistent server outlives the session and is adopted as it is" {
  persistent
  up
  pid=$(pid_of cache) port=$CACHE_PORT
  cache SET k v
  ok apphost down
  prints 'removed process other' 'kept process cache'
  [ "$(servers)" = "$pid" ]
  [ "$(cache GET k)" = v ]
  ok apphost ls
  prints "$PROJECT +persistent +- +$pid"
  ok apphost gc
  says "kept persistent server cache of $PROJECT"
  [ "$(servers)" = "$pid" ]
  ok apphost up -d --explain
  says 'cache +reused'
  [ "$(pid_of cache)" = "$pid" ]
  load_env
  [ "$CACHE_PORT" = "$port" ]
  [ "$(cache GET k)" = v ]
  ok apphost down --all
  prints 'removed process cache'
  no_servers
  ok apphost ls
  not prints "$PROJECT"
  up
  [ "$(cache GET k)" = v ]
  ok apphost down --all -v
}

@test "down --all without a session, and down -v leaves what a persistent server uses" {
  persistent
  up
  cache SET k v
  ok apphost down -v
  [ "$(cache GET k)" = v ]
  ok apphost down -v
  [ "$(cache GET k)" = v ]
  DOCKER_HOST=$NOWHERE ok apphost down --all
  prints 'removed process cache'
  no_servers
  [ -s "$(state_folder)/volumes/cache-data/dump.rdb" ]
  ok apphost down --all -v
}

@test "an adopted server's log goes on, what it said meanwhile included" {
  persistent
  up
  ok apphost down
  cache DEBUG LOG before-adoption || cache CONFIG SET loglevel verbose
  cache BGSAVE
  wait_until 5 grep -q 'Background saving terminated' "$(state_folder)/servers/cache.log"
  up
  cache BGREWRITEAOF
  wait_until 5 eval 'apphost logs cache | grep -q "Background AOF rewrite finished"'
  ok apphost logs cache
  prints 'Background saving terminated'
  [ "$(apphost logs cache | grep -c 'Ready to accept')" = 1 ]
  ok apphost down --all -v
}

@test "adopted: stop, start, restart after a crash, kill" {
  persistent
  up
  ok apphost down
  up
  pid=$(pid_of cache)
  kill -9 "$pid"
  wait_until 10 has_another_pid cache "$pid"
  ok apphost down
  up
  ok apphost stop cache
  ok apphost start cache
  [ "$(cache PING)" = PONG ]
  pid=$(pid_of cache)
  ok apphost restart cache
  [ "$(pid_of cache)" != "$pid" ]
  ok apphost kill cache
  ok apphost down --all -v
  no_servers
}

@test "a persistent server survives the supervisor's and the guard's death" {
  persistent
  up
  pid=$(pid_of cache)
  kill -9 "$(session supervisor)"
  wait_until 5 eval '[ "$(processes)" = '"$pid"' ]'
  up
  [ "$(pid_of cache)" = "$pid" ]
  kill -9 "$(session guard)"
  wait_until 5 eval '[ "$(processes)" = '"$pid"' ]'
  up
  [ "$(pid_of cache)" = "$pid" ]
  kill -9 "$(session guard)" "$(session supervisor)"
  up
  [ "$(pid_of cache)" = "$pid" ]
  ok apphost down --all -v
}

@test "changed, it is started anew and keeps its data; no longer wanted, it is stopped" {
  persistent
  up
  pid=$(pid_of cache)
  cache SET k v
  ok apphost down
  sed -i 's/data_volume: true/data_volume: true, config: {maxmemory: 50mb}/' apphost.yaml
  ok apphost up -d --explain
  says 'cache +recreated +input'
  load_env
  [ "$(pid_of cache)" != "$pid" ]
  [ "$(cache GET k)" = v ]
  ok apphost down
  manifest <<<'resources: {other: redis}'
  up
  [ "$(servers)" = "$(pid_of other)" ]
  ok apphost down -v
}

@test "one that ended meanwhile is started anew; another one's number is never taken for it" {
  persistent
  up
  pid=$(pid_of cache)
  ok apphost down
  kill "$pid"
  wait_until 5 no_servers
  sleep 1000 3>&- &
  other=$!
  sed -i "s/\"pid\":$pid/\"pid\":$other/" "$(state_folder)/servers.json"
  up
  [ "$(pid_of cache)" != "$other" ]
  [ "$(cache PING)" = PONG ]
  ok apphost down --all -v
  alive $other
  kill $other
}
