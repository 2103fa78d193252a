# The local web page: its process, its door, its JSON.
# bats file_tags=engineless
load helpers

setup_more() {
  needs curl
  needs jq
  export APPHOST_ENGINE=native
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
  BASE=http://127.0.0.1:$PORT
}

# ask_page [OPTION…] PATH: the body, with the token
ask_page() {
  curl -sS --max-time 60 -H "Authorization: Bearer $TOKEN" "${@:1:$#-1}" "$BASE${*: -1}"
}

# status [OPTION…] PATH: the number alone, as whoever the options make us
status() {
  curl -sS --max-time 60 -o /dev/null -w '%{http_code}' "${@:1:$#-1}" "$BASE${*: -1}"
}

worker() {
  manifest <<'END'
resources:
  worker:
    type: process
    command: [sh, -c, 'echo hello; exec sleep 600']
END
}

page_state_is() {
  [ "$(ask_page /api/v1/session | jq -r .state)" = "$1" ]
}

@test "the page runs beside the session, tells what is, and outlives it" {
  worker
  open_it
  [ "$(status -H "Authorization: Bearer $TOKEN" /api/v1/view)" = 503 ]
  ok apphost up -d
  wait_until 60 page_state_is running
  [ "$(ask_page /api/v1/view | jq -r '.resources[0].name')" = worker ]
  wait_until 60 eval 'ask_page "/api/v1/logs?r=worker" | grep -q "\"line\":\"hello\""'
  ok apphost down
  wait_until 60 page_state_is no-session
  ask_page "/api/v1/logs?r=worker" | grep -q '"line":"hello"'
  ok apphost dashboard --stop
  fails 10 apphost dashboard --url
}

@test "an action says what became of it" {
  worker
  ok apphost up -d
  open_it
  wait_until 60 page_state_is running
  before=$(ask_page /api/v1/resources/worker | jq .resource.pid)
  after=$(ask_page -H 'Content-Type: application/json' -d '{}' /api/v1/resources/worker/restart)
  [ "$(jq .code <<<"$after")" = 0 ]
  [ "$(jq .view.resources[0].pid <<<"$after")" != "$before" ]
  nobody=$(ask_page -H 'Content-Type: application/json' -d '{}' /api/v1/resources/nobody/stop)
  [ "$(jq -r .code <<<"$nobody")" = no-resource ]
  ok apphost down
}

@test "who may come in" {
  worker
  open_it
  [ "$(status /healthz)" = 200 ]
  [ "$(status /api/v1/session)" = 401 ]
  [ "$(status -H 'Authorization: Bearer x' /api/v1/session)" = 401 ]
  [ "$(status -H 'Host: evil.example' /healthz)" = 421 ]
  [ "$(status -H 'Origin: null' /healthz)" = 403 ]
  [ "$(status -H 'Sec-Fetch-Site: same-site' /)" = 403 ]
  [ "$(status --compressed /)" = 200 ]
}
