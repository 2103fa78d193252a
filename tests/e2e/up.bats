# up, down, env, ps, ls, port, and what a second up does.
load helpers

redis_and_process() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  app:
    type: process
    command: [sh, -c, 'echo "app has \$ConnectionStrings__cache"; exec sleep 1000']
    references: [cache]
END
}

@test "up -d returns when the server answers; down leaves nothing" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  ok apphost up -d
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  [ "$CACHE_HOST" = "$HERE" ]
  [ "$ConnectionStrings__cache" = "$HERE:$CACHE_PORT,password=$CACHE_PASSWORD" ]
  [ "$CACHE_URI" = "redis://default:$CACHE_PASSWORD@$HERE:$CACHE_PORT" ]
  ok apphost down
  nothing_left
}

@test "the password is asked for, generated, and in nobody's argv" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  ok apphost up -d
  not grep -q password=.*[a-zA-Z0-9] <<<"$stderr" || says 'password=\*'
  load_env
  [ ${#CACHE_PASSWORD} -eq 22 ]
  [[ $(ask "$CACHE_PORT" "" PING 2>&1) == *NOAUTH* ]]
  not grep -qsz -- "$CACHE_PASSWORD" /proc/[0-9]*/cmdline
  ok apphost ps
  not grep -q "$CACHE_PASSWORD" <<<"$output$stderr"
  ok apphost down
}

@test "a password given, with every odd character, works" {
  manifest <<END
resources:
  cache:
    type: redis
    image: $REDIS
    password: '-a b:#"x\$HOME\\y''z*é'
END
  ok apphost up -d
  load_env
  [ "$CACHE_PASSWORD" = '-a b:#"x$HOME\y'"'"'z*é' ]
  [ "$(REDISCLI_AUTH=$CACHE_PASSWORD ask "$CACHE_PORT" "" PING)" = PONG ]
  ok apphost down
}

@test "password: false means none" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, password: false}}"
  ok apphost up -d
  load_env
  [ "$(ask "$CACHE_PORT" "" PING)" = PONG ]
  [ "$ConnectionStrings__cache" = "$HERE:$CACHE_PORT" ]
  ok apphost down
}

@test "a process gets what it references, in its log" {
  redis_and_process
  ok apphost up -d
  load_env
  wait_until 5 sh -c "'$APPHOST' logs app | grep -q 'app has $HERE:$CACHE_PORT,password=$CACHE_PASSWORD'"
  ok apphost down
}

@test "ps shows names, states and addresses, as a table and as JSON" {
  redis_and_process
  ok apphost up -d
  ok apphost ps
  prints '^cache ' '^app ' 'ready|running' "$HERE:[0-9]+"
  ok apphost ps -o json
  jq -e '.resources | map(select(.name == "cache" and .state == "ready")) | length == 1' <<<"$output"
  jq -e '.resources[] | select(.name == "app") | .pid > 1' <<<"$output"
  ok apphost down
}

@test "a second up -d does nothing, quickly, and keeps the same container" {
  redis_and_process
  ok apphost up -d
  local id pid
  id=$(labelled 'containers/json' | jq -r '.[].Id')
  pid=$(apphost ps -o json | jq -r '.resources[] | select(.name == "app") | .pid')
  ok apphost up -d
  [ "$(labelled 'containers/json' | jq -r '.[].Id')" = "$id" ]
  [ "$(apphost ps -o json | jq -r '.resources[] | select(.name == "app") | .pid')" = "$pid" ]
  ok apphost down
}

@test "up after a change recreates what changed and says why" {
  redis_and_process
  ok apphost up -d
  local id
  id=$(labelled 'containers/json' | jq -r '.[].Id')
  sed -i "s/type: redis, /type: redis, config: {maxmemory: 64mb}, /" apphost.yaml
  ok apphost up -d --explain
  prints_or_says 'cache.*(recreat|changed|config|maxmemory)'
  [ "$(labelled 'containers/json' | jq -r '.[].Id')" != "$id" ]
  load_env
  [[ $(ask "$CACHE_PORT" "$CACHE_PASSWORD" CONFIG GET maxmemory) == *67108864* ]]
  ok apphost down
}

# bats test_tags=engineless
@test "a bare up stops what the manifest no longer has; up RES does not" {
  manifest <<END
resources:
  one: {type: process, command: sleep 1000}
  two: {type: process, command: sleep 1000}
END
  ok apphost up -d
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  ok apphost up -d one
  has_state two ready || has_state two running
  ok apphost up -d
  not has_state two ready
  not has_state two running
  ok apphost down
}

@test "up RES starts it and what it needs, nothing else" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  app: {type: process, command: sleep 1000, references: [cache]}
  other: {type: process, command: sleep 1000}
END
  ok apphost up -d app
  has_state cache ready
  not has_state other ready
  not has_state other running
  ok apphost down
}

# bats test_tags=engineless
@test "an unknown resource is exit 10 or 2 with a suggestion" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  run --separate-stderr apphost up -d cahce
  [ "$status" -eq 10 ] || [ "$status" -eq 2 ]
  says 'cahce' 'cache'
}

@test "up in the foreground shows readiness and logs; Ctrl-C takes all down" {
  redis_and_process
  background up >"$T/out" 2>"$T/err"
  wait_until 20 grep -q "app has $HERE" "$T/out"
  kill -INT $PID
  ended $PID 130 0
  wait_until 5 nothing_left
}

@test "a second foreground up joins; its Ctrl-C only detaches" {
  redis_and_process
  background up >"$T/out" 2>"$T/err"
  local first=$PID
  wait_until 20 grep -q 'app has' "$T/out"
  background up >"$T/out2" 2>"$T/err2"
  local second=$PID
  wait_until 10 grep -Eqi 'ready|running' "$T/err2"
  sleep 0.2
  kill -INT $second
  ended $second
  has_state cache ready
  kill -TERM $first
  ended $first
  wait_until 5 nothing_left
}

# bats test_tags=engineless
@test "up -d in a command substitution ends" {
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  local said
  said=$(timeout 60 "$APPHOST" up -d 2>&1)
  [ -n "$said" ] || true
  ok apphost down
}

@test "env: shell, dotenv, json, github, powershell; --write; --for" {
  redis_and_process
  ok apphost up -d
  ok apphost env --format dotenv
  prints "^CACHE_PORT=[\"']?[0-9]+" '^ConnectionStrings__cache='
  ok apphost env --format json
  jq -e --arg here "$HERE" '.CACHE_HOST == $here or .CACHE_HOST.value == $here' <<<"$output"
  ok apphost env --format github
  says '::add-mask::' # standard output goes into $GITHUB_ENV
  ok apphost env --format powershell
  prints '\$env:CACHE_HOST'
  ok apphost env --write "$T/work/file.env"
  grep -q '^export CACHE_PORT=\|^CACHE_PORT=' file.env
  [ "$(stat -c %a file.env)" = 600 ]
  ok apphost env --for app
  prints 'APPHOST_RESOURCE=.?app'
  fails 2 apphost env --format cobol
  ok apphost down
}

@test "port prints the address" {
  redis_and_process
  ok apphost up -d
  load_env
  ok apphost port cache
  prints "$CACHE_PORT"
  fails 10 apphost port nothing
  ok apphost down
}

# bats test_tags=engineless
@test "ls lists this machine's projects" {
  manifest <<<'resources: {one: {type: process, command: sleep 1000}}'
  ok apphost up -d
  cd /
  ok apphost ls
  prints "$PROJECT"
  ok apphost ls -o json
  jq -e . <<<"$output"
  [[ $output =~ \"startedNs\":([0-9]{19}), ]] # every digit: a double would say 1.79e+18
  [ "${BASH_REMATCH[1]:0:13}" = "$(jq '.projects[0].startedAt' <<<"$output")" ]
  cd "$T/work"
  ok apphost down
}

@test "down names what it removed, works without the manifest, and twice" {
  redis_and_process
  ok apphost up -d
  local name
  name=$(basename "$T"/state/apphost/"$PROJECT"-*)
  rm apphost.yaml
  cd /
  ok apphost down -p "$PROJECT"
  cd "$T/work"
  wait_until 5 nothing_left
  manifest <<<'resources: {}'
  ok apphost down
}

@test "a data volume survives down and up, without a forced save; down -v removes it" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, data_volume: true}}"
  ok apphost up -d
  load_env
  ask "$CACHE_PORT" "$CACHE_PASSWORD" SET k kept
  ok apphost down
  [ "$(volumes | wc -l)" -eq 1 ]
  ok apphost up -d
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" GET k)" = kept ]
  ok apphost down -v
  [ -z "$(volumes)" ]
}

@test "a bind mount belongs to the caller" {
  [ "${E2E_OTHER:-}" != rootless ] || skip "the engine is another user's, who may not look into our folders"
  mkdir data
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, data_bind_mount: ./data}}"
  ok apphost up -d
  load_env
  ask "$CACHE_PORT" "$CACHE_PASSWORD" SET k v
  ok apphost down
  [ "$(stat -c %u data)" = "$(id -u)" ]
  [ "$(find data -name '*.rdb' -user "$(id -u)" | wc -l)" -eq 1 ]
}

@test "a persistent server outlives the session and is adopted; down --all takes it" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, lifetime: persistent}}"
  ok apphost up -d
  local id
  id=$(labelled 'containers/json' | jq -r '.[].Id')
  ok apphost down
  [ "$(labelled 'containers/json' | jq -r '.[].Id')" = "$id" ]
  ok apphost up -d
  [ "$(labelled 'containers/json' | jq -r '.[].Id')" = "$id" ]
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  ok apphost down --all
  [ -z "$(containers)" ]
}

@test "--dry-run says what it would do and does nothing" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  ok apphost up -d --dry-run
  prints_or_says 'cache'
  [ -z "$(containers)" ]
}

@test "ten servers come up together, each with its own port" {
  { echo 'resources:'; for i in 1 2 3 4 5 6 7 8 9 10; do echo "  s$i: {type: redis, image: $REDIS}"; done; } | manifest
  ok apphost up -d
  [ "$(apphost ps -o json | jq '[.resources[] | select(.state == "ready") | .port] | unique | length')" -eq 10 ]
  ok apphost down
}

@test "valkey and redis 8 come up as well" {
  needs_image apphost-test/valkey:8.1
  needs_image apphost-test/redis:8.0
  manifest <<END
resources:
  new: {type: redis, image: apphost-test/redis:8.0}
  vk: {type: valkey, image: apphost-test/valkey:8.1}
END
  ok apphost up -d
  load_env
  [ "$(ask "$NEW_PORT" "$NEW_PASSWORD" PING)" = PONG ]
  [ "$(ask "$VK_PORT" "$VK_PASSWORD" PING)" = PONG ]
  ok apphost down
}

@test "a container resource runs, publishes, and is seen by a process that references it" {
  manifest <<END
resources:
  box:
    type: container
    image: $REDIS
    entrypoint: [redis-server, --protected-mode, "no", --save, ""]
    endpoints: {tcp: {target_port: 6379}}
  app:
    type: process
    command: [sh, -c, 'env | grep -i box; exec sleep 1000']
    references: [box]
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs app | grep -q 'services__box__tcp__0='"
  ok apphost down
}

@test "containers talk over the project's network, which goes with them" {
  needs_container_names
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  client:
    type: container
    image: $REDIS
    entrypoint: [sh, -c, 'REDISCLI_AUTH="\$CACHE_PASSWORD" redis-cli -h "\$CACHE_HOST" -p "\$CACHE_PORT" ping &&
      sleep 1000']
    references: [cache]
    ready: {log: PONG}
END
  ok apphost up -d
  [ "$(networks | wc -l)" -eq 1 ]
  [[ $(networks) == net-* ]]
  ok apphost down
  [ -z "$(networks)" ]
}

@test "doctor finds the engine and is fine; -o json too" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  ok apphost doctor
  prints 'engine' '20\.|2[0-9]\.|1\.4'
  ok apphost doctor -o json
  jq -e . <<<"$output"
  DOCKER_HOST=unix://$T/no.sock run --separate-stderr apphost doctor
  [ "$status" -ne 0 ]
  prints "$T/no.sock"
}

# Exactly one event of the trace is like this.
traced() {
  jq -e "[.[] | select($1)] | length == 1" trace.json
}

@test "--timings is a waterfall; --trace has rows, requests and transitions in lanes" {
  redis_and_process
  ok apphost up -d --timings --trace trace.json
  says 'RESOURCE +GOAL +TIME +0 TO '
  says '^cache +running +[0-9.]+m?s '
  says '^app +waiting '
  traced '.cat == "goal" and .name == "running" and .args.resource == "cache" and .dur > 0 and .ts >= 0'
  traced '.cat == "request" and .name == "create"'
  traced '.cat == "transition" and .name == "ready" and .args.resource == "app"'
  jq -e '[.[] | select(.cat == "phase") | .name] | index("up") != null' trace.json
  # every lane has a name, and an operation lies within a row of its lane
  jq -e '([.[] | select(.ph == "M" and .name == "thread_name") | [.pid, .tid]]) as $named
    | all(.[] | select(.ph != "M"); [.pid, .tid] as $lane | $named | index([$lane]) != null)' trace.json
  load_env
  not grep -qF -- "$CACHE_PASSWORD" trace.json
  ok apphost up -d --timings
  says 'nothing took time: everything was there'
  ok apphost down
  fails 2 apphost up -d --trace /nowhere/trace.json
  says 'trace.*/nowhere/trace.json'
  nothing_left
}

@test "run --trace goes from up to down" {
  redis_and_process
  ok apphost run --trace trace.json cache -- true
  jq -e '[.[] | select(.cat == "phase") | .name] | . == ["manifest", "up", "command", "down"]' trace.json
  traced '.cat == "request" and .name == "remove" and .args.resource == "cache"'
  traced '.cat == "transition" and .name == "removed" and .args.resource == "cache"'
  nothing_left
}

app_waits() {
  apphost graph --running | grep -A9 '^app' | grep -q 'waits, gate is running (ready)'
}

@test "graph --running says who waits for whom, and why" {
  manifest <<END
resources:
  gate: {type: process, command: sleep 1000, ready: {exec: [test, -e, open]}}
  cache: {type: redis, image: $REDIS}
  app: {type: process, command: sleep 1000, references: [cache], wait_for: [gate]}
END
  fails 10 apphost graph --running
  ok apphost up -d --no-wait gate cache
  apphost up -d >up.log 2>&1 3>&- &
  up=$!
  wait_until 60 app_waits
  ok apphost graph --running
  prints '^app \(process\)' '  -> gate \(healthy\): waits, gate is running \(ready\)'
  prints '  -> cache \(healthy\): '
  touch open
  wait $up
  ok apphost graph --running
  prints '  -> gate \(healthy\): met' '  -> cache \(healthy\): met'
  ok apphost graph --running -o json
  edge() { jq -e "[.edges[] | select($1)] | length == 1" <<<"$output"; }
  edge '.from == "app" and .to == "cache" and .met and .required and .until == "healthy"'
  edge '.fromNode == "container:cache" and (.toNode | startswith("image:"))'
  ok apphost down
  nothing_left
}
