# deploy swarm, on a real swarm of one node.
load helpers
load swarm

setup_file() {
  swarm_start
}

teardown_file() {
  swarm_stop
}

setup_more() {
  [ -n "${SWARM_HOST:-}" ] || skip "a swarm of our own cannot be started here"
  export DOCKER_HOST=$SWARM_HOST
  ENGINE_HOST=$SWARM_HOST
  APPHOST_BOUND=240
}

teardown() {
  local code=0
  if [ -n "${BATS_TEST_COMPLETED:-}" ] && [ -n "$(swarm_left)" ]; then
    echo "left in the swarm:"
    swarm_left
    code=1
  fi
  swarm_clean
  teardown_test || code=1
  return $code
}

# A server with data, and a consumer that says whether it reaches it with what it was given.
shop() {
  manifest <<END
${1:+parameters:
  password: {secret: true\}}
resources:
  cache:
    type: redis
    image: $REDIS
    data_volume: true${1:+
    password: '\${parameters.password}'}
  api:
    type: container
    image: $REDIS
    command: [sh, -c, 'while :; do redis-cli -u "\$CACHE_URI" ping; sleep 0.2; done']
    references: [cache]
    environment: {PLAIN: '{{x}} \$\$y'}
    stop: {timeout: 1s}
END
}

deploy() {
  ok apphost deploy swarm -y "$@"
}

gone() {
  ok apphost deploy swarm --remove --volumes -y
}

line_of() {
  grep -n "$1" <<<"$stderr" | cut -d: -f1
}

consumer_reaches() {
  swarm GET "/services/${PROJECT}_$1/logs?stdout=1&tail=1" | grep -aq PONG
}

# ---- the way there and back ----

@test "a server and its consumer come up, a second deploy changes nothing, and all goes again" {
  shop
  ok apphost deploy swarm --diff
  prints 'create service cache' 'create service api'
  [ -z "$(ours services | jq -r '.[].ID')" ]
  deploy
  says 'service cache: ready' 'service api: ready'
  [ "$(redis_inside cache ping)" = PONG ]
  [ "$(inside api sh -c 'echo "$PLAIN"')" = '{{x}} $y' ]
  wait_until 30 consumer_reaches api
  # Nothing shows the password: neither the swarm nor the container.
  local password
  password=$(inside cache cat /run/secrets/cache-password)
  [ ${#password} -ge 16 ]
  not grep -qF "$password" <(ours services; ours secrets; ours tasks)
  not grep -qF "$password" <(swarm GET "/containers/$(container_of api)/json")
  not grep -qF "$password" <(swarm GET "/containers/$(container_of cache)/json")

  local tasks versions
  tasks=$(running_tasks) versions=$(versions)
  deploy
  [ "$(running_tasks)" = "$tasks" ] && [ "$(versions)" = "$versions" ]
  ok apphost deploy swarm --diff
  says 'nothing would change'

  ok apphost ps --target swarm
  prints 'cache +service +running +1/1' 'api +service +running +1/1'
  [ "$(apphost ps --target swarm -o json cache | jq -r '.resources[].state')" = running ]
  fails 10 apphost ps --target swarm nobody

  ok apphost logs --target swarm --tail 1 --grep PONG -o json
  [ "$(jq -r '.resource + .line' <<<"$output")" = apiPONG ]
  apphost logs --target swarm -f --no-prefix api | grep -qm 1 PONG
  fails 10 apphost logs --target swarm nobody

  APPHOST_BOUND=240 apphost events --target swarm cache >events 2>trouble 3>&- &
  local watcher=$!
  wait_until 60 test -s events
  sed -i 's/redis-cli -u/redis-cli  -u/' apphost.yaml
  deploy
  ok apphost deploy swarm --remove -y
  says 'the volume stays'
  wait $watcher
  [ "$(jq -r .resource events | sort -u)" = cache ]
  [ "$(jq -r .state events | tail -n 1)" = removed ]
  [ "$(ours volumes | jq -r '.Volumes[].Name')" = "${PROJECT}_cache-data" ]
  gone
}

@test "data and password survive an update and a removal" {
  shop
  deploy
  [ "$(redis_inside cache set k v)" = OK ]
  local password
  password=$(inside cache cat /run/secrets/cache-password)
  sed -i 's/    data_volume: true/&\n    memory: 64m/' apphost.yaml
  ok apphost deploy swarm --diff
  prints 'update service cache: .*memorybytes: nothing → 67108864'
  not grep -q 'service api' <<<"$output"
  deploy
  [ "$(redis_inside cache get k)" = '"v"' ]
  ok apphost deploy swarm --remove -y
  deploy
  [ "$(redis_inside cache get k)" = '"v"' ]
  [ "$(inside cache cat /run/secrets/cache-password)" = "$password" ]
  gone
}

# Whatever it executes and creates: no argument holds the password, nobody else may read what it writes.
traced_deploy() {
  if ! command -v strace >/dev/null; then
    deploy
    return
  fi
  timeout 240 strace -f -qq -s 4096 -e trace=execve,execveat,open,openat,creat,mkdir,mkdirat -o "$T/trace" \
    "$APPHOST" deploy swarm -y
  grep -q 'execve(.*"deploy", "swarm"' "$T/trace"
  not grep -q another "$T/trace"
  [ -z "$(grep -E 'O_CREAT|creat\(' "$T/trace" | grep -v ', 0600')" ]
  [ -z "$(grep -E 'mkdir(at)?\(' "$T/trace" | grep -v ', 0700')" ]
}

node_says() {
  [ "$(redis_inside "$1" get "$2")" = "\"$3\"" ]
}

@test "a primary with replicas is formed by what it is given; who dies comes back into its place" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, data_volume: true, persistence: {append_only: true}, replication: {replicas: 1}}
END
  deploy
  says 'service cache-1: ready' 'service cache-2: ready'
  [ "$(redis_inside cache-1 set k v)" = OK ]
  wait_until 60 node_says cache-2 k v
  local versions
  versions=$(versions)
  swarm POST "/containers/$(container_of cache-1)/kill" >/dev/null
  node_says cache-2 k v
  wait_until 120 node_says cache-1 k v
  [ "$(redis_inside cache-1 set k w)" = OK ]
  wait_until 120 node_says cache-2 k w
  deploy
  [ "$(versions)" = "$versions" ]
  gone
}

@test "a replaced password reaches server and consumer, and the old one is gone" {
  shop given
  export APPHOST_PARAM_PASSWORD="S3c,r'et p@ss\"w\$rd\\{{x}}"
  deploy
  wait_until 30 consumer_reaches api
  local old
  old=$(ours secrets | jq -r '.[].Spec.Name' | sort)
  [ "$(wc -l <<<"$old")" = 3 ]
  export APPHOST_PARAM_PASSWORD=another
  ok apphost deploy swarm --diff
  prints 'secret cache-password: changed' 'secret api.env: changed'
  not grep -q another <<<"$output"
  traced_deploy
  [ "$(inside cache cat /run/secrets/cache-password)" = another ]
  wait_until 30 consumer_reaches api
  [ -z "$(comm -12 <(echo "$old") <(ours secrets | jq -r '.[].Spec.Name' | sort))" ]
  [ "$(ours secrets | jq length)" = 3 ]
  fails 1 apphost deploy swarm --rollback -y
  says 'was replaced'
  gone
}

# ---- as a file ----

stack_gone() {
  docker stack rm "$PROJECT" && docker volume rm "${PROJECT}_cache-data"
}

@test "a stack file does the same by docker stack deploy, and shows no password" {
  needs docker
  local major
  major=$(docker version --format '{{.Client.Version}}' | cut -d. -f1)
  [ "$major" -ge 23 ] || skip "this docker program takes no tasks in a stack file: it is older than 23"
  shop
  cat >>apphost.yaml <<END
  migrate:
    type: process
    task: true
    command: [x]
    references: [cache]
    publish: {image: $REDIS, command: [sh, -c, 'until redis-cli -u "\$\$CACHE_URI" set done yes; do sleep 0.2; done']}
END
  ok apphost publish swarm -o out
  says 'the task migrate runs at each' "next: cd out && docker stack deploy -c stack.yaml $PROJECT"
  local password
  password=$(cat out/secrets/"$PROJECT"_cache-password_*)
  not grep -qF "$password" out/stack.yaml
  [ -z "$(find out/secrets -type f ! -perm 600)" ]
  cp -a out first
  XDG_STATE_HOME=$T/other ok apphost publish swarm -o out
  diff -r out first
  rm -rf "$T/other"

  docker node update --label-add "io.apphost.volume.${PROJECT}_cache-data=true" "$(docker node ls -q)"
  local detach=
  if docker stack deploy --help | grep -q -e --detach; then detach=--detach=true; fi # older ones know nothing else
  docker stack deploy $detach -c out/stack.yaml "$PROJECT"
  wait_until 120 consumer_reaches api
  wait_until 60 stack_has 'done' '"yes"'
  [ "$(inside api sh -c 'echo "$PLAIN"')" = '{{x}} $y' ]
  not grep -qF "$password" <(swarm GET /services)
  fails 1 apphost deploy swarm -y
  says "the network ${PROJECT}_default is there and is not this deployment"
  wait_until 120 stack_gone
}

stack_has() {
  [ "$(redis_inside cache get "$1")" = "$2" ]
}

# ---- what goes wrong ----

@test "an image that is nowhere is said before anything is changed, and the server serves on" {
  shop
  deploy
  local tasks
  tasks=$(running_tasks)
  sed -i "0,/$(basename $REDIS)/s//$(basename $REDIS)-nope/" apphost.yaml
  fails 5 apphost deploy swarm -y
  says 'apphost.yaml:4:3: .*redis:7.0-nope is not in its registry, nor has the engine got it'
  [ "$(running_tasks)" = "$tasks" ]
  [ "$(redis_inside cache ping)" = PONG ]
  gone
}

@test "an update that fails goes back, and says why" {
  shop
  deploy
  sed -i "s/while :; do .*done'/echo this one is broken; exit 3'/" apphost.yaml
  fails 6 apphost deploy swarm -y
  says 'api: \| this one is broken' 'api does not get ready: .*exit.* \(3\); the one before serves again'
  wait_until 30 consumer_reaches api
  gone
}

@test "a node that is not there is waited for as long as was said" {
  shop
  echo '    publish: {placement: nowhere}' >>apphost.yaml
  fails 7 apphost deploy swarm -y --wait-timeout 30s
  says 'service api: waits: no suitable node' 'api is not ready after .*no suitable node'
  [ "$(redis_inside cache ping)" = PONG ]
  gone
}

@test "a task runs once, before what waits for it, and again when it changed" {
  shop
  cat >>apphost.yaml <<END
    wait_for: [migrate]
  migrate:
    type: process
    task: true
    command: [redis-cli, incr, runs]
    references: [cache]
    publish: {image: $REDIS, command: [sh, -c, 'redis-cli -h cache -a "\$\$CACHE_PASSWORD" incr runs']}
END
  deploy
  says 'task migrate: ready'
  [ "$(line_of 'task migrate: ready')" -lt "$(line_of 'service api: created')" ]
  deploy
  [ "$(redis_inside cache get runs)" = '"1"' ]
  sed -i 's/incr runs/incr  runs/' apphost.yaml
  deploy
  [ "$(redis_inside cache get runs)" = '"2"' ]
  gone
}

@test "no swarm, and another machine's deployment, are refused in words" {
  shop
  DOCKER_HOST=unix:///tmp/nobody.sock fails 4 apphost deploy swarm -y
  deploy
  mv "$XDG_STATE_HOME" "$T/kept"
  fails 9 apphost deploy swarm -y
  says 'deployed from another machine' 'take-over'
  rm -rf "$XDG_STATE_HOME"
  mv "$T/kept" "$XDG_STATE_HOME"
  fails 2 apphost deploy swarm --remove </dev/null
  says 'nobody to ask'
  fails 2 apphost deploy swarm --remove --diff
  fails 2 apphost deploy nowhere
  gone
}

# ---- killed, and two at once ----

# The engine behind a proxy that kills the program at a request: RULE as tests/faults/engine-proxy has them.
through_proxy() {
  : >rules
  needs python3
  "$ROOT/tests/faults/engine-proxy" "$T/proxy.sock" "${SWARM_HOST#unix://}" "$PWD/rules" "$PWD/requests" 3>&- &
  PROXY=$!
  wait_until 20 test -S "$T/proxy.sock"
}

@test "killed at some of its requests, the next deploy comes to the same end" {
  shop
  through_proxy
  local n
  for n in 5 9 12 14 18 23; do
    echo "$n * . before pkill -9 -P $$ -x apphost; sleep 0.1" >rules
    DOCKER_HOST=unix://$T/proxy.sock apphost deploy swarm -y || true
  done
  : >rules
  kill $PROXY
  deploy
  [ "$(ours services | jq length)" = 2 ]
  [ "$(ours secrets | jq length)" = 3 ]
  [ "$(ours networks | jq length)" = 1 ]
  gone
}

@test "of two deploys at once one wins, and the other ends in words or finds the same" {
  shop
  deploy
  sed -i 's/sleep 0.2/sleep 0.1/' apphost.yaml
  apphost deploy swarm -y >one 2>&1 3>&- &
  local other=$! code=0
  sed 's/sleep 0.1/sleep 0.3/' apphost.yaml >other.yaml
  apphost -f apphost.yaml deploy swarm -y >two 2>&1 || code=$?
  cat two
  wait $other || code=$code-$?
  cat one
  [[ $code = 0 || $code = 9 || $code = 0-9 ]]
  deploy
  [ "$(ours secrets | jq length)" = 3 ]
  gone
}
