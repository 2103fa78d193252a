# run --report, --log-dir, --annotations: what a CI keeps of a run.

load helpers

# The report against its schema: no member is in one of the two alone.
fits() {
  python3 "$ROOT/tests/e2e/schema-check.py" "$ROOT/docs/apphost-report.schema.json" good "$@"
}

# bats test_tags=engineless
@test "a run that went well: three forms, addresses masked, goals, decisions" {
  manifest <<'END'
engine: native
resources:
  cache: {type: redis, password: "hunter2-secret"}
  api: {type: process, command: [sh, -c, 'echo "with $CACHE_PASSWORD"; exec sleep 1000'], references: [cache]}
END
  ok apphost run --report r.json --report r.xml --report md:summary --log-dir logs api -- true "hunter2-secret"
  fits r.json
  jq -e '.outcome == "passed" and .exitCode == 0 and .code == 0 and .phase == "done"' r.json
  [ "$(jq -r '[.phases[].name] | join(" ")' r.json)" = "manifest up command down" ]
  jq -e '.resources[] | select(.name == "cache") | .state == "ready" and .decision == "created" and .restarts == 0 and
    (.address | test("password=\\*\\*\\*")) and any(.timings[]; .goal == "ready" or .goal == "healthy")' r.json
  jq -e '.command == ["true", "***"] and .apphost != null and .engine.kind == "native"' r.json
  jq -e 'any(.waterfall[]; .resource == "cache" and .elapsedMs >= 0)' r.json
  xmllint --noout r.xml
  [ "$(xmllint --xpath 'string(//testsuite/@tests)' r.xml)" = 3 ]
  [ "$(xmllint --xpath 'count(//failure | //error)' r.xml)" = 0 ]
  grep -q '^| api | ready |' summary
  grep -q '^RESOURCE  GOAL' summary
  grep -qx 'with \*\*\*' logs/api.log
  not grep -rq hunter2-secret r.json r.xml summary logs
}

@test "the image is told with its id, the engine with its version" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  ok apphost run --report r.json -- true
  fits r.json
  jq -e '.images[0] | .name == "'"$REDIS"'" and (.id | test("^sha256:[0-9a-f]{64}$"))' r.json
  jq -e '.engine.kind == "docker" and (.engine.server | length > 0) and (.engine.apiVersion | test("^1\\."))' r.json
  [ -n "$(jq -r .engine.published.how r.json)" ]
}

# bats test_tags=engineless
@test "up failed: the report has the reason and the last lines; annotations only when they are asked for" {
  manifest <<'END'
engine: native
resources:
  api: {type: process, command: [sh, -c, 'echo "no <config> & such"; exit 7']}
END
  fails 125 apphost run --report r.json --report r.xml --report r.md --annotations github api -- true
  fits r.json
  says '::error title=api,file=.*,line=[0-9]*::api ended right after its start.*%0Ano <config> & such'
  jq -e '.outcome == "failed" and .phase == "up" and .exitCode == 125 and .resource == "api" and (.code == null)' r.json
  jq -e '.resources[0] | .state == "failed" and .exitCode == 7 and .lastLines == "no <config> & such\n"' r.json
  [ "$(xmllint --xpath 'string(//testcase[@name="api"]/failure)' r.xml)" = "no <config> & such" ]
  grep -q 'no <config> & such' r.md
  GITHUB_ACTIONS=true fails 125 apphost run --annotations none api -- true
  not grep -q '::error' <<<"$output"
  fails 125 apphost run --annotations gitlab api -- true

  manifest <<<'resources: {api: {type: process}}'
  fails 125 apphost run --report r.json api -- true
  fits r.json
  jq -e '.phase == "manifest" and (.error.message | length > 0)' r.json
}

# bats test_tags=engineless
@test "a resource that fell while the command ran, and the command's own failure" {
  manifest <<'END'
engine: native
resources:
  api: {type: process, restart: never, command: [sh, -c, 'until [ -e go ]; do sleep 0.05; done; echo fell; exit 4']}
END
  fails 3 apphost run --report r.json api -- \
    sh -c 'touch go; until "$0" ps -o json | grep -q failed; do sleep 0.1; done; exit 3' "$APPHOST"
  fits r.json
  jq -e '.code == 3 and .resources[0].state == "failed" and .resources[0].lastLines == "fell\n"' r.json
}

# bats test_tags=engineless
@test "a signal ends the run: the report says so; kill -9 leaves one that is unfinished" {
  manifest <<<$'engine: native\nresources: {api: {type: process, command: [sleep, "1000"]}}'
  background run --report r.json --report r.xml api -- sh -c 'touch began; exec sleep 1000' >"$T/out" 2>"$T/err"
  wait_until 20 test -e began
  jq -e '.outcome == "unfinished" and .phase == "command" and .exitCode == null' r.json
  fits r.json
  kill -TERM "$PID"
  ended "$PID" 143
  fits r.json
  jq -e '.outcome == "interrupted" and .exitCode == 143 and .signal == 15' r.json
  [ "$(xmllint --xpath 'count(//failure)' r.xml)" = 1 ]

  rm began
  background run --report r.json --report r.xml api -- sh -c 'touch began; exec sleep 1000' >"$T/out" 2>"$T/err"
  wait_until 20 test -e began
  kill -KILL "$PID"
  ended "$PID" 137
  fits r.json
  jq -e '.outcome == "unfinished" and .phase == "command"' r.json
  grep -q 'apphost was ended in phase command' r.xml
  wait_until 20 nothing_left
}

# bats test_tags=engineless
@test "--isolate: all workers in one report, each with its logs" {
  manifest <<'END'
engine: native
resources:
  api: {type: process, command: [sh, -c, 'echo "of $APPHOST_WORKER"; exec sleep 1000']}
END
  fails 2 apphost run --isolate 2 --report r.json --report r.xml --report r.md --log-dir logs api -- \
    sh -c 'exit $APPHOST_WORKER'
  fits r.json
  [ "$(jq -c '[.exitCode, (.workers[] | [.worker, .exitCode, .resources[0].state])]' r.json)" = \
    '[2,[1,1,"ready"],[2,2,"ready"]]' ]
  [ "$(xmllint --xpath 'count(//testsuite)' r.xml)" = 2 ]
  grep -q '^| worker 2 | failed | 2 |' r.md
  grep -qx 'of 1' logs-1/api.log
  grep -qx 'of 2' logs-2/api.log
  [ "$(ls)" = "$(printf '%s\n' apphost.yaml logs-1 logs-2 r.json r.md r.xml)" ]
}

# bats test_tags=engineless
@test "what cannot be written is said before anything starts; links are not followed" {
  manifest <<<$'engine: native\nresources: {api: {type: process, command: [sh, -c, "echo hello; exec sleep 1000"]}}'
  fails 125 apphost run --report none/r.json api -- touch ran
  says '--report: .*none/r.json'
  mkdir elsewhere
  ln -s elsewhere link
  fails 125 apphost run --log-dir link api -- touch ran
  says '--log-dir: link is no folder'
  fails 125 apphost run --log-dir apphost.yaml api -- touch ran
  says 'is no folder'
  [ ! -e ran ]
  mkdir logs
  echo mine >elsewhere/mine
  ln -s ../elsewhere/mine logs/api.log
  ln -s elsewhere/mine r.json
  ok apphost run --log-dir logs --report r.json api -- true
  [ "$(cat elsewhere/mine)" = mine ]
  grep -qx hello logs/api.log
  [ ! -L r.json ]
}

@test "--matrix: the command with each image in turn, a table, one report, the worst code" {
  needs_image apphost-test/valkey:8.1
  local valkey=apphost-test/valkey:8.1
  manifest <<<"resources: {cache: {type: redis, image: apphost-test/none:1, pull: never, host_port: $(free_port)}}"
  fails 3 apphost run --matrix "image=$REDIS,$valkey" --report r.json --report r.md -- \
    sh -c 'echo "with $APPHOST_WORKER_IMAGE"; "$0" redis cache INFO server | grep -o "^valkey_version"
      [ "$APPHOST_WORKER" = 1 ] || exit 3' "$APPHOST"
  fits r.json
  grep -Fqx "[$REDIS] with $REDIS" <<<"$output"
  grep -Fqx "[$valkey] valkey_version" <<<"$output"
  not grep -Fqx "[$REDIS] valkey_version" <<<"$output"
  says "^image=$REDIS +passed +0 " "^image=$valkey +failed +3 .*exit code 3"
  [ "$(jq -c '[.exitCode, (.workers[] | [.variant, .exitCode, .resources[0].image, .resources[0].kind])]' r.json)" = \
    '[3,["image='$REDIS'",0,"'$REDIS'","redis"],["image='$valkey'",3,"'$valkey'","valkey"]]' ]
  grep -q "image=$valkey | failed | 3 |" r.md
  # One after the other: the second began when the first was over.
  jq -e '.workers | .[1].beganAt >= .[0].beganAt + .[0].phases[-1].beginMs' r.json
  wait_until 5 nothing_of_workers
}

nothing_of_workers() {
  [ -z "$(engine GET "/containers/json?all=1" | jq -r '.[].Names[0]' | grep -F "$PROJECT")" ] && [ -z "$(processes)" ]
}

@test "--matrix --parallel: side by side; an image that is not there is a row as well" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS, pull: never}}"
  fails 125 apphost run --matrix "image=$REDIS,apphost-test/none:1" --parallel --report r.json -- true
  fits r.json
  says "^image=$REDIS +passed +0 " '^image=apphost-test/none:1 +failed +125 '
  wait_until 5 nothing_of_workers
}

@test "--matrix: an interruption ends the one that runs, and none is begun after it" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  background run --matrix "image=$REDIS,apphost-test/none:1" --report r.json -- sh -c 'touch began; exec sleep 1000' \
    >"$T/out" 2>"$T/err"
  wait_until 20 test -e began
  kill -INT "$PID"
  ended "$PID" 130
  fits r.json
  [ "$(jq -c '[.outcome, (.workers[] | .outcome)]' r.json)" = '["interrupted","interrupted","unfinished"]' ]
  wait_until 5 nothing_of_workers
}

@test "--matrix: what is not understood is said before anything starts" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  fails 125 apphost run --matrix redis:7.2 -- touch ran
  says '--matrix redis:7.2 is not understood' 'image=redis:7.2,redis:8.0'
  fails 125 apphost run --matrix 'image=redis:7.2,' -- touch ran
  fails 125 apphost run --matrix 'image=Re dis' -- touch ran
  says 'Re dis is no image'
  fails 125 apphost run --matrix image=redis:7 --isolate 2 -- touch ran
  fails 125 apphost run --parallel -- touch ran
  manifest <<<'resources: {api: {type: process, command: [sleep, "1000"]}}'
  fails 125 apphost run --matrix image=redis:7.2 -- touch ran
  says 'no server that could have another'
  [ ! -e ran ]
}
