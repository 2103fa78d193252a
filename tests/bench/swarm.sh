# The section "swarm" of tests/bench/run: a deploy to a swarm of one node, an engine of our own in a network namespace.

swarm_up() {
  # shellcheck disable=SC2016 # for the inner shell
  unshare -n sh -c 'ip link set lo up; exec "$@"' sh scripts/with-engine --own \
    bash -c 'echo "$DOCKER_HOST $$" >"$0.new"; mv "$0.new" "$0"; exec sleep infinity' "$T/swarm" \
    </dev/null >"$T/swarm.log" 2>&1 &
  SWARM_STARTER=$!
  until [ -s "$T/swarm" ]; do
    kill -0 $SWARM_STARTER 2>/dev/null || return 1
    sleep 0.1
  done
  read -r SWARM_HOST SWARM_HOLDER <"$T/swarm"
  DOCKER_HOST=$SWARM_HOST tests/images/build $IMAGE &&
    ENGINE_HOST=$SWARM_HOST engine_call POST /swarm/init -H 'Content-Type: application/json' \
      -d '{"ListenAddr":"127.0.0.1:2377","AdvertiseAddr":"127.0.0.1"}' >/dev/null
}

swarm_down() {
  kill "$SWARM_HOLDER"
  wait $SWARM_STARTER
}

swarm_manifest() {
  mkdir -p "$T/swarmed"
  cat >"$T/swarmed/apphost.yaml" <<END
name: bench-$$-swarm
parameters: {password: {secret: true}}
resources:
  cache: {type: redis, image: $IMAGE, data_volume: true, password: '\${parameters.password}'}
  one: {type: container, image: $IMAGE, command: [sleep, infinity], references: [cache], stop: {timeout: 1s}}
  two: {type: container, image: $IMAGE, command: [sleep, infinity], references: [cache], stop: {timeout: 1s}}
END
}

# What a second deploy asks, by raw calls on one connection.
swarm_floor() {
  local socket=${SWARM_HOST#unix://}
  local filter='filters=%7B%22label%22%3A%5B%22io.apphost.deployment%3Dbench'-$$-'swarm%22%5D%7D'
  curl -sS --max-time 60 --unix-socket "$socket" \
    "http://e/_ping" "http://e/services?status=true&$filter" "http://e/tasks?$filter"
}

# How many requests that is, counted in front of the engine.
swarm_requests() {
  local proxy
  : >"$T/rules" >"$T/requests"
  tests/faults/engine-proxy "$T/proxy.sock" "${SWARM_HOST#unix://}" "$T/rules" "$T/requests" >/dev/null 2>&1 &
  proxy=$!
  until [ -S "$T/proxy.sock" ] || ! kill -0 $proxy 2>/dev/null; do sleep 0.1; done
  SWARM_HOST=unix://$T/proxy.sock swarmed one >/dev/null 2>&1 && wc -l <"$T/requests"
  kill $proxy
}

swarmed() {
  DOCKER_HOST=$SWARM_HOST APPHOST_PARAM_PASSWORD=$1 "$APPHOST" -C "$T/swarmed" deploy swarm -y "${@:2}"
}

section_swarm() {
  if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null || ! swarm_up; then
    echo 'swarm: an engine of our own cannot be started here'
    return
  fi
  swarm_manifest
  local first again rotation requests i
  first=$(ms swarmed one)
  for i in 1 2 3 4 5; do
    note swarm-floor "$(ms swarm_floor)"
    note swarm-again "$(ms swarmed one)"
  done
  again=$(of swarm-again)
  requests=$(swarm_requests)
  rotation=$(ms swarmed two)
  head_line 'swarm of one node, ms'
  row 'deploy: a server, then two consumers, ready' '' "$first" ''
  row 'second deploy' "$(of swarm-floor)" "$again" '<=30 ms'
  row 'requests of that' '' "$requests" '<=3'
  row 'another password, in all three' '' "$rotation" ''
  swarmed two --remove --volumes >/dev/null 2>&1
  swarm_down
}
