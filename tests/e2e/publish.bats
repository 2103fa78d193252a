# `apphost publish`: files that the real compose and the real kubectl take, and what it never overwrites.
load helpers

# Both are fetched by scripts/peers and tests/kubernetes/build before the tests; without them tests are skipped.
COMPOSE=${XDG_CACHE_HOME:-$REAL_HOME/.cache}/apphost-test/peers/docker-compose

needs_compose() {
  [ -x "$COMPOSE" ] || skip "compose v2 could not be fetched here"
}

# compose WORD… in the folder "out", under a project name of its own
compose() {
  timeout 240 "$COMPOSE" --project-directory out -f out/compose.yaml -p "$PROJECT" "$@"
}

teardown() {
  if [ -e "$T/work/out/compose.yaml" ] && [ -x "$COMPOSE" ]; then
    (cd "$T/work" && compose --profile '*' down -v -t 1 >/dev/null 2>&1)
  fi
  teardown_test
}

# A server with data, a consumer with an image, a task before it, a process of this machine alone.
application() {
  manifest <<END
resources:
  cache:
    type: redis
    image: $REDIS
    data_volume: true
    users: {app: {acl: "~app:* +@all"}}
  api:
    type: process
    command: [node, server.js]
    references: [cache]
    wait_for: [prepare]
    environment: {PRICE: '5\$\$ \$\$HOME', WHERE: '\${cache.host}:\${cache.port}'}
    publish:
      image: $REDIS
      command: [sh, -c, 'echo "\$\$(redis-cli -u "\$\$CACHE_URI" get prepared) \$\$PRICE \$\$WHERE"; exec sleep 600']
  prepare:
    type: process
    task: true
    command: [prepare]
    references: [cache]
    publish: {image: $REDIS, command: [sh, -c, 'redis-cli -u "\$\$CACHE_URI" set prepared yes']}
  watcher:
    type: process
    command: [watch]
    publish: false
END
}

password_of() {
  sed -n 's/^CACHE_PASSWORD="\(.*\)"$/\1/p' out/.env
}

inside() {
  compose exec -T cache sh -c "REDISCLI_AUTH=\$(cat /run/secrets/cache-password) redis-cli $1"
}

@test "compose takes it as it is: config without a warning, up --wait healthy, data kept" {
  needs_compose
  application
  ok apphost publish compose -o out
  compose config >config 2>warnings
  [ ! -s warnings ]
  compose up -d --wait
  wait_until 60 grep_logs 'yes 5$ $HOME cache:6379'
  [ "$(inside 'set kept 1')" = OK ]
  compose down -t 1
  compose up -d --wait
  [ "$(inside 'get kept')" = 1 ]
  [ "$(inside 'acl getuser app' | grep -c .)" -gt 2 ]
}

grep_logs() {
  compose logs api 2>/dev/null | grep -qF "$1"
}

# node NAME COMMAND: to one of several servers
node() {
  compose exec -T "$1" sh -c "REDISCLI_AUTH=\$(cat /run/secrets/$1-password) redis-cli $2"
}

node_says() {
  [ "$(node "$1" "$2" 2>/dev/null)" = "$3" ]
}

@test "a primary with replicas is formed by what it is given; who goes comes back into its place" {
  needs_compose
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, data_volume: true, persistence: {append_only: true}, replication: {replicas: 2}}
  api:
    type: process
    command: [x]
    references: [cache]
    publish:
      image: $REDIS
      command: [sh, -c, 'echo "\$\$CACHE_NODES"; redis-cli -u "\$\$CACHE_URI" set k v; exec sleep 600']
END
  ok apphost publish compose -o out
  compose config >config 2>warnings
  [ ! -s warnings ]
  compose up -d --wait
  wait_until 60 grep_logs 'cache-1:6379,cache-2:6379,cache-3:6379'
  wait_until 60 node_says cache-3 'get k' v
  node cache-3 'set k w' | grep -q READONLY

  # Nobody starts it again: whoever reads goes on. What it has not saved is lost to all, so it saves each change.
  compose kill cache-1
  node_says cache-2 'get k' v
  compose up -d --wait cache-1
  node_says cache-1 'get k' v
  [ "$(node cache-1 'set k w')" = OK ]
  wait_until 60 node_says cache-2 'get k' w
  wait_until 60 node_says cache-3 'get k' w
}

@test "no secret stands in compose.yaml, in an argument or a label; .env is closed" {
  application
  ok apphost publish compose -o out
  [ "$(stat -c %a out/.env)" = 600 ]
  [ -n "$(password_of)" ]
  not grep -qF "$(password_of)" out/compose.yaml
  grep -qx /.env out/.gitignore
}

@test "secrets of who is killed while writing: no name that git would take, and publish, gc or doctor removes it" {
  application
  ok apphost publish compose -o out
  (cd out && git init -q .)
  local draft=out/.env.apphost-0123abcd.tmp
  echo CACHE_PASSWORD=hush >$draft
  [ -z "$(git -C out status --porcelain --untracked-files=all | grep env)" ]
  echo more >>out/.gitignore
  rm out/.env
  ok apphost publish compose -o out
  [ ! -e $draft ]
  [ "$(grep -cxF -e /.env -e '/.env.apphost-*.tmp' out/.gitignore)" = 2 ]

  local place verb
  for place in "$T/work" "$T/state/apphost"; do
    for verb in gc doctor; do
      mkdir -p "$place"
      echo hush >"$place/.env.apphost-0123abcd.tmp"
      apphost $verb --dry-run >shown || true
      grep "$place/.env.apphost-0123abcd.tmp" shown
      [ -e "$place/.env.apphost-0123abcd.tmp" ]
      apphost $verb >shown || true
      grep "$place/.env.apphost-0123abcd.tmp" shown
      [ ! -e "$place/.env.apphost-0123abcd.tmp" ]
    done
  done
}

@test "twice gives the same bytes, in another folder too" {
  application
  ok apphost publish compose -o out
  cp -a out first
  ok apphost publish compose -o out
  ok apphost publish compose -o other
  diff -r out first
  diff -r out other
}

@test "a password of .env is kept, and changed there: the server is made anew" {
  needs_compose
  application
  ok apphost publish compose -o out
  compose up -d --wait
  local before
  before=$(compose ps -q cache)
  sed -i 's/^CACHE_PASSWORD=.*/CACHE_PASSWORD="another one of mine"/' out/.env
  sed -i '/^CACHE_CONF=/,/^"$/d' out/.env
  ok apphost publish compose -o out
  compose up -d --wait
  [ "$(compose ps -q cache)" != "$before" ]
  [ "$(inside ping)" = PONG ]
  compose exec -T cache redis-cli --no-auth-warning -a 'another one of mine' ping | grep -q PONG
}

@test "what stands in .env stays, byte by byte" {
  application
  mkdir out
  printf 'MINE=1\n# mine\nCACHE_PASSWORD=of-mine' >out/.env
  cp out/.env before
  ok apphost publish compose -o out
  cmp -n "$(stat -c %s before)" before out/.env
  [ "$(grep -c '^CACHE_PASSWORD=' out/.env)" = 1 ]
  grep -qF 'requirepass \"${CACHE_PASSWORD}\"' out/.env
}

@test "an edited or a foreign file is left alone, and nothing else is written" {
  application
  ok apphost publish compose -o out
  echo '# mine' >>out/compose.yaml
  cp -a out before
  sed -i "s#$REDIS#&x#" apphost.yaml
  fails 1 apphost publish compose -o out
  says 'was edited since it was published'
  says 'compose.override.yaml'
  diff -r out before
  ok apphost publish compose -o out --force
  mkdir foreign && echo 'services: {}' >foreign/compose.yaml
  fails 1 apphost publish compose -o foreign
  says 'was not published by apphost'
  [ ! -e foreign/.env ]
}

@test "a process without an image is refused at its position, with both ways out" {
  manifest <<END
resources:
  api:
    type: process
    command: [node, server.js]
END
  fails 3 apphost publish compose -o out
  says 'apphost.yaml:3:3: error: the process "api" has no image'
  says '`publish: false` leaves it out'
  [ ! -e out ]
}

@test "tools stand in a profile, and start when it is asked for" {
  needs_compose
  needs_image apphost-test/commander:1
  local port
  port=$(free_port)
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, commander: {image: "apphost-test/commander:1", host_port: $port}}
END
  ok apphost publish compose -o out
  compose up -d --wait
  [ "$(compose ps --services)" = cache ]
  compose --profile tools up -d
  wait_until 60 curl -fsS --max-time 5 -o /dev/null "http://127.0.0.1:$port/"
}

@test "what only this machine's engine could not do is no matter of what is published" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, data_volume: true}
  more: {type: redis, image: $REDIS, data_volume: true}
END
  DOCKER_HOST=tcp://192.0.2.1:2375 ok apphost publish compose -o out
  DOCKER_HOST=tcp://192.0.2.1:2375 ok apphost publish swarm -o stack
  says 'cache, more'
  [ "$(grep -c 'label-add' <<<"$stderr")" = 1 ]
  rm -r stack
  ok apphost -q publish swarm -o stack
  [ -z "$stderr" ]
}

@test "a dry run says what it would write, and writes nothing" {
  application
  ok apphost publish compose -o out --dry-run
  says 'would write out/compose.yaml'
  [ ! -e out ]
}

@test "a server with a certificate of its own, and a consumer that trusts it" {
  needs_compose
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=cache 2>/dev/null
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, tls: {cert: cert.pem, key: key.pem, ca: cert.pem}}
  api:
    type: process
    command: [api]
    references: [cache]
    publish:
      image: $REDIS
      command: [sh, -c, 'redis-cli --cacert "\$\$CACHE_CA_FILE" -u "\$\$CACHE_URI" ping; exec sleep 600']
END
  ok apphost publish compose -o out
  not grep -q 'PRIVATE KEY' out/compose.yaml
  compose up -d --wait
  wait_until 60 grep_logs PONG
  sed -i 's/tls: {.*}}/tls: true}/' apphost.yaml
  fails 3 apphost publish compose -o other
  says 'the development certificate of "cache" is for this machine alone'
}
