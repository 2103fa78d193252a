# Sections of tests/bench/run about several servers that are one; sourced by it. All on this machine's own servers: what
# is measured is the forming, not an engine.
#
#   topologies  clusters of three and of six, cold until ready, beside the same calls done by hand, and beside
#               `redis-cli --cluster create` on servers that run already; sentinels; from the kill of a primary until
#               our table shows the new one, beside the server's own word; the supervisor's memory a node
# shellcheck shell=bash disable=SC2154 # T and ROUNDS are the caller's

RAW_PORT=29300 RAW_SLOTS=16384

raw() { redis-cli -p $((RAW_PORT + $1)) "${@:2}" 2>/dev/null; }

# raw_start COUNT: as many servers that know nobody, all at once
raw_start() {
  local i
  for i in $(seq "$1"); do
    mkdir -p "$T/raw/$i"
    (redis-server --port $((RAW_PORT + i)) --cluster-enabled yes --cluster-port $((RAW_PORT + 100 + i)) --save '' \
      --cluster-node-timeout 5000 --repl-diskless-sync-delay 0 --dir "$T/raw/$i" >/dev/null &
    echo $! >"$T/raw/$i/pid")
  done
}

raw_stop() {
  local file
  for file in "$T"/raw/*/pid; do
    kill -9 "$(cat "$file")"
    while [ -e "/proc/$(cat "$file")" ]; do sleep 0.01; done
  done
  rm -rf "$T/raw"
}

raw_answers() {
  local i
  for i in $(seq "$1"); do until [ "$(raw "$i" PING)" = PONG ]; do sleep 0.002; done; done
}

# What one of SHARDS is told, as early as it can be: slots, an epoch, and all others.
raw_told() { # I SHARDS COUNT
  local other
  if [ "$1" -le "$2" ]; then
    echo "CLUSTER ADDSLOTSRANGE $((RAW_SLOTS * ($1 - 1) / $2)) $((RAW_SLOTS * $1 / $2 - 1))"
    echo "CLUSTER SET-CONFIG-EPOCH $1"
  fi
  for other in $(seq $(($1 + 1)) "$3"); do
    echo "CLUSTER MEET 127.0.0.1 $((RAW_PORT + other)) $((RAW_PORT + 100 + other))"
  done
}

raw_is_ok() { # COUNT
  local i
  for i in $(seq "$1"); do raw "$i" CLUSTER INFO | grep -q cluster_state:ok || return 1; done
}

# Once it knows whom.
raw_replicate() { # I PRIMARY
  local id
  id=$(raw "$2" CLUSTER MYID)
  until [ "$(raw "$1" CLUSTER REPLICATE "$id")" = OK ]; do sleep 0.005; done
}

raw_form() { # SHARDS COUNT
  local i replicas=()
  raw_answers "$2"
  for i in $(seq "$2"); do raw_told "$i" "$1" "$2" | raw "$i" >/dev/null; done
  for i in $(seq $(($1 + 1)) "$2"); do
    raw_replicate "$i" $((i - $1)) &
    replicas+=($!)
  done
  [ "$1" = "$2" ] || wait "${replicas[@]}"
  until raw_is_ok "$2"; do sleep 0.005; done
  for i in $(seq $(($1 + 1)) "$2"); do until raw "$i" ROLE | grep -q connected; do sleep 0.005; done; done
}

raw_cold() { # SHARDS COUNT
  raw_start "$2"
  raw_form "$@"
}

# On servers that run already.
raw_created() { # SHARDS COUNT
  local i addresses=()
  for i in $(seq "$2"); do addresses+=("127.0.0.1:$((RAW_PORT + i))"); done
  redis-cli --cluster create "${addresses[@]}" --cluster-replicas $((($2 - $1) / $1)) --cluster-yes || return
  until raw_is_ok "$2"; do sleep 0.005; done
}

topology() { # NAME FIELDS
  mkdir -p "$T/$1"
  printf 'name: bench-%s-%s\nengine: native\nresources:\n  cache: {type: redis, %s}\n' $$ "$1" "$2" \
    >"$T/$1/apphost.yaml"
}

cluster_round() { # NAME SHARDS COUNT
  note "$1floor" "$(ms raw_cold "$2" "$3")"
  raw_stop
  raw_start "$3"
  raw_answers "$3"
  note "$1cli" "$(ms raw_created "$2" "$3")"
  raw_stop
  note "$1" "$(ms apphost -C "$T/$1" up -d)"
}

# Until FOLDER's table has another primary than cache-1: milliseconds since START.
table_shows() { # FOLDER START
  until apphost -C "$1" ps -o json |
    jq -e '[.resources[] | select(.role == "primary").name] | any(. != "cache-1")' >/dev/null; do sleep 0.01; done
  awk "BEGIN { print ($(now_us) - $2) / 1000 }"
}

# Until the replica itself says so.
server_says() { # URI START
  until [ "$(redis-cli --no-auth-warning -u "$1" ROLE 2>/dev/null | head -n 1)" = master ]; do sleep 0.01; done
  awk "BEGIN { print ($(now_us) - $2) / 1000 }"
}

kill_primary() { # FOLDER
  local uri start
  uri=$(apphost -C "$1" env --format json | jq -r .CACHE_URI)
  uri=${uri%:*}:$(apphost -C "$1" ps -o json | jq '.resources[] | select(.name == "cache-2").port')
  start=$(now_us)
  apphost -C "$1" kill cache-1 >/dev/null 2>&1
  server_says "$uri" "$start" >"$T/says" &
  note tshows "$(table_shows "$1" "$start")"
  wait $!
  note tsays "$(cat "$T/says")"
}

section_topologies() {
  local rounds=$(((ROUNDS + 1) / 2)) one
  topology three 'cluster: true'
  topology six 'cluster: {shards: 3, replicas: 1}'
  topology watched 'sentinel: true'
  topology pair 'sentinel: {replicas: 1}'
  topology single 'password: false'
  for _ in $(seq $rounds); do
    cluster_round three 3 3
    apphost -C "$T/three" down >/dev/null 2>&1
    cluster_round six 3 6
    note sixkb "$(memory_kb "$(session supervisor "$T/six")" Anonymous)"
    apphost -C "$T/six" down >/dev/null 2>&1
    note watched "$(ms apphost -C "$T/watched" up -d)"
    apphost -C "$T/watched" down >/dev/null 2>&1
  done
  apphost -C "$T/pair" up -d >/dev/null 2>&1
  kill_primary "$T/pair"
  apphost -C "$T/pair" down >/dev/null 2>&1
  apphost -C "$T/single" up -d >/dev/null 2>&1
  one=$(memory_kb "$(session supervisor "$T/single")" Anonymous)
  apphost -C "$T/single" down >/dev/null 2>&1

  head_line "topologies, ms (medians of $rounds)"
  row 'cluster of 3, cold until ready (raw calls)' "$(of threefloor)" "$(of three)" ''
  row '  redis-cli --cluster create, servers run' '' "$(of threecli)" ''
  row 'cluster of 3 + 3, cold until ready (raw calls)' "$(of sixfloor)" "$(of six)" ''
  row '  redis-cli --cluster create, servers run' '' "$(of sixcli)" ''
  row 'sentinel, 1 + 2 + 3, cold until ready' '' "$(of watched)" ''
  row 'primary killed until our table shows another' "$(of tsays)" "$(of tshows)" ''
  row 'supervisor, anonymous, kB a node' '' "$((($(of sixkb) - one) / 5))" ''
}
