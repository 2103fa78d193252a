# apphost inside of apphost: what the command of run, a process, or exec calls means the session around it.
# bats file_tags=engineless
load helpers

setup_more() {
  export APPHOST PROJECT
  mkdir other bare
  project "$PROJECT" main >apphost.yaml
  project "$PROJECT-ci" service >ci.yaml
  project "$PROJECT-other" other >other/apphost.yaml
}

# project NAME RESOURCE
project() {
  printf 'name: %s\nresources: {%s: {type: process, command: [sleep, "1000"]}}\n' "$1" "$2"
}

# A shell's command line: which project does a call mean?
MEANS='"$APPHOST" ps -o json | grep -o "\"project\":\"[^\"]*\""'

means() {
  [ "$output" = "\"project\":\"$1\"" ] || { echo "meant: $output, not $1"; return 1; }
}

@test "calls inside of run mean its session: -f, APPHOST_FILE, from any folder" {
  ok apphost -f ci.yaml run service -- sh -c "$MEANS"
  means "$PROJECT-ci"
  APPHOST_FILE=ci.yaml ok apphost run service -- sh -c "$MEANS"
  means "$PROJECT-ci"
  local folder
  for folder in bare other /; do
    ok apphost -f ci.yaml run service -- sh -c "cd $folder; $MEANS"
    means "$PROJECT-ci"
  done
}

@test "calls inside of run mean its session: -p, APPHOST_PROJECT_NAME" {
  ok apphost -p "$PROJECT-x" run main -- sh -c "$MEANS"
  means "$PROJECT-x"
  APPHOST_PROJECT_NAME=$PROJECT-y ok apphost run main -- sh -c "$MEANS"
  means "$PROJECT-y"
}

@test "calls inside of run mean its session, which was there and is held by nobody" {
  ok apphost -f ci.yaml up -d
  ok apphost -f ci.yaml run service -- sh -c "$MEANS"
  means "$PROJECT-ci"
  # And inside of another's: the nearest one.
  ok apphost run main -- "$APPHOST" -f ci.yaml run service -- sh -c "cd bare; $MEANS"
  means "$PROJECT-ci"
  ok apphost -f ci.yaml run service -- "$APPHOST" -f apphost.yaml run main -- sh -c "cd bare; $MEANS"
  means "$PROJECT"
  ok apphost -f ci.yaml down
}

@test "every command that works on what runs" {
  local verb
  for verb in ps env 'logs service' 'wait service' 'restart service' 'stop service' 'start service' \
    'exec service -- true' 'kill service' down; do
    echo "\"\$APPHOST\" $verb >/dev/null || exit 9; echo 'did $verb'" >>calls
  done
  run --separate-stderr apphost -f ci.yaml run service -- sh -c '. ./calls; exec sleep 1000' # the last one ends it
  echo "$status $output $stderr"
  [ "$status" -eq 125 ]
  says 'taken down'
  prints 'did ps' 'did kill'
}

@test "a process's own calls mean its session" {
  cat >apphost.yaml <<END
name: $PROJECT
resources:
  app:
    type: process
    working_dir: bare
    command:
      - sh
      - -c
      - |
        "\$\$APPHOST" env app >/dev/null && "\$\$APPHOST" ps >told.new && mv told.new told
        exec sleep 1000
END
  ok apphost -p "$PROJECT-x" up -d
  wait_until 20 test -e bare/told
  ok cat bare/told
  prints '^app '
  ok apphost -p "$PROJECT-x" exec app -- sh -c "cd /; $MEANS"
  means "$PROJECT-x"
  ok apphost -p "$PROJECT-x" down
}

@test "isolated: each worker's calls mean the worker's" {
  ok apphost -f ci.yaml run --isolate 2 service -- sh -c "cd /; $MEANS"
  prints "\"$PROJECT-ci-1\"" "\"$PROJECT-ci-2\""
}

@test "-f, -p, -C and their variables, given to the call itself, mean another" {
  ok apphost -f other/apphost.yaml up -d
  ok apphost run main -- sh -c "\"\$APPHOST\" -C other ps; \"\$APPHOST\" -f other/apphost.yaml ps
    \"\$APPHOST\" -p $PROJECT-other ps"
  [ "$(grep -c '^other ' <<<"$output")" -eq 3 ]
  ok apphost run main -- sh -c "APPHOST_FILE=other/apphost.yaml \"\$APPHOST\" ps
    APPHOST_PROJECT_DIRECTORY=other \"\$APPHOST\" ps"
  [ "$(grep -c '^other ' <<<"$output")" -eq 2 ]
  ok apphost -C other down
}

@test "a session that is over is none: the ordinary search" {
  ok apphost -f ci.yaml run service -- printenv APPHOST_SESSION
  local over=$output
  APPHOST_SESSION=$over ok apphost up -d
  APPHOST_SESSION=$over ok bash -c "$MEANS"
  means "$PROJECT"
  APPHOST_SESSION=0123456789abcdef ok bash -c "$MEANS"
  means "$PROJECT"
  APPHOST_SESSION=$over ok apphost down
}

@test "run and up with the session's own manifest join it, found or not" {
  ok apphost -p "$PROJECT-x" run main -- sh -c 'echo $APPHOST_SESSION; "$APPHOST" run main -- printenv APPHOST_SESSION'
  [ "${lines[0]}" = "${lines[1]}" ]
  mkdir "$T/far"
  ok apphost -f ci.yaml run service -- sh \
    -c "cd $T/far; echo \$APPHOST_SESSION; \"\$APPHOST\" run service -- printenv APPHOST_SESSION"
  [ "${lines[0]}" = "${lines[1]}" ]
  ok apphost -f ci.yaml run service -- sh -c "cd $T/far; \"\$APPHOST\" validate"
  prints "project $PROJECT-ci"
}

@test "a manifest that is another's is another project" {
  ok apphost -f ci.yaml run service -- sh \
    -c "cd other; \"\$APPHOST\" validate; \"\$APPHOST\" run other -- printenv APPHOST_PROJECT; $MEANS"
  prints "project $PROJECT-other"
  [ "${lines[1]}" = "$PROJECT-other" ]
  [ "${lines[2]}" = "\"project\":\"$PROJECT-ci\"" ]
}

@test "the session's engine is that of who joins" {
  command -v redis-server >/dev/null || skip "no redis-server"
  printf 'name: %s\nresources: {cache: {type: redis}}\n' "$PROJECT" >apphost.yaml
  ok apphost --engine native run -- sh -c 'echo "$CACHE_PORT"
    DOCKER_HOST=unix:///none "$APPHOST" run -- printenv CACHE_PORT'
  [ "${lines[0]}" = "${lines[1]}" ]
  ok apphost --engine native run -- "$APPHOST" redis cache -- ping
  prints PONG
}
