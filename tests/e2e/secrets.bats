# Secrets and doors: what nobody else may see, and what nobody else can do to us.
load helpers

# What the kernel says of a process's limit of core files: soft and hard.
core_limits() {
  awk '/^Max core file size/ { print $5, $6 }' "/proc/$1/limits"
}

native_cache() {
  needs redis-server
  manifest <<END
engine: native
parameters:
  token: {secret: true}
resources:
  cache: {type: redis, password: '\${parameters.token}'}
  own: {type: redis}
  app: {type: process, command: [sh, -c, 'grep "^Max core" /proc/self/limits >core; exec sleep 1000'],
    references: [cache, own]}
END
  export APPHOST_PARAM_TOKEN=correct-horse-battery
}

# bats test_tags=engineless
@test "we leave no core files; what we start has the user's own limit" {
  native_cache
  ulimit -S -c 4096 2>/dev/null || skip "core files are forbidden here"
  ok apphost up -d
  local pid
  for pid in $(session supervisor) $(session guard); do
    [ "$(core_limits "$pid" | cut -d' ' -f1)" = 1 ]
  done
  wait_until 5 test -s core
  [ "$(awk '{ print $5 }' core)" = $((4096 * 1024)) ]
  ok apphost run app -- awk '/^Max core/ { print $5 }' /proc/self/limits
  [ "$output" = $((4096 * 1024)) ]
  ok apphost down
}

# Each execve() of everything that we start, from the first to the last: none was ever given a secret as an argument.
# bats test_tags=engineless
@test "no process is ever started with a secret in its arguments" {
  needs strace
  strace -o /dev/null true 2>/dev/null || skip "processes may not be traced here"
  native_cache
  traced() {
    ok timeout --foreground -k 5 60 strace -f -D -qq -s 100000 -e trace=execve -e signal=none -o "trace.$1" \
      "$APPHOST" "${@:2}"
  }
  # What is published runs an image.
  sed -i "s/^  app: {/  app: {publish: {image: 'x:1'}, /" apphost.yaml
  traced compose publish compose -o out
  traced kubernetes publish kubernetes -o clusters
  grep -q correct-horse-battery out/.env clusters/secrets/*
  traced up up -d --dashboard
  local token
  token=$("$APPHOST" dashboard | sed -n 's/.*#t=//p')
  [ ${#token} = 64 ]
  traced run run -- env
  local generated
  generated=$(sed -n 's/^OWN_PASSWORD=//p' <<<"$output")
  [ ${#generated} -gt 10 ]
  prints correct-horse-battery
  traced exec exec app -- true
  traced redis redis cache PING
  traced down down
  ok apphost dashboard --stop
  wait_until 60 grep -q 'redis-server' trace.up # the tracer goes on until everything has ended
  grep -q 'execve("[^"]*redis-server"' trace.up
  local secret
  for secret in correct-horse-battery "$generated" "$token"; do
    # The environment, which strace shows by its address or its size, is no argument.
    not grep -F -- "$secret" trace.*
  done
}

# bats test_tags=engineless
@test "what we write is closed to others, whatever the umask" {
  native_cache
  umask 000
  ok apphost up -d
  [ -z "$(find "$T/state" "$T/run" -mindepth 1 ! -type l -perm /077 -printf '%p %m\n' | tee loose)" ] ||
    { cat loose; false; }
  ok apphost env app --write secrets.env
  [ "$(stat -c %a secrets.env)" = 600 ]
  ok apphost down
  umask 022
}

# bats test_tags=engineless
@test "links, pipes and folders in the place of our files are refused by name, and nothing waits for them" {
  native_cache
  ok apphost up -d
  ok apphost down
  local folder file
  folder=$(echo "$T"/state/apphost/"$PROJECT"-*)
  echo '{"cache":"from elsewhere"}' >elsewhere
  for file in version session.json secrets.json ports.json; do
    mv "$folder/$file" kept 2>/dev/null || rm -f kept
    ln -s "$T/work/elsewhere" "$folder/$file"
    APPHOST_BOUND=20 run --separate-stderr apphost up -d
    echo "$file as a link: $status $stderr"
    grep -q "$file" <<<"$stderr"
    [ "$(cat elsewhere)" = '{"cache":"from elsewhere"}' ]
    apphost down || true
    rm -rf "${folder:?}/$file"
    mkfifo "$folder/$file"
    APPHOST_BOUND=20 run --separate-stderr apphost up -d
    echo "$file as a pipe: $status $stderr"
    [ "$status" -ne 124 ]
    grep -q "$file" <<<"$stderr"
    apphost down || true
    rm -rf "${folder:?}/$file"
    [ ! -e kept ] || mv kept "$folder/$file"
  done
  ok apphost up -d
  ok apphost down
}

# bats test_tags=engineless
@test "clients of the control socket that say nothing, half of something, or too much disturb nobody" {
  native_cache
  ok apphost up -d
  local before socket
  socket=$(session socket)
  before=$(awk '/^VmRSS/ { print $2 }' "/proc/$(session supervisor)/status")
  timeout 100 python3 - "$socket" "$APPHOST" <<'END'
import resource, select, socket, subprocess, sys

path, program = sys.argv[1:]
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12000), hard))
most = min(hard, 12000) - 100

def client():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    return s

def others_work():
    subprocess.run([program, 'ps'], check=True, stdout=subprocess.DEVNULL, timeout=50)

silent = client()
half = client()
half.send(b'{"id":1,"verb":"vi')
others_work()

# A line without an end: given up long before the gigabyte is through.
endless, sent = client(), 0
try:
    while sent < 1 << 30:
        sent += endless.send(b'x' * 65536)
except OSError:
    pass
assert sent < 1 << 28, sent
others_work()

# Requests without end whose answers nobody reads.
deaf = client()
deaf.setblocking(False)
try:
    for i in range(1, 200000):
        deaf.send(b'{"id":%d,"verb":"view"}\n' % i)
except OSError:
    pass
others_work()

# 10,000 that come and stay as long as they may. A full queue of those who wait to be let in (EAGAIN) is no end: what
# waits there is let in as others are.
crowd, came, full = [], 0, 0
while came < 10000:
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    try:
        s.connect(path)
    except BlockingIOError:
        s.close()
        full += 1
        select.select([], [], [], 0.001)
        assert full < 100000, 'nobody is let in any more'
        continue
    came += 1
    crowd.append(s)
    if len(crowd) > most:
        crowd.pop(0).close()
print(came, 'connections,', len(crowd), 'at once; the queue was full', full, 'times')
others_work()
for s in crowd:
    s.close()
others_work()
END
  local after
  after=$(awk '/^VmRSS/ { print $2 }' "/proc/$(session supervisor)/status")
  echo "supervisor: $before kB before, $after kB after"
  [ "$after" -lt $((before + 65536)) ]
  ok apphost down
}

# bats test_tags=engineless
@test "a hostile .env in a cloned folder gives values to the manifest, and steers nothing" {
  native_cache
  cat >.env <<'END'
APPHOST_PARAM_TOKEN=from-the-file
DOCKER_HOST=tcp://127.0.0.1:9
APPHOST_STATE=/nowhere
XDG_STATE_HOME=/nowhere
XDG_RUNTIME_DIR=/nowhere
LD_PRELOAD=/nowhere.so
PATH=/nowhere
HOME=/nowhere
APPHOST_PROJECT_NAME=other
END
  ok apphost run app -- sh -c 'echo "$HOME|$LD_PRELOAD|$DOCKER_HOST"'
  [ "$output" = "$HOME||$DOCKER_HOST" ]
  not test -e /nowhere
}

# bats test_tags=engineless
# open_to_all NAME LINE… : a program in a folder that everybody may write
open_to_all() {
  mkdir -p "$T/open"
  printf '#!/bin/sh\n: >%s/was-run\n%s\n' "$T" "$2" >"$T/open/$1"
  chmod 755 "$T/open/$1"
  chmod 777 "$T/open"
}

@test "what anybody could have put into PATH is not run for ourselves: servers, helpers, kubectl, ssh, tar" {
  local name
  for name in redis-server kubectl ssh tar; do
    open_to_all "$name" 'exit 1'
  done
  manifest <<<'resources: {cache: {type: redis}}'
  local place
  for place in "$T/open" .; do
    cd "$T/open"
    run --separate-stderr env PATH="$place" "$APPHOST" --engine native -f "$T/work/apphost.yaml" up -d
    echo "$status $stderr"
    [ "$status" = 4 ]
    says 'redis-server on this machine, which is not in PATH'
    run --separate-stderr env PATH="$place" "$APPHOST" -H ssh://nobody@127.0.0.1 -f "$T/work/apphost.yaml" up -d
    echo "$status $stderr"
    [ "$status" -ne 0 ]
    run --separate-stderr env PATH="$place" "$APPHOST" -f "$T/work/apphost.yaml" bundle "$T/report.tar.gz"
    echo "$status $stderr"
    [ "$status" -ne 0 ]
    run --separate-stderr env PATH="$place" "$APPHOST" -f "$T/work/apphost.yaml" deploy kubernetes --dry-run
    echo "$status $stderr"
    [ "$status" -ne 0 ]
    cd "$T/work"
  done
  [ ! -e "$T/was-run" ]
  ok env PATH="$T/open:$PATH" "$APPHOST" bundle "$T/report.tar.gz" # the next one is taken
  [ ! -e "$T/was-run" ]

  # What a manifest or a command line names is the user's own wish.
  open_to_all wanted 'exit 7'
  manifest <<<'resources: {task: {type: process, command: [wanted], task: true}}'
  run env PATH="$T/open:$PATH" "$APPHOST" run -- wanted
  echo "$status"
  [ -e "$T/was-run" ]
}

@test "names, output and texts from elsewhere cannot speak to the terminal" {
  local bell
  bell=$(printf '\033]0;owned\007\033[2J')
  manifest <<END
resources:
  app:
    type: process
    command: [sh, -c, 'printf "\\033]0;owned\\007 \\033[2Jcleared \\033[31mred\\033[0m\\n"; exec sleep 1000']
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs app | grep -q cleared"
  ok timeout --foreground -k 5 30 script -qec "'$APPHOST' logs app" /dev/null
  prints cleared
  not grep -q "$(printf '\033]0;')" <<<"$output"
  not grep -qF "$(printf '\033[2J')" <<<"$output"
  ok timeout --foreground -k 5 30 script -qec "'$APPHOST' logs --raw app" /dev/null
  grep -qF "$(printf '\033[2J')" <<<"$output"
  ok apphost down
  printf 'name: x\nresources:\n  "a%s": {type: process, command: [x]}\n' '\e]0;owned\a' >apphost.yaml
  fails 3 apphost validate
  not grep -q "$(printf '\033')" <<<"$stderr"
  fails 3 apphost -f "no$bell.yaml" validate
  not grep -q "$(printf '\033')" <<<"$stderr"
  fails 2 apphost "up$bell"
  not grep -q "$(printf '\033')" <<<"$stderr"
}

# bats test_tags=engineless
@test "a bundle has what a bug report needs, and no secret in any form" {
  needs redis-server
  manifest <<'END'
engine: native
parameters:
  token: {secret: true}
resources:
  cache: {type: redis}
  app:
    type: process
    command: [sh, -c, 'echo "plain $CACHE_PASSWORD"; echo "uri $CACHE_URI"; echo "token $TOKEN"; exec sleep 1000']
    environment: {TOKEN: 'before-${parameters.token}'}
    references: [cache]
END
  APPHOST_PARAM_TOKEN='correct horse+battery' ok apphost up -d
  load_env
  wait_until 5 sh -c "'$APPHOST' logs app | grep -q 'token before'"
  export DOCKER_AUTH_CONFIG='{"auths":{"r.example":{"auth":"bG9naW46aHVzaA=="}}}' # the token is not told again
  OTEL_EXPORTER_OTLP_HEADERS=api-key=hush OTEL_EXPORTER_OTLP_ENDPOINT=https://me:hush@collector.example \
    ok apphost bundle report.tar.gz
  unset DOCKER_AUTH_CONFIG
  [ "$output" = report.tar.gz ]
  [ "$(stat -c %a report.tar.gz)" = 600 ]
  mkdir opened
  tar xzf report.tar.gz -C opened --strip-components=1
  local file
  for file in version.json doctor.txt config.json resources.json projects.json logs.txt supervisor.log session.json \
    history.json; do
    [ -s "opened/$file" ] || { echo "$file is missing"; false; }
  done
  [ ! -e opened/secrets.json ]
  jq -e '.items | any(.type == "goal" and .node == "process:cache" and .elapsedUs >= 0)' opened/history.json
  jq -e '.items | any(.resource == "cache" and .state == "ready")' opened/history.json
  grep -q 'app.*plain \*\*\*' opened/logs.txt
  grep -q 'token before-\*\*\*' opened/logs.txt
  grep -qx 'DOCKER_AUTH_CONFIG=\*\*\*' opened/environment.txt
  grep -q "^XDG_STATE_HOME=$T/state" opened/environment.txt
  not grep -rF -e hush -e bG9naW46aHVzaA opened
  [ ${#CACHE_PASSWORD} -gt 10 ]
  not grep -rF -e "$CACHE_PASSWORD" -e 'correct horse' -e 'correct%20horse' opened
  not grep -rF "$(printf %s "$CACHE_PASSWORD" | base64)" opened
  ok sh -c "'$APPHOST' bundle - | tar tzf -"
  prints logs.txt
  fails 1 apphost bundle "$T/none/report.tar.gz"
  says "cannot write $T/none/report.tar.gz"
  ok apphost down
  [ -z "$(ls -d "${TMPDIR:-/tmp}"/apphost-bundle-* 2>/dev/null)" ]
}

# bats test_tags=engineless
@test "mask: what a program prints of its secrets is taken out before it reaches the log, also in pieces" {
  needs redis-server
  manifest <<'END'
engine: native
parameters:
  token: {secret: true}
resources:
  cache: {type: redis}
  app:
    type: process
    mask: true
    command: [sh, app.sh]
    environment: {TOKEN: '${parameters.token}'}
    references: [cache]
  open: {type: process, command: [sh, -c, 'echo "open $TOKEN"; exec sleep 1000'],
    environment: {TOKEN: '${parameters.token}'}}
END
  cat >app.sh <<'END'
echo "uri $CACHE_URI"
printf 'tok %s' "${TOKEN%horse*}"
sleep 0.3
echo "horse battery"
printf 'half corr'
sleep 0.3
echo upt
exec sleep 1000
END
  export APPHOST_PARAM_TOKEN='correct horse battery'
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs app | grep -q upt"
  load_env
  ok apphost logs app --no-prefix
  prints '^uri redis://default:\*\*\*@127.0.0.1' '^tok \*\*\*$' '^half corrupt$'
  not grep -rqF -e 'correct horse' -e "$CACHE_PASSWORD" "$T"/state/apphost/*/logs/app.log
  ok apphost logs open --no-prefix
  prints '^open correct horse battery$' # not asked for
  ok apphost down
}
