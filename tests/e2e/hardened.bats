# What a bad surrounding cannot do: memory on disk, files of the state that are something else, no descriptor left.
# bats file_tags=engineless
load helpers

setup_more() {
  manifest <<END
resources:
  web: {type: process, shell: 'ulimit -c; exec sleep 1000', environment: {TOKEN: core-sample-secret}}
END
}

teardown() {
  local code=0
  [ -z "${HOLDER:-}" ] || kill "$HOLDER" 2>/dev/null || true
  teardown_test || code=$?
  return $code
}

cores() {
  find "$T" -name 'core*' -type f
}

@test "a crash leaves no core of ours; children have the limit that we were started with" {
  ulimit -S -c "$(ulimit -H -c)"
  local pid limit
  limit=$(ulimit -S -c)
  ok apphost up -d
  wait_until 5 grep -aqs -- "$limit" "$T"/state/apphost/*/logs/web.log
  for pid in $(session supervisor) $(session guard); do
    grep -Eq '^Max core file size +1 ' "/proc/$pid/limits"
  done
  grep -q "^Max core file size *$limit" "/proc/$(pgrep -f '^sleep 1000$' -P "$(session supervisor)")/limits"
  kill -SEGV "$(session supervisor)"
  wait_until 10 nothing_left

  background up >out 2>err
  pid=$PID
  wait_until 10 grep -q running out err
  kill -ABRT "$pid"
  ended "$pid" 134
  wait_until 10 nothing_left
  [ -z "$(cores)" ]

  ok apphost run -- sh -c 'ulimit -c'
  [ "$output" = "$limit" ]
}

# refused NAME ARGUMENT… : by the file's name, at once, and not by a signal
refused() {
  local name=$1
  shift
  run --separate-stderr timeout --foreground -k 5 20 "$APPHOST" "$@"
  printf '$ %s with another %s\n[%s]\n%s\n%s\n' "$*" "$name" "$status" "$output" "$stderr"
  [ "$status" -ne 124 ]
  [ "$status" -lt 126 ]
}

# other_thing KIND FILE
other_thing() {
  rm -rf "$2"
  case $1 in
    pipe) mkfifo "$2" ;;
    folder) mkdir "$2" ;;
    link) ln -s /etc/passwd "$2" ;;
    huge) truncate -s 80M "$2" ;;
  esac
}

@test "a pipe, a folder, a link or a huge file in place of each file of the state: refused, never waited for" {
  local name kind folder verb
  manifest <<<'resources: {}'
  ok apphost run -- true
  folder=$(echo "$T"/state/apphost/*)
  cp -a "$folder" "$T/good"
  for name in version lock session.json secrets.json ports.json tasks.json specs.json servers.json manifest \
    supervisor.log logs/web.log; do
    for kind in pipe folder link huge; do
      rm -rf "$folder"
      cp -a "$T/good" "$folder"
      other_thing $kind "$folder/$name"
      for verb in "run -- true" down; do
        refused "$name ($kind)" $verb
      done
    done
  done
  [ -s /etc/passwd ]
  rm -rf "$folder"
}

@test "what stands in place of the record is named" {
  ok apphost up -d
  ok apphost down
  local folder
  folder=$(echo "$T"/state/apphost/*)
  mkfifo "$folder/session.json"
  fails 9 apphost up -d
  says 'session.json' 'pipe'
  rm "$folder/session.json"
  other_thing pipe "$folder/supervisor.log"
  fails 9 apphost up -d
  says 'supervisor.log' 'pipe'
  rm "$folder/supervisor.log"
}

turned_away() {
  apphost ps 2>&1 | grep -q 'no descriptor left'
}

@test "a supervisor that has no descriptor left says so, each time" {
  needs prlimit
  needs python3
  ok apphost up -d
  local pid used i
  pid=$(session supervisor)
  used=$(ls "/proc/$pid/fd" | wc -l)
  prlimit --pid "$pid" --nofile=$((used + 3)):
  python3 - "$(session socket)" 3>&- <<'END' &
import socket, sys, time
held = []
for _ in range(40):
    one = socket.socket(socket.AF_UNIX)
    try:
        one.connect(sys.argv[1])
    except OSError:
        break
    held.append(one)
sys.stdin.close()
time.sleep(600)
END
  HOLDER=$!
  wait_until 5 turned_away
  # Turned away, with the reason, as often as one asks.
  for i in 1 2 3; do
    fails 9 apphost ps
    says 'cannot take another connection' 'no descriptor left' 'ulimit'
  done
  kill "$HOLDER"
  wait_until 5 dead "$HOLDER"
  wait_until 5 apphost ps
  ok apphost down
}

@test "the supervisor's own log stays small, however long the session" {
  manifest <<<'resources: {web: {type: process, command: [sleep, "1000"]}}'
  ok apphost up -d
  local log
  log=$(echo "$T"/state/apphost/*/supervisor.log)
  head -c 3000000 /dev/zero | tr '\0' 'x' >>"$log" # as if it had flapped for hours
  echo "the last line" >>"$log"
  ok apphost restart web
  [ "$(stat -c %s "$log")" -lt 100000 ]
  grep -q 'the last line' "$log.1"
  grep -q 'web' "$log"
  kill -9 "$(session supervisor)"
  wait_until 10 nothing_left
  grep -q '^guard: the supervisor ended with signal 9' "$log"
}

@test "records of servers that cannot be read: no second server works on the same data" {
  needs redis-server
  local guard supervisor server
  manifest <<<'resources: {cache: {type: redis, data_volume: true}}'
  ok apphost up -d --engine native
  guard=$(session guard) supervisor=$(session supervisor) server=$(native_servers)
  kill -STOP "$guard"
  kill -9 "$supervisor" "$guard"
  wait_until 5 dead "$guard"
  wait_until 5 dead "$supervisor"
  echo '{' >"$(ls -d "$T"/state/apphost/*/)servers.json"
  fails 1 apphost up -d --engine native
  says 'servers.json' 'still run' 'remove the file'
  fails 1 apphost gc
  says 'servers.json'
  [ "$(native_servers)" = "$server" ]
  kill "$server"
  wait_until 5 dead "$server"
  rm "$T"/state/apphost/*/servers.json
  ok apphost up -d --engine native
  ok apphost down -v --engine native
}
