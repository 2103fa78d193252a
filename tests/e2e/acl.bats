# `users`: a server's users besides "default", made before it is ready, changed while it runs; references that name one.
load helpers

REDIS8=apphost-test/redis:8.0
VALKEY=apphost-test/valkey:8.1

# server [USER…], each as it stands in the map
server() {
  {
    printf 'resources:\n  cache:\n    type: %s\n    image: %s\n    users:\n' "${TYPE:-redis}" "${IMAGE:-$REDIS}"
    printf '      %s\n' "$@"
    cat <<'END2'
  app:
    type: process
    task: true
    shell: 'redis-cli --no-auth-warning -u "$CACHE_URI" SET app:x 1 >seen;
      redis-cli --no-auth-warning -u "$CACHE_URI" SET other 1 >>seen 2>&1; true'
    references: [{resource: cache, user: app}]
END2
  } | manifest
}

app_user='app: {password: "p w:@$$1", acl: "~app:* +@read +@write"}'

# What the server knows, as its default user.
users() {
  load_env && ask "$CACHE_PORT" "$CACHE_PASSWORD" ACL USERS | sort | paste -sd ' '
}

# limits TYPE IMAGE : its users are there, and may do what they may
limits() {
  TYPE=$1 IMAGE=$2 server "$app_user" 'reader: {acl: "~* +@read"}'
  ok apphost up -d
  [ "$(head -n 1 seen)" = OK ]
  grep -q NOPERM seen
  [ "$(users)" = 'app default reader' ]
  ok apphost down
}

@test "a consumer finds its user, and its limits, on each server" {
  for server in "redis $REDIS" "redis $REDIS8" "valkey $VALKEY"; do limits "${server% *}" "${server#* }"; done
}

@test "a consumer finds its user, and its limits, on Valkey 9" {
  needs_image apphost-test/valkey:9.1
  limits valkey apphost-test/valkey:9.1
}

@test "on the native engine as well" {
  needs redis-server
  server "$app_user"
  sed -i '/image:/d' apphost.yaml
  ok apphost up -d --engine native
  [ "$(head -n 1 seen)" = OK ]
  grep -q NOPERM seen
  [ "$(users)" = 'app default' ]
  ok apphost down
}

@test "changed rules, another password and one user less reach the server that runs; nobody's connection is lost" {
  server "$app_user" 'reader: {password: one, acl: "~* +@read"}'
  ok apphost up -d
  load_env
  before=$(ask "$CACHE_PORT" "$CACHE_PASSWORD" INFO server | grep run_id)
  server "$app_user" 'writer: {password: two, acl: "~* +set"}'
  ok apphost up -d
  [ "$(users)" = 'app default writer' ]
  [ "$(redis-cli --no-auth-warning -h "${CACHE_HOST:-$HERE}" -p "$CACHE_PORT" --user writer --pass two SET x 1)" = OK ]
  server "$app_user" 'writer: {password: three, acl: "~* +get"}'
  ok apphost up -d
  [ "$(redis-cli --no-auth-warning -h "${CACHE_HOST:-$HERE}" -p "$CACHE_PORT" --user writer --pass three GET x)" = 1 ]
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" INFO server | grep run_id)" = "$before" ]
  ok apphost down
}

@test "a server that was started again has them before it is ready" {
  server "$app_user"
  ok apphost up -d
  ok apphost restart cache
  [ "$(users)" = 'app default' ]
  ok apphost down
}

@test "a persistent server keeps what a later session says, and a user's generated password is remembered" {
  server "$app_user" 'own: {acl: "~* +get"}'
  sed -i '/^  cache:/a\    lifetime: persistent' apphost.yaml
  ok apphost up -d
  load_env
  first=$(ask "$CACHE_PORT" "$CACHE_PASSWORD" ACL GETUSER own | grep -E '^ *[0-9a-f]{64}$')
  ok apphost down
  server "$app_user" 'own: {acl: "~* +get +set"}'
  sed -i '/^  cache:/a\    lifetime: persistent' apphost.yaml
  ok apphost up -d
  load_env
  ask "$CACHE_PORT" "$CACHE_PASSWORD" ACL GETUSER own >now
  grep -q '+set' now
  grep -qx -- "$first" now
  ok apphost down --all
}

@test "what the server refuses is shown where it stands, in its words; corrected, the next up goes on" {
  server 'app: {password: hunter2hunter2, acl: "~app:* +@raed"}'
  fails 6 apphost up -d
  says 'apphost.yaml:7:44: error: .*refuses the user "app".*@raed'
  not says hunter2
  server "$app_user"
  ok apphost up -d
  [ "$(users)" = 'app default' ]
  ok apphost down
}

@test "no password of a user is in any argument, log or configuration that is shown" {
  server 'app: {password: hunter2hunter2, acl: "~app:* +@read +@write"}'
  ok apphost up -d
  ok apphost config
  not grep -q hunter2 <<<"$output$stderr"
  ok apphost logs
  not grep -q hunter2 <<<"$output$stderr"
  not grep -rq hunter2hunter2 /proc/[0-9]*/cmdline
  ok apphost down
}

# as_app PORT WORD… : a node's answer to the user "app"
as_app() {
  redis-cli --no-auth-warning -h "${CACHE_HOST:-$HERE}" -p "$1" --user app --pass 'p w' "${@:2}"
}

# bats test_tags=engineless
@test "servers that are one: each has the users, sentinels too; changed on all, refused where it stands" {
  needs redis-server
  cat >ask-all <<'END'
for at in $(echo "$RING_NODES,$CACHE_NODES,$CACHE_SENTINELS" | tr , ' '); do
  redis-cli --no-auth-warning -h "${at%:*}" -p "${at#*:}" --user "$CACHE_USERNAME" --pass "$CACHE_PASSWORD" PING
done
echo "[$ConnectionStrings__cache]" | sed "s/$CACHE_SENTINELS/SENTINELS/"
END
  manifest <<'END'
engine: native
resources:
  ring:
    type: redis
    cluster: {shards: 1, replicas: 1}
    users: {app: {password: "p w", acl: "~app:* +@write +ping +cluster"}}
  cache:
    type: redis
    sentinel: {replicas: 1, sentinels: 1}
    users: {app: {password: "p w", acl: "~app:* +@write +ping"}}
  api:
    type: process
    task: true
    command: [sh, ask-all]
    references: [{resource: ring, user: app}, {resource: cache, user: app}]
END
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  ok apphost logs api
  [ "$(grep -c PONG <<<"$output")" = 5 ]
  [[ $output = *'[SENTINELS,serviceName=mymaster,user=app,password=p w]'* ]]
  load_env
  [ "$(as_app "${CACHE_SENTINELS#*:}" SENTINEL get-master-addr-by-name mymaster | tail -n 1)" = "$CACHE_PORT" ]
  [[ $(as_app "${CACHE_SENTINELS#*:}" SENTINEL REMOVE mymaster 2>&1) = *NOPERM* ]]
  [[ $(as_app "$RING_PORT" SET other 1 2>&1) = *NOPERM* ]]

  sed -i 's/ +cluster/ +@raed/' apphost.yaml
  APPHOST_BOUND=180 fails 6 apphost up -d --wait-timeout 150
  says 'apphost.yaml:7:41: error: ring-[12]: the server refuses the user "app".*@raed'
  sed -i 's/ +@raed//' apphost.yaml
  APPHOST_BOUND=180 ok apphost up -d --wait-timeout 150
  for node in ring-1 ring-2; do [[ $(apphost redis $node ACL LIST) != *+cluster* ]]; done
  ok apphost down
}
