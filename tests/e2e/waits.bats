# Waits end by what they wait for: never because nothing is left to wait for.
# bats file_tags=engineless
load helpers

setup_more() {
  manifest <<<'resources: {web: {type: process, command: [sleep, "1000"]}}'
}

# The supervisor's pid, by its record.
supervisor() {
  apphost ls -o json | jq -r '.projects[0].pid'
}

@test "a task that needs nothing is run and waited for" {
  manifest <<<"resources: {test: {type: process, task: true, start: manual, shell: 'sleep .3; echo tests ran; exit 3'}}"
  fails 3 apphost run test
  prints '^tests ran$'
}

@test "such a task runs without an engine, whatever else is in the manifest" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  test: {type: process, task: true, start: manual, shell: 'echo tests ran; exit 3'}
END
  DOCKER_HOST=unix://$T/none.sock fails 3 apphost run test
  prints '^tests ran$'
}

@test "a command with nothing to start runs with what there is: nothing" {
  ok apphost run -- echo hi
  prints '^hi$'
  manifest <<<'resources: {}'
  fails 4 apphost run -- sh -c 'echo hi; exit 4'
  prints '^hi$'
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, profiles: [other]}}"
  fails 4 apphost run -- sh -c 'echo hi; exit 4'
  prints '^hi$'
}

@test "a session with nothing in it lasts as long as somebody holds it" {
  manifest <<<'resources: {}'
  background up >"$T/out" 2>"$T/err"
  wait_until 10 running
  kill -INT $PID
  ended $PID 130
  wait_until 5 nothing_left
  ok apphost up -d
  wait_until 5 nothing_left
}

running() {
  apphost ps >/dev/null 2>&1
}

# What is run, and how the session goes away beneath it.
loses() {
  local end=$1 pid
  shift
  ok apphost up -d web
  pid=$(supervisor)
  rm -f began
  background "$@" -- sh -c 'touch began; sleep 1000; exit 7' >"$T/out" 2>"$T/err"
  wait_until 20 test -e began
  case $end in
  down) ok apphost down ;;
  *) kill "-$end" "$pid" ;;
  esac
  ended $PID 125
  cat "$T/err"
  grep -q 'sh was ended' "$T/err"
  wait_until 20 nothing_left
}

@test "a command whose session goes away is 125, with the reason" {
  local end
  for end in down TERM KILL; do
    loses $end run --report report.json web
    jq -e '.exitCode == 125 and (.error.message | test("was ended"))' report.json
    loses $end exec web
  done
}

@test "a command that ends well because its session goes away is 125 all the same" {
  ok apphost up -d web
  rm -f began
  background run web -- sh -c 'trap "exit 0" TERM; touch began; while :; do sleep 0.1; done' >"$T/out" 2>"$T/err"
  wait_until 20 test -e began
  ok apphost down
  ended $PID 125
  grep -q 'sh was ended: its session was taken down' "$T/err"
}

@test "so is one that held the session itself, and a task" {
  local end
  manifest <<<"resources: {test: {type: process, task: true, start: manual, shell: 'touch began; sleep 1000'}}"
  for end in down TERM KILL; do
    rm -f began
    background run --report report.json test >"$T/out" 2>"$T/err"
    wait_until 20 test -e began
    case $end in
    down) ok apphost down ;;
    *) kill "-$end" "$(supervisor)" ;;
    esac
    ended $PID 125
    grep 'was ended' "$T/err"
    jq -e '.exitCode == 125' report.json
    wait_until 20 nothing_left
  done
}

@test "events of what there is not: an error with the names" {
  ok apphost up -d
  fails 10 apphost events nope
  says nope
  ok apphost down
}

# hold NAME CODE: a command in the background that says that it runs and ends when told so; its pid is $PID
hold() {
  background run --report "$1.json" -- sh -c "touch $1.began; while [ ! -e $1.end ]; do sleep .05; done; exit $2" \
    >"$T/$1.out" 2>"$T/$1.err"
  wait_until 20 test -e "$1.began"
}

@test "two commands side by side: the second joins, the session ends with the last one" {
  manifest <<<'resources: {web: {type: process, command: [sleep, "1000"]}}'
  local first second
  hold first 3
  first=$PID
  hold second 4
  second=$PID
  touch first.end
  ended "$first" 3
  running
  not dead "$second"
  touch second.end
  ended "$second" 4
  [ ! -s "$T/first.err" ] || not grep -Ei 'error|warning|left as it is' "$T/first.err"
  [ ! -s "$T/second.err" ] || not grep -Ei 'error|warning|left as it is' "$T/second.err"
  wait_until 5 nothing_left
}

@test "many commands side by side, whose ends and beginnings meet" {
  local i pids=()
  for i in 1 2 3 4 5 6; do
    (for _ in 1 2 3; do
      "$APPHOST" run -- sh -c "sleep .0$i; exit 2$i" 3>&- 2>>"$T/$i.err" || [ $? = "2$i" ] || exit 1
    done) 3>&- &
    pids+=($!)
  done
  for i in "${!pids[@]}"; do
    ended "${pids[i]}" 0 || { cat "$T"/*.err; return 1; }
  done
  wait_until 5 nothing_left
}

@test "a command on a project that stays leaves it, and one that keeps it lets it stay" {
  ok apphost run --keep web -- true
  ok apphost run web -- true
  has_state web ready
  ok apphost down
}

@test "several downs at once are all content" {
  local round i pids
  for round in 1 2 3; do
    ok apphost up -d web
    pids=()
    for i in 1 2 3 4; do
      "$APPHOST" down >>"$T/downs" 2>&1 3>&- &
      pids+=($!)
    done
    for i in "${pids[@]}"; do
      ended "$i" 0 || { cat "$T/downs"; return 1; }
    done
    wait_until 5 nothing_left
  done
}

@test "waiting for what nobody will start says so" {
  manifest <<END
resources:
  web: {type: process, command: [sleep, "1000"]}
  migrate: {type: process, task: true, start: manual, command: ["true"]}
END
  ok apphost up -d
  fails 10 apphost wait migrate
  says 'migrate is started by hand only' 'apphost start migrate'
  fails 10 apphost wait migrate --for completed
  ok apphost start migrate
  ok apphost wait migrate --for completed
  ok apphost stop web
  fails 10 apphost wait web
  ok apphost down
}
