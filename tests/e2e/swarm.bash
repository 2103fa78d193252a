# A Docker Swarm of one node for end-to-end tests: an engine of our own in a network namespace of its own, because a
# swarm makes a bridge and overlays that others on this machine may have, too. Load it after helpers.
#
#   swarm_start, swarm_stop    for setup_file and teardown_file; SWARM_HOST is its address, empty where it cannot be had
#   swarm GET /services …      one API call to it
#   ours KIND                  what it has of the project of this test: services, secrets, networks, tasks
#   inside RES COMMAND…        runs a command in the container of a service, on its first node
#   swarm_clean                takes away whatever the test left

swarm_start() {
  export SWARM_HOST= SWARM_HOLDER=
  [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null && unshare -n true 2>/dev/null || return 0
  local told=$BATS_FILE_TMPDIR/swarm
  # shellcheck disable=SC2016 # for the inner shell
  unshare -n sh -c 'ip link set lo up; exec "$@"' sh "$ROOT/scripts/with-engine" --own \
    bash -c 'echo "$DOCKER_HOST $$" >"$0.new"; mv "$0.new" "$0"; exec sleep infinity' "$told" \
    </dev/null >"$BATS_FILE_TMPDIR/engine.log" 2>&1 3>&- &
  SWARM_STARTER=$!
  export SWARM_STARTER
  wait_until 60 swarm_told "$told" || return 0
  [ -s "$told" ] || return 0
  read -r SWARM_HOST SWARM_HOLDER <"$told"
  swarm POST /swarm/init -H 'Content-Type: application/json' \
    -d '{"ListenAddr":"127.0.0.1:2377","AdvertiseAddr":"127.0.0.1"}' >/dev/null
  DOCKER_HOST=$SWARM_HOST "$ROOT/tests/images/build" "$REDIS"
}

# Its address is known, or it has given up.
swarm_told() {
  [ -s "$1" ] || dead "$SWARM_STARTER"
}

swarm_stop() {
  [ -n "${SWARM_HOLDER:-}" ] || return 0
  kill "$SWARM_HOLDER" 2>/dev/null || true
  wait_until 60 dead "$SWARM_STARTER"
}

swarm() {
  ENGINE_HOST=$SWARM_HOST engine_call "$@"
}

# "?filters=…" for what has this test's label.
swarm_filter() {
  echo "filters=%7B%22label%22%3A%5B%22io.apphost.deployment%3D$PROJECT%22%5D%7D"
}

ours() {
  swarm GET "/$1?$(swarm_filter)"
}

service() {
  ours services | jq -c --arg name "${PROJECT}_$1" '.[] | select(.Spec.Name == $name)'
}

# The container in which a service's task runs now.
container_of() {
  local label=com.docker.swarm.service.name%3D${PROJECT}_$1
  swarm GET "/containers/json?filters=%7B%22label%22%3A%5B%22$label%22%5D%7D" |
    jq -r '.[0].Id'
}

inside() {
  local id exec
  id=$(container_of "$1")
  shift
  exec=$(swarm POST "/containers/$id/exec" -H 'Content-Type: application/json' \
    -d "$(jq -nc '{AttachStdout: true, AttachStderr: true, Tty: true, Cmd: $ARGS.positional}' --args -- "$@")" |
    jq -r .Id)
  swarm POST "/exec/$exec/start" -H 'Content-Type: application/json' -d '{"Tty":true}' | tr -d '\r'
}

# A command to the server with its own password, which nobody outside of it knows.
redis_inside() {
  local name=$1
  shift
  inside "$name" sh -c 'REDISCLI_AUTH=$(cat /run/secrets/'"$name"'-password) exec redis-cli "$@"' sh "$@"
}

# Every task that runs: service and id.
running_tasks() {
  ours tasks | jq -r '.[] | select(.DesiredState == "running" and .Status.State == "running") | .ID' | sort
}

versions() {
  ours services | jq -r '.[] | "\(.Spec.Name) \(.Version.Index)"' | sort
}

swarm_clean() {
  local id
  [ -n "${SWARM_HOST:-}" ] || return 0
  for id in $(ours services | jq -r '.[].ID'); do swarm DELETE "/services/$id" >/dev/null; done
  for id in $(ours secrets | jq -r '.[].ID'); do swarm DELETE "/secrets/$id" >/dev/null; done
  for id in $(ours networks | jq -r '.[].Id'); do swarm DELETE "/networks/$id" >/dev/null; done
  wait_quietly 30 swarm_volumes_gone
}

swarm_volumes_gone() {
  local name
  for name in $(ours volumes | jq -r '(.Volumes // [])[].Name'); do swarm DELETE "/volumes/$name" >/dev/null; done
  [ -z "$(ours volumes | jq -r '(.Volumes // [])[].Name')" ]
}

swarm_left() {
  ours services | jq -r '.[].Spec.Name'
  ours secrets | jq -r '.[].Spec.Name'
  ours networks | jq -r '.[].Name'
  ours volumes | jq -r '(.Volumes // [])[].Name'
  swarm GET "/containers/json?all=1&$(swarm_filter)" | jq -r '.[].Names[0]'
}
