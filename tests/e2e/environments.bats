# Where the program runs, and where the engine is: in containers of the engine, beside an engine without its usual
# bridge, in fresh namespaces, on odd folders. In each the connection string that a consumer gets must work, or it
# must be said at once why none can. What was run where, and what stands in other files, is in tests/ENVIRONMENTS.md.
load helpers

# In a container root may do less.
needs_root() {
  [ "$(id -u)" = 0 ] || skip "needs root"
  unshare -m -n true 2>/dev/null || skip "this root may not make namespaces"
}

server() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
END
}

# What each environment has to stand: start, a consumer's own PING by the connection string, the end.
cat_round() {
  cat <<'END'
set -e
"$APPHOST" up -d --explain --wait-timeout 60s
"$APPHOST" run -- sh -c 'redis-cli -u "$CACHE_URI" ping'
"$APPHOST" ps --verbose
"$APPHOST" down
END
}

# Like ok, where 69 means that there is no such environment on this machine.
there_ok() {
  run --separate-stderr "$@"
  printf '$ %s\n[%s]\n%s\n%s\n' "$*" "$status" "$output" "$stderr"
  [ "$status" -ne 69 ] || skip "not to be had here: $(tail -n 1 <<<"$stderr")"
  [ "$status" -eq 0 ]
}

# ---- in a container that has the engine's socket ----

# The program and its libraries (all but the loader's own, with those that it opens when it needs them) in a folder
# that a container can use.
pack_program() {
  mkdir -p "$T/work/lib"
  local library opened
  opened=$(grep -ao 'lib[a-z]*\.so\.[0-9]*' "$APPHOST" | sort -u | while read -r library; do
    /sbin/ldconfig -p | awk -v name="$library" '$1 == name { print $NF; exit }'
  done)
  for library in $({ ldd "$APPHOST" $opened | awk '/=>/ {print $3}'; printf '%s\n' $opened; } | sort -u |
    grep -Ev '/(libc|libm|ld-linux[^/]*)\.so'); do
    cp -L "$library" "$T/work/lib/"
  done
  cp -L "$APPHOST" "$T/work/apphost-program"
}

# in_container MODE SCRIPT : runs SCRIPT in a container whose network is MODE; its output on ours, and its exit code
in_container() {
  local body id code
  body=$(jq -n --arg mode "$1" --arg script "$2" --arg work "${OUTSIDE:-$T/work}" \
    --arg socket "${ENGINE_HOST#unix://}" --arg image "$REDIS" '{
    Image: $image, Entrypoint: ["sh", "-c", $script], WorkingDir: "/srv/app",
    Env: ["APPHOST=/srv/app/apphost-program", "LD_LIBRARY_PATH=/srv/app/lib", "XDG_STATE_HOME=/tmp/state",
      "LC_ALL=C.UTF-8", "TERM=dumb"],
    HostConfig: {NetworkMode: $mode, Binds: [$work + ":/srv/app", $socket + ":/var/run/docker.sock"]}}')
  id=$(engine POST /containers/create --max-time 60 -H 'Content-Type: application/json' -d "$body" | jq -r .Id)
  echo "$id" >>"$T/outer"
  engine POST "/containers/$id/start" --max-time 60
  code=$(engine POST "/containers/$id/wait" --max-time 120 | jq .StatusCode)
  engine GET "/containers/$id/logs?stdout=1&stderr=1" --max-time 60 -o - | tr -d '\000-\010\016-\037'
  return "$code"
}

teardown() {
  local id code=0
  [ -z "${NETWORK:-}" ] || kill "$NETWORK" 2>/dev/null
  for id in $(cat "$T/outer" 2>/dev/null); do engine DELETE "/containers/$id?force=1&v=1" >/dev/null; done
  [ ! -s "$T/network" ] || engine DELETE "/networks/$(cat "$T/network")" >/dev/null
  teardown_test || code=1
  return $code
}

# Does what the engine mounts from this path lie in our folder?
engine_sees_us() {
  local id status body
  touch "$T/seen"
  body=$(jq -n --arg image "$REDIS" --arg folder "$T" '{Image: $image, HostConfig: {Binds: [$folder + ":/ours"]}}')
  id=$(engine POST /containers/create --max-time 60 -H 'Content-Type: application/json' -d "$body" | jq -r .Id)
  engine POST "/containers/$id/start" --max-time 60
  status=$(engine_curl --head -o /dev/null -w '%{http_code}' "$(engine_base)/containers/$id/archive?path=/ours/seen")
  engine DELETE "/containers/$id?force=1&v=1" >/dev/null
  [ "$status" = 200 ]
}

needs_socket() {
  [[ $ENGINE_HOST = unix://* ]] || skip "the engine has no socket to mount"
  ENGINE_HOST=unix://$(readlink -f "${ENGINE_HOST#unix://}")
  needs jq
  needs_image "$REDIS"
  if [ ! -e "$BATS_FILE_TMPDIR/sees" ]; then
    engine_sees_us && echo yes >"$BATS_FILE_TMPDIR/sees" || echo no >"$BATS_FILE_TMPDIR/sees"
  fi
  [ "$(cat "$BATS_FILE_TMPDIR/sees")" = yes ] || skip "the engine does not see this folder: we are in a container"
}

# The gateway of a network: as the engine says it, else what its bridge has (an engine that made its default bridge at
# this start says no gateway of that).
gateway_of() {
  local network gateway bridge
  network=$(engine GET "/networks/$1")
  gateway=$(jq -r '.IPAM.Config[0].Gateway // empty' <<<"$network")
  bridge=$(jq -r '.Options["com.docker.network.bridge.name"] // empty' <<<"$network")
  if [ -z "$gateway" ] && [ -n "$bridge" ]; then
    gateway=$(ip -4 -o addr show dev "$bridge" | awk '{ sub(/\/.*/, "", $4); print $4 }')
  fi
  echo "$gateway"
}

@test "in a container on the default bridge: reached at the bridge's gateway" {
  needs_socket
  server
  pack_program
  ok in_container bridge "$(cat_round)"
  prints PONG "reached at $(gateway_of bridge): .*the gateway of its network bridge"
}

@test "in a container on a network of its own: reached at that network's gateway" {
  needs_socket
  server
  pack_program
  engine POST /networks/create -H 'Content-Type: application/json' -d "{\"Name\": \"$PROJECT-outer\"}" |
    jq -r .Id >"$T/network"
  ok in_container "$PROJECT-outer" "$(cat_round)"
  prints PONG "reached at $(gateway_of "$PROJECT-outer"): .*network $PROJECT-outer"
}

@test "in a container on the host's network: reached at loopback" {
  needs_socket
  server
  pack_program
  ok in_container host "$(cat_round)"
  prints PONG "reached at 127\.0\.0\.1: .*on the host's network"
}

identity_line() {
  grep -ao 'identity: .*'
}

@test "in a container a project is that of the folder outside: on any network, after a rebuild; else it is another" {
  needs_socket
  server
  pack_program
  cp -r "$T/work" "$T/second"
  identity=$(in_container bridge '"$APPHOST" config' | identity_line)
  [[ $identity = *" $PROJECT"-[0-9a-f]* ]]
  for network in bridge host none; do
    [ "$(in_container $network 'date | md5sum | cut -c1-32 >/etc/machine-id; "$APPHOST" config' | identity_line)" \
      = "$identity" ]
  done
  other=$(OUTSIDE=$T/second in_container bridge '"$APPHOST" config' | identity_line)
  [[ $other = *" $PROJECT"-[0-9a-f]* ]]
  [ "$other" != "$identity" ]
}

# The identity of the one volume that is there.
hash_of_data() {
  volumes | sed -E 's/.*-([0-9a-f]{8})-cache-data/\1/'
}

@test "data of this folder that was made in a container, or outside of it, is told on the other side" {
  needs_socket
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, data_volume: true}}"
  pack_program
  local told="data of another identity in volume $PROJECT-[0-9a-f]{8}-cache-data: .*other side of a container's wall"
  ok apphost up -d
  ok apphost redis cache -- SET made outside
  ok apphost down
  ok in_container bridge '"$APPHOST" up -d; "$APPHOST" down -v'
  prints_or_says "$told"
  ok in_container bridge "set -e; \"\$APPHOST\" up -d --adopt $(hash_of_data)
    \"\$APPHOST\" redis cache -- GET made; \"\$APPHOST\" down -v"
  prints outside
  ok in_container bridge 'set -e; "$APPHOST" up -d; "$APPHOST" redis cache -- SET made inside; "$APPHOST" down'

  export XDG_STATE_HOME=$T/fresh
  local hash
  hash=$(hash_of_data)
  ok apphost up -d
  says "$told" "apphost up --adopt $hash"
  ok apphost down -v
  ok apphost up -d --adopt "$hash"
  ok apphost redis cache -- GET made
  prints inside
  ok apphost down -v
}

@test "data made in a container, of a folder that vanished: gc on the machine lists it, not that of one that is there" {
  needs_socket
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, data_volume: true}}"
  pack_program
  ok in_container bridge '"$APPHOST" up -d && "$APPHOST" down'
  local volume
  volume=$(volumes)
  cd "$T"
  ok apphost gc --volumes --dry-run
  not grep -F "$volume" <<<"$output"
  mv "$T/work" "$T/moved"
  ok apphost gc --volumes --dry-run
  prints "volume $volume of $PROJECT \\($T/work/apphost.yaml is gone\\)"
  ok apphost -p "$PROJECT" gc --volumes -y
  [ -z "$(volumes)" ]
  mv "$T/moved" "$T/work"
}

@test "in a container a session that another container owns is named and left alone; a dead one's is taken over" {
  needs_socket
  manifest <<<"resources: {box: {type: container, image: $REDIS, entrypoint: [sleep, '1000']}}"
  pack_program
  in_container bridge '"$APPHOST" up -d && : >/srv/app/is-up && sleep 300' >"$T/first" 2>&1 3>&- &
  wait_until 5 test -e is-up || { cat "$T/first"; false; }
  local box owner
  box=$(labelled 'containers/json' | jq -r .[0].Id)
  owner=$(head -n 1 "$T/outer")
  for verb in 'up -d' down; do
    run in_container bridge "\"\$APPHOST\" $verb"
    echo "$output"
    [ "$status" = 9 ]
    prints "$PROJECT runs already, with its state elsewhere: pid [0-9]+, container ${owner:0:12}, state in \
/tmp/state/apphost/$PROJECT-"
  done
  [ "$(labelled 'containers/json' | jq -r .[0].Id)" = "$box" ]
  engine POST "/containers/$owner/kill"
  ok in_container bridge '"$APPHOST" up -d && "$APPHOST" down'
  [ -z "$(containers)" ]
}

@test "in a container that uses another container's network: that one's gateway" {
  needs_socket
  server
  pack_program
  local other
  other=$(engine POST /containers/create -H 'Content-Type: application/json' \
    -d "{\"Image\": \"$REDIS\", \"Entrypoint\": [\"sleep\", \"300\"]}" | jq -r .Id)
  echo "$other" >>"$T/outer"
  engine POST "/containers/$other/start"
  ok in_container "container:$other" "$(cat_round)"
  prints PONG "reached at $(gateway_of bridge)"
}

@test "in a container without a network: said at once, with what to do" {
  needs_socket
  server
  pack_program
  fails 6 in_container none '"$APPHOST" up -d'
  prints_or_says "cannot be reached from here: .*no network with a gateway"
  prints_or_says APPHOST_PUBLISHED_HOST
}

@test "in a container, with TLS: the certificate names the gateway" {
  needs_socket
  manifest <<END
resources:
  cache: {type: redis, image: apphost-test/redis:8.0, tls: true}
END
  needs_image apphost-test/redis:8.0
  pack_program
  ok in_container bridge '"$APPHOST" up -d --wait-timeout 60s && "$APPHOST" redis cache PING && "$APPHOST" down'
  prints PONG
}

@test "in a container, two resources that talk: the connection strings of both vantages work" {
  needs_socket
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  other: {type: container, image: $REDIS, entrypoint: [sh, -c],
    command: ['until redis-cli -u "\$CACHE_URI" set from other; do sleep 0.1; done; sleep 600'], references: [cache]}
END
  pack_program
  ok in_container bridge 'set -e; "$APPHOST" up -d --wait-timeout 60s
    "$APPHOST" run -- sh -c "until [ \"\$(redis-cli -u \$CACHE_URI get from)\" = other ]; do sleep 0.1; done; echo both"
    "$APPHOST" down'
  prints both
}

@test "in a container, folders and certificates for others: as the engine has them; its own files are refused" {
  needs_socket
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, data_bind_mount: ./data, tls: true}
  other: {type: container, image: $REDIS, entrypoint: [sh, -c], references: [cache], bind_mounts: ["./data:/here"],
    command: ['redis-cli -u "\$CACHE_URI" --cacert "\$CACHE_CA_FILE" ping >/here/answer; sleep 600']}
END
  pack_program
  mkdir "$T/work/data"
  ok in_container bridge 'set -e; export XDG_STATE_HOME=/srv/app/state; "$APPHOST" up -d --wait-timeout 60s
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ ! -s data/answer ] || break; sleep 1; done
    "$APPHOST" redis cache SET kept yes; "$APPHOST" down; cat data/answer'
  prints PONG
  [ -s "$T/work/data/dump.rdb" ]
  fails 6 in_container bridge 'mkdir -p /own/data; cat apphost.yaml >/own/apphost.yaml; cd /own
    "$APPHOST" up -d --wait-timeout 60s'
  prints_or_says 'cannot be given /own/data: .* does not see that container.s own files'
}

@test "in a container, a container that needs a process of ours: reached at our own address" {
  needs_socket
  manifest <<END
resources:
  inner:
    type: process
    command: [sh, -c, 'exec redis-server --port \$\$PORT --bind 0.0.0.0 --protected-mode no --save ""']
    endpoints: {tcp: {env: PORT}}
  client:
    type: container
    image: $REDIS
    entrypoint: [sh, -c]
    command: ['until [ "\$\$(redis-cli -h \${inner.tcp.host} -p \${inner.tcp.port} ping)" = PONG ]; do sleep 0.1; done;
      echo reached; sleep 600']
    ready: {log: reached}
    references: [inner]
END
  pack_program
  ok in_container bridge '"$APPHOST" up -d --wait-timeout 60s && "$APPHOST" logs client && "$APPHOST" down'
  prints reached
}

# ---- engines with another network than the usual one ----

# An engine of our own in a network namespace of its own, whose default route leads nowhere, and beside it the script.
# Its options: $1; the image comes from the engine of the tests.
beside_own_engine() {
  needs_root
  command -v dockerd >/dev/null || [ -x /usr/sbin/dockerd ] || skip "dockerd is not installed"
  needs unshare
  needs_image "$REDIS"
  [ -s "$BATS_FILE_TMPDIR/image.tar" ] || engine GET "/images/$REDIS/get" --max-time 60 -o "$BATS_FILE_TMPDIR/image.tar"
  cat >"$T/beside" <<'END'
. "$ROOT/scripts/engine.sh"
ip link set lo up
ip link add away type bridge && ip addr add 192.0.2.2/24 dev away && ip link set away up &&
  ip route add default via 192.0.2.1
trap engine_stop EXIT
eval "engine_start $ENGINE_OPTIONS" || exit 69
export DOCKER_HOST=$ENGINE_HOST
engine_call POST /images/load --max-time 60 -H 'Content-Type: application/x-tar' -T "$IMAGE_TAR" >/dev/null
(. "$1")
END
  cat >"$T/script"
  ENGINE_OPTIONS=$1 ROOT=$ROOT APPHOST=$APPHOST T=$T IMAGE_TAR=$BATS_FILE_TMPDIR/image.tar \
    timeout -k 5 120 unshare -n -m bash "$T/beside" "$T/script" 3>&-
}

# The machine's files as they are, and an /.dockerenv that some image left there.
with_stale_file() {
  cat <<'END'
set -e
mkdir "$T/all" "$T/layers" && mount -t tmpfs tmpfs "$T/layers" && mkdir "$T/layers/up" "$T/layers/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$T/layers/up,workdir=$T/layers/work" "$T/all" || exit 69
for folder in proc sys dev tmp; do mount --rbind "/$folder" "$T/all/$folder"; done
touch "$T/all/.dockerenv"
exec chroot "$T/all" sh -c "cd '$PWD'; test -e /.dockerenv; $(cat "$T/round")"
END
}

@test "beside an engine with a bridge of its own, no docker0, and a stale /.dockerenv: loopback" {
  server
  cat_round >"$T/round"
  there_ok beside_own_engine '' < <(with_stale_file)
  prints PONG "reached at 127\.0\.0\.1: .*beside us"
}

@test "beside an engine as it comes, with its firewall rules: loopback" {
  server
  there_ok beside_own_engine '-b "" --iptables=true --ip-forward=true' < <(cat_round)
  prints PONG "reached at 127\.0\.0\.1: .*beside us"
}

@test "an engine without a bridge: an error that names it, and no time-out" {
  server
  there_ok beside_own_engine '-b none' < <(echo '"$APPHOST" up -d --wait-timeout 60s; [ $? = 6 ]')
  prints_or_says "published none of its ports"
  prints_or_says "bridge=none"
}

@test "in a container of an engine as it comes, with its firewall rules: three networks" {
  server
  pack_program
  declare -f in_container engine >"$T/functions"
  there_ok beside_own_engine '-b "" --iptables=true --ip-forward=true' < <(
    echo ". $T/functions; ENGINE_HOST=\$DOCKER_HOST T=$T REDIS=$REDIS; set -e"
    echo 'engine_call POST /networks/create -H "Content-Type: application/json" -d "{\"Name\": \"outer\"}" >/dev/null'
    printf 'round=%q\n' "$(cat_round)"
    echo 'for mode in bridge outer host; do in_container $mode "$round"; done'
  )
  rm -f "$T/outer"
  [ "$(grep -ac PONG <<<"$output")" = 3 ]
}

# ---- other engines ----

# Loads the image into the engine at DOCKER_HOST and runs what follows the options.
load_and() {
  cat <<'END'
. "$ROOT/scripts/engine.sh"
ENGINE_HOST=$DOCKER_HOST
engine_call POST /images/load --max-time 60 -H 'Content-Type: application/x-tar' -T "$IMAGE_TAR" >/dev/null || exit 69
END
  cat
}

save_image() {
  needs_image "$REDIS"
  export ROOT APPHOST T REDIS IMAGE_TAR=$BATS_FILE_TMPDIR/image.tar
  [ -s "$IMAGE_TAR" ] || engine GET "/images/$REDIS/get" --max-time 60 -o "$IMAGE_TAR"
}

# on_engine PROGRAM… : the script on standard input, with an engine that PROGRAM starts
on_engine() {
  load_and >"$T/script"
  timeout -k 5 180 "$@" bash "$T/script" 3>&-
}

# Root, the engine's own user with folders of his, and a container on the engine's host network; on the engine's bridge
# nothing can be published where that container reaches it. A topology has its network's gateway, which is not ours.
rootless() {
  needs_root
  save_image
  server
  pack_program
  declare -f in_container engine >"$T/functions"
  mkdir "$T/ring"
  printf 'name: ring\nresources:\n  ring: {type: redis, image: %s, cluster: true}\n' "$REDIS" >"$T/ring/apphost.yaml"
  there_ok on_engine "$ROOT/scripts/with-rootless" "$@" < <(
    echo 'set -e'
    cat_round
    printf 'round=%q\n' "$(cat_round)"
    echo 'cp -r "$T/work" "$ROOTLESS_DIR/home/work"; chown -R $ROOTLESS_UID "$ROOTLESS_DIR/home"'
    echo 'cd "$ROOTLESS_DIR/home/work"'
    echo 'env -u XDG_STATE_HOME -u XDG_CONFIG_HOME APPHOST="$PWD/apphost-program" HOME="$ROOTLESS_DIR/home" \
      XDG_RUNTIME_DIR="$ROOTLESS_DIR/run" setpriv --reuid $ROOTLESS_UID --regid $ROOTLESS_UID --clear-groups \
      sh -c "$round"'
    echo '. "$T/functions"'
    echo '(cd "$T/ring"; ! "$APPHOST" up -d; [ -z "$(engine GET "/containers/json?all=1" | grep ring-)" ])'
    echo 'T=$ROOTLESS_DIR/home; in_container host "$round"'
    echo 'in_container bridge "\"\$APPHOST\" up -d" || true'
  )
  [ "$(grep -ac PONG <<<"$output")" = 3 ]
  # Bytes, not characters: the engine's frames stand between the words.
  LC_ALL=C prints_or_says 'hint: .*--network host'
  LC_ALL=C prints_or_says 'ring-1 cannot be reached from here: .* is no address of this machine'
}

@test "rootless Docker: loopback for root and for its own user; in a container of it the host's network" {
  rootless
}

@test "rootless Podman: loopback for root and for its own user; in a container of it the host's network" {
  needs podman
  rootless --podman
}

podman_service() {
  cat >"$T/podman" <<'END'
#!/bin/bash
folder=$(mktemp -d /tmp/apphost-podman.XXXXXX)
stop() {
  kill $pid; wait $pid
  for left in $(pgrep -f -- "$folder/"); do kill "$left"; done
  awk -v d="$folder/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r |
    while read -r mount; do umount -l "$mount"; done
  rm -rf --one-file-system "$folder"
} 2>/dev/null
ip link set lo up
mkdir "$folder/networks"
printf '%s\n' '[containers]' 'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]' '[network]' \
  "network_config_dir = \"$folder/networks\"" '[engine]' 'cgroup_manager = "cgroupfs"' 'events_logger = "file"' \
  >"$folder/containers.conf"
CONTAINERS_CONF=$folder/containers.conf setsid podman --root "$folder/root" --runroot "$folder/run" \
  --tmpdir "$folder/tmp" system service --time=0 "unix://$folder/podman.sock" </dev/null >"$folder/log" 2>&1 &
pid=$!
trap stop EXIT
for _ in $(seq 100); do
  [ "$(curl -s --max-time 5 --unix-socket "$folder/podman.sock" http://engine/_ping)" != OK ] || break
  kill -0 $pid || exit 69
  sleep 0.1
done
DOCKER_HOST=unix://$folder/podman.sock "$@"
END
  chmod +x "$T/podman"
}

@test "rootful Podman: loopback; in a container of it the gateway" {
  needs_root
  needs podman
  save_image
  podman_service
  server
  pack_program
  declare -f in_container engine >"$T/functions"
  there_ok on_engine unshare -n "$T/podman" < <(
    echo 'set -e'
    cat_round
    printf 'round=%q\n' "$(cat_round)"
    echo '. "$T/functions"; in_container bridge "$round"'
  )
  rm -f "$T/outer"
  [ "$(grep -ac PONG <<<"$output")" = 2 ]
  prints_or_says 'reached at 127\.0\.0\.1: .*beside us'
}

@test "an engine in a container that may do much, the program beside it in there: loopback" {
  needs_root
  needs_socket
  save_image
  server
  printf '%s\n' '. "$ROOT/scripts/engine.sh"; trap engine_stop EXIT' \
    'engine_start || exit 69; export DOCKER_HOST=$ENGINE_HOST; ENGINE_HOST=$DOCKER_HOST' \
    'engine_call POST /images/load --max-time 60 -H "Content-Type: application/x-tar" -T "$IMAGE_TAR" >/dev/null' \
    "( $(cat_round) )" >"$T/nested"
  local id body code v variables=
  for v in ROOT APPHOST T IMAGE_TAR XDG_STATE_HOME XDG_RUNTIME_DIR PATH; do
    variables+=$(printf '%s=%q ' $v "${!v}")
  done
  body=$(jq -n --arg image "$REDIS" --arg script "exec /machine/usr/sbin/chroot /machine env $variables \
    sh -c 'mount -t proc proc /proc; cd $T/work; exec bash $T/nested'" '{
    Image: $image, Entrypoint: ["sh", "-c", $script],
    HostConfig: {CapAdd: ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE"], Binds: ["/:/machine"],
      SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined"]}}')
  id=$(engine POST /containers/create --max-time 60 -H 'Content-Type: application/json' -d "$body" | jq -r .Id)
  echo "$id" >>"$T/outer"
  engine POST "/containers/$id/start" --max-time 60
  code=$(engine POST "/containers/$id/wait" --max-time 120 | jq .StatusCode)
  output=$(engine GET "/containers/$id/logs?stdout=1&stderr=1" --max-time 60 -o - | tr -d '\000-\010\016-\037')
  echo "$output"
  [ "$code" != 69 ] || skip "no engine comes up in a container here"
  [ "$code" = 0 ]
  prints PONG 'reached at 127\.0\.0\.1: .*beside us'
}

# ---- without an engine ----

native() {
  needs redis-server
  printf 'engine: native\nresources: {cache: {type: redis}}\n' | manifest
}

# bats test_tags=engineless
@test "the native engine, with and without IPv6 on loopback" {
  needs_root
  native
  local six
  for six in 0 1; do
    ok timeout 100 unshare -n sh -c "ip link set lo up
      echo $six >/proc/sys/net/ipv6/conf/all/disable_ipv6; $(cat_round)"
    prints PONG
  done
}

# bats test_tags=engineless
@test "an arbitrary uid without HOME, and one whose home is read-only: the native engine" {
  needs_root
  native
  cp -L "$APPHOST" "$T/work/apphost-program"
  chmod 755 "$T" "$T/work"
  mkdir "$T/home/none" && chmod 555 "$T/home"
  local home
  for home in '' "HOME=$T/home"; do
    ok env -i PATH="$PATH" $home APPHOST="$T/work/apphost-program" timeout -k 5 100 \
      setpriv --reuid 54321 --regid 54321 --clear-groups sh -c "$(cat_round)"
    prints PONG
  done
  rm -rf /tmp/apphost-54321 /tmp/apphost-state-54321
}

# ---- fresh namespaces ----

# In a fresh network namespace nothing of the engine can be reached; that must be said, not waited for.
namespaces() {
  server
  local flags=$1 script
  script='"$APPHOST" up -d --wait-timeout 60s || exit $?
"$APPHOST" run -- sh -c '\''redis-cli -u "$CACHE_URI" ping'\'' || exit $?
"$APPHOST" down'
  # shellcheck disable=SC2086 # flags are words
  run --separate-stderr timeout -k 5 100 unshare $flags -- sh -c "$script"
  printf '$ unshare %s\n[%s]\n%s\n%s\n' "$flags" "$status" "$output" "$stderr"
  if [[ " $flags " = *" -n "* ]]; then
    [ "$status" = 6 ]
    says 'cannot be reached from here: .*network namespace'
    APPHOST_BOUND=60 apphost down || true
  else
    [ "$status" = 0 ]
    prints PONG
  fi
}

@test "every combination of fresh pid, network, user and mount namespaces" {
  needs_root
  needs unshare
  needs_image "$REDIS"
  [[ $ENGINE_HOST = unix://* ]] || skip "the engine has no socket"
  unshare -U -r true 2>/dev/null || skip "no user namespaces here"
  local pid net user mount
  for pid in '' '-p -f --mount-proc'; do
    for net in '' -n; do
      for user in '' '-U -r'; do
        for mount in '' -m; do
          namespaces "$pid $net $user $mount"
        done
      done
    done
  done
}

@test "a pid namespace alone, with the outer /proc: loopback" {
  needs_root
  needs_image "$REDIS"
  [[ $ENGINE_HOST = unix://* ]] || skip "the engine has no socket"
  namespaces '-p -f'
}

# As in a container that some other engine made: the kernel's list of mounts says so, the engine of the socket knows
# no such container, and who serves its socket is not to be seen from here. Two places are left then. $@: what enters
# its network.
in_a_strangers_container() {
  local id made=$T/made/containers
  id=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
  mkdir -p "$made/$id"
  cat >inside
  [ -e /etc/hostname ] || skip "this machine has no /etc/hostname to mount over"
  cp /etc/hostname "$made/$id/hostname"
  ok timeout -k 5 120 "$@" unshare -m -p -f --mount-proc sh -c \
    "mount --bind '$made/$id/hostname' /etc/hostname && . ./inside" 3>&-
}

needs_two_places() {
  needs_root
  needs unshare
  needs_image "$REDIS"
  [[ $ENGINE_HOST = unix://* ]] || skip "the engine has no socket"
  GATEWAY=$(gateway_of bridge)
  [[ $GATEWAY = *.*.*.* ]] || skip "the engine has no default bridge"
}

# A network namespace with a loopback of its own and a cable to the engine's bridge; NETWORK is a process in it.
plug_in() {
  local bridge cable=ae$RANDOM width
  bridge=$(engine GET /networks/bridge | jq -r '.Options["com.docker.network.bridge.name"] // "docker0"')
  width=$(ip -o -4 addr show dev "$bridge" 2>/dev/null | grep -o '/[0-9]*' | head -n 1)
  [ -n "$width" ] || skip "the engine's bridge is not on this machine"
  unshare -n sleep 1000 3>&- &
  NETWORK=$!
  wait_until 5 sh -c "[ \"\$(readlink /proc/$NETWORK/ns/net)\" != \"\$(readlink /proc/$$/ns/net)\" ]"
  ip link add "$cable" type veth peer name outer netns "$NETWORK"
  ip link set "$cable" master "$bridge" up
  nsenter -t "$NETWORK" -n sh -ec "ip link set lo up; ip addr add ${GATEWAY%.*}.$((200 + RANDOM % 50))$width dev outer
    ip link set outer up; ip route add default via $GATEWAY"
}

@test "two places where ports may be: the first PING with our password proves loopback" {
  needs_two_places
  server
  in_a_strangers_container < <(cat_round)
  prints PONG 'reached at 127\.0\.0\.1: .*another pid namespace'
}

@test "two places where ports may be: the first PING with our password proves the engine's gateway" {
  needs_two_places
  needs ip
  plug_in
  server
  in_a_strangers_container nsenter -t "$NETWORK" -n -- < <(cat_round)
  prints PONG "reached at $GATEWAY: .*another pid namespace"
}

@test "a network namespace that is not the engine's, with a loopback of its own: said at once" {
  needs_root
  needs_image "$REDIS"
  [[ $ENGINE_HOST = unix://* ]] || skip "the engine has no socket"
  server
  fails 6 unshare -n sh -c 'ip link set lo up; exec "$APPHOST" up -d --wait-timeout 60s'
  says 'cannot be reached from here: .*in another network namespace' 'hint: .*APPHOST_PUBLISHED_HOST'
  APPHOST_BOUND=60 apphost down || true
  # Nor can it be told who serves the socket: then nobody listens on what was published.
  fails 6 unshare -n -p -f --mount-proc sh -c 'ip link set lo up; "$APPHOST" up -d --wait-timeout 60s'
  says 'cannot be reached from here: .*nothing listens there .*another pid namespace' 'hint: .*APPHOST_PUBLISHED_HOST'
  APPHOST_BOUND=60 apphost down || true
}

# ---- what the user says ----

@test "APPHOST_PUBLISHED_HOST is believed, and its synonym; doctor and ps say so" {
  server
  needs_image "$REDIS"
  needs_loopback
  export APPHOST_PUBLISHED_HOST=127.0.0.2
  ok apphost doctor
  prints 'reached at 127\.0\.0\.2: APPHOST_PUBLISHED_HOST'
  ok apphost up -d --explain
  says 'reached at 127\.0\.0\.2: APPHOST_PUBLISHED_HOST'
  ok apphost ps --verbose
  prints '127\.0\.0\.2:' 'reached at 127\.0\.0\.2'
  ok apphost env --format dotenv
  prints '^CACHE_HOST=.?127\.0\.0\.2'
  ok apphost redis cache PING
  ok apphost down
  unset APPHOST_PUBLISHED_HOST
  export TESTCONTAINERS_HOST_OVERRIDE=127.0.0.3
  ok apphost doctor
  prints 'reached at 127\.0\.0\.3: '
}

@test "blanks around DOCKER_HOST are none of it" {
  server
  needs_image "$REDIS"
  DOCKER_HOST=" $ENGINE_HOST " ok apphost up -d
  DOCKER_HOST="$ENGINE_HOST	" ok apphost down
  DOCKER_HOST=' unix:///nonexistent/docker.sock ' fails 4 apphost pull
  says 'unix:///nonexistent/docker.sock[^ ]*[^ ]'
}

# ---- folders ----

@test "the state folder on a tmpfs" {
  needs_root
  server
  needs_image "$REDIS"
  mount -t tmpfs tmpfs "$T/state"
  ok apphost up -d
  ok apphost redis cache PING
  ok apphost down
}

@test "the state folder on an overlay" {
  needs_root
  server
  needs_image "$REDIS"
  mkdir "$T/lower" "$T/upper" "$T/scratch"
  mount -t overlay overlay -o "lowerdir=$T/lower,upperdir=$T/upper,workdir=$T/scratch" "$T/state" ||
    skip "no overlay here"
  ok apphost up -d
  ok apphost redis cache PING
  ok apphost down
}

@test "folders with blanks, quotes and Unicode in their names" {
  needs_image "$REDIS"
  mkdir -p "$T/work/mein Läden's \"shop\" 店"
  cd "$T/work/mein Läden's \"shop\" 店"
  export XDG_STATE_HOME="$T/state/zu stand 状态"
  server
  ok apphost up -d
  ok apphost run -- sh -c 'redis-cli -u "$CACHE_URI" ping'
  prints PONG
  ok apphost down
}
