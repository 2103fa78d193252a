# Several servers that are one: replication, clusters, sentinels.
load helpers

# role NODE : the first word of its ROLE
role() {
  apphost redis "$1" ROLE | head -1
}

follows() {
  [ "$(apphost redis "$1" ROLE | sed -n 4p)" = connected ]
}

answers() {
  [ "$(apphost redis "$1" GET "$2")" = "$3" ]
}

@test "a primary with replicas: each is a node of its own, consumers get the addresses of all" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, replication: {replicas: 2}}
  api:
    type: process
    task: true
    command: [sh, -c, 'echo "\$CACHE_NODES|\$ConnectionStrings__cache"']
    references: [cache]
END
  ok apphost up -d
  ok apphost ps -o json
  names=$(jq -r '[.resources[] | select(.replicaOf == "cache").name] | join(" ")' <<<"$output")
  [ "$names" = "cache-1 cache-2 cache-3" ]
  [ "$(containers | grep -c cache)" = 3 ]
  [ "$(role cache-1)" = master ]
  follows cache-2
  follows cache-3

  # Everybody knows them by one address, whose port is the same inside and outside.
  ok apphost redis cache INFO replication
  nodes=$(apphost env --format json | jq -r .CACHE_NODES)
  prints "port=$(cut -d, -f2 <<<"$nodes" | cut -d: -f2),state=online"
  prints "ip=$(cut -d, -f2 <<<"$nodes" | cut -d: -f1),"
  ok apphost logs api
  prints "$nodes\|$nodes,password="

  ok apphost redis cache SET k v
  wait_until 60 answers cache-3 k v
  fails 1 apphost redis cache-3 SET k w
  ok apphost down
}

@test "a replica that comes back is one again, and so is a primary" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, replication: {replicas: 1}, data_volume: true}
END
  ok apphost up -d
  ok apphost redis cache SET k v
  ok apphost restart cache-2
  follows cache-2
  ok apphost restart cache-1
  wait_until 60 follows cache-2
  answers cache-2 k v

  # Another session, whose network may have another address; each node has its own data.
  ok apphost down
  ok apphost up -d
  [ "$(role cache-1)" = master ]
  answers cache-1 k v
  answers cache-2 k v
  ok apphost down --volumes
}

@test "one replica more for a replication that runs" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, replication: {replicas: 1}}
END
  ok apphost up -d
  first=$(labelled 'containers/json?all=1' | jq -r '.[].Id' | sort)
  sed -i 's/replicas: 1/replicas: 2/' apphost.yaml
  ok apphost up -d
  follows cache-3
  [ "$(labelled 'containers/json?all=1' | jq -r '.[].Id' | grep -cxF "$first")" = 2 ]
  ok apphost down
}

@test "a container of the project follows the same addresses" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, replication: {replicas: 1}}
  client:
    type: container
    image: $REDIS
    entrypoint: [sh, -c]
    command:
      - IFS=,; for n in \$CACHE_NODES; do redis-cli -u "redis://default:\$CACHE_PASSWORD@\$n" ROLE; done; sleep 1000
    references: [cache]
END
  ok apphost up -d
  shows() { apphost logs client | grep -q "$1"; }
  wait_until 60 shows connected
  shows master
  ok apphost down --kill
}

# Nothing tells when `events` listens: one hands over after the other until it is seen.
handed_over_in_events() {
  apphost redis cache --failover && wait_quietly 5 grep -q '"detail":"primary"' events
}

# bats test_tags=engineless
@test "replication on the native engine" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, replication: {replicas: 2}, data_volume: true, seed: fill.redis}
  api: {type: process, command: [sh, -c, 'echo "to \$CACHE_NODES"; exec sleep 1000'], references: [cache]}
END
  echo 'SET seeded yes' >fill.redis
  ok apphost up -d
  says 'NAME .*ROLE' '^cache-1 .*primary' '^cache-3 .*replica of cache-1'
  follows cache-2
  follows cache-3
  ok apphost redis cache SET k v
  wait_until 60 answers cache-3 k v
  answers cache-3 seeded yes
  ok apphost down
  ok apphost up -d
  answers cache-2 k v

  # Who is primary is who is told first, and alone where one address is told, to whoever asks or starts then.
  before=$(apphost ps -o json | jq '.resources[] | select(.name == "api").pid')
  nodes() { printf '127.0.0.1:%s,' "$(port_of "$1")" "$(port_of "$2")" "$(port_of "$3")"; }
  [ "$(in_env CACHE_NODES)," = "$(nodes cache-1 cache-2 cache-3)" ]
  ok apphost redis cache --failover
  says 'cache-2 is primary now, in place of cache-1'
  [ "$(in_env CACHE_NODES)," = "$(nodes cache-2 cache-1 cache-3)" ]
  [[ $(in_env CACHE_URI) = *":$(port_of cache-2)" && $(in_env CACHE_PORT) = "$(port_of cache-2)" ]]
  ok apphost stop cache-1
  [ "$(in_env CACHE_PORT)" = "$(port_of cache-2)" ]
  ok apphost start cache-1
  ok apphost logs cache-2
  prints 'Ready to accept connections'
  ok apphost up -d
  [ "$(apphost ps -o json | jq '.resources[] | select(.name == "api").pid')" = "$before" ]
  ok apphost restart api
  told() { apphost logs api | grep -qF "to $(in_env CACHE_NODES)"; }
  wait_until 60 told

  # Who is filled is who is primary, also where the first one comes back as a replica.
  ok apphost redis cache --flush
  ok apphost restart cache-1
  answers cache-2 seeded yes
  wait_until 60 answers cache-1 seeded yes
  apphost events cache >events 3>&- &
  wait_until 60 handed_over_in_events
  ok apphost down --volumes
}

# bats test_tags=engineless
@test "what does not go with a topology is refused where it stands" {
  manifest <<'END'
resources:
  a: {type: redis, replication: {replicas: 0}}
  b: {type: redis, replication: {}}
  c: {type: redis, replication: {replicas: 1}, network: host}
  d: {type: redis, replication: {replicas: 1}, data_bind_mount: .}
  e: {type: redis, replication: {replicas: 1}, data_volume: {name: x, external: true}}
  f: {type: redis, replication: {replicas: 1}, config: {replicaof: 127.0.0.1 6379}}
  g: {type: garnet, replication: {replicas: 1}}
  h: {type: redis, replication: {replicas: 1}, host_port: 65535}
  i: {type: redis, replication: {replicas: 1}}
  i-2: redis
END
  fails 3 apphost validate
  says ':3:.*replicas' ':4:.*needs `replicas`' ':5:.*network: host' ':6:.*cannot share one folder' \
    ':7:.*cannot share one volume' ':8:.*replicaof. belongs to apphost' ':9:.*garnet has no' \
    ':10:.*there are not as many' ':12:.*name of a replica'
}

# cli_anywhere COMMAND… : by a client that follows MOVED, from this machine
cli_anywhere() {
  timeout 20 redis-cli -c --no-auth-warning -u "$(apphost env --format json | jq -r .CACHE_URI)" "$@"
}

cluster_is_ok() {
  local node
  for node in $(apphost ps -o json | jq -r '.resources[] | select(.replicaOf == "cache").name'); do
    apphost redis "$node" CLUSTER INFO | grep -q 'cluster_state:ok' || return 1
  done
}

roles() {
  apphost ps -o json | jq -r '[.resources[] | select(.replicaOf == "cache").role] | join(",")'
}

# has_all COMMAND… : each key of a to f is there for who asks so
has_all() {
  local key
  for key in a b c d e f; do [ "$("$@" "$key")" = v ] || return 1; done
}

# from_bridge : a client in a container of the engine's default bridge, which no project has made; what it found
from_bridge() {
  local body id
  body=$(jq -n --arg image "$REDIS" --arg uri "$(in_env CACHE_URI)" '{Image: $image, Env: ["URI=" + $uri],
    Entrypoint: ["sh", "-c", "for k in a b c d e f; do redis-cli -c --no-auth-warning -u \"$URI\" GET $k; done"]}')
  id=$(engine POST /containers/create --max-time 60 -H 'Content-Type: application/json' -d "$body" | jq -r .Id)
  engine POST "/containers/$id/start" --max-time 60 >/dev/null
  engine POST "/containers/$id/wait" --max-time 60 >/dev/null
  engine GET "/containers/$id/logs?stdout=1&stderr=1" --max-time 60 | tr -cd '[:print:]'
  engine DELETE "/containers/$id?force=1" --max-time 60 >/dev/null
}

# moving SLOT FROM TO : the slot is under way; who asks for what is not there any more is sent on, this once
moving() {
  ok apphost redis "$3" CLUSTER SETSLOT "$1" IMPORTING "$(apphost redis "$2" CLUSTER MYID)"
  ok apphost redis "$2" CLUSTER SETSLOT "$1" MIGRATING "$(apphost redis "$3" CLUSTER MYID)"
}

@test "a cluster with replicas: MOVED and ASK are followed from the machine, from containers and by apphost redis" {
  needs redis-cli
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, cluster: {shards: 3, replicas: 1}}
  client: {type: container, image: $REDIS, entrypoint: [sleep, infinity], references: [cache]}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  cluster_is_ok
  [ "$(roles)" = "primary,primary,primary,replica of cache-1,replica of cache-2,replica of cache-3" ]
  for key in a b c d e f; do [ "$(cli_anywhere SET $key v)" = OK ]; done
  has_all cli_anywhere GET
  has_all apphost redis cache GET
  has_all apphost exec client -- sh -c 'redis-cli -c --no-auth-warning -u "$CACHE_URI" GET "$1"' -
  [ "$(from_bridge)" = vvvvvv ]

  # One node by its name answers for itself; there is one database.
  fails 1 apphost redis cache-1 GET a
  says 'MOVED 15495' 'where the cluster is asked by its name'
  fails 1 apphost redis cache -n 1 GET a
  says 'SELECT is not allowed in cluster mode' 'database 0 alone'

  # The slot of "a": what is there is there, what is not is at the other one.
  moving 15495 cache-3 cache-1
  [ "$(apphost redis cache SET '{a}1' one)" = OK ]
  [ "$(cli_anywhere SET '{a}2' two)" = OK ]
  [ "$(apphost exec client -- sh -c 'redis-cli -c --no-auth-warning -u "$CACHE_URI" GET "{a}1"')" = one ]
  [ "$(printf 'GET a\nGET {a}2\nGET b\n' | apphost redis cache | paste -s)" = $'v\ttwo\tv' ]
  [ "$(apphost redis cache-1 CLUSTER COUNTKEYSINSLOT 15495)" = 2 ]
  ok apphost redis cache DEL '{a}1' '{a}2'
  for node in cache-1 cache-3; do ok apphost redis $node CLUSTER SETSLOT 15495 STABLE; done
  fails 2 apphost redis cache-2 --flush
  says 'a node of a cluster'

  # The servers find out that a primary has gone.
  ok apphost kill cache-1
  has_role() { [ "$(roles | cut -d, -f"$1")" = "$2" ]; }
  wait_until 60 has_role 4 primary
  ok apphost start cache-1
  wait_until 60 has_role 1 'replica of cache-4'
  [ "$(cli_anywhere GET a)$(cli_anywhere GET b)$(cli_anywhere GET c)" = vvv ]
  ok apphost down
}

@test "a cluster forms again from its volumes, with another address, and has all its data" {
  needs redis-cli
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, cluster: true, data_volume: true}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  before=$(apphost env --format json | jq -r .CACHE_HOST)
  for key in a b c d e f; do cli_anywhere SET $key v >/dev/null; done
  ok apphost down
  engine POST /networks/create -H 'Content-Type: application/json' \
    -d "{\"Name\":\"$PROJECT-taken\",\"IPAM\":{\"Config\":[{\"Subnet\":\"${before%.*}.0/24\"}]}}" >/dev/null
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(apphost env --format json | jq -r .CACHE_HOST)" != "$before" ]
  engine DELETE "/networks/$PROJECT-taken" >/dev/null
  cluster_is_ok
  for key in a b c d e f; do [ "$(cli_anywhere GET $key)" = v ]; done
  ok apphost down --volumes
}

# bats test_tags=engineless
@test "a cluster on the native engine" {
  needs redis-cli
  manifest <<END
engine: native
resources:
  cache: {type: redis, cluster: true, data_volume: true}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  cluster_is_ok
  [ "$(cli_anywhere SET k v)" = OK ]
  fails 1 apphost redis cache -n 1 GET k
  says 'SELECT is not allowed in cluster mode'
  ok apphost down
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(cli_anywhere GET k)" = v ]
  ok apphost down --volumes
}

# keys_of NODE… : how many each of them has
keys_of() {
  for node; do apphost redis "$node" DBSIZE; done | awk "{n += \$1} END {print n}"
}

# bats test_tags=engineless
@test "a cluster's data as a whole: filled, kept, emptied and brought back, also after a failover" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, cluster: {shards: 3, replicas: 1}}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  for i in $(seq 60); do echo "SET key$i value$i"; done >fill.redis
  echo 'MSET {tag}1 a {tag}2 b' >>fill.redis
  ok apphost redis cache --seed fill.redis
  [ "$(keys_of cache-1 cache-2 cache-3)" = 62 ]
  for n in 1 2 3; do [ "$(apphost redis cache-$n DBSIZE)" -gt 0 ]; done

  ok apphost redis cache --snapshot one
  [ "$(apphost redis cache --snapshots -o json | jq -r '.[] | "\(.name) \(.keys)"')" = "one 62" ]
  ok apphost redis cache --flush
  [ "$(keys_of cache-1 cache-2 cache-3)" = 0 ]
  ok apphost redis cache --failover
  says 'cache-4 is primary now, in place of cache-1'
  wait_until 60 is_among_primaries cache-4 cache-1
  ok apphost redis cache --restore one -o json
  [ "$(jq .keys <<<"$output")" = 62 ]
  [ "$(keys_of cache-4 cache-2 cache-3)" = 62 ]

  # What is wrong in the file stops it where it stands.
  printf 'SET key1 one\nINCR key1\n' >wrong.redis
  fails 1 apphost redis cache --flush --seed wrong.redis
  says 'wrong.redis:2'
  ok apphost kill cache-2
  fails 1 apphost redis cache --flush
  says 'the cluster is not whole: cache-2 is missing'
  ok apphost redis cache --drop one
  ok apphost down
}

# bats test_tags=engineless
@test "a cluster that is empty is filled before anybody who depends on it starts, and only then" {
  for i in $(seq 60); do echo "SET key$i value$i"; done >fill.redis
  manifest <<END
engine: native
resources:
  cache: {type: redis, cluster: true, data_volume: true, seed: fill.redis}
  api:
    type: process
    task: true
    command: [sh, -c, 'for n in 1 2 3; do $APPHOST redis cache-\$n DBSIZE; done | paste -sd+']
    references: [cache]
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(keys_of cache-1 cache-2 cache-3)" = 60 ]
  sum=$(apphost logs api | grep -oE '[0-9]+\+[0-9]+\+[0-9]+')
  [ $((sum)) = 60 ]

  # Not filled again: somebody has keys.
  ok apphost redis cache --flush
  printf 'SET left 1\n' >one.redis
  ok apphost redis cache --seed one.redis
  ok apphost down
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(keys_of cache-1 cache-2 cache-3)" = 1 ]
  ok apphost redis cache --flush
  ok apphost down

  # What a server refuses fails it, and what was written until then is taken back.
  printf 'SET a 1\nSET b 2\nSET c 3\nINCR a b\n' >fill.redis
  APPHOST_BOUND=180 fails 6 apphost up -d --wait-timeout 150
  says 'fill.redis:4.*cannot seed cache-1'
  printf 'SET mended 1\n' >fill.redis
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(keys_of cache-1 cache-2 cache-3)" = 1 ]
  ok apphost down --volumes
}

# bats test_tags=engineless
@test "a cluster whose majority is dead says so, and is whole again with the next up; a new password is everybody's" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, password: first-one, cluster: true, data_volume: true}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  ok apphost kill cache-1 cache-2
  is_down() { apphost redis cache GET a 2>&1 | grep -q 'CLUSTERDOWN'; }
  wait_until 60 is_down
  fails 1 apphost redis cache --flush
  says 'the cluster is not whole: cache-[12] is missing'
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  cluster_is_ok
  for key in a b c d e f; do ok apphost redis cache SET $key v; done

  sed -i s/first-one/second-one/ apphost.yaml
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(in_env CACHE_PASSWORD)" = second-one ]
  cluster_is_ok
  has_all apphost redis cache GET
  ok apphost down --volumes
}

# bats test_tags=engineless
@test "data that can never become the cluster that is wanted: its nodes fail at once, and say why" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, cluster: {shards: 2}, data_volume: true}
END
  folder() { printf '%s\n' "$XDG_STATE_HOME/apphost/$1"-*/volumes/cache-2-data; }
  for name in $PROJECT $PROJECT-other; do
    sed -i "s/^name: .*/name: $name/" apphost.yaml
    APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
    ok apphost down
  done
  other=$(folder "$PROJECT-other")
  mv "$other" kept
  cp -a "$(folder "$PROJECT")" "$other"
  APPHOST_BOUND=180 fails 6 apphost up -d --wait-timeout 150
  says 'apphost.yaml:4:3: .*the data of cache-1 and of cache-2 are of two clusters' 'apphost down --volumes'

  # The data of a node are lost; and with those that belong there it is whole, and has its number of shards.
  rm -r "$other"
  APPHOST_BOUND=180 fails 6 apphost up -d --wait-timeout 150
  says 'the node with the slots 8192-16383 has gone, and its data with it'
  not says 'the last attempt'
  rm -r "$other"
  mv kept "$other"
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  sed -i 's/shards: 2/shards: 3/' apphost.yaml
  APPHOST_BOUND=180 fails 6 apphost up -d --wait-timeout 150
  says 'its data are of 2 shards, and 3 are wanted'
  ok apphost down --volumes
  sed -i "s/^name: .*/name: $PROJECT/" apphost.yaml
  ok apphost down --volumes
}

# bats test_tags=engineless
@test "mistakes in a cluster" {
  manifest <<'END'
resources:
  a: {type: redis, cluster: {shards: 0}}
  b: {type: redis, cluster: {shards: 20000}}
  c: {type: redis, cluster: {shards: 60, replicas: 1}}
  d: {type: redis, cluster: true, replication: {replicas: 1}}
  e: {type: redis, cluster: true, image: "redis:6.2"}
  f: {type: redis, cluster: true, config: {cluster-port: 1}}
END
  fails 3 apphost validate
  says ':3:.*shards' ':4:.*shards' ':5:.*120 nodes' ':6:.*not both' ':8:.*cluster-port. belongs to apphost'
}

@test "a planned failover: who is primary is who is talked to, and stays it" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, replication: {replicas: 2}}
END
  ok apphost up -d
  ok apphost redis cache SET k v
  ok apphost redis cache --failover
  says 'cache-2 is primary now, in place of cache-1'
  has_roles() { [ "$(roles)" = "replica of cache-2,primary,replica of cache-2" ]; }
  wait_until 60 has_roles
  ok apphost redis cache SET k w
  # Also when the former one comes back.
  ok apphost restart cache-1
  wait_until 60 has_roles
  wait_until 60 answers cache-1 k w
  ok apphost down
}

@test "a planned failover of a shard; nobody takes over who is no replica" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, cluster: {shards: 1, replicas: 1}}
  alone: {type: redis, image: $REDIS}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  ok apphost redis cache --failover
  says 'cache-2 is primary now, in place of cache-1'
  fails 2 apphost redis alone --failover
  says 'nobody replicates alone'
  ok apphost redis cache --partition cache-1
  is_role 1 'cut off'
  ok apphost redis cache --heal
  wait_until 60 is_role 1 'replica of cache-2'
  ok apphost down
}

# sentinels_see PORT : all of them watch who answers there, and find all well
sentinels_see() {
  local node
  for node in $(apphost ps -o json | jq -r '.resources[] | select(.role == "sentinel").name'); do
    [ "$(apphost redis "$node" SENTINEL MASTERS | paste - - | awk '$1 == "port" {p = $2} $1 == "flags" {f = $2}
      END {print p, f}')" = "$1 master" ] || return 1
  done
}

# knows SENTINEL NAME : it watches two replicas by that name, with two others
knows() {
  apphost redis "$1" SENTINEL MASTERS | paste -s |
    grep -P "name\t$2\t.*num-slaves\t2\tnum-other-sentinels\t2\tquorum\t2"
}

# is_among_primaries NODE FORMER
is_among_primaries() {
  [[ ",$(primary)," = *",$1,"* && ",$(primary)," != *",$2,"* ]]
}

port_of() {
  apphost ps -o json | jq -r ".resources[] | select(.name == \"$1\").port"
}

primary() {
  apphost ps -o json | jq -r '[.resources[] | select(.role == "primary").name] | join(",")'
}

is_primary() {
  [ "$(primary)" = "$1" ]
}

has_another_primary() {
  local now
  now=$(primary)
  [[ $now = cache-[0-9] && $now != "$1" ]]
}

@test "sentinels: watching when up returns, consumers get their addresses, and a failover is theirs" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, sentinel: {replicas: 2, sentinels: 3, primary_name: main}}
  api:
    type: process
    task: true
    command: [sh, -c, 'echo "\$CACHE_NODES|\$CACHE_SENTINELS|\$CACHE_SENTINEL_NAME|\$ConnectionStrings__cache"']
    references: [cache]
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(roles)" = "primary,replica of cache-1,replica of cache-1,sentinel,sentinel,sentinel" ]
  sentinels_see "$(port_of cache-1)"
  knows cache-sentinel-1 main
  host=$(apphost env --format json | jq -r .CACHE_HOST)
  sentinels="$host:$(port_of cache-sentinel-1),$host:$(port_of cache-sentinel-2),$host:$(port_of cache-sentinel-3)"
  nodes="$host:$(port_of cache-1),$host:$(port_of cache-2),$host:$(port_of cache-3)"
  ok apphost logs api
  prints "$nodes\|$sentinels\|main\|$sentinels,serviceName=main,password="

  # A container is told the same, and reaches it.
  first=$(port_of cache-1)
  asked=$(apphost exec cache-3 -- sh -c "redis-cli --no-auth-warning -h $host -p $(port_of cache-sentinel-2) \
    -a $(apphost env --format json | jq -r .CACHE_PASSWORD) SENTINEL get-master-addr-by-name main" | paste -sd:)
  [ "$asked" = "$host:$first" ]

  ok apphost redis cache SET k v
  ok apphost redis cache --failover
  says 'is primary now, in place of cache-1'
  has_another_primary cache-1
  ok apphost redis cache SET k w
  fails 2 apphost redis cache-1 --failover
  says 'chosen by the sentinels of cache'
  ok apphost down
}

# bats test_tags=engineless
@test "sentinels: a primary that is killed is replaced by them, and follows when it comes back" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, sentinel: {replicas: 1}}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  ok apphost redis cache SET k v
  wait_until 60 answers cache-2 k v
  ok apphost kill cache-1
  wait_until 90 is_primary cache-2
  wait_until 60 answers cache k v
  ok apphost start cache-1
  follows_second() { [ "$(roles)" = "replica of cache-2,primary,sentinel,sentinel,sentinel" ]; }
  wait_until 90 follows_second
  wait_until 90 sentinels_see "$(port_of cache-2)"

  # Their data is whoever's who is primary.
  ok apphost redis cache --snapshot one
  echo 'SET filled yes' >fill.redis
  ok apphost redis cache --flush --seed fill.redis
  answers cache-2 filled yes
  ok apphost redis cache --restore one
  answers cache-2 k v
  ok apphost redis cache --drop one

  # One that comes back has forgotten all, and is told again.
  ok apphost restart cache-sentinel-2
  wait_until 90 sentinels_see "$(port_of cache-2)"
  ok apphost down
}

# bats test_tags=engineless
@test "sentinels: other numbers, another name, a new password for those that run; data is kept" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, password: first-one, sentinel: {replicas: 1, sentinels: 1}, data_volume: true}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  ok apphost redis cache SET k v
  wait_until 60 answers cache-2 k v
  sed -i 's/replicas: 1, sentinels: 1/replicas: 2, sentinels: 3, primary_name: other/' apphost.yaml
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  wait_until 60 sentinels_see "$(port_of cache-1)"
  [ "$(apphost env --format json | jq -r .CACHE_SENTINEL_NAME)" = other ]
  for n in 1 2 3; do wait_until 90 knows cache-sentinel-$n other; done

  sed -i s/first-one/second-one/ apphost.yaml
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  [ "$(in_env CACHE_PASSWORD)" = second-one ]
  wait_until 60 sentinels_see "$(port_of cache-1)"
  for n in 1 2 3; do wait_until 90 knows cache-sentinel-$n other; done
  answers cache k v
  ok apphost down
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  answers cache k v
  ok apphost down --volumes
}

# bats test_tags=engineless
@test "mistakes with sentinels" {
  manifest <<'END'
resources:
  a: {type: redis, sentinel: {sentinels: 2, quorum: 3}}
  b: {type: redis, sentinel: {sentinels: 0}}
  c: {type: redis, sentinel: true, cluster: true}
  d: {type: redis, sentinel: {primary_name: "a b"}}
  e: {type: redis, sentinel: true, config: {sentinel: "monitor x 127.0.0.1 1 1"}}
  f: {type: redis, sentinel: true}
  f-sentinel-1: redis
  g: {type: garnet, sentinel: true}
END
  fails 3 apphost validate
  says ':3:.*quorum. of 3: there are 2' ':4:.*sentinels. must be' ':5:.*not both' ':6:.*name of a primary' \
    ':7:.*sentinel. belongs to apphost' ':9:.*name of a replica' ':10:.*garnet has no'
}

# in_env NAME : what consumers of this machine get
in_env() {
  apphost env --format json | jq -r ".$1"
}

# names_itself NODE : its certificate is by our authority, and names the address that everybody has of it
names_itself() {
  openssl s_client -connect "$(in_env CACHE_HOST):$(port_of "$1")" -CAfile "$(in_env CACHE_CA_FILE)" \
    -verify_ip "$(in_env CACHE_HOST)" -verify_return_error </dev/null 2>&1 | grep -q 'Verify return code: 0'
}

over_tls() {
  timeout 20 redis-cli -c --no-auth-warning --cacert "$(in_env CACHE_CA_FILE)" -u "$(in_env CACHE_URI)" "$@"
}

@test "a cluster with TLS on every link: certificates name the gateway, whichever it is" {
  needs redis-cli openssl
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, tls: true, cluster: {shards: 2, replicas: 1}, data_volume: true}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  cluster_is_ok
  [[ $(in_env CACHE_URI) = rediss://* && $(in_env ConnectionStrings__cache) = *,ssl=true ]]
  ok apphost redis cache CONFIG GET 'tls-[cr][le][up]*'
  prints 'tls-cluster' 'tls-replication'
  not prints no
  before=$(in_env CACHE_HOST)
  for n in 1 2 3 4; do names_itself cache-$n; done
  for key in a b c d; do [ "$(over_tls SET $key v)" = OK ]; done
  for key in a b c d; do
    [ "$(apphost exec cache-3 -- redis-cli --tls --insecure -c -h "$before" -p "$(port_of cache-1)" GET $key)" = v ]
  done
  not timeout 20 redis-cli -h "$before" -p "$(port_of cache-1)" PING

  ok apphost down
  engine POST /networks/create -H 'Content-Type: application/json' \
    -d "{\"Name\":\"$PROJECT-taken\",\"IPAM\":{\"Config\":[{\"Subnet\":\"${before%.*}.0/24\"}]}}" >/dev/null
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  engine DELETE "/networks/$PROJECT-taken" >/dev/null
  [ "$(in_env CACHE_HOST)" != "$before" ]
  names_itself cache-2
  for key in a b c d; do [ "$(over_tls GET $key)" = v ]; done
  ok apphost down --volumes
}

# bats test_tags=engineless
@test "sentinels and replicas with TLS, and a failover over it" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, tls: true, sentinel: {replicas: 1}}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  sentinels_see "$(port_of cache-1)"
  ok apphost redis cache SET k v
  wait_until 60 answers cache-2 k v
  fails 2 apphost redis cache --partition cache-1
  says 'cache-1 is a process of this machine'
  ok apphost redis cache --failover
  wait_until 60 is_primary cache-2
  follows_second() { [ "$(roles)" = "replica of cache-2,primary,sentinel,sentinel,sentinel" ]; }
  wait_until 90 follows_second
  answers cache k v
  ok apphost down
}

is_role() {
  [ "$(roles | cut -d, -f"$1")" = "$2" ]
}

@test "a node that is cut off runs on, the others do without it, and healed it follows" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, sentinel: {replicas: 1}}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  port=$(port_of cache-1)
  ok apphost redis cache SET k v
  wait_until 60 answers cache-2 k v
  fails 2 apphost redis cache --partition other
  says 'other is no node of cache'
  ok apphost redis cache --partition cache-1
  says 'cache-1 is cut off'
  is_role 1 'cut off'

  # It serves what is inside of it; the sentinels choose another.
  [ "$(apphost exec cache-1 -- redis-cli -p "$port" SET k alone)" = OK ]
  wait_until 90 is_primary cache-2
  ok apphost redis cache SET k w
  ok apphost redis cache --heal
  wait_until 90 is_role 1 'replica of cache-2'
  wait_until 60 answers cache-1 k w
  ok apphost down
}

# hand_over NAME… : each is written to, and somebody takes over
hand_over() {
  local name
  APPHOST_BOUND=240 ok apphost up -d --wait-timeout 200
  for name; do
    ok apphost redis "$name" SET k v
    APPHOST_BOUND=120 ok apphost redis "$name" --failover
    says "$name-2 is primary now"
  done
  ok apphost down
}

# One primary and its replica each, over TLS: what is written is understood, and somebody takes over.
@test "clusters and sentinels of the other versions that can be had here" {
  needs_image apphost-test/redis:8.0
  needs_image apphost-test/valkey:8.1
  manifest <<END
resources:
  a: {type: redis, image: apphost-test/redis:8.0, tls: true, cluster: {shards: 1, replicas: 1}}
  b: {type: redis, image: apphost-test/redis:8.0, tls: true, sentinel: {replicas: 1, sentinels: 1}}
  c: {type: valkey, image: apphost-test/valkey:8.1, tls: true, cluster: {shards: 1, replicas: 1}}
  d: {type: valkey, image: apphost-test/valkey:8.1, tls: true, sentinel: {replicas: 1, sentinels: 1}}
END
  hand_over a b c d
}

@test "a cluster and sentinels of Valkey 9" {
  needs_image apphost-test/valkey:9.1
  manifest <<END
resources:
  a: {type: valkey, image: apphost-test/valkey:9.1, tls: true, cluster: {shards: 1, replicas: 1}}
  b: {type: valkey, image: apphost-test/valkey:9.1, tls: true, sentinel: {replicas: 1, sentinels: 1}}
END
  hand_over a b
}

# bats test_tags=engineless
@test "run --chaos hands over while the command runs, and tells what was done and what became of it" {
  manifest <<'END'
engine: native
resources:
  cache: {type: redis, replication: {replicas: 1}}
END
  fails 125 apphost run --chaos storm=1s -- true
  says 'storm=1s is not understood' 'failover=5s'
  fails 125 apphost run --chaos partition=1s -- true
  says 'no network'
  APPHOST_BOUND=120 ok apphost run --chaos failover=200ms --report report.json -- sh -c \
    'until [ "$("$0" redis cache-2 ROLE | head -1)" = master ]; do sleep 0.2; done' "$APPHOST"
  says 'chaos: failover of cache after .*cache-2 is primary now, in place of cache-1' 'chaos: at the end; cache-1: '
  [ "$(jq -r '.chaos[0] | "\(.kind) \(.resource) \(.code)"' report.json)" = 'failover cache 0' ]

  manifest <<<'resources: {cache: redis}'
  fails 125 apphost run --chaos kill=1s -- true
  says 'no servers that could do without one'
}

# chaos_was KIND NODE : the report's first word, and that it went well
chaos_was() {
  [ "$(jq -r '.chaos[0] | "\(.kind) \(.node) \(.code)"' report.json)" = "$1 $2 0" ]
}

# bats test_tags=engineless
@test "run --chaos kill: a node has gone while the command runs, and is back at the end" {
  manifest <<'END'
engine: native
resources:
  cache: {type: redis, replication: {replicas: 1}}
END
  APPHOST_BOUND=180 ok apphost run --chaos kill=200ms --report report.json -- sh -c \
    'until "$0" ps | grep -q "^cache-1 *stopped"; do sleep 0.2; done' "$APPHOST"
  says 'chaos: kill of cache-1 after .*cache-1 *ready' \
    'chaos: at the end; cache-1: primary; cache-2: replica of cache-1'
  chaos_was kill cache-1
}

@test "run --chaos partition: a node is cut off while the command runs, and is back at the end" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, replication: {replicas: 1}}
END
  APPHOST_BOUND=180 ok apphost run --chaos partition=200ms --report report.json -- sh -c \
    'until "$0" ps | grep -q "^cache-1 .*cut off"; do sleep 0.2; done' "$APPHOST"
  says 'chaos: partition of cache-1 after .*cache-1 is cut off.*cache is whole again' \
    'chaos: at the end; cache-1: primary'
  chaos_was partition cache-1
}

# bats test_tags=engineless
@test "run --isolate 2: each has a cluster of its own" {
  manifest <<'END'
engine: native
resources:
  cache: {type: redis, cluster: true}
END
  APPHOST_BOUND=240 ok apphost run --isolate 2 --wait-timeout 150 -- sh -c '
    "$0" redis cache SET worker "$APPHOST_WORKER" &&
    for n in 1 2 3; do "$0" redis cache-$n CLUSTER INFO | tr -d "\r" | grep cluster_known_nodes; done
    echo "at $CACHE_NODES has $("$0" redis cache GET worker) of $APPHOST_WORKER"' "$APPHOST"
  [ "$(grep -c 'cluster_known_nodes:3$' <<<"$output")" = 6 ]
  prints 'has 1 of 1' 'has 2 of 2'
  [ "$(grep -o 'at [^ ]*' <<<"$output" | sort -u | wc -l)" = 2 ]
}
