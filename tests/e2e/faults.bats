# An engine that is there, and does not do as it should: requests that are never answered, dropped connections, lost
# answers, errors for everything. A proxy before the real engine plays them (tests/faults/engine-proxy).
load helpers

setup_more() {
  needs_image $REDIS
  needs python3
  [[ $ENGINE_HOST = unix://* ]] || skip "the proxy wants the engine's socket"
  start_proxy
}

start_proxy() {
  "$ROOT/tests/faults/engine-proxy" "$T/proxy.sock" "${ENGINE_HOST#unix://}" "$T/rules" "$T/requests" 3>&- &
  PROXY=$!
  wait_until 5 test -S "$T/proxy.sock"
  export DOCKER_HOST=unix://$T/proxy.sock
}

teardown() {
  local code=0
  teardown_test || code=$?
  [ -z "${PROXY:-}" ] || kill "$PROXY" || true
  return $code
}

# rule LINE… : from now on these
rule() {
  printf '%s\n' "$@" >"$T/rules.new"
  mv "$T/rules.new" "$T/rules"
}

# The proxy was asked this (method, a piece of the path), and did that.
was_asked() {
  grep -Eq -- "^$1 .*$2.* $3\$" "$T/requests"
}

redis() {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS$1}}"
}

@test "an engine that never answers for its events: up says so in time, Ctrl-C and down do not wait for it" {
  redis ""
  rule '* GET ^/events silent'
  fails 4 apphost up -d
  says 'has not answered' 'events'
  background up >out 2>err
  wait_until 20 was_asked GET /events silent
  kill -INT "$PID"
  ended "$PID" 130 128 0 1 4
  rule
  ok apphost down
}

@test "one dropped connection, at any request, is no failure" {
  redis ", data_volume: true"
  local at
  for at in '^/_ping' '^/events' '^/containers/json' '^/volumes' '^/containers/create' '/start' '/stop' \
    '^/containers/.*v=1'; do
    rule "1 * $at drop"
    ok apphost up -d
    ok apphost down --volumes
    nothing_left
  done
  was_asked GET '/_ping' drop
  was_asked POST '/containers/create' drop
  was_asked POST '/stop' drop
}

@test "one lost answer is looked after: what was asked for has happened" {
  redis ", data_volume: true"
  local at
  for at in 'POST ^/volumes' 'POST ^/containers/create' 'POST /start' 'POST /stop' 'DELETE ^/containers' \
    'DELETE ^/volumes'; do
    rule "1 $at lose"
    ok apphost up -d
    ok apphost down --volumes
    nothing_left
    was_asked "${at% *}" '' lose
    : >"$T/requests"
  done
}

@test "a start whose answer never comes: looked after, ready" {
  redis ""
  rule '1 POST /start mute'
  ok apphost up -d
  was_asked POST /start mute
  has_state cache ready
  ok apphost down
}

@test "an answer that never comes, and no event that tells: looked after while it is waited for, asked once" {
  redis ", data_volume: true"
  local at
  for at in 'POST ^/volumes' 'POST ^/containers/create' 'POST /start' 'POST /stop' 'DELETE ^/containers' \
    'DELETE ^/volumes'; do
    rule '* GET ^/events hush' "1 $at mute"
    ok apphost up -d
    ok apphost down --volumes
    nothing_left
    was_asked "${at% *}" '' mute
    [ "$(grep -c "^POST .*/start" "$T/requests")" = 1 ]
    : >"$T/requests"
  done
}

@test "down while the engine's connections break: what is kept is not called removed" {
  redis ", data_volume: true"
  ok apphost up -d
  rule '1-6 * . drop'
  ok apphost down
  not prints_or_says 'removed volume'
  [ -n "$(volumes)" ]
  ok apphost down --volumes
}

@test "down while the engine's socket is gone: says so, calls nothing removed, and can be asked again" {
  redis ", data_volume: true"
  ok apphost up -d
  kill "$PROXY"
  wait_until 5 dead "$PROXY"
  rm "$T/proxy.sock"
  fails 4 apphost down
  not prints_or_says 'removed'
  [ -n "$(volumes)" ]
  start_proxy
  ok apphost down --volumes
}

@test "an engine that refuses every stop and remove: down ends, and says what stays and why" {
  redis ", data_volume: true"
  ok apphost up -d
  rule '* POST /stop answer 500 out of order' '* DELETE . answer 500 out of order'
  run --separate-stderr apphost down
  echo "$status $output $stderr"
  [ "$status" -ne 0 ]
  [ "$status" -ne 124 ]
  says 'not removed: container cache' 'out of order'
  not prints_or_says 'removed container cache'
  rule
  ok apphost down --volumes
}

@test "run before an engine that refuses every stop and remove ends, too" {
  redis ""
  rule '* POST /stop answer 500 out of order' '* DELETE . answer 500 out of order'
  run --separate-stderr apphost run -- true
  echo "$status $output $stderr"
  [ "$status" -ne 0 ]
  [ "$status" -ne 124 ]
  says 'out of order'
  rule
  ok apphost down
}
