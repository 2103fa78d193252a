# Bad luck: each gets one clear message that names the culprit, the right exit code, and leaves nothing behind.
load helpers

@test "a port taken by a process: exit 8, names the holder and the next free port" {
  needs_loopback
  needs python3
  local port
  port=$(free_port)
  python3 -c "import socket,time
s=socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', $port)); s.listen(); time.sleep(60)" 3>&- &
  local holder=$!
  wait_until 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, host_port: $port}}"
  fails 8 apphost up -d
  kill $holder
  says "$port" "$holder|python"
  wait_until 3 nothing_left
}

@test "a port taken by a container: exit 8, names the container" {
  needs_loopback
  local port
  port=$(free_port)
  engine POST "/containers/create?name=e2e-holder-$$" -H 'Content-Type: application/json' \
    -d "{\"Image\":\"$REDIS\",\"Labels\":{\"io.apphost.project\":\"$PROJECT\"},\"HostConfig\":{\
\"PortBindings\":{\"6379/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$port\"}]}}}" >/dev/null
  engine POST "/containers/e2e-holder-$$/start"
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, host_port: $port}}"
  fails 8 apphost up -d
  engine DELETE "/containers/e2e-holder-$$?force=1&v=1"
  says "$port" "e2e-holder-$$"
  wait_until 3 nothing_left
}

@test "a missing image that may not be pulled: exit 5, names it" {
  manifest <<<'resources: {cache: {type: redis, image: "apphost-test/none:1", pull: never}}'
  fails 5 apphost up -d
  says 'apphost-test/none:1'
  wait_until 3 nothing_left
}

@test "an image that exits at once: exit 6, its exit code and last lines" {
  manifest <<END
resources:
  box: {type: container, image: $REDIS, entrypoint: [sh, -c, 'echo I give up; exit 9']}
  app: {type: process, command: sleep 1000, wait_for: [box]}
END
  fails 6 apphost up -d
  says 'box' '\b9\b' 'I give up'
  wait_until 3 nothing_left
}

@test "a server whose configuration is refused: exit 6, with what it said" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, config: {no-such-directive: 1}}}"
  fails 6 apphost up -d
  says 'cache' 'no-such-directive'
  wait_until 3 nothing_left
}

@test "an entrypoint that is not there: exit 6, names it" {
  manifest <<<"resources: {box: {type: container, image: $REDIS, entrypoint: [no-such-program]}}"
  fails 6 apphost up -d
  says 'box' 'no-such-program'
  wait_until 3 nothing_left
}

# bats test_tags=engineless
@test "passwords that cannot be written are refused at their position" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, password: ''}}"
  fails 3 apphost validate
  says 'apphost.yaml:[0-9]+:[0-9]+: error' 'password'
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, password: \"a,b\"}}"
  fails 3 apphost validate
  says 'password' 'comma|,'
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, password: \"a\\nb\"}}"
  fails 3 apphost validate
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, password: \"$(head -c 16385 /dev/zero | tr '\0' x)\"}}"
  fails 3 apphost validate
  says '16,?384'
}

@test "a long password works" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, password: \"$(head -c 512 /dev/zero | tr '\0' x)\"}}"
  ok apphost up -d
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  ok apphost down
}

# bats test_tags=engineless
@test "a missing bind mount names the path" {
  manifest <<<"resources: {box: {type: container, image: $REDIS, entrypoint: [sleep, '1000'],
    bind_mounts: ['$T/gone:/x:ro']}}"
  run --separate-stderr apphost up -d
  echo "$status $stderr"
  [ "$status" -ne 0 ]
  says "$T/gone"
  wait_until 3 nothing_left
}

# bats test_tags=engineless
@test "a full disk for the state folder names it" {
  [ "$(id -u)" = 0 ] || skip "mounting a small disk needs root"
  mkdir "$T/full"
  mount -t tmpfs -o size=64k tmpfs "$T/full" || skip "tmpfs cannot be mounted here"
  head -c 60000 /dev/zero >"$T/full/filler" || true
  head -c 60000 /dev/zero >>"$T/full/filler" 2>/dev/null || true
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  XDG_STATE_HOME=$T/full fails 1 apphost up -d
  says "$T/full" 'no space'
  wait_until 3 nothing_left
}

# bats test_tags=engineless
@test "state that may not be written names the folder" {
  [ "$(id -u)" != 0 ] || needs setpriv
  mkdir -p "$T/ro"
  touch "$T/ro/apphost"
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  XDG_STATE_HOME=$T/ro run --separate-stderr apphost up -d
  echo "$status $stderr"
  [ "$status" -eq 1 ]
  says "$T/ro"
}

# bats test_tags=engineless
@test "state whose folder cannot be made is our own failure, no missing command" {
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  XDG_STATE_HOME=/proc/nowhere fails 125 apphost run -- true
  says '/proc/nowhere'
  XDG_STATE_HOME=/proc/nowhere fails 1 apphost up -d -o json
  prints '"code":"no-such-file"'
}

# bats test_tags=engineless
@test "state from another version is refused, and says what to do" {
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  ok apphost up -d
  ok apphost down
  for file in "$T"/state/apphost/"$PROJECT"-*/version; do echo 99999 >"$file"; done
  run --separate-stderr apphost up -d
  echo "$status $stderr"
  [ "$status" -eq 1 ]
  says 'version' "$T/state/apphost"
}

@test "a broken state file is an error that names it, not a reset" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  ok apphost up -d
  ok apphost down
  local file
  file=$(echo "$T"/state/apphost/"$PROJECT"-*/secrets.json)
  echo '{broken' >"$file"
  run --separate-stderr apphost up -d
  echo "$status $stderr"
  [ "$status" -eq 1 ]
  says 'secrets.json'
  [ "$(cat "$file")" = '{broken' ]
}

# bats test_tags=engineless
@test "a runtime folder whose path is too long for a socket: it works all the same" {
  local long=$T/run/$(head -c 120 /dev/zero | tr '\0' r)
  mkdir -m 700 "$long"
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  export XDG_RUNTIME_DIR=$long
  ok apphost up -d
  ok apphost ps
  ok apphost down
}

# bats test_tags=engineless
@test "no runtime folder at all: it works all the same" {
  unset XDG_RUNTIME_DIR
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  ok apphost up -d
  ok apphost down
}

# bats test_tags=engineless
@test "a supervisor that does not answer: exit 9 within the timeout, names it" {
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  ok apphost up -d
  local pid
  pid=$(session supervisor)
  kill -STOP "$pid"
  run --separate-stderr timeout 120 "$APPHOST" ps --wait-timeout 1s
  echo "$status $stderr"
  kill -CONT "$pid"
  [ "$status" -eq 9 ]
  says "$pid|supervisor"
  ok apphost down
}

# bats test_tags=engineless
@test "another user's project: exit 9" {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
  needs setpriv
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  ok apphost up -d
  chmod 755 "$T" "$T/work"
  run --separate-stderr setpriv --reuid=65534 --clear-groups "$APPHOST" up -d
  echo "$status $stderr"
  [ "$status" -ne 0 ]
  [ "$status" -lt 126 ]
  ok apphost down
}

# bats test_tags=engineless
@test "stdin closed and output to a closed pipe during up -d: nothing left after down" {
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  run bash -c "'$APPHOST' up -d <&- 2>&1 | true"
  ok bash -c "'$APPHOST' up -d <&-"
  ok apphost down
}

@test "a dependant of a failed server fails at once, not after the timeout" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, config: {no-such-directive: 1}}
  app: {type: process, command: sleep 1000, references: [cache]}
END
  fails 6 apphost up -d # the timeout, 120 s, is longer than this command may take
  says 'cache' 'app'
  wait_until 3 nothing_left
}

@test "a port that only the engine's proxy answers on is not ready: by default, by tcp, by http" {
  needs_image apphost-test/redis:7.0
  ! engine GET /_ping -i | grep -qi '^libpod-api' || skip "Podman has no proxy that accepts connections for nobody"
  box() {
    manifest <<END
resources:
  box: {type: container, image: $REDIS, command: [sleep, "1000"], stop: {signal: KILL},
    endpoints: {http: {target_port: 80}}, ready: {$1}}
END
    fails 7 apphost --wait-timeout 20s up -d
  }
  # Only where the engine's processes can be seen from here.
  says_found() {
    [ -z "$(pgrep -x dockerd)" ] || says "$@"
  }
  box 'timeout: 1s'
  says "the engine's proxy accepts connections on $HERE:[0-9]+, nothing inside the container answers on port 80"
  box 'tcp: http, timeout: 3s'
  says_found 'box listens on no port inside the container'
  says 'nothing inside the container answers on port 80'
  box 'http: /, timeout: 1s'
  manifest <<END
resources:
  box: {type: container, image: $REDIS, command: [redis-server, --port, "81"], endpoints: {http: {target_port: 80}},
    ready: {timeout: 3s}}
END
  fails 7 apphost up -d
  says_found 'box listens on 81 inside the container; is .target_port: 80. right'
  manifest <<END
resources:
  box: {type: container, image: $REDIS, command: [redis-server, --port, "80", --bind, 127.0.0.1],
    endpoints: {http: {target_port: 80}}, ready: {timeout: 3s}}
END
  fails 7 apphost up -d
  says_found 'box listens on 127.0.0.1 inside the container'
  ok apphost down
}

@test "a container that listens late is ready when it does" {
  manifest <<END
resources:
  box:
    type: container
    image: $REDIS
    command: [sh, -c, 'until [ -e /tmp/go ]; do sleep 0.1; done; exec redis-server --port 80']
    endpoints: {tcp: {target_port: 80}}
END
  background up -d
  wait_until 20 has_state box running
  ok apphost exec box -- sh -c '>/tmp/go'
  ended $PID 0
  has_state box ready
  ok apphost down
}

# bats test_tags=engineless
@test "a full disk under the log: the file loses lines, the screen none" {
  [ "$(id -u)" = 0 ] || skip "a small file system takes root"
  mount -t tmpfs -o size=200k none "$T/state" || skip "no tmpfs can be mounted here"
  manifest <<'END'
resources:
  talker: {type: process, shell: "seq -f 'line %.0f of many' 1 20000; echo said all; exec sleep 1000"}
END
  background up --no-log-prefix >"$T/out" 2>"$T/err"
  wait_until 20 grep -qx 'said all' "$T/out"
  [ "$(grep -c '^line [0-9]* of many$' "$T/out")" = 20000 ]
  [ "$(grep '^line' "$T/out" | sort -u | wc -l)" = 20000 ]
  ok apphost logs talker --no-log-prefix --tail 1 # who comes later sees them too
  prints 'said all'
  kill -INT "$PID"
  ended "$PID" 130
  umount "$T/state"
}

@test "a check inside a container that hangs once is given up and tried again" {
  manifest <<END
resources:
  box:
    type: container
    image: $REDIS
    command: [sleep, "1000"]
    stop: {signal: KILL}
    ready: {exec: [sh, -c, '[ -e /tmp/seen ] || { >/tmp/seen; exec sleep 1000; }'], timeout: 100s}
END
  ok apphost up -d
  has_state box ready
  ok apphost down
}

@test "a paused server is not ready from that moment on, and ready again when it goes on" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
END
  ok apphost up -d
  local id
  id=$(containers)
  engine POST "/containers/$id/pause"
  fails 7 apphost up -d --wait-timeout 3s
  says cache
  fails 7 apphost wait --wait-timeout 2s
  engine POST "/containers/$id/unpause"
  ok apphost wait
  ok apphost redis cache PING
  ok apphost down
}
