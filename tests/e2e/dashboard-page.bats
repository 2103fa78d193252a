# The dashboard's page in a real Chromium, in front of a stand-in for its server: much data, hostile data, none, by
# keyboard alone, and what a screen reader and a narrow window get.
# bats file_tags=engineless
load helpers

MODULES=${XDG_CACHE_HOME:-$REAL_HOME/.cache}/apphost-test/browser/node_modules

teardown() {
  (cd "$T/work" 2>/dev/null && apphost dashboard --stop) >/dev/null 2>&1
  teardown_test
}

# alone COMMAND…: in a network of its own where that can be had. A browser drops its connections whenever a network
# of the machine changes, as with each container of the tests beside this one.
alone() {
  if unshare -rn ip link set lo up 2>/dev/null; then
    unshare -rn sh -c 'ip link set lo up; exec "$@"' sh "$@"
  else
    "$@"
  fi
}

# What a tour needs, asked for before anything is started.
needs_browser() {
  needs node
  needs chromium
  export PLAYWRIGHT=$MODULES/playwright-core AXE=$MODULES/axe-core
  [ -e "$PLAYWRIGHT" ] || skip "playwright-core could not be had here"
  [ -e "$AXE" ] || skip "axe-core could not be had here"
}

# tour NAME [alone]: all of it within minutes, also on a loaded machine
tour() {
  needs_browser
  ok ${2:-} timeout -k 5 600 node "$BATS_TEST_DIRNAME/dashboard-page.browser.js" "$1"
}

@test "a first tour of the page needs no mouse" {
  tour keyboard alone
}

@test "a thousand resources change, and the page shows those that are visible" {
  tour thousand alone
}

@test "a hundred thousand lines stay readable while five thousand a second arrive" {
  tour lines alone
}

@test "hostile names, lines and keys are text" {
  tour hostile alone
}

@test "the page says what is gone, and goes on by itself when it is back" {
  tour reconnect alone
}

@test "ten tabs share one stream; a wrong token is asked for again" {
  tour tabs alone
}

@test "secrets are masked until asked for, and each action says what became of it" {
  tour details alone
}

@test "traces, metrics and log records; a span leads to its key" {
  tour telemetry
}

@test "every page can be used by everybody: light" {
  tour axe-light alone
}

@test "every page can be used by everybody: dark" {
  tour axe-dark alone
}

@test "every page can be used by everybody: 400 px wide" {
  tour axe-narrow alone
}

# The real server: its policy, its stream, its data. Each half is killed, and the page says so and goes on by itself.
@test "in front of the real program: failures, logs, actions, secrets, and kill -9 of either half" {
  needs redis-server
  needs_browser
  export APPHOST_ENGINE=native APPHOST
  manifest <<'END'
resources:
  cache:
    type: redis
    password: not-for-everybody
  api:
    type: process
    command: [sh, -c, 'echo "<img src=x onerror=alert(1)>"; exec sleep 86400']
    references: [cache]
  worker:
    type: process
    command: [sh, -c, 'sleep 5; echo no database >&2; exit 4']
END
  ok apphost up -d
  tour real
  ok apphost dashboard --stop
  ok apphost down
}

@test "in front of the real program: logs back to the first line, and what came while the tab was hidden" {
  needs_browser
  export APPHOST_ENGINE=native APPHOST
  manifest <<'END'
resources:
  many:
    type: process
    command: [sh, -c, 'seq -f "many %.0f" 4000; exec sleep 86400']
    ready: {log: many 4000}
  few:
    type: process
    command: [sh, -c, 'seq -f "few %.0f" 2500; exec sleep 86400']
    ready: {log: few 2500}
    wait_for: [many]
END
  ok apphost up -d
  tour real-logs
  ok apphost dashboard --stop
  ok apphost down
}

@test "the stand-in of these tests answers what the real program does, and has nothing that it has not" {
  needs redis-server
  needs node
  export APPHOST_ENGINE=native
  manifest <<'END'
resources:
  cache:
    type: redis
  api:
    type: process
    command: [sh, -c, 'echo hello; exec sleep 86400']
    references: [cache]
END
  ok apphost up -d
  apphost redis cache >/dev/null <<'END'
CONFIG SET slowlog-log-slower-than 0
HSET user:1 name Ada
SET config '{"a":1}'
RPUSH queue:mail one
XADD events * kind order
SADD tags red
ZADD leaderboard 120 ada
HSET Shop:cache:front absexp -1 sldexp 300000000 data x
SET "\xff\x001" x
END
  ok apphost dashboard
  ok node "$BATS_TEST_DIRNAME/dashboard-shapes.js" "$output"
  ok apphost dashboard --stop
  ok apphost down
}

@test "colours, timelines and words of the console are read without a browser" {
  needs node
  cp -r "$ROOT/src/dashboard/page" "$T/page"
  echo '{"type":"module"}' >"$T/page/package.json"
  PAGE=$T/page ok node "$BATS_TEST_DIRNAME/dashboard-parts.test.mjs"
}
