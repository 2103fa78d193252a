# What consumers do with the strings they get: real clients, each by its own parser, against a real server whose
# password holds what URIs, connection strings and shells mind. The programs are in tests/clients, built once by its
# `build`.
load helpers

PASSWORD='p/+@:#% "é x'
VALUE='grüße "1" % 2'
BUILT=${XDG_CACHE_HOME:-$REAL_HOME/.cache}/apphost-test/clients

# A server of this machine: what the libraries are shown needs no container.
native() { # [FIELD…]
  needs redis-server
  export APPHOST_ENGINE=native
  {
    printf "resources:\n  cache:\n    type: redis\n    password: '%s'\n" "$PASSWORD"
    [ $# = 0 ] || printf '    %s\n' "$@"
  } | manifest
  ok apphost up -d
}

# client NAME COMMAND… : stores the value, says it, and it is there under its name
client() {
  local name=$1
  shift
  ok apphost run -- "$@" "$VALUE"
  [ "$output" = "$VALUE" ]
  load_env
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" --raw GET "$name")" = "$VALUE" ]
  ok apphost down
}

# bats test_tags=engineless
@test "redis-cli takes the URI, with TLS as well" {
  native
  load_env
  [[ $CACHE_URI = redis://default:p%2F%2B%40%3A%23%25%20%22%C3%A9%20x@127.0.0.1:* ]]
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" PING)" = PONG ]
  ok apphost down
  native 'tls: true'
  load_env
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" --cacert "$CACHE_CA_FILE" PING)" = PONG ]
  ok apphost down
}

# bats test_tags=engineless
@test "the redis-cli of Debian 11 takes the URI" {
  [ -x "$BUILT/bullseye/redis-cli" ] || skip "redis-cli 6.0 could not be fetched: tests/clients/build"
  native
  load_env
  [ "$("$BUILT/bullseye/redis-cli" --no-auth-warning -u "$CACHE_URI" SET key "$VALUE")" = OK ]
  [ "$("$BUILT/bullseye/redis-cli" --no-auth-warning -u "$CACHE_URI" --raw GET key)" = "$VALUE" ]
  ok apphost down
}

# bats test_tags=engineless
@test "node-redis takes the URI" {
  [ -e "$BUILT/node/node_modules/redis/package.json" ] || skip "node-redis could not be fetched: tests/clients/build"
  native
  NODE_PATH=$BUILT/node/node_modules client node-redis node "$ROOT/tests/clients/node-redis.js"
}

# bats test_tags=engineless
@test "ioredis takes the URI" {
  [ -e "$BUILT/node/node_modules/ioredis/package.json" ] || skip "ioredis could not be fetched: tests/clients/build"
  native
  NODE_PATH=$BUILT/node/node_modules client ioredis node "$ROOT/tests/clients/ioredis.js"
}

# bats test_tags=engineless
@test "redis-py takes the URI" {
  /usr/bin/python3 -c 'import redis' 2>/dev/null || skip "python3-redis is not installed"
  native
  client redis-py /usr/bin/python3 "$ROOT/tests/clients/redis-py.py"
}

# bats test_tags=engineless
@test "StackExchange.Redis takes the connection string" {
  [ -e "$BUILT/dotnet/out/stackexchange.dll" ] || skip "StackExchange.Redis could not be built: tests/clients/build"
  native
  DOTNET_CLI_HOME=$T TMPDIR=$T client stackexchange dotnet "$BUILT/dotnet/out/stackexchange.dll"
}

# bats test_tags=engineless
@test "redigo takes the URI" {
  [ -x "$BUILT/go/redigo" ] || skip "redigo could not be built: tests/clients/build"
  native
  client redigo "$BUILT/go/redigo"
}

# bats test_tags=engineless
@test "a real Garnet takes the URI, and the user default" {
  PATH=${BUILT%/clients}/garnet:$PATH
  export DOTNET_CLI_HOME=$T TMPDIR=$T
  needs garnet-server
  export APPHOST_ENGINE=native
  PASSWORD='p/+@:#% "x'
  manifest <<<"resources: {cache: {type: garnet, password: '$PASSWORD'}}"
  ok apphost up -d
  load_env
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" PING)" = PONG ]
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" SET key "$VALUE")" = OK ]
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" --raw GET key)" = "$VALUE" ]
  ok apphost down
}

image_of() { # redis8 | valkey8 | valkey9
  case $1 in
  redis8) echo apphost-test/redis:8.0 ;;
  valkey8) echo apphost-test/valkey:8.1 ;;
  valkey9) echo apphost-test/valkey:9.1 ;;
  esac
}

@test "the clients of Redis 8 and Valkey take the URI, from inside a container" {
  local image box boxes='redis8:redis-cli valkey8:valkey-cli'
  for image in apphost-test/redis:7.0 "$(image_of redis8)" "$(image_of valkey8)"; do needs_image "$image"; done
  needs_container_names
  [ "$(engine_status GET "/images/$(image_of valkey9)/json")" != 200 ] || boxes+=' valkey9:valkey-cli'
  {
    printf "resources:\n  cache: {type: redis, image: %s, password: '%s'}\n" "$REDIS" "$PASSWORD"
    for box in $boxes; do
      printf '  %s: {type: container, image: %s, entrypoint: [sleep, infinity], references: [cache]}\n' \
        "${box%:*}" "$(image_of "${box%:*}")"
    done
  } | manifest
  ok apphost up -d
  for box in $boxes; do
    ok apphost exec "${box%:*}" -- sh -c "${box#*:} --no-auth-warning -u \"\$CACHE_URI\" SET $box '$VALUE'"
    prints '^OK'
    ok apphost exec "${box%:*}" -- sh -c "${box#*:} --no-auth-warning -u \"\$CACHE_URI\" --raw GET $box"
    prints "^$VALUE"
  done
  ok apphost down
}

# A cluster and a primary with sentinels; their variables are in the environment then.
both() {
  needs redis-server
  export APPHOST_ENGINE=native
  {
    echo 'resources:'
    printf "  cache: {type: redis, password: 'p/+@:#%%é x', sentinel: {replicas: 1}}\n"
    printf "  ring: {type: redis, password: 'p/+@:#%%é x', cluster: true}\n"
  } | manifest
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
}

# bats test_tags=engineless
@test "a cluster and sentinels: ioredis and node-redis" {
  [ -e "$BUILT/node/node_modules/ioredis/package.json" ] || skip "ioredis could not be fetched: tests/clients/build"
  [ -e "$BUILT/node/node_modules/redis/package.json" ] || skip "node-redis could not be fetched: tests/clients/build"
  both
  export NODE_PATH=$BUILT/node/node_modules
  ok apphost run -- node "$ROOT/tests/clients/topologies.js"
  prints 'ioredis-cluster abcdef' 'ioredis-sentinel abcdef' 'node-redis-cluster abcdef' 'node-redis-sentinel abcdef'
  ok apphost down
}

@test "a cluster and sentinels: ioredis and node-redis from inside a container" {
  [ -e "$BUILT/node/node_modules/ioredis/package.json" ] || skip "ioredis could not be fetched: tests/clients/build"
  [ -e "$BUILT/node/node_modules/redis/package.json" ] || skip "node-redis could not be fetched: tests/clients/build"
  needs_image "$REDIS"
  needs_image apphost-test/commander:1
  cp "$ROOT/tests/clients/topologies.js" .
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, password: '$PASSWORD', sentinel: {replicas: 1}}
  ring: {type: redis, image: $REDIS, password: '$PASSWORD', cluster: true}
  box:
    type: container
    image: apphost-test/commander:1
    entrypoint: [sleep, infinity]
    references: [cache, ring]
    environment: {NODE_PATH: /modules}
    bind_mounts: ["$BUILT/node/node_modules:/modules:ro", "./topologies.js:/topologies.js:ro"]
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  ok apphost exec box -- node /topologies.js
  prints 'ioredis-cluster abcdef' 'ioredis-sentinel abcdef' 'node-redis-cluster abcdef'
  ok apphost down
}

# bats test_tags=engineless
@test "a cluster and sentinels: redis-py" {
  /usr/bin/python3 -c 'import redis.cluster' 2>/dev/null || skip "python3-redis is not installed, or is too old"
  both
  ok apphost run -- /usr/bin/python3 "$ROOT/tests/clients/topologies.py"
  prints '^cluster abcdef' '^sentinel abcdef'
  ok apphost down
}

# bats test_tags=engineless
@test "a cluster and sentinels: StackExchange.Redis takes the connection strings" {
  [ -e "$BUILT/dotnet/out/stackexchange.dll" ] || skip "StackExchange.Redis could not be built: tests/clients/build"
  both
  export DOTNET_CLI_HOME=$T TMPDIR=$T
  ok apphost run -- dotnet "$BUILT/dotnet/out/stackexchange.dll" "$VALUE"
  [ "$output" = "$VALUE" ]
  ok apphost run -- sh -c 'ConnectionStrings__cache=$ConnectionStrings__ring exec dotnet "$@"' - \
    "$BUILT/dotnet/out/stackexchange.dll" "$VALUE"
  [ "$output" = "$VALUE" ]
  ok apphost down
}
