# Several servers that are one: replication.
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
  [ "$(jq -r '[.resources[] | select(.replicaOf == "cache").name] | join(" ")' <<<"$output")" = "cache-1 cache-2 cache-3" ]
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
    command: ['IFS=,; for n in \$CACHE_NODES; do redis-cli -u redis://default:\$CACHE_PASSWORD@\$n ROLE; done; sleep 1000']
    references: [cache]
END
  ok apphost up -d
  shows() { apphost logs client | grep -q "$1"; }
  wait_until 60 shows connected
  shows master
  ok apphost down --kill
}

# bats test_tags=engineless
@test "replication on the native engine" {
  manifest <<END
engine: native
resources:
  cache: {type: redis, replication: {replicas: 2}, data_volume: true}
END
  ok apphost up -d
  follows cache-2
  follows cache-3
  ok apphost redis cache SET k v
  wait_until 60 answers cache-3 k v
  ok apphost down
  ok apphost up -d
  answers cache-2 k v
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
