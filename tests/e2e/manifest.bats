# The manifest from the command line: validate, config, graph, init. No engine is asked anything.
# bats file_tags=engineless
load helpers

setup_more() {
  export DOCKER_HOST=unix:///nowhere/docker.sock
}

@test "validate: all problems in one run, each with file, line, column, source line and caret" {
  cat >apphost.yaml <<'END'
name: shop
resources:
  cache:
    type: reddis
  api:
    type: process
    comand: [node]
    references: [cahce]
END
  fails 3 apphost validate
  says 'apphost.yaml:4:11: error: .*reddis' 'apphost.yaml:7:5: error: .*comand' 'did you mean' '\^'
}

@test "validate: a good manifest says so and exits 0" {
  manifest <<<'resources: {legacy: {type: connection-string, value: "h:1"}}'
  ok apphost validate
}

@test "validate -o json lists the problems" {
  cat >apphost.yaml <<<'resources: {cache: {type: reddis}}'
  run --separate-stderr apphost validate -o json
  [ "$status" -eq 3 ]
  jq -e '.. | objects | select(.line? == 1)' <<<"$output"
}

@test "compose's words get a hint that names ours" {
  cat >apphost.yaml <<<'services: {cache: {image: redis}}'
  fails 3 apphost validate
  says 'services' 'resources'
}

@test "hostile YAML is an error, not a crash" {
  printf '%s\n' 'a: &a [x,x,x,x,x,x,x,x,x]' 'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]' 'c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]' \
    'd: &d [*c,*c,*c,*c,*c,*c,*c,*c]' 'e: &e [*d,*d,*d,*d,*d,*d,*d]' 'f: [*e,*e,*e,*e,*e,*e,*e]' >bomb.yaml
  printf 'resources: %s' "$(printf '[%.0s' $(seq 100))" >deep.yaml
  head -c 10485760 /dev/zero | tr '\0' 'a' >long.yaml
  printf 'name: a\0b\n' >nul.yaml
  printf 'name: \xff\xfe\n' >bytes.yaml
  printf 'resources:\n\tcache: redis\n' >tab.yaml
  printf '&a [*a]' >cycle.yaml
  printf '\xef\xbb\xbfname: shop\n' >bom.yaml
  : >empty.yaml
  for file in bomb deep long nul bytes tab cycle bom empty; do
    run --separate-stderr timeout 60 "$APPHOST" -f $file.yaml validate
    echo "$file: $status: ${stderr:0:300}"
    [ "$status" -eq 3 ]
    grep -q "$file.yaml" <<<"$stderr"
    [ ${#stderr} -lt 20000 ]
  done
}

@test "lines that end in CR LF are no problem" {
  printf 'name: shop\r\nresources:\r\n  legacy:\r\n    type: connection-string\r\n    value: "h:1"\r\n' >apphost.yaml
  ok apphost validate
}

# instructions RESOURCES : what it takes to validate that many, counted, so that no clock and no load plays a part
instructions() {
  { echo 'name: big'; echo 'resources:'; for i in $(seq "$1"); do echo "  r$i: redis"; done; } >apphost.yaml
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$APPHOST" validate 2>&1 >/dev/null |
    sed -n 's/.*Collected : //p'
}

@test "10,000 resources validate, and the work grows with their number, no faster" {
  { echo 'name: big'; echo 'resources:'; for i in $(seq 10000); do echo "  r$i: redis"; done; } >apphost.yaml
  ok apphost validate
  needs valgrind
  local few many
  few=$(instructions 250) many=$(instructions 1000)
  echo "$few $many"
  [ "$few" -gt 0 ]
  [ "$many" -lt $((few * 4 + few / 4)) ]
}

@test "a byte order mark, or UTF-16: manifest, override, .env and env_file are read, and positions are right" {
  printf '\xEF\xBB\xBFname: shop\nresources:\n' >apphost.yaml
  printf '  job: {type: process, task: true, env_file: one.env,\n    shell: %s}\n' \
    "'printf %s=%s \"\$\$FIRST\" \"\$\$SECOND\"'" >>apphost.yaml
  printf '\xEF\xBB\xBFresources: {job: {environment: {SECOND: "${FROM}"}}}\n' |
    iconv -f UTF-8 -t UTF-16LE >apphost.override.yaml
  printf '\xEF\xBB\xBFFROM=zwei\r\n' >.env
  printf '\xEF\xBB\xBFFIRST=\xC3\xA4\n' | iconv -f UTF-8 -t UTF-16BE >one.env
  ok apphost validate
  ok apphost config
  prints '"?ä"?' 'zwei'
  printf '\xEF\xBB\xBFname: 1\xC3\xA4\n' >apphost.yaml
  fails 3 apphost validate
  says '^apphost.yaml:1:7: error: ' '^    name: 1ä$' '^          \^~$'
}

@test ".env speaks compose's dialect" {
  manifest <<<'resources: {app: {type: process, command: [sleep], environment: {ALL: "${A}|${B}|${C}|${D}"}}}'
  cat >.env <<'END'
export A='Let\'s go' # said
B="tab\there
next \"line\""
C=
D: d#1 # comment
END
  ok apphost config -o json
  jq -e '[.. | strings] | any(. == "Let'"'"'s go|tab\there\nnext \"line\"||d#1")' <<<"$output"
}

@test ".env is read, the environment wins, defaults come last" {
  cat >apphost.yaml <<'END'
name: shop
resources:
  legacy:
    type: connection-string
    value: "${E2E_HOST:-fallback}:1"
END
  ok apphost config
  prints 'fallback:1'
  echo 'E2E_HOST=dotenv' >.env
  ok apphost config
  prints 'dotenv:1'
  E2E_HOST=outside ok apphost config
  prints 'outside:1'
}

@test "config prints the plan and masks secrets" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, password: "hunter2hunter2"}
END
  ok apphost config
  prints 'cache'
  not grep -q hunter2 <<<"$output$stderr"
  ok apphost config -o json
  jq -e . <<<"$output"
  not grep -q hunter2 <<<"$output"
}

@test "the override file merges, and null deletes" {
  manifest <<<'resources: {legacy: {type: connection-string, value: "one:1"},
    other: {type: connection-string, value: "x:1"}}'
  cat >apphost.override.yaml <<<'resources: {legacy: {value: "two:2"}, other: null}'
  ok apphost config
  prints 'two:2'
  not grep -q 'other' <<<"$output"
}

@test "the manifest comes from standard input with -f -" {
  ok apphost -f - validate <<<'{name: piped, resources: {legacy: {type: connection-string, value: "h:1"}}}'
}

@test "graph prints dependencies as text and as DOT" {
  manifest <<END
resources:
  cache: redis
  api: {type: process, command: "sleep 1", references: [cache]}
END
  ok apphost graph
  prints 'api' 'cache'
  ok apphost graph --dot
  prints 'digraph' '"?api"? *-> *"?cache"?'
}

@test "a cycle names its edges" {
  manifest <<'END'
resources:
  one: {type: process, command: "sleep 1", wait_for: [two]}
  two: {type: process, command: "sleep 1", wait_for: [one]}
END
  fails 3 apphost validate
  says 'wait for each other.*one.*two'
}

@test "init writes a manifest that validates, and does not overwrite one" {
  mkdir fresh
  cd fresh
  ok apphost init
  [ -s apphost.yaml ]
  ok apphost validate
  cp apphost.yaml before
  run --separate-stderr apphost init
  [ "$status" -ne 0 ]
  cmp apphost.yaml before
}

@test "profiles leave resources out, and a reference to one is an error that names it" {
  manifest <<'END'
resources:
  tool: {type: process, command: "sleep 1", profiles: [debug]}
  legacy: {type: connection-string, value: "h:1"}
END
  ok apphost config
  not grep -q '"\?tool' <<<"$output"
  ok apphost config --profile debug
  prints 'tool'
}

@test "parameters: from the command line, a file, the environment; a missing one names all places" {
  cat >apphost.yaml <<'END'
name: shop
parameters:
  where: {}
resources:
  legacy:
    type: connection-string
    value: "${parameters.where}:1"
END
  fails 3 apphost validate
  says 'where' 'Parameters__where'
  ok apphost config --parameter where=cli
  prints 'cli:1'
  echo -n fromfile >value
  ok apphost config --parameter where=@value
  prints 'fromfile:1'
  Parameters__where=fromenv ok apphost config
  prints 'fromenv:1'
}

# ---- what `up` would miss on this machine ----

@test "validate finds programs, folders and certificates that are not there, each at its place" {
  echo nothing >text
  cat >apphost.yaml <<'END'
name: shop
resources:
  tls: {type: redis, tls: {cert: text, key: text}}
  one: {type: process, command: "nosuchprogram x"}
  two: {type: process, command: [./nosuch], working_dir: nope}
  three: {type: process, command: [./nosuch, x]}
  four: {type: process, command: [./text]}
  five: {type: process, command: [sleep, 9], ready: {exec: [nosuchprobe]}}
  six: {type: process, command: [sleep, 9], environment: {PATH: /nowhere}}
  seven: {type: process, command: [sleep, 9], working_dir: text}
  good: {type: process, shell: 'true'}
END
  fails 3 apphost validate
  says '^apphost.yaml:3:27: error: tls: ' \
    '^apphost.yaml:4:33: error: one: command nosuchprogram was not found in PATH$' \
    "^apphost.yaml:5:58: error: two: working directory $PWD/nope does not exist" \
    "^apphost.yaml:6:36: error: three: command ./nosuch does not exist in $PWD" \
    '^apphost.yaml:7:35: error: four: cannot execute ./text' \
    '^apphost.yaml:8:53: error: five: command nosuchprobe was not found in PATH' \
    '^apphost.yaml:9:34: error: six: command sleep was not found in PATH' \
    '^apphost.yaml:10:60: error: seven: working directory .*/text is not a directory' \
    'error: 8 errors in apphost.yaml; nothing was created'
  [ "$(grep -c "PATH is $PATH" <<<"$stderr")" = 1 ]
  # On another machine than the one that it is meant for.
  ok apphost validate --manifest-only
  prints 'is valid: project shop'
  fails 3 apphost validate -o json
  jq -e '.error.problems | length == 8 and all(.line > 2 and .column > 2 and .severity == "error")' <<<"$stderr$output"
}

@test "validate warns where up may yet succeed, and is silent about what no profile turns on" {
  cat >apphost.yaml <<'END'
name: shop
resources:
  build: {type: process, task: true, shell: 'true'}
  made: {type: process, command: [./made/server], working_dir: made, wait_for: [build]}
  after: {type: process, command: [nosuchprogram], references: [front]}
  front: {type: process, command: [sleep, 9], endpoints: {http: {env: PORT}}, wait_for: [build]}
  hand: {type: process, command: [nosuchprogram], start: manual}
  spare: {type: process, command: [nosuchprogram], optional: true}
  hidden: {type: process, command: [nosuchprogram], profiles: [other], env_file: nosuch.env}
END
  ok apphost validate
  says '^apphost.yaml:4:64: warning: made: ' '^apphost.yaml:5:36: warning: after: ' \
    '^apphost.yaml:7:35: warning: hand: ' '^apphost.yaml:8:36: warning: spare: '
  not grep -q hidden <<<"$stderr"
  fails 3 apphost validate --profile other
  says '^apphost.yaml:9:82: error: .*nosuch.env'
}

@test "validate warns of a host port that is taken now, and names who holds it" {
  needs redis-server
  manifest <<<'resources: {mine: {type: process, command: [sleep, 9], endpoints: {tcp: 27391}}}'
  ok apphost validate
  not grep -q warning <<<"$stderr"
  redis-server --port 27391 --save '' --daemonize yes --pidfile "$T/holder.pid" --dir "$T" >/dev/null
  wait_until 10 test -s "$T/holder.pid"
  ok apphost validate
  kill "$(cat "$T/holder.pid")"
  says '^apphost.yaml:2:[0-9]+: warning: mine: port 27391 is taken now, by redis-server \(pid [0-9]+\)'
}
