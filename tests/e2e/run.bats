# run: up, a command, down, its exit code. One step for continuous integration that leaves nothing behind.
load helpers

setup_more() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  app: {type: process, command: [sh, -c, 'touch app-ran; exec sleep 1000'], references: [cache]}
  hello:
    type: process
    task: true
    start: manual
    command: [sh, -c, 'echo "hello on \$CACHE_PORT"; exit \${HELLO_CODE:-0}']
    references: [cache]
END
}

@test "the command gets the environment, its output is stdout, its exit code ours, nothing is left" {
  ok apphost run -- sh -c 'echo "$ConnectionStrings__cache|$CACHE_PORT"'
  [[ $output =~ ^127\.0\.0\.1:([0-9]+),password=[^\|]+\|([0-9]+)$ ]]
  [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
  nothing_left || wait_until 3 nothing_left
  fails 42 apphost run -- sh -c 'exit 42'
}

@test "without RES only servers start" {
  ok apphost run -- test ! -e app-ran
}

@test "the server is there while it runs, for real" {
  ok apphost run -- sh -c 'export REDISCLI_AUTH=$CACHE_PASSWORD
    redis-cli -p $CACHE_PORT set k v && redis-cli -p $CACHE_PORT get k'
  prints '^v$'
}

@test "run TASK runs it in the foreground with its references" {
  ok apphost run hello
  prints 'hello on [0-9]+'
  wait_until 3 nothing_left
}

@test "a command that is not there is 127, one that is not executable 126" {
  printf x >plain
  fails 127 apphost run -- no-such-program-e2e
  says 'no-such-program-e2e'
  fails 126 apphost run -- ./plain
  says 'plain'
  wait_until 3 nothing_left
}

@test "a command ended by a signal is 128+n" {
  fails 137 apphost run -- sh -c 'kill -9 $$'
}

@test "--timeout ends it with 124" {
  fails 124 apphost run --timeout 500ms -- sleep 1000
  wait_until 3 nothing_left
}

@test "our own failure is 125, with the reason" {
  DOCKER_HOST=unix://$T/none.sock fails 125 apphost run -- true
  says 'none.sock'
  manifest <<<'resources: {cache: {type: redis, image: apphost-test/none:1, pull: never}}'
  fails 125 apphost run -- true
  says 'apphost-test/none:1'
  wait_until 3 nothing_left
}

@test "on a running project it borrows and leaves it running" {
  ok apphost up -d cache
  load_env
  ok apphost run -- sh -c 'echo $CACHE_PORT'
  [ "$output" = "$CACHE_PORT" ]
  has_state cache ready
  ok apphost down
}

@test "the command owns stdin" {
  run --separate-stderr bash -c "echo from stdin | '$APPHOST' run -- cat"
  [ "$output" = "from stdin" ]
  [ "$status" -eq 0 ]
}

@test "TERM goes to the command, and everything is taken down" {
  background run -- sh -c 'echo $$ > child; exec sleep 1000' >"$T/out" 2>"$T/err"
  wait_until 20 test -s child
  local child
  child=$(cat child)
  kill -TERM $PID
  ended $PID 143
  wait_until 3 dead "$child"
  wait_until 5 nothing_left
}

@test "--report writes a JSON file; --keep leaves it running" {
  ok apphost run --report report.json --keep -- true
  jq -e . report.json
  has_state cache ready
  ok apphost down
}

@test "--isolate 2: two at once, each with servers of its own" {
  manifest <<END
resources: {cache: {type: redis, image: $REDIS}}
END
  ok apphost run --isolate 2 -- sh -c 'echo "port $CACHE_PORT worker $APPHOST_WORKER"'
  [ "$(grep -o 'port [0-9]*' <<<"$output" | sort -u | wc -l)" -eq 2 ]
  [ "$(grep -o 'worker [12]' <<<"$output" | sort -u | wc -l)" -eq 2 ]
  wait_until 3 nothing_left
}
