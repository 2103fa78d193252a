# `watch`: a process is restarted when its files change, and nothing else is.
# bats file_tags=engineless
load helpers

# The pid of a resource; empty while it does not run.
pid_of() {
  apphost ps -o json | jq -r --arg name "$1" '.resources[] | select(.name == $name) | .pid // empty'
}

# seen RESOURCE COUNT LINE : the log of the resource has this line so many times
seen() {
  [ "$(apphost logs "$1" --no-prefix | grep -cFx "$3")" -eq "$2" ]
}

app() {
  mkdir -p src/deep
  echo one >src/main.txt
  manifest <<'END'
resources:
  app:
    type: process
    command: [sh, -c, 'echo "runs with $(cat src/main.txt)"; exec sleep 1000']
    watch: ["src/**/*.{txt,js}", "!**/*.test.js"]
    ready: {log: "^runs with"}
  web: {type: process, command: [sleep, "1000"], wait_for: [app]}
END
}

@test "a change restarts the process, its dependants go on, and the log names the file" {
  app
  ok apphost up -d
  local web
  web=$(pid_of web)
  echo two >src/main.txt
  wait_until 10 seen app 1 'runs with two'
  ok apphost wait app
  ok apphost logs app
  prints 'apphost: src/main.txt changed: restarting'
  [ "$(pid_of web)" = "$web" ]
  has_state web ready
  [ "$(apphost ps -o json | jq '.resources[0].restarts')" -eq 0 ]
  apphost events app >events 3>&- &
  wait_until 20 changed_in_events
  ok apphost down
}

# Nothing tells when `events` listens: change after change until one is seen.
changed_in_events() {
  date +%s%N >src/main.txt
  wait_quietly 1 grep -q '"detail":"src/main.txt changed"' events
}

@test "what the globs do not match, what they take out, .git and hidden files restart nothing" {
  app
  mkdir -p .git src/.cache
  ok apphost up -d
  touch src/a.css src/a.test.js .git/index.js src/.cache/a.js src/.main.txt.swp other.js
  echo two >src/main.txt
  wait_until 10 seen app 1 'runs with two'
  seen app 1 'apphost: src/main.txt changed: restarting'
  ok apphost down
}

@test "editors that rename, bursts, and new folders: one restart each" {
  app
  ok apphost up -d
  echo two >src/main.txt.tmp
  mv src/main.txt.tmp src/main.txt
  wait_until 10 seen app 1 'runs with two'
  local i
  for i in $(seq 50); do echo "$i" >"src/deep/$i.js"; done
  echo three >src/main.txt
  wait_until 10 seen app 1 'runs with three'
  mkdir -p src/new/er
  echo x >src/new/er/a.js
  wait_until 10 seen app 1 'apphost: src/new/er/a.js changed: restarting'
  ok apphost wait app
  rm -r src/new
  wait_until 10 sh -c "'$APPHOST' logs app | grep -q 'src/new.* changed'"
  ok apphost down
  [ "$(apphost logs app --no-prefix | grep -c restarting)" -le 6 ]
}

@test "a process that has failed is started again by a change, and a change during the restart is not lost" {
  echo good >word
  manifest <<'END'
resources:
  app:
    type: process
    command: [bash, -c, 'word=$(cat word); echo "has $word"; [ $word != bad ] || exit 3;
      trap "echo leaving; sleep 1; exit" TERM; echo ready; while true; do sleep 0.05; done']
    watch: word
    ready: {log: "^ready"}
END
  ok apphost up -d
  echo bad >word
  wait_until 20 has_state app failed
  ok apphost ps
  prints 'exit code 3'
  echo better >word
  wait_until 20 has_state app ready
  seen app 1 'has better'
  echo first >word
  wait_until 20 sh -c "[ \$('$APPHOST' logs app --no-prefix | grep -c leaving) -eq 2 ]"
  echo last >word # while it takes its time to leave
  wait_until 20 seen app 1 'has last'
  wait_until 20 has_state app ready
  ok apphost down
}

@test "a task runs again; replicas are restarted all; after stop nobody watches" {
  echo 1 >schema
  manifest <<'END'
resources:
  generate: {type: process, task: true, command: [sh, -c, 'echo "made $(cat schema)"'], watch: schema}
  app: {type: process, command: [sh, -c, 'echo "runs $(cat schema)"; exec sleep 1000'], watch: [schema], replicas: 2,
    wait_for: [generate]}
END
  ok apphost up -d
  has_state generate completed
  echo 2 >schema
  wait_until 10 seen generate 1 'made 2'
  wait_until 10 seen app-1 1 'runs 2'
  wait_until 10 seen app-2 1 'runs 2'
  ok apphost stop app-2
  echo 3 >schema
  wait_until 10 seen app-1 1 'runs 3'
  has_state app-2 stopped
  ok apphost down
}

@test "in the foreground the change is shown among the logs" {
  app
  background up >out 2>err
  wait_until 20 grep -q 'runs with one' out
  echo two >src/main.txt
  wait_until 20 grep -q 'runs with two' out
  grep -q 'app.*apphost: src/main.txt changed: restarting' out
  kill -INT "$PID"
  ended "$PID" 130
}

@test "other globs on a second up restart nothing and are followed from then on" {
  app
  ok apphost up -d
  local pid
  pid=$(pid_of app)
  sed -i 's#"src/\*\*/\*.{txt,js}"#"*.cfg"#' apphost.yaml
  ok apphost up -d
  [ "$(pid_of app)" = "$pid" ]
  echo two >src/main.txt
  echo x >a.cfg
  wait_until 10 seen app 1 'apphost: a.cfg changed: restarting'
  seen app 0 'apphost: src/main.txt changed: restarting'
  ok apphost down
}

@test "the kernel's limit is told once, by its name, and what can be watched is" {
  unshare -Ur true 2>/dev/null || skip "no user namespaces here"
  app
  mkdir -p src/{a,b,c,d,e}/{a,b,c,d,e}
  export APPHOST
  # The limit is a namespace's own.
  ok unshare -Ur sh -c 'echo 6 >/proc/sys/user/max_inotify_watches && exec "$APPHOST" up -d'
  wait_until 10 sh -c "'$APPHOST' logs app | grep -q max_user_watches"
  echo two >src/main.txt
  wait_until 10 seen app 1 'runs with two'
  ok apphost logs app
  [ "$(grep -c max_user_watches <<<"$output")" -eq 1 ]
  ok apphost down
}

@test "nothing is done while nothing changes, with thousands of files" {
  app
  local i
  for i in $(seq 100); do
    mkdir -p "src/$i"
    touch "src/$i"/{1..50}.js
  done
  ok apphost up -d
  local supervisor before
  supervisor=$(session supervisor)
  echo two >src/main.txt # all folders have been looked at when the change was seen
  wait_until 20 seen app 1 'runs with two'
  before=$(awk '{ print $14 + $15 }' /proc/"$supervisor"/stat)
  sleep 2
  [ $(($(awk '{ print $14 + $15 }' /proc/"$supervisor"/stat) - before)) -le 10 ]
  ok apphost down
}

# ---- up --watch: the manifest itself ----

@test "up --watch: an edit made while it starts is applied, and every later one" {
  manifest <<'END'
resources:
  app: {type: process, command: [sh, -c, "echo first; exec sleep 1000"]}
  slow: {type: process, command: [sh, -c, "touch slow-began; until test -e edited; do sleep 0.1; done"], task: true}
END
  background up --watch >out 2>err
  wait_until 20 test -e slow-began
  sed -i 's/echo first/echo second/' apphost.yaml
  touch edited
  wait_until 20 grep -q 'second$' out
  [ "$(grep -c 'the manifest has changed' err)" = 1 ]
  sed -i 's/echo second/echo third/' apphost.yaml
  wait_until 20 grep -q 'third$' out
  echo 'A=1' >.env # is read too, and changes nothing here
  wait_until 20 sh -c '[ $(grep -c "the manifest has changed" err) = 3 ]'
  kill -INT "$PID"
  ended "$PID" 130
}

@test "up --watch: without an edit nothing is said; from standard input it is read once" {
  manifest <<<'resources: {app: {type: process, command: [sleep, "1000"]}}'
  background up --watch >out 2>err
  wait_until 20 grep -q 'watching the manifest' err
  touch other-file
  has_state app ready
  kill -INT "$PID"
  ended "$PID" 130
  not grep -q 'the manifest has changed' err
  "$APPHOST" up --watch -f - <apphost.yaml >out 2>err 3>&- & # INT is ignored here
  PID=$!
  wait_until 20 grep -q 'watching the manifest' err
  kill -TERM "$PID"
  ended "$PID" 143
  not grep -Eq 'error|has changed' err
}
