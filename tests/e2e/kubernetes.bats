# `publish kubernetes` and `deploy kubernetes`: files held against the real types and the real kubectl, and deployed
# through that kubectl to an API server of ours (tests/kubernetes/api.py: discovery and a store, no controllers). What
# only a real cluster does (scheduling, volumes, probes) is not tested here.
# bats file_tags=engineless
load helpers

CACHE_FOLDER=${XDG_CACHE_HOME:-$REAL_HOME/.cache}/apphost-test/kubernetes

setup_more() {
  PATH=$PATH:$CACHE_FOLDER/kubectl
  unset KUBECONFIG
  APPHOST_BOUND=240 # a deploy is a dozen kubectls
}

needs_kubectl() {
  command -v kubectl >/dev/null || skip "kubectl could not be fetched: tests/kubernetes/build"
}

application() {
  manifest <<END
resources:
  cache:
    type: redis
    image: redis:8.2
    data_volume: true
    memory: 128m
    insight: true
    users: {app: {acl: "~app:* +@all"}}
  store: {type: valkey, password: "it's \"\$\$(HOME)\" 5\$\$"}
  api:
    type: process
    command: [node, server.js]
    references: [cache, {resource: store, env: STORE}]
    endpoints: {http: {env: PORT}}
    ready: {http: /health}
    environment: {LITERAL: 'a \$\$(HOME) b', \
      TEXT: "true", NUMBER: "1e3"}
    publish: {image: "example/api:1", replicas: 2, expose: true, command: [serve, '\$\$(NOT_A_VARIABLE)']}
  prepare:
    type: process
    task: true
    command: [prepare]
    references: [cache]
    publish: {image: "example/api:1"${1:-}}
END
}

# A server on loopback that kubectl points at, in namespace "web".
cluster() {
  needs_kubectl
  python3 "$ROOT/tests/kubernetes/api.py" "$T/port" "$T/log" >"$T/api.out" 2>&1 3>&- &
  echo $! >"$T/api.pid"
  wait_until 60 test -s "$T/port"
  export KUBECONFIG=$T/kubeconfig
  cat >"$KUBECONFIG" <<END
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: nobody, namespace: web}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:$(cat "$T/port")"}}]
users: [{name: nobody, user: {}}]
END
}

teardown() {
  [ ! -s "$T/api.pid" ] || kill "$(cat "$T/api.pid")"
  teardown_test
}

@test "all objects are of the real types, and kustomize builds them" {
  [ -d "$CACHE_FOLDER/node_modules/js-yaml" ] || skip "the types could not be fetched: tests/kubernetes/build"
  needs node
  application
  cat >>apphost.yaml <<END
  several: {type: redis, data_volume: true, replication: {replicas: 2}}
  worker: {type: container, image: x, references: [several]}
END
  ok apphost publish kubernetes -o out --with-tools
  cp "$ROOT/tests/kubernetes/check.mjs" "$CACHE_FOLDER/check-$$.mjs"
  run node "$CACHE_FOLDER/check-$$.mjs" out/*.yaml out/secrets/*.yaml
  rm "$CACHE_FOLDER/check-$$.mjs"
  echo "$output"
  [ "$status" = 0 ]
  needs_kubectl
  kubectl kustomize out >built
  [ "$(grep -c '^kind: ' built)" -gt 10 ]
  grep -qx '  replicas: 3' out/several.yaml
  grep -q 'for node in several-0.several-headless several-1.several-headless' out/worker.yaml
}

@test "a password stands in Secrets alone, which only we can read" {
  application
  ok apphost publish kubernetes -o out
  local password
  password=$(sed -n 's/^  cache-password: //p' out/secrets/values.generated.yaml)
  [ ${#password} -gt 10 ]
  not grep -rqF "$password" out --include='*.yaml' --exclude-dir=secrets
  [ -z "$(find out/secrets -type f ! -perm 600)" ]
  grep -qx /secrets/ out/.gitignore
  not grep -rq 'ConfigMap' out
}

@test "dollars and quotes reach the program as they are, and text stays text" {
  application
  ok apphost publish kubernetes -o out
  python3 - <<'END'
import yaml
api = [d for d in yaml.safe_load_all(open('out/api.yaml')) if d['kind'] == 'Deployment'][0]
pod = api['spec']['template']['spec']
env = {e['name']: e.get('value') for e in pod['containers'][0]['env']}
assert env['LITERAL'] == 'a $$(HOME) b', env
assert env['TEXT'] == 'true' and env['NUMBER'] == '1e3', env
assert pod['containers'][0]['args'] == ['serve', '$$(NOT_A_VARIABLE)'], pod
assert pod['enableServiceLinks'] is False and pod['automountServiceAccountToken'] is False
secret = yaml.safe_load(open('out/secrets/api.yaml'))['stringData']
assert secret['STORE_PASSWORD'] == 'it\'s "$(HOME)" 5$', secret
assert secret['STORE'] == 'redis://default:it%27s%20%22%24%28HOME%29%22%205%24@store:6379', secret
assert secret['CACHE_URI'].startswith('redis://default:')
END
}

@test "a server that loads is not ended: the startup probe lets it, and alive is who answers anything" {
  application
  ok apphost publish kubernetes -o out
  python3 - <<'END'
import yaml
server = [d for d in yaml.safe_load_all(open('out/cache.yaml')) if d['kind'] == 'StatefulSet'][0]
c = server['spec']['template']['spec']['containers'][0]
assert c['startupProbe']['periodSeconds'] * c['startupProbe']['failureThreshold'] >= 600
assert 'PONG' in c['readinessProbe']['exec']['command'][2] and 'PONG' not in c['livenessProbe']['exec']['command'][2]
assert server['spec']['replicas'] == 1
assert server['spec']['persistentVolumeClaimRetentionPolicy'] == {'whenDeleted': 'Retain', 'whenScaled': 'Retain'}
END
}

@test "what cannot change holds nothing that changes; bytes are the same each time" {
  application
  ok apphost publish kubernetes -o out
  cp -a out first
  ok apphost publish kubernetes -o out
  diff -r first out
  sed -i 's/redis:8.2/redis:8.6/' apphost.yaml
  ok apphost publish kubernetes -o out
  python3 - <<'END'
import yaml
def immutable(path):
    s = [d for d in yaml.safe_load_all(open(path)) if d['kind'] == 'StatefulSet'][0]['spec']
    return s['selector'], s['serviceName'], s['volumeClaimTemplates']
assert immutable('first/cache.yaml') == immutable('out/cache.yaml')
END
}

@test "names that collide or are too long are said at their resource" {
  manifest <<END
resources:
  cache: redis
  cache-headless: {type: container, image: x, endpoints: {http: {target_port: 80}}}
END
  fails 3 apphost publish kubernetes -o out
  says 'apphost.yaml:4:3: error: two resources come to the Service cache-headless there'
  [ ! -e out ]
  manifest <<END
resources:
  a123456789012345678901234567890123456789012345678901234: redis
END
  fails 3 apphost publish kubernetes -o out
  says 'is too long for the name of a Service'
}

@test "another machine goes on with the passwords that the folder has" {
  application
  ok apphost publish kubernetes -o out
  cp -a out first
  XDG_STATE_HOME=$T/other ok apphost publish kubernetes -o out
  diff -r first out
  rm -rf "$T/other"
}

@test "deploy: all of it, ready; again: nothing; changed: only that; taken out: deleted" {
  cluster
  application
  ok apphost deploy kubernetes -y
  says 'cache is ready'
  says 'prepare has completed'
  grep -q '^created StatefulSet/cache' "$T/log"
  grep -q '^created Deployment/api' "$T/log"
  : >"$T/log"
  ok apphost deploy kubernetes -y
  says 'nothing to change'
  [ ! -s "$T/log" ]
  sed -i 's#"example/api:1", replicas#"example/api:2", replicas#' apphost.yaml
  ok apphost deploy kubernetes -y
  grep -q '^changed Deployment/api' "$T/log"
  not grep -q 'StatefulSet' "$T/log"
  : >"$T/log"
  sed -i '/^  store:/d; s/, {resource: store, env: STORE}//' apphost.yaml
  ok apphost deploy kubernetes -y
  grep -q '^deleted StatefulSet/store' "$T/log"
  not grep -q 'PersistentVolumeClaim' "$T/log"
}

@test "deploy from another machine keeps the passwords, and changes nothing" {
  cluster
  application
  ok apphost deploy kubernetes -y
  : >"$T/log"
  XDG_STATE_HOME=$T/other ok apphost deploy kubernetes -y
  says 'nothing to change'
  [ ! -s "$T/log" ]
  rm -rf "$T/other"
}

@test "no Secret is kept in an annotation, and no password is told" {
  cluster
  application
  ok apphost deploy kubernetes -y
  kubectl get secrets -o yaml >all
  not grep -q last-applied-configuration all
  local password
  password=$(kubectl get secret "$PROJECT.generated" -o jsonpath='{.data.cache-password}' | base64 -d)
  [ ${#password} -gt 10 ]
  sed -i 's/128m/256m/' apphost.yaml
  ok apphost deploy kubernetes --diff
  prints 268435456
  not prints "$password"
  [ -z "$(ls -d /dev/shm/apphost-deploy-* 2>/dev/null)" ]
}

@test "without somebody to ask nothing is changed, and context and namespace are named" {
  cluster
  application
  fails 2 apphost deploy kubernetes
  says 'context here, namespace web'
  [ ! -s "$T/log" ]
  fails 4 apphost deploy kubernetes -y --context elsewhere
  says 'kubectl knows no context elsewhere'
}

@test "what does not get ready and what fails is said, each with its exit code" {
  cluster
  application ', command: [FAIL]'
  fails 6 apphost deploy kubernetes -y
  says 'the task prepare failed'
  application ', command: [STUCK]'
  fails 7 apphost deploy kubernetes -y --wait-timeout 6s
  says 'the task prepare does not complete'
}

@test "who waits for a task comes after it, and not at all when it fails" {
  cluster
  application ', command: [FAIL]'
  sed -i 's/endpoints: {http: {env: PORT}}/&\n    wait_for: [prepare]/' apphost.yaml
  fails 6 apphost deploy kubernetes -y
  grep -q '^created StatefulSet/cache' "$T/log"
  not grep -q 'Deployment/api' "$T/log"
  sed -i 's/, command: \[FAIL\]//' apphost.yaml
  ok apphost deploy kubernetes -y
  says 'prepare has completed' 'api is ready'
  grep -q '^created Deployment/api' "$T/log"
  : >"$T/log"
  ok apphost deploy kubernetes -y
  says 'nothing to change'
  [ ! -s "$T/log" ]
}

image_of() {
  kubectl get "$1" -o jsonpath='{.spec.template.spec.containers[0].image}'
}

@test "rollback takes back what the last deploy changed and nothing else; what kubectl refuses is an error" {
  cluster
  manifest <<END
resources:
  cache: {type: redis, image: "redis:1"}
  api: {type: container, image: "api:1", publish: {replicas: 1}, environment: {A: b}}
END
  fails 1 apphost deploy kubernetes --rollback -y
  says 'no deploy from here to context here, namespace web'
  ok apphost deploy kubernetes -y
  ok apphost deploy kubernetes --rollback -y
  says 'api stays as it is: there is nothing before it' 'cache stays as it is'

  sed -i 's/redis:1/redis:2/' apphost.yaml
  ok apphost deploy kubernetes -y
  sed -i 's/api:1/api:2/' apphost.yaml
  ok apphost deploy kubernetes -y
  ok apphost deploy kubernetes --rollback -y
  [ "$(image_of deployment/api)" = api:1 ] && [ "$(image_of statefulset/cache)" = redis:2 ]

  # More of it are no revision: the image of before them stays, and their number is again what it was.
  sed -i 's/api:2/api:1/; s/replicas: 1/replicas: 3/' apphost.yaml
  ok apphost deploy kubernetes -y
  ok apphost deploy kubernetes --rollback -y
  [ "$(image_of deployment/api)" = api:1 ]
  [ "$(kubectl get deployment/api -o jsonpath='{.spec.replicas}')" = 1 ]

  sed -i 's/redis:2/redis:3/; s/A: b/KEEP_NO_PAST: b/' apphost.yaml
  ok apphost deploy kubernetes -y
  fails 4 apphost deploy kubernetes --rollback -y
  says 'kubectl rollout failed: .*nobody may undo this'
  [ "$(image_of deployment/api)" = api:1 ] && [ "$(image_of statefulset/cache)" = redis:2 ]
}

@test "a workload that hangs ends the wait" {
  cluster
  application
  sed -i 's/command: \[serve,/command: [STUCK,/' apphost.yaml
  fails 7 apphost deploy kubernetes -y --wait-timeout 5s
  says 'api does not get ready'
}

@test "remove takes away what is ours, claims only when asked for" {
  cluster
  application
  ok apphost deploy kubernetes -y
  kubectl create --validate=false -f - <<END
{apiVersion: v1, kind: Secret, metadata: {name: theirs}, stringData: {a: b}}
END
  : >"$T/log"
  ok apphost deploy kubernetes --remove -y
  grep -q '^deleted StatefulSet/cache' "$T/log"
  not grep -q 'theirs' "$T/log"
  ok apphost deploy kubernetes --remove -y
  says 'nothing of ours'
}

@test "without kubectl, and with one that is too old" {
  application
  mkdir bin
  for program in sh cat; do ln -s "$(command -v $program)" bin/; done
  fails 1 env PATH="$PWD/bin" "$APPHOST" deploy kubernetes -y
  says 'install it'
  printf '#!/bin/sh\necho "{\\"clientVersion\\":{\\"major\\":\\"1\\",\\"minor\\":\\"18\\"}}"\n' >bin/kubectl
  chmod +x bin/kubectl
  fails 4 env PATH="$PWD/bin" "$APPHOST" deploy kubernetes -y
  says 'too old: it says version 1.18'
}
