# Host processes: what they get, how they become ready, how they fail, and that they are gone.
load helpers

# bats test_tags=engineless
@test "environment: inherited, env_file, injected, environment; later wins" {
  printf 'FROM_FILE=file\nBOTH=file\n' >vars
  manifest <<'END'
resources:
  app:
    type: process
    command: [sh, -c, 'env; exec sleep 1000']
    env_file: vars
    environment: {BOTH: manifest, NUMBER: 42}
END
  FROM_OUTSIDE=outside ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs app | grep -q NUMBER=42"
  ok apphost logs app
  prints 'FROM_OUTSIDE=outside' 'FROM_FILE=file' 'BOTH=manifest' "APPHOST_PROJECT=" 'APPHOST_RESOURCE=app' \
    'APPHOST_SESSION=[0-9a-f]+' 'OTEL_SERVICE_NAME=app'
  ok apphost down
}

# bats test_tags=engineless
@test "parameters and what steers apphost reach no child: resources, the command of run, exec" {
  manifest <<'END'
parameters:
  token: {secret: true}
  other: {secret: true}
resources:
  app: {type: process, command: [sh, -c, 'env >app.new; mv app.new app.env; exec sleep 1000']}
  told: {type: process, command: [sh, -c, 'env >told.new; mv told.new told.env; exec sleep 1000'],
    environment: {APPHOST_FILE: '${APPHOST_PARAM_TOKEN}'}}
END
  withheld() {
    prints "$@"
    not grep -E 'top-secret|hush|^APPHOST_PARAM_|^Parameters__|^APPHOST_(FILE|PROGRESS|PROJECT_DIRECTORY)=' <<<"$output"
  }
  export APPHOST_PARAM_TOKEN=top-secret Parameters__other=hush APPHOST_FILE=$PWD/apphost.yaml
  export APPHOST_PROGRESS=plain APPHOST_PROJECT_DIRECTORY=$PWD APPHOST_MINE=kept
  ok apphost up -d
  wait_until 10 test -e app.env -a -e told.env
  ok cat app.env
  withheld APPHOST_PROJECT= APPHOST_RESOURCE=app APPHOST_SESSION= APPHOST_MINE=kept
  ok cat told.env # what the manifest says by name is no inheritance
  prints 'APPHOST_FILE=top-secret'
  ok apphost exec app -- env
  withheld APPHOST_RESOURCE=app APPHOST_MINE=kept
  ok apphost down
  ok apphost run app -- env
  withheld APPHOST_PROJECT= APPHOST_SESSION= APPHOST_MINE=kept
}

@test "references: as, env, and an existing server" {
  manifest <<END
resources:
  my-cache: {type: redis, image: $REDIS}
  legacy: {type: connection-string, value: "old:6379,password=x"}
  app: # env itself: a shell drops what it cannot name
    type: process
    task: true
    command: [env]
    references:
      - resource: my-cache
        as: chat
        env: REDIS_URL
      - legacy
      - my-cache
END
  ok apphost up -d
  wait_until 5 sh -c "'$APPHOST' logs app | grep -q OTEL_SERVICE_NAME"
  ok apphost logs app
  prints 'ConnectionStrings__chat=127' 'CHAT_HOST=127.0.0.1' 'REDIS_URL=redis://' \
    'ConnectionStrings__legacy=old:6379,password=x' \
    'ConnectionStrings__my-cache=127' 'ConnectionStrings__my_cache=127' 'MY_CACHE_PORT='
  ok apphost down
}

# bats test_tags=engineless
@test "ready by log, exec, tcp and http" {
  needs python3
  manifest <<'END'
resources:
  bylog: {type: process, command: [sh, -c, 'sleep 0.2; echo listening now; exec sleep 1000'], ready: {log: "listening"}}
  byexec: {type: process, command: [sh, -c, 'sleep 0.2; touch up; exec sleep 1000'], ready: {exec: [test, -e, up]}}
  web:
    type: process
    command: [sh, -c, 'exec python3 -m http.server --bind 127.0.0.1 $PORT']
    endpoints: {http: {env: PORT}}
    ready: {http: /}
  after: {type: process, command: [sh, -c, 'test -e up && exec sleep 1000'], wait_for: [bylog, byexec, web]}
END
  ok apphost up -d
  has_state web ready
  ok apphost down
}

# bats test_tags=engineless
@test "a task runs to completion before who waits for it, once a session" {
  manifest <<'END'
resources:
  migrate: {type: process, task: true, command: [sh, -c, 'sleep 0.2; echo ran >> ran']}
  app: {type: process, command: [sh, -c, 'cp ran seen; exec sleep 1000'], wait_for: [migrate]}
END
  ok apphost up -d
  wait_until 5 test -s seen
  ok apphost up -d
  [ "$(wc -l <ran)" -eq 1 ]
  ok apphost down
  ok apphost up -d
  [ "$(wc -l <ran)" -eq 2 ]
  ok apphost down
}

# bats test_tags=engineless
@test "a task that fails: exit 6, its exit code and last lines, nothing left" {
  manifest <<'END'
resources:
  migrate: {type: process, task: true, command: [sh, -c, 'echo table is missing; exit 3']}
  app: {type: process, command: sleep 1000, wait_for: [migrate]}
END
  fails 6 apphost up -d
  says 'migrate' '\b3\b' 'table is missing' 'app'
  nothing_left || wait_until 3 nothing_left
}

# bats test_tags=engineless
@test "a process that ends before it is ready: exit 6, how it ended, its last lines" {
  manifest <<'END'
resources:
  app: {type: process, command: [sh, -c, 'echo cannot bind; kill -SEGV $$$$'], ready: {log: never}}
END
  fails 6 apphost up -d
  says 'app' 'SEGV|segmentation|signal 11' 'cannot bind'
  wait_until 3 nothing_left
}

# bats test_tags=engineless
@test "a command that is not there, is not executable, and a missing folder are told apart" {
  printf 'echo hi\n' >plain
  chmod 644 plain
  manifest <<<'resources: {app: {type: process, command: [no-such-program-e2e]}}'
  fails 6 apphost up -d
  says 'no-such-program-e2e' 'not found|no such file'
  manifest <<<'resources: {app: {type: process, command: [./plain]}}'
  fails 6 apphost up -d
  says 'plain' 'permission denied|not (an )?executable'
  manifest <<<'resources: {app: {type: process, command: [sleep, "1000"], working_dir: ./gone}}'
  run --separate-stderr apphost up -d
  echo "$status $stderr"
  [ "$status" -eq 6 ] || [ "$status" -eq 3 ]
  says 'gone'
  wait_until 3 nothing_left
}

# bats test_tags=engineless
@test "a probe that never succeeds: exit 7, what was tried, the last error" {
  manifest <<'END'
resources:
  app: {type: process, command: sleep 1000, endpoints: {http: {}}, ready: {http: /health}}
END
  fails 7 apphost up -d --wait-timeout 1s
  says 'app' 'health|refused'
  wait_until 5 nothing_left
}

# bats test_tags=engineless
@test "restart on failure, with backoff, until it holds" {
  manifest <<'END'
resources:
  app:
    type: process
    command: [sh, -c, 'echo x >> runs; [ $(wc -l <runs) -ge 3 ] && exec sleep 1000; exit 1']
    restart: {policy: on-failure, backoff: 50ms}
END
  ok apphost up -d
  wait_until 10 sh -c '[ $(wc -l <runs) -ge 3 ]'
  ok apphost down
}

# bats test_tags=engineless
@test "a restart policy of never leaves it ended, and ps says how" {
  manifest <<<'resources: {app: {type: process, command: [sh, -c, "until [ -e go ]; do sleep 0.1; done; exit 4"]},
    other: {type: process, command: sleep 1000}}'
  ok apphost up -d
  touch go
  wait_until 5 sh -c "'$APPHOST' ps | grep -E '^app' | grep -q 4"
  ok apphost down
}

# bats test_tags=engineless
@test "the whole group goes, with what ignores TERM and what forked twice" {
  cat >stubborn.sh <<'END'
trap '' TERM
(setsid sh -c 'trap "" TERM; echo $$ > double; while true; do sleep 1; done' &)
sh -c 'trap "" TERM; echo $$ > inner; while true; do sleep 1; done' &
while true; do sleep 1; done
END
  manifest <<'END'
resources:
  app: {type: process, command: [sh, stubborn.sh], stop: {timeout: 300ms}}
END
  ok apphost up -d
  wait_until 5 test -s inner -a -s double
  local inner double
  inner=$(cat inner) double=$(cat double)
  ok apphost down
  wait_until 2 dead "$inner"
  wait_until 2 dead "$double"
}

# bats test_tags=engineless
@test "stop sends the signal that was asked for" {
  manifest <<'END'
resources:
  app:
    type: process
    command: [bash, -c, 'trap "echo got-int > got; exit 0" INT; touch trapped; while true; do sleep 0.05; done']
    stop: {signal: INT, timeout: 5s}
END
  ok apphost up -d
  wait_until 5 test -e trapped
  ok apphost down
  [ "$(cat got)" = got-int ]
}

# bats test_tags=engineless
@test "stopping goes against the direction of references" {
  manifest <<'END'
resources:
  first: {type: process,
    command: [bash, -c, 'trap "echo first >> order; exit 0" TERM; touch 1; while true; do sleep 0.05; done']}
  second: {type: process,
    command: [bash, -c, 'trap "echo second >> order; exit 0" TERM; touch 2; while true; do sleep 0.05; done'],
    wait_for: [first]}
END
  ok apphost up -d
  wait_until 5 test -e 1 -a -e 2
  ok apphost down
  [ "$(tr '\n' ' ' <order)" = "second first " ]
}

# bats test_tags=engineless
@test "replicas have a port each" {
  manifest <<'END'
resources:
  api: {type: process, command: [sh, -c, 'echo port $PORT; exec sleep 1000'], endpoints: {http: {env: PORT}},
    ready: {log: port}, replicas: 2}
END
  ok apphost up -d
  ok apphost logs
  [ "$(grep -o 'port [0-9]*' <<<"$output" | sort -u | wc -l)" -eq 2 ]
  ok apphost logs api --no-prefix
  [ "$(wc -l <<<"$output")" -eq 2 ]
  ok apphost logs api-2 --no-prefix
  prints "port $(apphost port api-2 | cut -d: -f2)"
  ok apphost port api
  says 'api-1'
  ok apphost down
  ok apphost logs api --no-prefix
  [ "$(wc -l <<<"$output")" -eq 2 ]
}

# bats test_tags=engineless
@test "replicas: a consumer gets all addresses, the name means all, api-2 one of them" {
  manifest <<'END'
resources:
  api:
    type: process
    command: [sh, -c, 'echo "$APPHOST_RESOURCE $OTEL_SERVICE_NAME $OTEL_RESOURCE_ATTRIBUTES"; exec sleep 1000']
    endpoints: {http: {env: PORT}}
    ready: {log: "^api-"}
    replicas: 2
  web: {type: process, command: [sh, -c, 'env; exec sleep 1000'], references: [api],
    environment: {FIRST: "${api.http.url}"}}
END
  ok apphost up -d
  local one two
  one=$(apphost port api-1) two=$(apphost port api-2)
  wait_until 5 sh -c "'$APPHOST' logs web | grep -q FIRST="
  ok apphost logs web
  prints "services__api__http__0=http://$one" "services__api__http__1=http://$two" "API_HTTP=http://$one" \
    "FIRST=http://$one"
  ok apphost logs api
  prints 'api-1 api service.*service.instance.id=[^ ]*-api-1$' 'api-2 api .*-api-2$'
  ok apphost env api-2
  prints "API_2_HTTP='http://$two'"
  ok apphost env --for api-2
  prints "PORT='${two#*:}'"
  ok apphost ps api
  not grep -q web <<<"$output"
  prints 'api-1 +ready' 'api-2 +ready'
  ok apphost exec api-2 -- printenv PORT
  [ "$output" = "${two#*:}" ]
  ok apphost stop api-1
  has_state api-2 ready
  has_state web ready
  ok apphost stop api
  has_state web stopped
  ok apphost start api
  has_state web ready
  ok apphost restart api-2
  ok apphost wait api
  ok apphost kill -s KILL api
  fails 10 apphost wait api-3
  says 'api-3'
  ok apphost down
}

# bats test_tags=engineless
@test "replicas: another number adds or removes the difference, ports stay" {
  manifest <<'END'
resources:
  api: {type: process, command: [sh, -c, 'exec sleep 1000'], endpoints: {http: {env: PORT}}, ready: {exec: ["true"]},
    replicas: "${N}"}
END
  N=1 ok apphost up -d
  local pid port
  pid=$(apphost ps -o json | jq '.resources[0].pid')
  N=3 ok apphost up -d --explain
  says 'api-1 +reused' 'api-3 +created +one more replica of api'
  port=$(apphost port api-2)
  N=1 ok apphost up -d --explain
  says 'api-2 +removed +one replica of api less'
  [ "$(apphost ps -o json | jq '[.resources[] | select(.state == "ready")] | length')" -eq 1 ]
  [ "$(apphost ps -o json | jq '.resources[0].pid')" = "$pid" ]
  N=2 ok apphost up -d
  [ "$(apphost port api-2)" = "$port" ]
  ok apphost down
}

@test "a change of watched files leaves containers alone" {
  echo one >word
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  app: {type: process, command: [sh, -c, 'echo "has \$(cat word)"; exec sleep 1000'], references: [cache], watch: word}
END
  ok apphost up -d
  local before
  before=$(apphost ps -o json | jq -r '.resources[0].containerId, .resources[0].startedAt')
  echo two >word
  wait_until 10 sh -c "'$APPHOST' logs app | grep -q 'has two'"
  [ "$(apphost ps -o json | jq -r '.resources[0].containerId, .resources[0].startedAt')" = "$before" ]
  ok apphost down
}

# bats test_tags=engineless
@test "a string is split without a shell; shell syntax in it points to shell" {
  manifest <<<'resources: {app: {type: process, task: true, command: "printf %s-%s one \"two three\""}}'
  ok apphost up -d
  ok apphost logs app
  prints 'one-two three'
  ok apphost down
  manifest <<<'resources: {app: {type: process, command: "true && false"}}'
  fails 3 apphost validate
  says 'shell'
  manifest <<<'resources: {app: {type: process, task: true, shell: "true && echo by-shell"}}'
  ok apphost up -d
  ok apphost logs app
  prints 'by-shell'
  ok apphost down
}

# Watchers end with their standard input: somebody closed the terminal, they think.
# bats test_tags=engineless
@test "standard input stays open for what runs, and is at its end for a task; stdin: says otherwise" {
  manifest <<'END'
resources:
  watcher: {type: process, shell: "echo watches; cat; echo its input ended"}
  closed: {type: process, shell: "echo reads; cat; echo its input ended", stdin: closed}
  task: {type: process, task: true, shell: "cat; echo its input ended"}
END
  ok apphost config
  prints 'stdin: closed'
  ok apphost up -d
  wait_until 10 has_state closed completed
  has_state watcher ready
  has_state task completed
  ok apphost logs watcher
  prints watches
  not grep -q 'input ended' <<<"$output"
  ok apphost ps
  prints 'closed +completed .*ended by itself after .* with exit code 0'
  ok apphost down
  manifest <<<'resources: {app: {type: process, command: "true", stdin: shut}}'
  fails 3 apphost validate
  says '`open` or `closed`'
}

# bats test_tags=engineless
@test "an end with an error in the first moments fails up, with its lines" {
  starts() {
    manifest <<END
resources:
  web: {type: process, shell: '$1'$2}
  other: {type: process, command: [sleep, "1000"]}
END
    fails 6 apphost up -d
  }
  starts 'echo cannot find module express; exit 3' ''
  says 'web ended right after its start with exit code 3' 'cannot find module express'
  starts 'sleep 0.3; echo no database >&2; exit 4' ', restart: {policy: on-failure, max_retries: 1, backoff: 10ms}'
  says 'exit code 4' 'no database'
  not says 'other (ended|failed)'
  manifest <<'END'
resources:
  web: {type: process, shell: 'exit 0'}
  picky: {type: process, shell: 'exit 7', success_exit_codes: [7]}
END
  ok apphost up -d
  has_state web completed
  has_state picky completed
  ok apphost down
}

# bats test_tags=engineless
@test "an endpoint that does not answer: the hint names what the process listens on instead" {
  needs python3
  cat >serve.py <<'END'
import socket, sys, time
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
time.sleep(1000)
END
  local other
  other=$(free_port)
  serves() {
    manifest <<END
resources:
  web: {type: process, shell: 'python3 serve.py $1; true', endpoints: {http: {env: PORT}}, ready: {timeout: 4s}}
END
    fails 7 apphost up -d
  }
  serves "::1 \$PORT"
  says 'connection refused' 'web listens on ::1 only'
  serves "127.0.0.1 $other"
  says "web listens on $other; does it read PORT"
  manifest <<<'resources: {web: {type: process, command: [sleep, "1000"], endpoints: {http: {}}, ready: {timeout: 1s}}}'
  fails 7 apphost up -d
  says 'web listens on no port'
}
