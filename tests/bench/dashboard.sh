# The section "dashboard" of tests/bench/run: the page's process. Processes of the native engine stand for resources,
# a thousand of them sleep; the clients are curl's. Frames a second are told by the tours of tests/e2e.

dashboard_manifest() {
  local i
  mkdir -p "$T/page"
  {
    echo "name: bench-$$-page"
    echo 'resources:'
    for i in $(seq "$1"); do
      echo "  worker$i: {type: process, command: [sleep, infinity], replicas: 100}"
    done
    echo "  lines: {type: process, command: [sh, -c, 'seq -f \"a line of a log, such as they are: %.0f\" 100000;"
    echo "    exec sleep infinity'], ready: {log: ': 100000$'}}"
  } >"$T/page/apphost.yaml"
}

page() { (cd "$T/page" && APPHOST_ENGINE=native "$APPHOST" "$@"); }
page_pid() { jq .pid "$T"/state/apphost/bench-$$-page-*/dashboard.json; }

# Begins the process, and asks for the page.
page_start() {
  page dashboard >"$T/page/url" &&
    PAGE_BASE=http://127.0.0.1:$(sed 's|.*:\([0-9]*\)/.*|\1|' "$T/page/url") &&
    PAGE_TOKEN=$(sed 's/.*#t=//' "$T/page/url") &&
    curl -sSf --max-time 60 --compressed -o "$T/page/index.html" "$PAGE_BASE/"
}

page_get() {
  curl -sSf --max-time 60 -H "Authorization: Bearer $PAGE_TOKEN" -o "$T/page/answer" "$PAGE_BASE/api/v1/$1"
}

# All lines from the last to the first, a page at a time.
page_back() {
  local cursor=
  page_get "logs?r=lines&tail=10000" || return
  while cursor=$(tail -n 1 "$T/page/answer" | jq -r '.cursor // empty') && [ -n "$cursor" ]; do
    page_get "logs?r=lines&tail=10000&before=$cursor" || return
  done
  grep -q 'such as they are: 1"' "$T/page/answer"
}

# Without anybody who looks, over five seconds.
page_idle_ms() {
  local pid before
  pid=$(page_pid)
  before=$(cpu_ms "$pid")
  sleep 5
  echo $(($(cpu_ms "$pid") - before))
}

section_dashboard() {
  local i
  dashboard_manifest 10
  for i in $(seq "$ROUNDS"); do
    page dashboard --stop >/dev/null 2>&1
    note page "$(ms page_start)"
  done
  page_start >/dev/null 2>&1
  head_line "dashboard"
  row 'start until the page is served, ms' '' "$(of page)" '<=150 ms'
  row 'memory, nothing runs, kB (Pss)' '' "$(memory_kb "$(page_pid)" Pss)" '<=10000 kB'
  row 'processor, idle for 5 s, ms' '' "$(page_idle_ms)" '<=10 ms'

  page up -d >/dev/null 2>"$T/log" || { tail -n 5 "$T/log" >&2; return; }
  until page_get view && [ "$(jq '.resources | length' "$T/page/answer")" -gt 1000 ]; do sleep 0.1; done
  for i in $(seq "$ROUNDS"); do note view "$(ms page_get view)"; done
  row '1,000 resources: the view, ms' '' "$(of view)" '<=50 ms'
  row '1,000 resources: memory, kB (Pss)' '' "$(memory_kb "$(page_pid)" Pss)" '<=30000 kB'
  row '1,000 resources: processor, idle for 5 s, ms' '' "$(page_idle_ms)" '<=50 ms'
  row '100,000 lines: back to the first by pages, ms' '' "$(ms page_back)" '<=2000 ms'
  row '100,000 lines: as one text, ms' '' "$(ms page_get 'logs?r=lines&format=text')" '<=1000 ms'
  row 'memory after that, kB (Pss)' '' "$(memory_kb "$(page_pid)" Pss)" '<=40000 kB'
  page dashboard --stop >/dev/null 2>&1
  page down --kill >/dev/null 2>&1
}
