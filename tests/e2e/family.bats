# The Redis family on real servers: every field of redis and valkey, and what each bad value gets.
load helpers

REDIS8=apphost-test/redis:8.0
VALKEY=apphost-test/valkey:8.1

# one TYPE IMAGE [LINE…] : a manifest with one server called cache, a line each below it
one() {
  local type=$1 image=$2
  shift 2
  {
    printf 'resources:\n  cache:\n    type: %s\n    image: %s\n' "$type" "$image"
    [ $# = 0 ] || printf '    %s\n' "$@"
  } | manifest
}

# each_server FUNCTION [LINE…] : up with these lines on Redis 7, Redis 8, Valkey; the function; down -v
each_server() {
  local check=$1 server
  shift
  for server in "redis $REDIS" "redis $REDIS8" "valkey $VALKEY"; do
    needs_image "${server#* }"
    rm -rf data/* # one server may not be able to read the file of another
    # shellcheck disable=SC2086 # type and image
    one $server "$@"
    ok apphost up -d
    load_env
    "$check" "$server"
    ok apphost down -v
  done
}

# To the server, with its password where it has one.
cache() {
  ask "$CACHE_PORT" "${CACHE_PASSWORD:-}" "$@"
}

# tls WORD… : the same over TLS, verified against the authority that consumers are given
tls() {
  redis-cli --no-auth-warning -h "${CACHE_HOST:-$HERE}" -p "$CACHE_PORT" -a "$CACHE_PASSWORD" --tls \
    --cacert "$CACHE_CA_FILE" "$@"
}

setting() {
  cache CONFIG GET "$1" | sed -n 2p
}

container_of() {
  engine GET "/containers/$(containers | grep -- "-$1\$")/json"
}

# ---- passwords ----

generated() {
  [[ $CACHE_PASSWORD =~ ^[a-km-zA-KMNP-Z0-9]{22}$ ]]
  [ "$(cache PING)" = PONG ]
  ask "$CACHE_PORT" "" PING | grep -q NOAUTH
  [ "$ConnectionStrings__cache" = "$HERE:$CACHE_PORT,password=$CACHE_PASSWORD" ]
}

@test "a generated password has 22 characters without look-alikes, and is asked for" {
  each_server generated
}

@test "the generated password is remembered" {
  one redis $REDIS
  ok apphost up -d
  load_env
  before=$CACHE_PASSWORD
  ok apphost down
  ok apphost up -d
  load_env
  [ "$CACHE_PASSWORD" = "$before" ]
  [ "$(stat -c %a "$T"/state/apphost/"$PROJECT"-*/secrets.json)" = 600 ]
  ok apphost down
}

none() {
  [ -z "${CACHE_PASSWORD+set}" ]
  [ "$(ask "$CACHE_PORT" "" PING)" = PONG ]
  [ "$ConnectionStrings__cache" = "$HERE:$CACHE_PORT" ]
  [ "$CACHE_URI" = "redis://$HERE:$CACHE_PORT" ]
}

@test "password: false is a server without one, and no variable" {
  unset CACHE_PASSWORD
  each_server none 'password: false'
}

# URI ESCAPED: what stands between `:` and `@`, decoded.
password_in() {
  local escaped=${1#*://default:}
  printf '%b' "$(sed 's/\\/\\\\/g; s/%/\\x/g' <<<"${escaped%@*}")"
}

works_with() {
  [ "$CACHE_PASSWORD" = "$wanted" ]
  [ "$(cache PING)" = PONG ]
  [ "$(password_in "$CACHE_URI")" = "$wanted" ]
  [ "$(redis-cli --no-auth-warning -u "$CACHE_URI" PING)" = PONG ]
  [[ ${CACHE_URI#*://} =~ ^default:[A-Za-z0-9._~%-]+@$HERE:$CACHE_PORT$ ]]
}

@test "passwords with every odd character work on each server" {
  wanted='--a b:"c"\d $HOME $(id) `id` #e *[?]{f} é€😀 %41 ;&|<>'"'"'g'
  printf '%s' "$wanted" >secret
  for server in "redis $REDIS" "redis $REDIS8" "valkey $VALKEY"; do
    # shellcheck disable=SC2086
    one $server 'password: {parameter: pw}'
    printf 'parameters:\n  pw: {secret: true}\n' >>apphost.yaml
    ok apphost up -d --parameter pw=@secret
    load_env
    works_with
    not grep -rqF -- "$wanted" "$T"/state/apphost/"$PROJECT"-*/logs
    ok apphost down
  done
}

@test "a password that stands in the manifest, each odd one by itself" {
  for wanted in ' ' '"' '\' '$' '#' '*' '--x' 'a b' "it's" 'a:b' '*' 'ключ'; do
    [ "$wanted" = ' ' ] && continue
    yaml=${wanted//\$/\$\$}
    one redis $REDIS "password: '${yaml//\'/\'\'}'"
    ok apphost up -d
    load_env
    works_with
  done
  ok apphost down
}

@test "passwords of 512 and 16,384 characters work, a longer one is an error at its position" {
  for length in 512 16384; do
    wanted=$(head -c $((length / 2)) /dev/urandom | od -An -tx1 | tr -d ' \n')
    one redis $REDIS "password: $wanted"
    sed -i "s/password: .*/password: \"$wanted\"/" apphost.yaml
    ok apphost up -d
    load_env
    works_with
  done
  ok apphost down
  sed -i "s/password: \"/&x/" apphost.yaml
  fails 3 apphost validate
  says 'apphost.yaml:6:15: error: .*16384'
  not grep -qF "$wanted" <<<"$stderr"
}

@test "passwords that no connection string could hold are refused at their position" {
  for bad in '"a,b"' '" a"' '"a "' '"a\nb"' '""'; do
    one redis $REDIS "password: $bad"
    fails 3 apphost validate
    says 'apphost.yaml:6:15: error: .*password'
  done
}

# ---- data and persistence ----

saves_by_default() {
  [ "$(setting save)" = "60 1" ]
  [ "$(setting appendonly)" = no ]
  cache SET kept yes
  ok apphost down
  ok apphost up -d
  load_env
  [ "$(cache GET kept)" = yes ]
}

@test "a data volume: saved every 60 s after one change, kept over down and up" {
  each_server saves_by_default 'data_volume: true'
}

@test "a data volume with a name has the project's in front" {
  one redis $REDIS 'data_volume: mine'
  ok apphost up -d
  volumes | grep -qx "$PROJECT-[0-9a-f]\{8\}-mine"
  ok apphost down -v
  [ -z "$(volumes)" ]
}

@test "an external volume is used under its own name, and never made or removed" {
  one redis $REDIS "data_volume: {name: $PROJECT-ext, external: true}"
  fails 6 apphost up -d
  says "$PROJECT-ext"
  ok apphost down
  engine POST /volumes/create -H 'Content-Type: application/json' -d "{\"Name\":\"$PROJECT-ext\"}"
  ok apphost up -d
  ok apphost down -v
  [ "$(engine_status GET "/volumes/$PROJECT-ext")" = 200 ]
  engine DELETE "/volumes/$PROJECT-ext"
}

mine_alone() {
  cache SET kept bound
  ok apphost down
  [ -s data/dump.rdb ]
  [ "$(stat -c %u data)" = "$(id -u)" ] && [ "$(stat -c %u data/dump.rdb)" = "$(id -u)" ]
  ok apphost up -d
  load_env
  [ "$(cache GET kept)" = bound ]
}

@test "a bind mount: data is kept, its files belong to the caller" {
  mkdir data
  each_server mine_alone 'data_bind_mount: ./data'
}

cannot_write() {
  [ "$(cache GET kept)" = bound ]
  [ -z "$(setting save)" ]
  [ "$(cache SET other 1)" = OK ]
  cache SAVE | grep -qi err
}

@test "a bind mount that is read-only: loaded, nothing saved, and writes are not refused" {
  mkdir data
  one redis $REDIS 'data_bind_mount: ./data'
  ok apphost up -d
  load_env
  cache SET kept bound
  ok apphost down
  mv data old && chmod 755 old && chmod 644 old/dump.rdb
  each_server cannot_write 'data_bind_mount: {source: ./old, read_only: true}'
  [ "$(ls old)" = dump.rdb ]
}

@test "a volume that is read-only: what another run has written is there" {
  for server in "redis $REDIS" "redis $REDIS8" "valkey $VALKEY"; do
    # shellcheck disable=SC2086
    one $server 'data_volume: shared'
    ok apphost up -d
    load_env
    cache SET kept bound
    ok apphost down
    # shellcheck disable=SC2086
    one $server 'data_volume: {name: shared, read_only: true}'
    ok apphost up -d
    load_env
    cannot_write
    ok apphost down -v
  done
}

asked_for() {
  [ "$(setting save)" = "10 2" ]
  [ "$(setting appendonly)" = yes ]
}

@test "persistence: interval, threshold and append only, whatever stands first" {
  each_server asked_for 'persistence: {interval: 10s, keys_changed_threshold: 2, append_only: true}' \
    'data_volume: true'
}

really_off() {
  [ -z "$(setting save)" ]
  [ "$(setting appendonly)" = no ]
}

@test "persistence off means no save points at all: without data, and when switched off" {
  each_server really_off
  each_server really_off 'data_volume: true' 'persistence: false'
}

@test "persistence without data works, in the container's own files" {
  one redis $REDIS 'persistence: {interval: 5m}'
  ok apphost up -d
  load_env
  [ "$(setting save)" = "300 1" ]
  ok apphost down
}

@test "what an append-only file has is there after the server was killed" {
  one redis $REDIS 'data_volume: true' 'persistence: {append_only: true}'
  ok apphost up -d
  load_env
  cache SET kept appended
  ok apphost kill cache
  ok apphost start cache
  load_env
  [ "$(cache GET kept)" = appended ]
  ok apphost down -v
}

@test "contradictions and impossible values of data and persistence are errors at their positions" {
  one redis $REDIS 'data_volume: {read_only: true}' 'persistence: {interval: 10s}'
  fails 3 apphost validate
  says 'apphost.yaml:7:.*read-only'
  mkdir data
  one redis $REDIS 'data_volume: true' 'data_bind_mount: ./data'
  fails 3 apphost validate
  says 'apphost.yaml:7:.*data_volume.*data_bind_mount'
  one redis $REDIS 'persistence: {interval: 1.5s}'
  fails 3 apphost validate
  says 'apphost.yaml:6:29: error'
  one redis $REDIS 'persistence: {interval: 1500ms}'
  fails 3 apphost validate
  says 'apphost.yaml:6:29: error.*whole seconds'
  one redis $REDIS 'persistence: {interval: 0}'
  fails 3 apphost validate
  one redis $REDIS 'persistence: {keys_changed_threshold: 0}'
  fails 3 apphost validate
  says 'apphost.yaml:6:43: error'
}

@test "a bind mount source that is missing, a file, or unreadable is an error at its position" {
  one redis $REDIS 'data_bind_mount: ./nowhere'
  fails 3 apphost validate
  says 'apphost.yaml:6:22: error.*nowhere'
  touch file
  one redis $REDIS 'data_bind_mount: {source: ./file}'
  fails 3 apphost validate
  says 'apphost.yaml:6:31: error.*file.*folder'
  [ "$(id -u)" != 0 ] || return 0
  mkdir -m 0 closed
  one redis $REDIS 'data_bind_mount: ./closed'
  fails 3 apphost validate
  says 'apphost.yaml:6:22: error.*closed'
}

# ---- directives ----

configured() {
  [ "$(setting maxmemory)" = 67108864 ]
  [ "$(setting maxmemory-policy)" = allkeys-lru ]
  [ "$(setting notify-keyspace-events)" = AKE ]
  setting client-output-buffer-limit | grep -q 'pubsub 67108864 8388608 60'
}

@test "directives reach the server: text, numbers, lists, quotes" {
  each_server configured 'config:' '  maxmemory: 64mb' '  maxmemory-policy: allkeys-lru' \
    '  notify-keyspace-events: "KEA"' '  client-output-buffer-limit:' '    - normal 0 0 0' '    - pubsub 64mb 8mb 60'
}

@test "directives that apphost owns are refused with the field to use" {
  for directive in port:host_port bind:bind_address dir:data_volume requirepass:password save:persistence \
    appendonly:append_only tls-port:tls daemonize:foreground; do
    one redis $REDIS 'config:' "  ${directive%%:*}: 1"
    fails 3 apphost validate
    says "apphost.yaml:7:7: error.*${directive%%:*}" "${directive#*:}"
  done
}

@test "a directive that the server does not know: exit 6, with what it said" {
  one redis $REDIS 'config: {no-such-thing: 1}'
  fails 6 apphost up -d
  says 'no-such-thing'
  ok apphost down
}

@test "a configuration that is too long is an error at its position" {
  {
    printf 'resources:\n  cache:\n    type: redis\n    image: %s\n' $REDIS
    printf '    config:\n      latency-tracking-info-percentiles:\n'
    for i in $(seq 1 200); do printf '        - "%0600d"\n' "$i"; done
  } | manifest
  fails 3 apphost up -d
  says 'apphost.yaml:.*too? long|longer than'
}

# ---- addresses ----

@test "a host port that is given is the one; the same twice, or two names that differ in case, are errors" {
  port=$(free_port)
  one redis $REDIS "host_port: $port"
  ok apphost up -d
  load_env
  [ "$CACHE_PORT" = "$port" ]
  ok apphost down
  manifest <<END2
resources:
  a: {type: redis, host_port: $port}
  b: {type: redis, host_port: $port}
  Cache: redis
  cache: redis
END2
  fails 3 apphost validate
  says "apphost.yaml:4:31: error: port $port.*\`a\`" 'apphost.yaml:6:3: error.*cache'
}

@test "a chosen port stays the same, without any state" {
  one redis $REDIS
  ok apphost up -d
  before=$(apphost port cache)
  ok apphost down
  rm -rf "$T"/state/*
  ok apphost up -d
  [ "$(apphost port cache)" = "$before" ]
  ok apphost down
}

@test "bind_address: another loopback address works; an open one is announced; nonsense is refused" {
  needs_loopback
  one redis $REDIS 'bind_address: 127.0.0.5'
  ok apphost up -d
  load_env
  [ "$CACHE_HOST" = 127.0.0.5 ]
  [ "$(redis-cli --no-auth-warning -h 127.0.0.5 -p "$CACHE_PORT" -a "$CACHE_PASSWORD" PING)" = PONG ]
  CACHE_HOST=127.0.0.1 not ask "$CACHE_PORT" "$CACHE_PASSWORD" PING 2>/dev/null
  ok apphost down
  one redis $REDIS 'bind_address: 0.0.0.0' 'password: false'
  ok apphost validate
  says 'apphost.yaml:6:.*warning.*without a password'
  one redis $REDIS 'bind_address: 300.1.1.1'
  fails 3 apphost validate
  says 'apphost.yaml:6:19: error'
}

# ---- TLS ----

only_tls() {
  [[ $ConnectionStrings__cache = *,ssl=true ]]
  [[ $CACHE_URI = rediss://* ]]
  [ "$(tls PING)" = PONG ]
  not ask "$CACHE_PORT" "$CACHE_PASSWORD" PING 2>/dev/null
  [ "$(engine GET "/containers/$(containers)/json" | jq '.NetworkSettings.Ports | length')" = 1 ]
  [ "$(tls CONFIG GET port | sed -n 2p)" = 0 ]
}

@test "TLS with the development authority: verified, and no plain port" {
  each_server only_tls 'tls: true'
}

@test "TLS on another address: the certificate has it" {
  needs_loopback
  one redis $REDIS 'tls: true' 'bind_address: 127.0.0.5'
  ok apphost up -d
  load_env
  redis-cli --no-auth-warning --tls --cacert "$CACHE_CA_FILE" -h 127.0.0.5 -p "$CACHE_PORT" -a "$CACHE_PASSWORD" \
    PING | grep -qx PONG
  ok apphost down
}

@test "TLS for consumers: the authority's file, on the host and in a container" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS, tls: true}
  on-host:
    type: process
    task: true
    command: [sh, -c, 'REDISCLI_AUTH="\$CACHE_PASSWORD" redis-cli --tls --cacert "\$CACHE_CA_FILE"
      -h "\$CACHE_HOST" -p "\$CACHE_PORT" SET host 1']
    references: [cache]
  inside:
    type: container
    image: $REDIS
    entrypoint: [sh, -c]
    command: ['REDISCLI_AUTH="\$CACHE_PASSWORD" redis-cli --tls --cacert "\$CACHE_CA_FILE"
      -h "\$CACHE_HOST" -p "\$CACHE_PORT" SET container 1; exec sleep 1000']
    ready: {exec: [sh, -c, '[ "\$(REDISCLI_AUTH="\$CACHE_PASSWORD" redis-cli --tls --cacert "\$CACHE_CA_FILE"
      -h cache EXISTS container)" = 1 ]']}
    references: [cache]
END2
  ok apphost up -d
  load_env
  [ "$(tls GET host)" = 1 ]
  [ "$(tls GET container)" = 1 ]
  ok apphost down
}

# What the launch line keeps in memory can be written by any user, also when the same container is started again.
@test "TLS as another user: stopped and started again in the same container" {
  local id
  one redis $REDIS 'tls: true' "user: '999'"
  ok apphost up -d
  id=$(container_of cache | jq -r .Id)
  ok apphost stop cache
  ok apphost start cache
  load_env
  [ "$(tls PING)" = PONG ]
  [ "$(container_of cache | jq -r .Id)" = "$id" ]
  ok apphost down
}

# pair NAME [CN] : NAME.pem and NAME.key, signed by itself
pair() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$1.key" -out "$1.pem" \
    -subj "/CN=${2:-$1}" -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
}

@test "TLS with an own certificate" {
  needs_loopback
  needs openssl
  pair own
  for server in "redis $REDIS" "redis $REDIS8" "valkey $VALKEY"; do
    # shellcheck disable=SC2086
    one $server 'tls: {cert: own.pem, key: own.key, ca: own.pem}'
    ok apphost up -d
    load_env
    [ "$CACHE_CA_FILE" = "$PWD/own.pem" ]
    [ "$(tls PING)" = PONG ]
    ok apphost down
  done
}

@test "a certificate that does not match its key, is missing, or is none: an error at its position" {
  needs openssl
  pair one
  pair two
  one redis $REDIS 'tls: {cert: one.pem, key: two.key, ca: one.pem}'
  fails 3 apphost up -d
  says 'apphost.yaml:6:.*two.key.*one.pem|apphost.yaml:6:.*one.pem.*two.key'
  one redis $REDIS 'tls: {cert: one.pem, key: nowhere.key, ca: one.pem}'
  fails 3 apphost up -d
  says 'apphost.yaml:6:.*nowhere.key'
  one redis $REDIS 'tls: {cert: one.key, key: one.key, ca: one.pem}'
  fails 3 apphost up -d
  says 'apphost.yaml:6:.*one.key'
  one redis $REDIS 'tls: {cert: one.pem}'
  fails 3 apphost validate
  says 'apphost.yaml:6:.*key'
}

# ---- the host's network ----

on_loopback() {
  [ "$(cache PING)" = PONG ]
  [ "$(setting bind)" = 127.0.0.1 ]
  [ "$(container_of cache | jq -r .HostConfig.NetworkMode)" = host ]
}

@test "network: host works, on loopback only" {
  needs_loopback
  each_server on_loopback 'network: host'
  each_server on_loopback 'network: host' "host_port: $(free_port)"
}

@test "network: host is refused with sidecars, for containers that reference it, and with an open address" {
  one redis $REDIS 'network: host' 'commander: true'
  fails 3 apphost validate
  says 'apphost.yaml:6:.*sidecars'
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS, network: host}
  inside: {type: container, image: $REDIS, references: [cache]}
END2
  fails 3 apphost up -d
  says 'apphost.yaml:4:.*loopback'
}

# ---- the rest ----

@test "pull: never with an image that is not there is an error that names it; missing does not ask a registry" {
  one redis apphost-test/not-there:1 'pull: never'
  fails 5 apphost up -d
  says 'apphost-test/not-there:1'
  ok apphost down
  one redis $REDIS 'pull: missing'
  ok apphost up -d
  ok apphost down
  one redis $REDIS 'pull: sometimes'
  fails 3 apphost validate
  says 'apphost.yaml:6:11: error.*missing'
}

@test "ready bounds how long an answer is waited for" {
  one redis $REDIS 'ready: {timeout: 2s}' 'config: {rename-command: "PING \"\""}'
  fails 7 apphost up -d # the default is longer than this command may take
  says 'apphost.yaml:3:.*cache'
  ok apphost down
  one redis $REDIS 'ready: {timeout: 0s}'
  fails 3 apphost validate
  says 'apphost.yaml:6:'
  one redis $REDIS 'ready: {http: /}'
  fails 3 apphost validate
  says 'apphost.yaml:6:13: error'
}

as_asked() {
  container_of cache | jq -e '.Config.User == "999:999" and .HostConfig.Memory == 268435456'
  container_of cache | jq -e '.Config.Labels["com.example.team"] == "blue"'
  container_of cache | jq -e '.Config.Env | index("TZ=UTC")'
  [ "$(cache PING)" = PONG ]
}

@test "user, memory, labels and environment reach the container" {
  each_server as_asked 'user: "999:999"' 'memory: 256m' 'labels: {com.example.team: blue}' 'environment: {TZ: UTC}'
}

@test "no secret stands in any argv, in the listing, or in the log" {
  one redis $REDIS 'password: correct-horse-battery' 'tls: true'
  ok apphost up -d
  not grep -rlsaF correct-horse-battery /proc/[0-9]*/cmdline
  engine GET '/containers/json?all=1' >listing
  not grep -qF correct-horse-battery listing
  not grep -rqF correct-horse-battery "$T"/state/apphost/"$PROJECT"-*/logs
  ok apphost down
}

@test "short forms: a type alone is a whole server" {
  needs_image $REDIS
  manifest <<END2
resources:
  cache: redis
  other: valkey
END2
  ok apphost validate
  run --separate-stderr apphost config
  prints docker.io/library/redis:8.6 docker.io/valkey/valkey:9.1
}

# ---- Garnet: what is sent to the engine, and what is refused; the real one runs in garnet.bats ----

@test "garnet lowers to its own configuration: no secret in any argument, committed ten times a second" {
  manifest <<END2
resources:
  cache: {type: garnet, data_volume: true, password: 'a"b\\c', config: {MemorySize: 64m, EnableLua: true}}
  plain: {type: garnet, password: false, persistence: {interval: 5s}}
END2
  ok apphost config -o json
  echo "$output" | jq -e '[.. | objects | select(.id? == "container:cache")][0].run |
    (.command | tostring | contains("--config-import-path")) and
    (.environment[0].value | tostring | (contains("\\\"CommitFrequencyMs\\\": 10,")
      and contains("\\\"EnableLua\\\": true")
      and contains("/data/checkpoints") and contains("\\\"MemorySize\\\": \\\"64m\\\"")))'
  echo "$output" | jq -e '[.. | objects | select(.id? == "container:plain")][0].run.environment[0].value |
    tojson | (contains("AuthenticationMode") | not) and contains("\\\"CommitFrequencyMs\\\": 5000")'
}

@test "garnet refuses a password that it would garble, and does not show it" {
  manifest <<<"resources: {cache: {type: garnet, password: 'geheim-ü'}}"
  fails 3 apphost validate
  says '^apphost.yaml:2:45: error: a password of Garnet has ASCII characters only'
  not grep -q geheim <<<"$stderr"
  printf 'parameters: {word: {secret: true}}\nresources: {cache: {type: garnet, password: "${parameters.word}"}}\n' |
    manifest
  ok apphost validate --parameter word=plain
  fails 3 apphost validate --parameter word=geheim-ü
  says '^apphost.yaml:3:45: error: a password of Garnet'
}

@test "garnet refuses field by field what it does not have" {
  manifest <<END2
resources:
  cache:
    type: garnet
    tls: true
    data_volume: {read_only: true}
    persistence: {interval: 9999999s, keys_changed_threshold: 5, append_only: false}
    config: {maxmemory-policy: x, Recover: true, Foo: [a, b]}
END2
  fails 3 apphost validate
  says 'apphost.yaml:5:10: error: .*tls' 'apphost.yaml:6:18: error: .*read_only' \
    'apphost.yaml:7:29: error: .*interval' \
    'apphost.yaml:7:63: error: .*keys_changed_threshold' 'apphost.yaml:7:79: error: .*append_only' \
    'apphost.yaml:8:14: error: .*maxmemory-policy' 'apphost.yaml:8:35: error: .*Recover' 'apphost.yaml:8:55: error'
}
