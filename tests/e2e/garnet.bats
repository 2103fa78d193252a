# The real Garnet, in a container laid out as its own image is and as a program of this machine: what was assumed of
# it holds, and what it lacks is said. Without the .NET SDK there is neither (tests/images/build), and all of this is
# skipped.
load helpers

GARNET=apphost-test/garnet:2.2

setup_file() {
  make_client_tests $GARNET "$ROOT"/build/asan/unit/client/test_cache{,_more}
}

# one [LINE…] : a garnet called cache with these lines
one() {
  needs_image $GARNET
  {
    printf 'resources:\n  cache:\n    type: garnet\n    image: %s\n' $GARNET
    [ $# = 0 ] || printf '    %s\n' "$@"
  } | manifest
}

# The same on this machine, by the tool that the image was made from.
native() {
  PATH=${XDG_CACHE_HOME:-$REAL_HOME/.cache}/apphost-test/garnet:$PATH
  needs garnet-server
  export APPHOST_ENGINE=native DOTNET_CLI_HOME=$T TMPDIR=$T
  {
    printf 'resources:\n  cache:\n    type: garnet\n'
    [ $# = 0 ] || printf '    %s\n' "$@"
  } | manifest
}

up() {
  ok apphost up -d
  load_env
}

cache() {
  ask "$CACHE_PORT" "${CACHE_PASSWORD:-}" "$@"
}

@test "ready, a generated password that is asked for, connection string, URI with any user" {
  one
  up
  [[ $CACHE_PASSWORD =~ ^[a-km-zA-KMNP-Z0-9]{22}$ ]]
  [ "$(cache PING)" = PONG ]
  cache INFO server | grep -q '^garnet_version:2.2'
  ask "$CACHE_PORT" "" PING | grep -q NOAUTH
  ask "$CACHE_PORT" wrong PING 2>&1 | grep -q 'NOAUTH'
  [ "$ConnectionStrings__cache" = "127.0.0.1:$CACHE_PORT,password=$CACHE_PASSWORD" ]
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" PING)" = PONG ]
  [ "$(redis-cli --no-auth-warning -u "${CACHE_URI/default/anybody}" PING)" = PONG ]
  not grep -lsaF "$CACHE_PASSWORD" /proc/[0-9]*/cmdline
  ok apphost down
}

@test "passwords with every odd ASCII character" {
  one 'password: {parameter: pw}'
  printf 'parameters:\n  pw: {secret: true}\n' >>apphost.yaml
  printf '%s' '--a b:"c"\d $HOME $(id) `id` #e *[?]{f} %41 ;&|<>'"'"'g/+@' >secret
  ok apphost up -d --parameter pw=@secret
  load_env
  [ "$(cache PING)" = PONG ]
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" PING)" = PONG ]
  not grep -rqF -- "$(cat secret)" "$T"/state/apphost/"$PROJECT"-*/logs
  ok apphost down
}

@test "without a password others reach it all the same: on the host and in the project's network" {
  needs_container_names
  one 'password: false'
  cat >>apphost.yaml <<END
  user:
    type: container
    image: $REDIS
    entrypoint: [sleep, infinity]
    references: [cache]
END
  up
  [ -z "${CACHE_PASSWORD+set}" ]
  [ "$(ask "$CACHE_PORT" "" SET key value)" = OK ]
  ok apphost exec user -- sh -c 'redis-cli -u "$CACHE_URI" GET key'
  prints '^value'
  ok apphost down
}

@test "data in a volume is there after down and up, without a save of anybody" {
  one 'data_volume: true'
  up
  cache SET kept yes
  cache HSET hash field value
  ok apphost down
  up
  [ "$(cache GET kept)" = yes ]
  [ "$(cache HGET hash field)" = value ]
  [ "$(cache CONFIG GET appendonly | sed -n 2p)" = yes ]
  ok apphost down -v
}

@test "a bind mount: kept, its files belong to the caller" {
  one 'data_bind_mount: ./data'
  mkdir data
  up
  cache SET kept bound
  ok apphost down
  [ -d data/checkpoints/AOF ]
  [ -z "$(find data ! -user "$(id -u)")" ]
  up
  [ "$(cache GET kept)" = bound ]
  ok apphost down
}

@test "what was written last is there after an orderly end, however long the interval" {
  one 'data_volume: true' 'persistence: {interval: 1h}'
  up
  cache SET kept down
  ok apphost down
  up
  [ "$(cache GET kept)" = down ]
  cache SET kept restarted
  ok apphost restart cache
  load_env
  [ "$(cache GET kept)" = restarted ]
  ok apphost down -v
}

is_committed() {
  [ "$(cache INFO persistence | tr -d '\r' | sed -n 's/^CommittedUntilAddress://p')" = \
    "$(cache INFO persistence | tr -d '\r' | sed -n 's/^TailAddress://p')" ]
}

@test "what was committed is there after it was killed" {
  one 'data_volume: true'
  up
  cache SET kept committed
  wait_until 10 is_committed
  ok apphost kill cache
  ok apphost start cache
  load_env
  [ "$(cache GET kept)" = committed ]
  ok apphost down -v
}

@test "persistence: false with data keeps nothing; persistence without data works" {
  one 'data_volume: true' 'persistence: false'
  up
  [ "$(cache CONFIG GET appendonly | sed -n 2p)" = no ]
  cache SET kept yes
  ok apphost down
  up
  [ -z "$(cache GET kept)" ]
  ok apphost down -v
  one 'persistence: {interval: 5s}'
  up
  [ "$(cache CONFIG GET appendonly | sed -n 2p)" = yes ]
  ok apphost down
}

@test "settings have their effect; one that it does not know is said" {
  one 'config: {MaxDatabases: 3, EnableLua: true, Nonsense: 5}'
  up
  says 'apphost.yaml:6:48: warning: Garnet 2.2 does not know the setting `Nonsense`'
  [ "$(cache CONFIG GET databases | sed -n 2p)" = 3 ]
  [ "$(cache EVAL 'return 7' 0)" = 7 ]
  ok apphost down
  one 'config: {maxmemory: 64mb}'
  fails 3 apphost validate
  says 'apphost.yaml:6:14: error: Garnet has no directive `maxmemory`'
}

@test "apphost redis: commands, databases, flush, seed, pipe; no snapshot of what it cannot dump" {
  one
  up
  ok apphost redis cache -- SET a 1
  ok apphost redis cache -n 1 -- SET b 2
  ok apphost redis cache -n 1 -- GET b
  [ "$output" = 2 ]
  printf 'HSET h f "a b"\nSADD s 1 2\n' >seed.redis
  ok apphost redis cache --flush --seed seed.redis
  [ "$(cache DBSIZE)" = 2 ] && [ "$(cache -n 1 DBSIZE)" = 0 ]
  run -0 --separate-stderr apphost redis cache --pipe <<<$'SET p 1\nGET p'
  prints 'replies: 2, errors: 0'
  fails 1 apphost redis cache -- XADD stream '*' a b
  says 'ERR unknown command'
  fails 1 apphost redis cache --snapshot clean
  says 'garnet 2.2.8 cannot be kept: it dumps strings only' 'seed'
  ok apphost redis cache --snapshots
  not grep -q clean <<<"$output"
  ok apphost down
}

holes() {
  redis-cli --no-auth-warning -u "$CACHE_URI" --json COMMAND | jq '[.[] | select(. == null)] | length'
}

lists_the_key() {
  curl -s --max-time 60 "http://$(apphost port rediscommander)/apiv2/server/info" | grep -q garnet
}

has_said_why() {
  apphost logs rediscommander | grep -q 'TypeError.*null'
}

# Commander 0.9 reads every entry of COMMAND, and Garnet 2.2's reply has some that are null: it ends each time that it
# connects. What can be had then is that this is seen.
@test "commander shows it; where it cannot read this Garnet's commands, its end is shown" {
  needs_image apphost-test/commander:1
  needs_container_names
  one 'commander: {image: apphost-test/commander:1}'
  up
  if [ "$(holes)" = 0 ]; then
    wait_until 60 lists_the_key
  else
    wait_until 60 has_said_why
    wait_until 60 has_state rediscommander restarting
    has_state cache ready
  fi
  ok apphost down
}

# passes_but PROGRAM TEST… : all of its tests but these
passes_but() {
  run env APPHOST_TEST_SERVER="127.0.0.1:$CACHE_PORT" timeout 200 "$ROOT/build/asan/unit/client/$1"
  echo "$output"
  [ "$(sed -n 's/^\[  FAILED  \] \([a-z_]*\)$/\1/p' <<<"$output" | sort -u | xargs)" = "${*:2}" ]
  [[ $output = *PASSED* && $output != *SKIPPED* ]]
}

# Its longest expiry is some 7900 years, its CLIENT LIST names no commands, and there are commands that it has not.
@test "the library's cache on Garnet" {
  one 'password: false' 'config: {MaxDatabases: 32, EnableLua: true}'
  ok env HOME="$REAL_HOME" make -s -C "$ROOT" VARIANT=asan BUILD="$ROOT/build/asan" \
    "$ROOT"/build/asan/unit/client/test_cache{,_more}
  up
  passes_but test_cache longest_expirations
  passes_but test_cache_more big_values_have_a_connection_of_their_own what_would_shift_the_answers_is_refused
  ok apphost down
}

# ---- on this machine ----

# bats test_tags=engineless
@test "native: ready, password, data over down and up, logs" {
  native 'data_volume: true' "password: 'p/+@:#% \"x'"
  up
  [ "$(cache PING)" = PONG ]
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" SET kept 'a "b"')" = OK ]
  [ "$CACHE_HOST" = 127.0.0.1 ]
  ok apphost logs cache
  prints 'Garnet 2.2'
  ok apphost down
  up
  [ "$(cache GET kept)" = 'a "b"' ]
  ok apphost down -v
}

# bats test_tags=engineless
@test "native: one that crashes comes back on its port, with what was committed" {
  native 'data_volume: true'
  up
  cache SET kept yes
  wait_until 10 is_committed
  local pid port=$CACHE_PORT
  pid=$(apphost ps -o json | jq -r '.resources[0].pid')
  kill -9 "$pid"
  wait_until 30 has_another_pid "$pid"
  load_env
  [ "$CACHE_PORT" = "$port" ]
  [ "$(cache GET kept)" = yes ]
  ok apphost down -v
}

has_another_pid() {
  local pid
  pid=$(apphost ps -o json | jq -r '.resources[0].pid')
  [ "$pid" != null ] && [ "$pid" != "$1" ] && has_state cache ready
}

# bats test_tags=engineless
@test "native: a persistent one outlives the session, is adopted, and goes with down" {
  native 'data_volume: true' 'lifetime: persistent'
  up
  cache SET kept yes
  local pid
  pid=$(apphost ps -o json | jq -r '.resources[0].pid')
  ok apphost down
  alive "$pid"
  up
  [ "$(apphost ps -o json | jq -r '.resources[0].pid')" = "$pid" ]
  [ "$(cache GET kept)" = yes ]
  ok apphost down --all
  dead "$pid"
}

# bats test_tags=engineless
@test "native: what was written last is there after an orderly end; who does not answer is stopped all the same" {
  native 'data_volume: true' 'persistence: {interval: 1h}'
  up
  cache SET kept down
  ok apphost down
  up
  [ "$(cache GET kept)" = down ]
  kill -STOP "$(apphost ps -o json | jq -r '.resources[0].pid')"
  ok apphost down
  grep -q 'cache is stopped without a last COMMITAOF: it does not answer' "$T"/state/apphost/"$PROJECT"-*/supervisor.log
  up
  [ "$(cache GET kept)" = down ]
  ok apphost down -v
}
