# Who a project is, who owns it, and how its owner is reached: wherever the command runs, whatever became of its
# folders.
load helpers

# unnamed COMMAND… : as a uid that has no name, no home and no variables but the engine's
unnamed() {
  timeout --foreground -k 5 60 setpriv --reuid="$UNNAMED" --regid="$UNNAMED" \
    --groups="$(stat -c %g "${ENGINE_HOST#unix://}")" env -i PATH="$PATH" DOCKER_HOST="$ENGINE_HOST" "$@"
}

needs_other_uids() {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
  [ -S "${ENGINE_HOST#unix://}" ] || skip "the engine has no socket whose group can be had"
  needs setpriv
  UNNAMED=$((70000 + RANDOM))
  ! getent passwd $UNNAMED >/dev/null || skip "uid $UNNAMED has a name"
  cp "$APPHOST" "$T/apphost"
  chmod 755 "$T" "$T/work"
}

one_server() {
  printf 'resources:\n  cache: {type: redis, image: %s%s}\n' $REDIS "${1:+, $1}" | manifest
}

# ---- folders that are missing, foreign or shut ----

@test "a uid without a name and without a home works in a private folder of its own" {
  needs_other_uids
  one_server
  ok unnamed "$T/apphost" run -- sh -c 'echo "${CACHE_PORT:-none} $(id -u)"'
  [[ $output = [0-9]*\ $UNNAMED ]]
  [ "$(stat -c '%a %u' "/tmp/apphost-$UNNAMED")" = "700 $UNNAMED" ]
  ok unnamed "$T/apphost" up -d
  ok unnamed "$T/apphost" ls
  prints "$PROJECT"
  ok unnamed "$T/apphost" down
  rm -r "/tmp/apphost-$UNNAMED"
}

# bats test_tags=engineless
@test "a folder for sockets that somebody else prepared is refused, with its name" {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
  needs setpriv
  UNNAMED=$((70000 + RANDOM))
  cp "$APPHOST" "$T/apphost"
  mkdir -m 755 "/tmp/apphost-$UNNAMED"
  echo 'resources: {web: {type: process, command: [sleep, "100"]}}' | manifest
  mkdir "$T/theirs"
  chown $UNNAMED "$T/theirs"
  chmod 755 "$T" "$T/work"
  fails 9 setpriv --reuid=$UNNAMED --regid=$UNNAMED --clear-groups \
    env -u XDG_RUNTIME_DIR XDG_STATE_HOME="$T/theirs" "$T/apphost" up -d
  rmdir "/tmp/apphost-$UNNAMED"
  says "/tmp/apphost-$UNNAMED: it is not a private folder of yours" 'set XDG_RUNTIME_DIR'
}

# bats test_tags=engineless
@test "a root of all state that cannot be read is said, not taken for nothing" {
  echo 'resources: {web: {type: process, command: [sleep, "100"]}}' | manifest
  echo >"$XDG_STATE_HOME/apphost"
  for verb in ps down ls gc 'down --everything'; do
    # shellcheck disable=SC2086 # words
    fails 1 apphost $verb
    says "cannot list $XDG_STATE_HOME/apphost: "
  done
  rm "$XDG_STATE_HOME/apphost"
}

# bats test_tags=engineless
@test "a manifest that may not be read is not called missing" {
  needs_root_for_uids=$(id -u)
  [ "$needs_root_for_uids" = 0 ] || skip "needs root to become somebody else"
  needs setpriv
  UNNAMED=$((70000 + RANDOM))
  cp "$APPHOST" "$T/apphost"
  echo 'resources: {}' | manifest
  chmod 755 "$T"
  chmod 700 "$T/work"
  fails 3 setpriv --reuid=$UNNAMED --regid=$UNNAMED --clear-groups "$T/apphost" validate
  says "apphost.yaml: Permission denied"
}

# ---- the same project wherever the command runs ----

native_server() {
  needs redis-server
  export APPHOST_ENGINE=native
  manifest <<<'resources: {cache: {type: redis, data_volume: true}}'
}

# prefix : of the project, as `config` tells it
identity_now() {
  "$APPHOST" config -o json | jq -r .prefix
}

# bats test_tags=engineless
@test "a project is the same in every namespace and folder, whatever the variables say" {
  [ "$(id -u)" = 0 ] || skip "needs root to make namespaces"
  needs unshare
  manifest <<<'resources: {web: {type: process, command: [sleep, "100"]}}'
  export -f identity_now
  export APPHOST
  identity_now
  own=$(identity_now)
  [[ $own = "$PROJECT"-[0-9a-f]* ]]
  for how in '-pf --mount-proc' -m -n -u -i '-pf --mount-proc -m -n -u -i' '-U --map-current-user'; do
    # shellcheck disable=SC2086 # words
    [ "$(unshare $how bash -c identity_now)" = "$own" ]
  done
  [ "$(HOSTNAME=other LANG=C TZ=Asia/Tokyo USER=nobody XDG_STATE_HOME=$T/home identity_now)" = "$own" ]
  mkdir -p sub
  [ "$(cd sub && identity_now)" = "$own" ]
  ln -s "$T/work" "$T/link"
  [ "$(cd "$T/link" && identity_now)" = "$own" ]
}

# bats test_tags=engineless
@test "data that was made in one pid namespace is there in the next" {
  [ "$(id -u)" = 0 ] || skip "needs root to make namespaces"
  needs unshare
  native_server
  ok unshare -pf --mount-proc sh -c '"$0" up -d && "$0" redis cache SET kept inside && "$0" down' "$APPHOST"
  ok unshare -pf --mount-proc sh -c '"$0" up -d && "$0" redis cache GET kept && "$0" down -v' "$APPHOST"
  prints inside
}

# former_hash : of the manifest here, as it was made with a number of the pid namespace
former_hash() {
  printf '%s\n\n%s\n%s\n4026531836' "$PWD/apphost.yaml" "$(id -u)" "$(cat /etc/machine-id 2>/dev/null; echo x)" |
    sed '/x$/{s/x$//}' | sha256sum | cut -c1-8
}

# bats test_tags=engineless
@test "what was made under the former identity is kept, and that is said once" {
  native_server
  ok apphost up -d
  ok apphost redis cache SET kept former
  ok apphost down
  cd "$T/state/apphost"
  mv "$PROJECT"-* "$PROJECT-$(cd "$T/work" && former_hash)"
  cd "$T/work"
  ok apphost up -d
  says "keeps what it made under its former identity"
  ok apphost redis cache GET kept
  [ "$output" = former ]
  ok apphost down
  ok apphost up -d
  not grep -q former <<<"$stderr"
  ok apphost down -v
  [ "$(find "$T/state/apphost" -mindepth 1 -maxdepth 1 -type d | wc -l)" = 1 ]
}

# bats test_tags=engineless
@test "data that this manifest has under another identity, as after a new machine id, is told with the way to it" {
  native_server
  ok apphost up -d
  ok apphost redis cache SET kept other
  ok apphost down
  mv "$T/state/apphost/$PROJECT"-* "$T/state/apphost/$PROJECT-0123abcd"
  ok apphost up -d
  says "this project has data of another identity in folder .*-0123abcd/volumes/.*: has /etc/machine-id changed" \
    "apphost up --adopt 0123abcd"
  ok apphost down
  ok apphost up -d --adopt 0123abcd
  ok apphost redis cache GET kept
  [ "$output" = other ]
  ok apphost down -v
}

@test "a volume of the former identity is kept though its state is lost" {
  manifest <<<"resources: {box: {type: container, image: $REDIS, entrypoint: [sleep, '1000'], volumes: [data:/data]}}"
  local volume=$PROJECT-$(former_hash)-data
  engine POST /volumes/create -H 'Content-Type: application/json' \
    -d "{\"Name\": \"$volume\", \"Labels\": {\"io.apphost.project\": \"$PROJECT\",
    \"io.apphost.project-hash\": \"$(former_hash)\", \"io.apphost.uid\": \"$(id -u)\"}}"
  ok apphost up -d
  says "keeps what it made under its former identity"
  [ "$(volumes)" = "$volume" ]
  ok apphost down -v
  [ -z "$(volumes)" ]
}

@test "a kept container of the former identity is kept though its state is lost" {
  manifest <<<"resources: {box: {type: container, image: $REDIS, entrypoint: [sleep, '1000'], lifetime: persistent}}"
  local name=$PROJECT-$(former_hash)-box
  engine POST "/containers/create?name=$name" -H 'Content-Type: application/json' \
    -d "{\"Image\": \"$REDIS\", \"Entrypoint\": [\"sleep\", \"1000\"], \"Labels\": {
    \"io.apphost.project\": \"$PROJECT\", \"io.apphost.project-hash\": \"$(former_hash)\",
    \"io.apphost.lifetime\": \"persistent\", \"io.apphost.uid\": \"$(id -u)\"}}" >/dev/null
  ok apphost up -d
  says "keeps what it made under its former identity"
  [ "$(containers)" = "$name" ]
  ok apphost down --all
  [ -z "$(containers)" ]
}

# ---- by name, from anywhere ----

sleeper() {
  mkdir -p "$1"
  printf 'name: %s\nresources: {web: {type: process, command: [sleep, "1000"]}}\n' "$2" >"$1/apphost.yaml"
}

# bats test_tags=engineless
@test "a project is found by its name from anywhere, and never chosen between two" {
  sleeper a "$PROJECT"
  sleeper b "$PROJECT"
  sleeper c other
  mkdir empty
  (cd a && apphost up -d)
  # From nowhere, and from inside another project's folder.
  for folder in empty c; do
    cd "$T/work/$folder"
    ok apphost ps -p "$PROJECT"
    prints web
  done

  (cd "$T/work/b" && apphost up -d)
  for folder in empty c; do
    cd "$T/work/$folder"
    for verb in ps down 'logs'; do
      # shellcheck disable=SC2086 # words
      fails 2 apphost $verb -p "$PROJECT"
      says "several projects called \"$PROJECT\"" "\($T/work/a\)" "\($T/work/b\)"
    done
  done

  # The folder that one is in says which.
  cd "$T/work/b"
  ok apphost down -p "$PROJECT"
  cd "$T/work/c"
  ok apphost down -p "$PROJECT"
  [ -z "$(processes)" ]
}

# bats test_tags=engineless
@test "a name that nobody has is an error that tells who runs" {
  sleeper a "$PROJECT"
  mkdir empty
  cd a
  ok apphost up -d
  cd ../empty
  for verb in ps down logs; do
    fails 10 apphost $verb -p nobody
    says 'no project is called "nobody"' "running: $PROJECT \($T/work/a\)"
  done
  cd ../a
  for verb in ps down; do
    fails 10 apphost $verb -p nobody
    says 'no project is called "nobody"' "running: $PROJECT"
  done
  ok apphost down
}

# ---- always reachable ----

sleeper_up() {
  sleeper . "$PROJECT"
  ok apphost up -d
}

socket_is_there() {
  [ -S "$(session socket)" ]
}

# bats test_tags=engineless
@test "a socket or a runtime folder that was taken away is made again" {
  sleeper_up
  rm "$(session socket)"
  wait_until 5 socket_is_there
  ok apphost ps
  prints 'web +ready'
  rm -r "$XDG_RUNTIME_DIR/apphost"
  ok apphost ps
  prints 'web +ready'
  # The whole of it, as a logout does: it listens elsewhere.
  rm -r "$XDG_RUNTIME_DIR"
  ok apphost ps
  prints 'web +ready'
  [[ $(session socket) = /tmp/apphost-* ]]
  ok apphost down
  [ -z "$(processes)" ]
  mkdir -m 700 "$XDG_RUNTIME_DIR"
}

# bats test_tags=engineless
@test "a state folder that was taken away is written again, and its lock taken again" {
  sleeper_up
  local pid
  pid=$(session supervisor)
  rm -r "$T"/state/apphost
  wait_until 5 session supervisor
  [ "$(session supervisor)" = "$pid" ]
  ok apphost up -d
  ok apphost ps
  prints 'web +ready'
  [ "$(session supervisor)" = "$pid" ]
  ok apphost down
  [ -z "$(processes)" ]
}

# bats test_tags=engineless
@test "down reaches a supervisor that does not answer, and others name it" {
  sleeper_up
  local pid
  pid=$(session supervisor)
  rm "$(session socket)"
  wait_until 5 socket_is_there
  kill -STOP "$pid"
  rm "$(session socket)"
  ok apphost gc
  says "pid $pid, state in $T/state/apphost/.*does not answer: apphost down -p $PROJECT"
  run --separate-stderr apphost doctor
  prints_or_says "pid $pid, state in $T/state/apphost/.*does not answer"
  # Asked for its socket it wakes up, too.
  ok apphost ps
  kill -STOP "$pid"
  fails 9 apphost ps --wait-timeout 1s
  says "pid $pid, state in $T/state/apphost/$PROJECT-.*\) does not answer" 'apphost down'
  ok apphost down --wait-timeout 1s
  says "pid $pid\) does not answer: told by a signal"
  [ -z "$(processes)" ]
}

# ---- one owner, seen from everywhere ----

elsewhere() {
  XDG_STATE_HOME=$T/home/elsewhere "$@"
}

# bats test_tags=engineless
@test "a session that another state folder owns is named, and nothing of it is touched" {
  sleeper_up
  local pid
  pid=$(session supervisor)
  for verb in 'up -d' up down 'down -v --all' ps 'run -- true' 'restart web' 'stop web'; do
    code=9
    [ "$verb" != 'run -- true' ] || code=125
    # shellcheck disable=SC2086 # words
    elsewhere fails $code apphost $verb
    says "$PROJECT runs already, with its state elsewhere: pid $pid, state in $T/state/apphost/$PROJECT-"
  done
  # Nobody else's are meant: those of other folders and names go on.
  mkdir other
  cd other
  elsewhere ok apphost ps -f /dev/null -p other
  cd ..
  ok apphost ps
  prints 'web +ready'
  ok apphost down
  elsewhere ok apphost down
  elsewhere ok apphost run -- true
}

# bats test_tags=engineless
@test "a state folder that was taken away is there again at once, whoever asks, and hides from nobody who owns" {
  sleeper_up
  local pid verb
  pid=$(session supervisor)
  for verb in ps 'up -d' down; do
    rm -r "$T"/state/apphost
    elsewhere fails 9 apphost ps
    says "pid $pid, state in $T/state/apphost/.* \(taken away\)"
    # shellcheck disable=SC2086 # words
    ok apphost $verb
    [ "$verb" = down ] || [ "$(session supervisor)" = "$pid" ]
  done
  [ -z "$(processes)" ]

  # One that is stopped goes on.
  sleeper_up
  kill -STOP "$(session supervisor)"
  rm -r "$T"/state/apphost
  ok apphost down
}

# bats test_tags=engineless
@test "what is left of a session elsewhere, both of whose keepers were killed, is named and left alone" {
  sleeper_up
  local left
  left=$(apphost ps -o json | jq '.resources[] | select(.name == "web") | .pid')
  kill -STOP "$(session supervisor)" # neither sees the other one die, and cleans up
  kill -9 "$(session guard)" "$(session supervisor)"
  for verb in 'up -d' ps down; do
    # shellcheck disable=SC2086 # words
    elsewhere fails 9 apphost $verb
    says "$PROJECT: a process of it is still there.*: pid $left, of web, state in $T/state/apphost" \
      "XDG_STATE_HOME=$T/state apphost gc"
  done
  ok kill -0 "$left"
  ok apphost gc
  dead "$left"
  elsewhere ok apphost run -- true
}

# ---- folders that vanish ----

# bats test_tags=engineless
@test "the native engine's data of a folder that vanished is listed, and removed when that is meant" {
  native_server
  ok apphost up -d
  ok apphost down
  local folder
  folder=$(echo "$T"/state/apphost/"$PROJECT"-*/volumes/cache-data)
  ok apphost gc --volumes -p "$PROJECT" -y
  says "no volume's folder has vanished"
  mkdir moved
  mv apphost.yaml moved
  ok apphost gc --volumes -p "$PROJECT" --dry-run
  prints "would remove folder $folder of $PROJECT \($T/work/apphost.yaml is gone\)\$"
  fails 2 apphost gc --volumes -p "$PROJECT"
  says '-y does it without asking'
  [ -d "$folder" ]
  ok apphost gc --volumes -p "$PROJECT" -y
  prints "removed folder $folder"
  [ ! -e "$folder" ]
}

@test "volumes of a folder that moved twice are listed and removed, adopted ones and those in use are not" {
  mkdir a
  cd a
  manifest <<<"resources: {box: {type: container, image: $REDIS, entrypoint: [sleep, '1000'], volumes: [data:/data]}}"
  ok apphost up -d
  ok apphost down
  cd ..
  mv a b
  cd b
  ok apphost up -d
  says 'apphost gc --volumes removes it'
  ok apphost down
  cd ..
  mv b c
  cd c
  ok apphost up -d
  [ "$(volumes | wc -l)" = 3 ]
  ok apphost gc --volumes -p "$PROJECT" --dry-run -o json
  [ "$(jq --arg p "$PROJECT" '[.vanished[] | select(.project == $p)] | length' <<<"$output")" = 2 ]
  # One is adopted, the other one goes; only this test's, others share the engine.
  local first second
  first=$(jq -r --arg m "$T/work/a/apphost.yaml" '.vanished[] | select(.manifest == $m) | .name' <<<"$output")
  second=$(jq -r --arg m "$T/work/b/apphost.yaml" '.vanished[] | select(.manifest == $m) | .name' <<<"$output")
  ok apphost down -v
  ok apphost up -d --adopt "$(sed -E 's/.*-([0-9a-f]{8})-data$/\1/' <<<"$first")"
  ok apphost gc --volumes -p "$PROJECT" --dry-run
  prints "would remove volume $second of $PROJECT \($T/work/b/apphost.yaml is gone\)"
  not grep -q "$first" <<<"$output"
  ok apphost down -v
  cd "$T/work"
  rm -r c
  ok apphost gc --volumes -p "$PROJECT" -y
  prints "removed volume $second"
  [ -z "$(volumes)" ]
}
