# Redis Insight (a stand-in) and Redis Commander (the real one): configured for every server, shown, reached, no burden.
load helpers

COMMANDER=apphost-test/commander:1
INSIGHT=apphost-test/insight-stand-in:1

# two_servers [MORE OF THE FIRST] [MORE OF THE SECOND]
two_servers() {
  manifest <<END
resources:
  one:
    type: redis
    image: $REDIS
    password: 'a b:#"x\$\$HOME\\z'
    ${1:-}
  two:
    type: redis
    image: $REDIS
    password: false
    ${2:-}
END
}

http_answers() {
  curl -sf -o /dev/null --max-time 2 "http://$1"
}

volumes_exist() {
  [ -n "$(volumes)" ]
}

@test "commander lists the keys of both servers, with an odd password and without one" {
  needs_image $COMMANDER
  two_servers "commander: {image: $COMMANDER}" "commander: true"
  ok apphost up -d
  says rediscommander
  address=$(apphost port rediscommander)
  ok apphost wait rediscommander --wait-timeout 60s
  load_env
  ask "$ONE_PORT" "$ONE_PASSWORD" SET in-one 1
  ask "$TWO_PORT" "" SET in-two 2
  curl -sf --max-time 60 "http://$address/apiv2/server/info" | jq -e '[.data[].label] | sort == ["one","two"]'
  curl -sf --max-time 60 "http://$address/apiv2/keystree/R:one:6379:0/" | grep -q in-one
  curl -sf --max-time 60 "http://$address/apiv2/keystree/R:two:6379:0/" | grep -q in-two
  [ "$(containers | grep -c commander)" = 1 ]
  ok apphost down
}

@test "commander is published where it is asked to be" {
  needs_image $COMMANDER
  port=$(free_port)
  two_servers "commander: {image: $COMMANDER, host_port: $port}"
  ok apphost up -d
  ok apphost wait rediscommander --wait-timeout 60s
  [ "$(apphost port rediscommander)" = "$HERE:$port" ]
  ok apphost down
}

@test "a real browser shows the keys of both servers" {
  needs_image $COMMANDER
  export PLAYWRIGHT=${XDG_CACHE_HOME:-$REAL_HOME/.cache}/apphost-test/browser/node_modules/playwright-core
  needs chromium
  [ -e "$PLAYWRIGHT" ] || skip "playwright-core could not be had here"
  two_servers "commander: {image: $COMMANDER}"
  ok apphost up -d
  ok apphost wait rediscommander --wait-timeout 60s
  load_env
  ask "$ONE_PORT" "$ONE_PASSWORD" SET written-by-a-test 1
  ask "$TWO_PORT" "" SET written-to-the-other 2
  ok node "$BATS_TEST_DIRNAME/commander.browser.js" "http://$(apphost port rediscommander)" \
    one:written-by-a-test two:written-to-the-other
  ok apphost down
}

@test "insight gets numbered variables, and the terms are accepted only on request" {
  needs_image $INSIGHT
  two_servers "insight: {image: $INSIGHT}"
  ok apphost up -d
  ok apphost wait redisinsight --wait-timeout 60s
  shown=$(curl -sf --max-time 60 "http://$(apphost port redisinsight)/")
  jq -e '.environment | .RI_REDIS_HOST1 == "one" and .RI_REDIS_PORT1 == "6379" and .RI_REDIS_ALIAS2 == "two"' \
    <<<"$shown"
  jq -e '.environment.RI_REDIS_PASSWORD1 == "a b:#\"x$HOME\\z"' <<<"$shown"
  jq -e '.environment | (has("RI_REDIS_PASSWORD2") or has("RI_ACCEPT_TERMS_AND_CONDITIONS")) | not' <<<"$shown"
  two_servers "insight: {image: $INSIGHT, accept_eula: true}"
  ok apphost up -d
  ok apphost wait redisinsight --wait-timeout 60s
  curl -sf --max-time 60 "http://$(apphost port redisinsight)/" |
    jq -e '.environment.RI_ACCEPT_TERMS_AND_CONDITIONS == "true"'
  ok apphost down
}

@test "insight keeps its data in a volume until down -v" {
  needs_image $INSIGHT
  two_servers "insight: {image: $INSIGHT, data_volume: true}"
  ok apphost up -d
  ok apphost wait redisinsight --wait-timeout 60s
  ok apphost down
  volumes | grep -q redisinsight-data
  ok apphost up -d
  ok apphost down -v
  not volumes_exist
}

@test "insight keeps its data in a folder of the caller" {
  needs_image $INSIGHT
  mkdir shown
  two_servers "insight: {image: $INSIGHT, data_bind_mount: ./shown}"
  ok apphost up -d
  ok apphost wait redisinsight --wait-timeout 60s
  local name
  name=$(containers | grep redisinsight)
  engine GET "/containers/$name/json" | jq -e --arg from "$PWD/shown" \
    '.Mounts == [.Mounts[] | select(.Source == $from and .Destination == "/data" and .RW)] and (.Mounts | length) == 1'
  ok apphost down -v
  [ -d shown ]
}

@test "servers with TLS: commander lists their keys, insight gets the authority" {
  needs_image $COMMANDER
  needs_image $INSIGHT
  two_servers "commander: {image: $COMMANDER}" "tls: true"
  sed -i "s/^  two:/&\n    insight: {image: $(sed 's/[/]/\\&/g' <<<$INSIGHT)}/" apphost.yaml
  ok apphost up -d
  load_env
  redis-cli -h "$HERE" -p "$TWO_PORT" --tls --cacert "$TWO_CA_FILE" SET in-two 1
  ok apphost wait rediscommander redisinsight --wait-timeout 60s
  curl -sf --max-time 60 "http://$(apphost port rediscommander)/apiv2/keystree/R:two:6379:0/" | grep -q in-two
  curl -sf --max-time 60 "http://$(apphost port redisinsight)" >shown
  jq -e '.environment | .RI_REDIS_TLS1 == null and .RI_REDIS_TLS2 == "true"' shown
  jq -r .environment.RI_REDIS_TLS_CA_BASE642 shown | base64 -d | diff - "$TWO_CA_FILE"
  ok apphost down
}

# of_commander PATH : what it answers there
of_commander() {
  curl -sf --max-time 60 "http://$(apphost port rediscommander)/apiv2/$1"
}

# shows LABEL KEY… : the keys that it lists for the server with this label
shows() {
  local id
  id=$(of_commander server/info | jq -r --arg name "$1" '.data[] | select(.label == $name).connectionId')
  [ "$(of_commander "keystree/$id/" | jq -r '[.data[].keyName] | sort | join(" ")')" = "${*:2}" ]
}

@test "servers that are one: commander finds a cluster's and the sentinels', insight gets an address of each" {
  needs_image $COMMANDER
  needs_image $INSIGHT
  manifest <<END
resources:
  ring: {type: redis, image: $REDIS, cluster: {shards: 2}, commander: {image: $COMMANDER}}
  cache:
    type: redis
    image: $REDIS
    password: 'a b:#"x\$\$HOME\\z'
    sentinel: {replicas: 1, sentinels: 1}
    insight: {image: $INSIGHT}
  reads: {type: redis, image: $REDIS, replication: {replicas: 1}}
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  for key in a b c d; do ok apphost redis ring SET $key 1; done
  ok apphost redis cache SET in-cache 1
  ok apphost redis reads SET in-reads 1
  ok apphost wait rediscommander redisinsight --wait-timeout 60s
  wait_until 60 shows ring a b c d
  wait_until 60 shows cache in-cache
  wait_until 60 shows reads-1 in-reads
  wait_until 60 shows reads-2 in-reads

  load_env
  curl -sf --max-time 60 "http://$(apphost port redisinsight)/" | jq -e --arg at "$CACHE_HOST" '.environment |
    [.RI_REDIS_ALIAS1, .RI_REDIS_ALIAS2, .RI_REDIS_ALIAS3, .RI_REDIS_ALIAS4, .RI_REDIS_ALIAS5, .RI_REDIS_ALIAS6] ==
    ["ring", "cache-1", "cache-2", "reads-1", "reads-2", null] and .RI_REDIS_HOST1 == $at and
    .RI_REDIS_PASSWORD3 == "a b:#\"x$HOME\\z"'
  ok apphost down
}

@test "sidecars join running servers without cutting their connections" {
  needs_image $INSIGHT
  two_servers
  ok apphost up -d
  load_env
  exec 7<>"/dev/tcp/$HERE/$TWO_PORT"
  printf 'PING\r\n' >&7
  read -r -t 5 answer <&7
  two_servers "insight: {image: $INSIGHT}"
  ok apphost up -d
  ok apphost wait redisinsight --wait-timeout 60s
  printf 'PING\r\n' >&7
  read -r -t 5 answer <&7
  [[ $answer == +PONG* ]]
  exec 7>&-
  ok apphost down
}

@test "run starts no sidecar" {
  needs_image $INSIGHT
  two_servers "insight: {image: $INSIGHT}"
  ok apphost run -- true
  not grep -q redisinsight <<<"$stderr"
}

@test "contradicting requests are an error at the second" {
  two_servers "commander: {host_port: 8081}" "commander: {host_port: 8082}"
  fails 3 apphost validate
  says 'apphost.yaml:12:.*host_port.*8082.*8081'
}

@test "one server that fails does not fail the sidecars: they show the others" {
  needs_image $INSIGHT
  manifest <<END
resources:
  one: {type: redis, image: $REDIS, insight: {image: $INSIGHT}}
  bad: {type: redis, image: $REDIS, optional: true, config: {maxmemory-policy: nonsense}}
END
  ok apphost up -d
  ok apphost wait redisinsight --wait-timeout 60s
  has_state bad failed
  curl -sf --max-time 60 "http://$(apphost port redisinsight)" | jq -e '.environment.RI_REDIS_HOST1 == "one"'
  ok apphost down
}
