# Telemetry of the project's programs: where they are told to send it, and what becomes of it.
# bats file_tags=engineless
load helpers

setup_more() {
  needs curl
  needs jq
  export APPHOST_ENGINE=native
  unset "${!OTEL_@}"
}

teardown() {
  (cd "$T/work" 2>/dev/null && apphost dashboard --stop) >/dev/null 2>&1
  teardown_test
}

open_it() {
  ok apphost dashboard
  URL=${output%%#*}
  TOKEN=${output##*#t=}
  PORT=${URL##*:} PORT=${PORT%/}
}

ask_page() {
  curl -sS --max-time 60 -H "Authorization: Bearer $TOKEN" "http://127.0.0.1:$PORT/api/v1/$1"
}

SHOW='echo "$OTEL_EXPORTER_OTLP_ENDPOINT $OTEL_EXPORTER_OTLP_PROTOCOL" >new.$APPHOST_RESOURCE'
SHOW="$SHOW; mv new.\$APPHOST_RESOURCE \$APPHOST_RESOURCE; exec sleep 600"

pid_of() {
  apphost -o json ps | jq --arg name "$1" '.resources[] | select(.name == $name).pid'
}

@test "programs are told where it goes while somebody takes it; what the user says wins" {
  manifest <<END
resources:
  plain: {type: process, command: [sh, -c, '$SHOW']}
  own: {type: process, command: [sh, -c, '$SHOW'], environment: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1'}}
  other: {type: process, command: [sh, -c, '$SHOW'], environment: {OTEL_EXPORTER_OTLP_PROTOCOL: binary}}
END
  ok apphost up -d plain
  wait_until 60 test -e plain
  [ "$(cat plain)" = " " ]
  before=$(pid_of plain)
  open_it
  ok apphost up -d # nothing is started anew for it; what starts now is told
  [ "$(pid_of plain)" = "$before" ]
  for name in own other; do wait_until 60 test -e $name; done
  otlp=$(ask_page session | jq .dashboard.otlpPort)
  [ "$(cat own)" = "http://127.0.0.1:1 " ]
  [ "$(cat other)" = " binary" ]

  rm plain
  ok apphost restart plain
  wait_until 60 test -e plain
  [ "$(cat plain)" = "http://127.0.0.1:$otlp http/protobuf" ]
  rm plain
  ok apphost dashboard --stop
  ok apphost restart plain
  wait_until 60 test -e plain
  [ "$(cat plain)" = " " ]
  ok apphost down
}

@test "the command of run is told as well, and that it shall not wait; what the user says wins" {
  manifest <<<'resources: {worker: {type: process, command: [sleep, "600"]}}'
  open_it
  ask='echo "$OTEL_EXPORTER_OTLP_ENDPOINT $OTEL_BSP_SCHEDULE_DELAY $OTEL_METRIC_EXPORT_INTERVAL"'
  otlp=http://127.0.0.1:$(ask_page session | jq .dashboard.otlpPort)
  OTEL_METRIC_EXPORT_INTERVAL=77 ok apphost run -- sh -c "$ask"
  prints "^$otlp 1000 77\$"
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1 ok apphost run -- sh -c "$ask"
  prints '^  $'
  ok apphost dashboard --stop
  ok apphost run -- sh -c "$ask"
  prints '^  $'
}

@test "a bomb, a crowd, and who never reads: bounded, and the next one is served" {
  manifest <<<'resources: {worker: {type: process, command: [sleep, "600"]}}'
  open_it
  otlp=http://127.0.0.1:$(ask_page session | jq .dashboard.otlpPort)
  pid=$(jq .pid "$T"/state/apphost/*/dashboard.json)
  send() { # FILE [HEADER]: the status
    curl -sS --max-time 60 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/x-protobuf' \
      -H "${2:-Accept: */*}" --data-binary "@$1" "$otlp/v1/traces"
  }
  head -c 20000000 /dev/zero | gzip >"$T/bomb"
  [ "$(send "$T/bomb" 'Content-Encoding: gzip')" = 413 ]
  head -c 9000000 /dev/zero >"$T/large"
  [ "$(send "$T/large")" = 413 ]

  run timeout 240 python3 - "${otlp##*:}" <<'PYTHON'
import socket, sys
crowd = []
for i in range(2000):  # more than are held: the rest is closed
    s = socket.socket()
    s.settimeout(60)
    try:
        s.connect(("127.0.0.1", int(sys.argv[1])))
        s.sendall(b"POST /v1/traces HTTP/1.1\r\n")
        crowd.append(s)
    except OSError:
        s.close()
    if len(crowd) > 900:
        crowd.pop(0).close()
PYTHON
  [ "$status" -eq 0 ]
  taken() {
    [ "$(curl -sS --max-time 60 -H 'Content-Type: application/json' -d '{}' "$otlp/v1/traces")" = '{}' ]
  }
  wait_until 60 taken
  [ "$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")" -lt 150000 ]
}

services_of() { # TRACE
  ask_page "traces/$1" | jq -r '[.resourceSpans[].resource.attributes[] | select(.key == "service.name")
    | .value.stringValue] | unique | join(" ")'
}

is_one_trace() {
  [ "$(services_of "$1")" = "web web-c" ] && ask_page "traces/$1" | jq -r '.resourceSpans[].scopeSpans[].spans[].name' |
    grep -q '^HMGET'
}

@test "a .NET program and the client library arrive in one trace, told by nothing but the environment" {
  needs redis-server
  [ -e "$ROOT/build/dotnet/web/out/web.dll" ] || skip "the .NET side could not be built: tests/dotnet/build"
  export DOTNET_CLI_HOME=$T TMPDIR=$T
  manifest <<END
resources:
  cache: redis
  web:
    type: process
    command: [dotnet, '$ROOT/build/dotnet/web/out/web.dll']
    references: [cache]
    environment: {ASPNETCORE_URLS: 'http://127.0.0.1:\${web.http.port}', APPHOST_PEER: '$ROOT/build/dotnet/peer',
      OTEL_BSP_SCHEDULE_DELAY: '200'}
    endpoints: {http: {env: PORT}}
    ready: {http: /health}
END
  ok apphost up -d --dashboard
  open_it
  read -r value trace <<<"$(curl -sS --max-time 60 "http://$(apphost port web)/both/hello")"
  [ "$value" = hello ]
  wait_until 60 is_one_trace "$trace"
  ask_page "traces?r=web-c" | jq -e --arg trace "$trace" 'any(.traces[]; .traceId == $trace)'
  ok apphost down
}
