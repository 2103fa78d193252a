# The local web page: its process, its door, its JSON.
# bats file_tags=engineless
load helpers
load sshd

setup_more() {
  needs curl
  needs jq
  export APPHOST_ENGINE=native
}

teardown() {
  [ -z "${TUNNEL:-}" ] || kill "$TUNNEL" 2>/dev/null || true
  sshd_stop
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

# raw TEXT: the first line of the answer to these bytes; nothing when it is closed without one
raw() {
  exec 9<>"/dev/tcp/127.0.0.1/$PORT"
  printf "$1" >&9
  timeout 60 head -n 1 <&9 | tr -d '\r'
  exec 9>&-
}

login() {
  curl -sS --max-time 60 -o /dev/null -w '%{http_code}' -c "$T/jar" -H 'Content-Type: application/json' \
    -H "Origin: $BASE" -d "{\"token\":\"$1\"}" "$BASE/api/v1/login"
}

json='Content-Type: application/json'

@test "a name that leads here by DNS is not ours, on any route; nor is 0.0.0.0" {
  worker
  open_it
  for host in evil.example "evil.example:$PORT" "0.0.0.0:$PORT" localhost.evil.example; do
    for path in / /main.js /healthz /api/v1/session /api/v1/view /api/v1/events "/api/v1/logs?r=worker"; do
      [ "$(status -H "Authorization: Bearer $TOKEN" -H "Host: $host" "$path")" = 421 ]
    done
    [ "$(status -H "Host: $host" -H "$json" -d '{}' /api/v1/login)" = 421 ]
  done
  # Nobody listens on other addresses than those of loopback.
  run bash -c "ss -Htln 'sport = :$PORT' | awk '{ print \$4 }'"
  not prints '^(0\.0\.0\.0|\*|\[::\]):'
}

@test "other origins have no business here, with our token or without" {
  worker
  open_it
  login "$TOKEN" >/dev/null
  for origin in null http://1.2.3.4:8080 http://127.0.0.1:1 "https://127.0.0.1:$PORT" http://evil.example; do
    [ "$(status -b "$T/jar" -H "Origin: $origin" /api/v1/events)" = 403 ]
    [ "$(status -b "$T/jar" -H "Origin: $origin" -H "$json" -d '{}' /api/v1/resources/worker/stop)" = 403 ]
  done
  preflight='Access-Control-Request-Method: POST'
  [ "$(status -X OPTIONS -H "Origin: http://evil.example" -H "$preflight" /api/v1/login)" = 403 ]
  run curl -sS --max-time 60 -i -H "Authorization: Bearer $TOKEN" "$BASE/api/v1/session"
  not prints '^access-control'
  # A change by cookie needs our own Origin, and no cookie is nobody.
  [ "$(status -b "$T/jar" -H "$json" -d '{}' /api/v1/resources/worker/stop)" = 403 ]
  [ "$(status -H "$json" -d '{}' /api/v1/resources/worker/stop)" = 401 ]
  [ "$(status /api/v1/events)" = 401 ]
}

@test "another user of this machine is not let in at all" {
  [ "$(id -u)" = 0 ] || skip "only root can be somebody else"
  needs setpriv
  worker
  open_it
  run setpriv --reuid=65534 --clear-groups curl -sS --max-time 60 -H "Authorization: Bearer $TOKEN" "$BASE/healthz"
  [ $status != 0 ]
  [ -z "${output##curl:*}" ]
}

@test "only the whole token opens; it has no letter that a URL breaks" {
  worker
  open_it
  [[ $TOKEN =~ ^[0-9a-f]{64}$ ]]
  for wrong in "" x "${TOKEN:0:63}" "${TOKEN^^}" "${TOKEN}0"; do
    [ "$(login "$wrong")" = 401 ]
    [ "$(status -H "Authorization: Bearer $wrong" /api/v1/session)" = 401 ]
  done
  [ "$(login "$TOKEN")" = 204 ]
  [ "$(stat -c %a "$T"/state/apphost/*/dashboard.token)" = 600 ]
}

@test "what is logged in stays so over a restart, and two pages keep apart" {
  worker
  open_it
  [ "$(login "$TOKEN")" = 204 ]
  grep -q "apphost_$PORT" "$T/jar"
  first=$PORT
  ok apphost dashboard --stop
  open_it
  [ "$PORT" = "$first" ]
  [ "$(status -b "$T/jar" /api/v1/resources/worker)" = 503 ]
  # Forwarded under another port it has a cookie of its own.
  run curl -sS --max-time 60 -i -H "Host: localhost:4711" -H "Origin: http://localhost:4711" -H "$json" \
    -d "{\"token\":\"$TOKEN\"}" "$BASE/api/v1/login"
  prints 'apphost_4711='
  [ "$(status -b "$T/jar" -H "Origin: $BASE" -H "$json" -d '{}' /api/v1/logout)" = 204 ]
  [ "$(status -b "$T/jar" /api/v1/session)" = 401 ]
}

@test "what opens a browser is good once" {
  worker
  open_it
  printf '#!/bin/sh\nenv >%s/environment\necho "$1" >%s/opened\n' "$T" "$T" >"$T/browser"
  chmod +x "$T/browser"
  APPHOST_PARAM_UNUSED=of-nobody-else BROWSER=$T/browser ok apphost dashboard --open
  wait_until 60 test -s "$T/opened"
  ticket=$(sed 's/.*#t=//' "$T/opened")
  [ "$ticket" != "$TOKEN" ]
  [ "$(login "$ticket")" = 204 ]
  [ "$(login "$ticket")" = 401 ]
  not grep -q of-nobody-else "$T/environment"
  BROWSER="$T/browser --new-window" ok apphost dashboard --open
  says 'no browser can be started'
  prints '#t='
}

@test "no token and no cookie in what is written down" {
  worker
  open_it
  login "$TOKEN" >/dev/null
  cookie=$(awk '/apphost_/ { print $7 }' "$T/jar")
  ask_page /api/v1/nothing >/dev/null
  ask_page -H "$json" -d '{"broken' /api/v1/resources/worker/stop >/dev/null
  raw "GET /?$TOKEN HTTP/1.0\r\nCookie: a=$cookie\r\n\r\n"
  not grep -rqe "$TOKEN" -e "$cookie" "$T"/state/apphost/*/dashboard.log "$T"/state/apphost/*/dashboard.json
  pid=$(ask_page /api/v1/session | jq .dashboard.pid)
  not grep -q "$TOKEN" "/proc/$pid/cmdline" "/proc/$pid/environ"
}

@test "a change comes as JSON: no form can send it" {
  worker
  open_it
  login "$TOKEN" >/dev/null
  for type in text/plain application/x-www-form-urlencoded multipart/form-data ''; do
    [ "$(status -b "$T/jar" -H "Origin: $BASE" -H "Content-Type: $type" -d '{}' /api/v1/resources/worker/stop)" = 415 ]
  done
  head -c 2000000 /dev/zero >"$T/much"
  [ "$(status -H "Authorization: Bearer $TOKEN" -H "$json" -H 'Expect:' --data-binary "@$T/much" /api/v1/login)" = 413 ]
  [ "$(status -H "Authorization: Bearer $TOKEN" -H "$json" -H 'Expect:' -H 'Transfer-Encoding: chunked' \
    --data-binary "@$T/much" /api/v1/login)" = 413 ]
}

@test "under another name it is asked when that was said" {
  worker
  open_it
  run curl -sS --max-time 60 -H 'Host: tunnel.example' "$BASE/healthz"
  prints 'allow-host'
  fails 2 apphost dashboard --allow-host tunnel.example
  ok apphost dashboard --stop
  ok apphost dashboard --allow-host tunnel.example
  [ "$(status -H 'Host: tunnel.example' -H 'Origin: https://tunnel.example' /healthz)" = 200 ]
}

@test "nothing is led elsewhere, and health is one word" {
  worker
  open_it
  for path in '/login?returnUrl=//evil.example' '/?next=%2F%5Cevil.example' '/api/v1/login?returnUrl=//evil.example'; do
    run curl -sS --max-time 60 -i "$BASE$path"
    not prints '^location:'
  done
  [ "$(curl -sS --max-time 60 "$BASE/healthz")" = ok ]
  [ "$(status -X POST /healthz)" = 415 ]
  [ "$(status -H "$json" -d '{}' /healthz)" = 405 ]
  alive "$(ask_page /api/v1/session | jq .dashboard.pid)"
}

@test "what two readers could understand differently is refused" {
  worker
  open_it
  host='Host: localhost\r\n'
  says_400() {
    for text; do [[ "$(raw "$text")" == "HTTP/1.1 400 "* ]] || { echo "$text"; return 1; }; done
  }
  says_400 "GET / HTTP/1.1\r\n$host$host\r\n" "GET / HTTP/1.1\r\n\r\n" "GET / HTTP/1.1\n$host\r\n\r\n" \
    "GET http://localhost/ HTTP/1.1\r\n$host\r\n" "GET /a\0b HTTP/1.1\r\n$host\r\n" \
    "POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" \
    "POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"
  [[ "$(raw 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')" == "HTTP/1.1 505 "* ]]
  [ -z "$(raw '\x16\x03\x01\x02')" ]
  # What a cache or a database would take for a command of its own is none here either.
  [[ "$(raw 'PING\r\n\r\n')" == "HTTP/1.1 400 "* ]]
  [ "$(status /healthz)" = 200 ]
}

server() {
  needs redis-server
  printf 'resources:\n  cache:\n    type: redis\n' | manifest
  ok apphost up -d
  open_it
  wait_until 60 page_state_is running
}

# A key of any bytes, percent-encoded, and what it holds.
@test "keys of any bytes are listed, opened and deleted" {
  server
  printf 'SET "<script>alert(1)</script>" 1\nSET "\\"onx=" 2\nSET "\xe2\x80\xae" 3\nSET "\\xff\\x00" "\\x00\\xfe"\n' |
    apphost redis cache >/dev/null
  ask_page /api/v1/redis/cache/keys >"$T/keys"
  [ "$(jq .total "$T/keys")" = 4 ]
  jq -e '.keys | map(.key) | index("<script>alert(1)</script>") != null and index("\"onx=") != null' "$T/keys"
  jq -e '.keys | map(.key) | any(type == "object" and .b64 == "/wA=")' "$T/keys"
  [ "$(ask_page '/api/v1/redis/cache/key?key=%ff%00' | jq -r .value.data.b64)" = AP4= ]
  [ "$(ask_page '/api/v1/redis/cache/key?key=%ff%00&download=1' | od -An -tx1 | tr -d ' ')" = 00fe ]
  for key in '%3Cscript%3Ealert(1)%3C%2Fscript%3E' '%22onx%3D' '%E2%80%AE' '%ff%00'; do
    delete() {
      status -H "Authorization: Bearer $TOKEN" -H "$json" -X DELETE -d "$1" "/api/v1/redis/cache/key?key=$key"
    }
    [ "$(delete '{}')" = 403 ]
    [ "$(delete '{"write":true}')" = 204 ]
  done
  [ "$(ask_page /api/v1/redis/cache/keys | jq .total)" = 0 ]
  ok apphost down
}

@test "values of every type by pages; an entry of the distributed cache as one" {
  server
  for i in 1 2 3; do printf 'RPUSH l %d\nZADD z %d m%d\nXADD s * f %d\n' $i $i $i $i; done |
    apphost redis cache >/dev/null
  apphost redis cache -- HSET e absexp 621355968010000000 sldexp 600000000 data payload >/dev/null
  value() { ask_page "/api/v1/redis/cache/key?$1" | jq -c "$2"; }
  [ "$(value 'key=l&count=2' '[.value, .offset, .length]')" = '[["1","2"],2,3]' ]
  [ "$(value 'key=l&count=2&offset=2' '[.value, .offset]')" = '[["3"],null]' ]
  [ "$(value 'key=z&count=2' '.value')" = '[["m1","1"],["m2","2"]]' ]
  cursor=$(value 'key=s&count=2' .cursor | tr -d '"')
  [ "$(value "key=s&count=2&cursor=$cursor" '[.value[].fields, .cursor]')" = '[[["f","3"]],null]' ]
  [ "$(value key=e .cacheEntry)" = '{"absexp":1000,"sldexp":60000,"data":"payload","length":7}' ]
  [ "$(value key=nothing .code)" = '"no-key"' ]
  ok apphost down
}

@test "the console reads; it writes when that was allowed, and never stops the server" {
  server
  order() { ask_page -H "$json" -d "$1" /api/v1/redis/cache/command; }
  [ "$(order '{"argv":["SET","a","1"]}' | jq -r .code)" = read-only ]
  [ "$(order '{"argv":["EVAL","return redis.call(\"SET\",\"a\",1)","0"]}' | jq -r .code)" = read-only ]
  [ "$(order '{"argv":["SET","a","1"],"write":true}' | jq -r .reply)" = OK ]
  [ "$(order '{"argv":["get","a"]}' | jq -r .reply)" = 1 ]
  for words in '"SHUTDOWN"' '"shutdown","nosave"' '"DEBUG","SLEEP","0"' '"MONITOR"' '"CONFIG","SET","dir","/"' \
    '"BLPOP","x","0"'; do
    [ "$(order "{\"argv\":[$words],\"write\":true}" | jq -r .code)" = refused ]
  done
  [ "$(ask_page /api/v1/redis/cache/clients | jq 'map(select(.ours)) | length')" = 1 ]
  ask_page /api/v1/redis/cache/info | jq -e '.keyspace[0].keys == 1'
  ask_page /api/v1/redis/cache/commandstats | jq -e 'map(.command) | index("set") != null'
  ok apphost down
}

@test "the start of the session before is remembered" {
  worker
  open_it
  ok apphost up -d
  wait_until 60 page_state_is running
  [ "$(ask_page /api/v1/history | jq .earlier)" = null ]
  ok apphost down
  wait_until 60 page_state_is no-session
  ok apphost up -d
  wait_until 60 page_state_is running
  ask_page /api/v1/history >"$T/history"
  jq -e '[.earlier[] | select(.resource == "worker") | .state] | index("ready") != null' "$T/history"
  jq -e '([.earlier[].timeMs] | max) <= ([.items[] | select(.type == "transition") | .timeMs] | min)' "$T/history"
  ok apphost down
}

@test "all of a server's data is kept, emptied, filled and brought back, when that was allowed" {
  server
  order() { ask_page -H "$json" -d "$2" "/api/v1/redis/cache/$1"; }
  printf 'SET a 1\nSET b 2\n' | apphost redis cache >/dev/null
  [ "$(order snapshot '{"name":"clean"}' | jq -r .done.keys)" = 2 ]
  for what in flush restore seed drop failover; do
    [ "$(order $what '{"name":"clean","commands":"SET c 3"}' | jq -r .code)" = read-only ]
  done
  [ "$(order flush '{"write":true}' | jq .code)" = 0 ]
  [ "$(order seed '{"write":true,"commands":"SET c 3\nSET d"}' | jq -r .error.code)" != null ]
  [ "$(order restore '{"write":true,"name":"clean"}' | jq .code)" = 0 ]
  [ "$(apphost redis cache -- DBSIZE | tr -dc 0-9)" = 2 ]
  [ "$(ask_page /api/v1/redis/cache/snapshots | jq -r '.[].name')" = clean ]
  # No name is an option of the command's, and none leads out of the folder.
  for name in --flush ../clean '' .; do
    [ "$(order restore "{\"write\":true,\"name\":\"$name\"}" | jq -r '.error.code // .code')" != 0 ]
  done
  [ "$(apphost redis cache -- DBSIZE | tr -dc 0-9)" = 2 ]
  [ "$(order failover '{"write":true}' | jq -r .error.code)" = usage ]
  [ "$(order drop '{"write":true,"name":"clean"}' | jq .code)" = 0 ]
  [ "$(ask_page /api/v1/redis/cache/snapshots)" = '[]' ]
  ok apphost down
}

@test "a server that is looked at tells its figures, without what we ask of it" {
  server
  stream_says 'topics=redis:cache' '"ops":'
  for i in $(seq 60); do ask_page /api/v1/redis/cache/info >/dev/null; done
  told=$(grep -c '^event: redis' "$T/stream")
  wait_until 60 eval '[ "$(grep -c "^event: redis" "$T/stream")" -gt $((told + 1)) ]'
  kill $STREAM
  # Four commands each: of them nothing is left but what a probe of the supervisor asks.
  most=$(sed -n 's/^data:.*"ops":\([0-9]*\).*/\1/p' "$T/stream" | tail -n +2 | sort -n | tail -n 1)
  [ "$most" -lt 10 ]
  ok apphost down
}

@test "a failover from the page: another server is primary then" {
  needs redis-server
  printf 'resources:\n  cache:\n    type: redis\n    replication: {replicas: 1}\n' | manifest
  ok apphost up -d
  open_it
  wait_until 60 page_state_is running
  ask_page -H "$json" -d '{"write":true}' /api/v1/redis/cache/failover >"$T/answer"
  [ "$(jq -r '[.code, .done.primary, .done.former] | @csv' "$T/answer")" = '0,"cache-2","cache-1"' ]
  ok apphost down
}

@test "through an SSH tunnel with another port it is the same page" {
  needs ssh
  sshd_start
  worker
  ok apphost up -d
  open_it
  wait_until 60 page_state_is running
  local=$(free_port)
  ssh -p "$SSH_PORT" -o BatchMode=yes -N -L "127.0.0.1:$local:127.0.0.1:$PORT" 127.0.0.1 3>&- &
  TUNNEL=$!
  BASE=http://127.0.0.1:$local
  wait_until 60 eval '[ "$(status /healthz 2>/dev/null)" = 200 ]'
  [ "$(login "$TOKEN")" = 204 ]
  grep -q "apphost_$local" "$T/jar"
  [ "$(status -b "$T/jar" /api/v1/view)" = 200 ]
  [ "$(status -b "$T/jar" -H "Origin: $BASE" -H "$json" -d '{}' /api/v1/resources/worker/restart)" = 200 ]
  [ "$(status -b "$T/jar" -H "Origin: http://127.0.0.1:$PORT" -H "$json" -d '{}' /api/v1/resources/worker/stop)" = 403 ]
  stream_says 'topics=state' '"state":"running"'
  kill $STREAM
  kill "$TUNNEL"
  ok apphost down
}

@test "a lock that is none of ours is said, whatever is asked" {
  worker
  open_it
  ok apphost dashboard --stop
  lock=$(echo "$T"/state/apphost/*/dashboard.lock)
  for strange in link pipe folder; do
    rm -rf "$lock"
    case $strange in
      link) ln -s /etc/passwd "$lock" ;;
      pipe) mkfifo "$lock" ;;
      folder) mkdir "$lock" ;;
    esac
    for option in --url --stop ''; do
      run timeout -k 5 60 "$APPHOST" dashboard $option
      [ $status != 0 ] && [ $status != 124 ]
      grep -q "dashboard\.lock" <<<"$output"
    done
    [ "$strange" != link ] || [ -s /etc/passwd ]
  done
  rm -rf "$lock"
}

@test "up starts it too, by a flag or by the manifest, and it stays" {
  worker
  ok apphost up -d --dashboard
  says "dashboard: http://.*localhost:[0-9]+/ "
  not grep -q '#t=' <<<"$output$stderr"
  open_it
  wait_until 60 page_state_is running
  ok apphost down
  wait_until 60 page_state_is no-session
  ok apphost dashboard --stop
  echo 'dashboard: true' >>apphost.yaml
  ok apphost up -d
  ok apphost dashboard --url
  ok apphost down
}

# events SECONDS…: what a stream says until PATTERN is there
stream_says() {
  curl -sSN --max-time 60 -H "Authorization: Bearer $TOKEN" "$BASE/api/v1/events?$1" >"$T/stream" &
  STREAM=$!
  wait_until 60 grep -q "$2" "$T/stream"
}

@test "a stream tells what comes: sessions, states, lines" {
  worker
  open_it
  stream_says 'topics=state,logs:*&tail=10' '"state":"no-session"'
  ok apphost up -d
  wait_until 60 grep -q '"lines":.*"hello"' "$T/stream"
  wait_until 60 grep -q '^event: state' "$T/stream"
  wait_until 60 grep -q '^event: view' "$T/stream"
  ok apphost down
  wait_until 60 eval 'tail -n 3 "$T/stream" | grep -q no-session'
  kill $STREAM
}

@test "the page recovers when the supervisor is killed, and its process when it is killed itself" {
  worker
  ok apphost up -d
  open_it
  wait_until 60 page_state_is running
  kill -9 "$(ask_page /api/v1/session | jq .session.pid)"
  wait_until 60 page_state_is no-session
  ok apphost up -d
  wait_until 60 page_state_is running
  kill -9 "$(ask_page /api/v1/session | jq .dashboard.pid)"
  first=$PORT
  open_it
  [ "$PORT" = "$first" ]
  wait_until 60 page_state_is running
  ok apphost down
}
