# What consumers get: processes of this machine and containers, each with the address that works from there.
load helpers

# A command that writes the environment it got into a file of the working folder, and stays.
SHOW='env -0 | sort -z >"$APPHOST_RESOURCE.env.new";'
SHOW+=' mv "$APPHOST_RESOURCE.env.new" "$APPHOST_RESOURCE.env"; exec sleep 1000'

# got RESOURCE NAME : the value of a variable that the process RESOURCE was started with
got() {
  tr '\0\n' '\n\v' <"$1.env" | sed -n "s/^$2=//p" | tr '\v' '\n'
}

has() {
  tr '\0\n' '\n\v' <"$1.env" | grep -q "^$2="
}

# inside RESOURCE NAME : the same of a container
inside() {
  engine GET "/containers/$(containers | grep -- "-$1\$")/json" | jq -r '.Config.Env[]' | sed -n "s/^$2=//p"
}

shown() {
  wait_until 10 test -s "$1.env"
}

# The environment that a process was started with, whole: a shell would drop names with hyphens.
started_with() {
  sort -z <"/proc/$(pid_of "$1")/environ" >"$1.env"
}

pid_of() {
  apphost ps -o json | jq -r --arg name "$1" '.resources[] | select(.name == $name) | .pid'
}

@test "a process gets the connection string and each part; all of them work" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS, password: 'p@ss w:rd/é'}
  app: {type: process, shell: '$SHOW', references: [cache]}
END2
  ok apphost up -d
  shown app
  port=$(apphost port cache | sed 's/.*://')
  [ "$(got app ConnectionStrings__cache)" = "$HERE:$port,password=p@ss w:rd/é" ]
  [ "$(got app CACHE_HOST)" = "$HERE" ]
  [ "$(got app CACHE_PORT)" = "$port" ]
  [ "$(got app CACHE_PASSWORD)" = 'p@ss w:rd/é' ]
  [ "$(got app CACHE_URI)" = "redis://default:p%40ss%20w%3Ard%2F%C3%A9@$HERE:$port" ]
  [ "$(got app CACHE_URL)" = "$(got app CACHE_URI)" ]
  not has app CACHE_CA_FILE
  [ "$(ask "$(got app CACHE_PORT)" "$(got app CACHE_PASSWORD)" PING)" = PONG ]
  # `env` shows the same to a shell.
  load_env
  [ "$ConnectionStrings__cache" = "$(got app ConnectionStrings__cache)" ] && [ "$CACHE_URI" = "$(got app CACHE_URI)" ]
  ok apphost down
}

@test "a container gets the address on the project's network; it works there" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS}
  app:
    type: container
    image: $REDIS
    entrypoint: [sh, -c]
    command: ['REDISCLI_AUTH="\$CACHE_PASSWORD" redis-cli -h "\$CACHE_HOST" -p "\$CACHE_PORT" SET from inside;
      exec sleep 1000']
    references: [cache]
END2
  ok apphost up -d
  load_env
  [ "$(inside app ConnectionStrings__cache)" = "cache:6379,password=$CACHE_PASSWORD" ]
  [ "$(inside app CACHE_HOST):$(inside app CACHE_PORT)" = cache:6379 ]
  [ "$(inside app CACHE_PASSWORD)" = "$CACHE_PASSWORD" ]
  [ "$(inside app CACHE_URI)" = "redis://default:$CACHE_PASSWORD@cache:6379" ]
  [ "$(inside app APPHOST_RESOURCE)" = app ]
  wait_until 10 wrote inside
  ok apphost down
}

wrote() {
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" GET from)" = "$1" ]
}

@test "names with hyphens and digits: also one that a shell can hold; the connection's name is kept as written" {
  manifest <<END2
resources:
  My-cache-1: {type: redis, image: $REDIS}
  app: {type: process, command: [sleep, 1000], references: [My-cache-1]}
END2
  ok apphost up -d
  started_with app
  has app ConnectionStrings__My-cache-1
  [ "$(got app ConnectionStrings__My_cache_1)" = "$(got app ConnectionStrings__My-cache-1)" ]
  has app MY_CACHE_1_URI
  ok apphost down
}

@test "as renames all variables, env adds one with the URI" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS}
  app:
    type: process
    shell: '$SHOW'
    references: [{resource: cache, as: chat, env: REDIS_URL}]
END2
  ok apphost up -d
  shown app
  has app ConnectionStrings__chat && has app CHAT_HOST && has app CHAT_PORT && has app CHAT_PASSWORD && has app CHAT_URI
  not has app ConnectionStrings__cache
  not has app CACHE_HOST
  [ "$(got app REDIS_URL)" = "$(got app CHAT_URI)" ]
  ok apphost down
}

@test "inject says which variables a consumer gets; nothing means waiting only" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS}
  web: {type: process, command: [sleep, '1000'], endpoints: {http: $(free_port)}, ready: {exec: [true]}}
  app:
    type: process
    shell: '$SHOW'
    references:
      - {resource: cache, inject: connection_string}
      - {resource: cache, as: parts, inject: [properties]}
      - {resource: cache, as: silent, inject: false, env: ONLY_URI}
      - {resource: web, inject: [services]}
      - {resource: web, as: page, inject: [endpoints]}
END2
  ok apphost up -d
  shown app
  has app ConnectionStrings__cache
  not has app CACHE_HOST
  has app PARTS_HOST
  not has app ConnectionStrings__parts
  not has app SILENT_HOST
  [[ $(got app ONLY_URI) = redis://* ]]
  has app services__web__http__0
  not has app WEB_HTTP
  has app PAGE_HTTP
  not has app services__page__http__0
  ok apphost down
}

@test "connection-string resources: literal, from the environment, put together, optional" {
  export ConnectionStrings__outside='outside.example:7000,password=s3cret,ssl=true'
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS, password: false}
  legacy: {type: connection-string, value: 'legacy.example:6380,password=old'}
  outside: connection-string
  joined: {type: connection-string, value: '\${cache.host}:\${cache.port},abortConnect=false'}
  absent: connection-string
  app:
    type: process
    shell: '$SHOW'
    references: [legacy, outside, joined, {resource: absent, optional: true}]
END2
  ok apphost up -d
  shown app
  [ "$(got app ConnectionStrings__legacy)" = 'legacy.example:6380,password=old' ]
  [ "$(got app LEGACY_HOST):$(got app LEGACY_PORT):$(got app LEGACY_PASSWORD)" = legacy.example:6380:old ]
  [ "$(got app LEGACY_URI)" = 'redis://default:old@legacy.example:6380' ]
  [ "$(got app ConnectionStrings__outside)" = "$ConnectionStrings__outside" ]
  [ "$(got app OUTSIDE_URI)" = 'rediss://default:s3cret@outside.example:7000' ]
  [ "$(got app ConnectionStrings__joined)" = "$HERE:$(apphost port cache | sed 's/.*://'),abortConnect=false" ]
  not has app ConnectionStrings__absent
  ok apphost down
}

# An HTTP server of this folder's files, on a free port; it is nobody's resource.
serve() {
  python3 -c '
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()' >service.port 2>service.log 3>&- &
  echo $! >service.pid
  wait_until 10 test -s service.port
}

stock_is() {
  [ "$(apphost ps -o json | jq -r '.resources[] | select(.name == "stock") | .state')" = "$1" ]
}

unserve() {
  kill "$(cat service.pid)"
  wait "$(cat service.pid)" || true
}

# bats test_tags=engineless
@test "external: a service that others run is asked, and consumers get its URL and its parts" {
  needs python3
  serve
  manifest <<END2
parameters: {version: {default: v1}}
resources:
  stock:
    type: external
    url: http://127.0.0.1:$(cat service.port)/\${parameters.version}
    ready: {http: /ready, interval: 100ms, timeout: 1s}
  mail: {type: external, url: 'smtp://mail.example:25', profiles: [never]}
  far: {type: external, url: https://far.example}
  app:
    type: process
    shell: '$SHOW'
    references: [{resource: stock, env: STORE}, {resource: far, as: near, inject: [services]}]
END2
  fails 7 apphost up -d
  says 'stock was not healthy within 1 s: GET /ready answered 404'
  touch ready
  ok apphost up -d
  shown app
  local url
  url=http://127.0.0.1:$(cat service.port)/v1
  [ "$(got app STOCK_URL) $(got app STOCK_HOST) $(got app STOCK_PORT)" = "$url 127.0.0.1 $(cat service.port)" ]
  [ "$(got app services__stock__http__0) $(got app STORE)" = "$url $url" ]
  [ "$(got app services__near__https__0)" = https://far.example ]
  not has app NEAR_URL
  not has app ConnectionStrings__stock
  [ "$(apphost ps -o json | jq -r '.resources[] | select(.name == "stock") | "\(.kind) \(.display)"')" \
    = "external $url" ]

  rm ready
  wait_until 20 stock_is running
  touch ready
  ok apphost wait stock
  ok apphost down
  unserve
}

@test "a missing connection string is an error that names both places, unless the reference is optional" {
  manifest <<END2
resources:
  absent: connection-string
  app: {type: process, command: [sleep, 1000], references: [absent]}
END2
  fails 3 apphost validate
  says 'apphost.yaml:3:3: error.*absent' 'value' 'ConnectionStrings__absent'
}

@test "late references stand in any string: command, environment, arguments of containers" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS, password: 'a b'}
  app:
    type: process
    shell: '$SHOW'
    environment:
      MINE: 'at=\${cache.host}:\${cache.port};pw=\${cache.password};uri=\${cache.uri}'
      WHOLE: '\${cache.connection_string}'
      DOLLAR: 'costs \$\$5'
  box:
    type: container
    image: $REDIS
    entrypoint: [sh, -c]
    command: ['exec sleep 1000', 'sh', '\${cache.host}:\${cache.port}']
END2
  ok apphost up -d
  shown app
  port=$(apphost port cache | sed 's/.*://')
  [ "$(got app MINE)" = "at=$HERE:$port;pw=a b;uri=redis://default:a%20b@$HERE:$port" ]
  [ "$(got app WHOLE)" = "$HERE:$port,password=a b" ]
  [ "$(got app DOLLAR)" = 'costs $5' ]
  [ "$(engine GET "/containers/$(containers | grep -- -box)/json" | jq -r '.Config.Cmd[2]')" = cache:6379 ]
  ok apphost down
}

@test "parameters: command line, environment, .env, default, generated and remembered, in this order" {
  manifest <<END2
parameters:
  one: {default: d}
  two-words: {default: d}
  gen: {generate: {length: 30, special: true}}
resources:
  app:
    type: process
    shell: '$SHOW'
    environment: {ONE: '\${parameters.one}', TWO: '\${parameters.two-words}', GEN: '\${parameters.gen}'}
END2
  value_is() {
    ok apphost up -d "${@:2}"
    wait_until 10 one_is "$1"
    rm app.env
    ok apphost down
  }
  one_is() {
    [ -s app.env ] && [ "$(got app ONE)" = "$1" ]
  }
  value_is d
  echo 'Parameters__one=file' >.env
  value_is file
  export APPHOST_PARAM_ONE=env2
  value_is env2
  unset APPHOST_PARAM_ONE
  export Parameters__one=env
  value_is env
  value_is flag --parameter one=flag
  printf 'from a file' >value
  value_is 'from a file' --parameter one=@value
  export Parameters__two_words=under
  ok apphost up -d
  shown app
  [ "$(got app TWO)" = under ]
  generated=$(got app GEN)
  [ ${#generated} = 30 ]
  ok apphost down
  rm app.env
  ok apphost up -d
  shown app
  [ "$(got app GEN)" = "$generated" ]
  ok apphost down
}

@test "secrets are masked wherever apphost shows something, and stand in no log and no argv of ours" {
  manifest <<END2
parameters:
  token: {secret: true}
resources:
  cache: {type: redis, image: $REDIS, password: {parameter: token}}
  app: {type: process, shell: '$SHOW', environment: {TOKEN: '\${parameters.token}'}, references: [cache]}
END2
  export Parameters__token=correct-horse
  for verb in "config" "config -o json" "validate" "graph" "graph -o json" "up -d --explain" "ps" "ps -o json" \
    "ls -o json"; do
    # shellcheck disable=SC2086 # words
    ok apphost $verb
    not grep -q correct-horse <<<"$output$stderr"
  done
  shown app
  [ "$(got app TOKEN)" = correct-horse ]
  not grep -rq correct-horse "$T"/state/apphost/"$PROJECT"-*/logs
  not grep -lsaF correct-horse /proc/[0-9]*/cmdline
  ok apphost down
}

@test "telemetry: names always, an endpoint when there is one, the user's own wins" {
  manifest <<END2
telemetry: {otlp_endpoint: 'http://127.0.0.1:4318'}
resources:
  app: {type: process, shell: '$SHOW'}
  own: {type: process, shell: '$SHOW', environment: {OTEL_SERVICE_NAME: mine}}
END2
  ok apphost up -d
  shown app
  shown own
  [ "$(got app OTEL_SERVICE_NAME)" = app ]
  [[ $(got app OTEL_RESOURCE_ATTRIBUTES) = *service.instance.id=* ]]
  [ "$(got app OTEL_EXPORTER_OTLP_ENDPOINT)" = http://127.0.0.1:4318 ]
  [ "$(got app OTEL_EXPORTER_OTLP_PROTOCOL)" = http/protobuf ]
  [ "$(got own OTEL_SERVICE_NAME)" = mine ]
  [ "$(got app APPHOST_PROJECT)" = "$PROJECT" ] && has app APPHOST_SESSION
  ok apphost down
  OTEL_SERVICE_NAME=shell ok apphost up -d
  wait_until 10 name_is shell
  ok apphost down
}

name_is() {
  [ "$(got app OTEL_SERVICE_NAME)" = "$1" ]
}

@test "endpoints: services__ and NAME_ENDPOINT, an index for each scheme, the port for itself" {
  manifest <<END2
resources:
  my-api:
    type: process
    shell: '$SHOW'
    endpoints: {http: {port: 45671, env: PORT}, admin: {port: 45672, scheme: http}}
    ready: {log: .*}
    environment: {SELF: '\${my-api.http.url}'}
  app: {type: process, command: [sleep, 1000], references: [{resource: my-api, wait: false}]}
END2
  ok apphost up -d --no-wait
  shown my-api
  started_with app
  [ "$(got my-api PORT)" = 45671 ] && [ "$(got my-api SELF)" = http://127.0.0.1:45671 ]
  [ "$(got app services__my-api__http__0)" = http://127.0.0.1:45671 ]
  [ "$(got app services__my-api__http__1)" = http://127.0.0.1:45672 ]
  [ "$(got app MY_API_HTTP)" = http://127.0.0.1:45671 ] && [ "$(got app MY_API_ADMIN)" = http://127.0.0.1:45672 ]
  ok apphost down
}

@test "a dependant starts when the server answers, and not before" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS}
  gate:
    type: process
    shell: 'while [ ! -e open ]; do sleep 0.05; done; echo opened; exec sleep 1000'
    ready: {log: opened}
  app: {type: process, shell: '$SHOW', references: [cache], wait_for: [gate]}
END2
  "$APPHOST" up -d >out 2>&1 3>&- &
  local pid=$!
  wait_until 20 has_state cache ready
  has_state app waiting
  [ ! -e app.env ]
  touch open
  wait $pid
  shown app
  has_state app ready || has_state app running
  ok apphost down
}

moved() {
  local now
  now=$(apphost port cache 2>/dev/null) && [ -n "$now" ] && [ "$now" != "$1" ]
}

follows() {
  [ -s "$1.env" ] && [ "$(got "$1" CACHE_PORT)" = "$(apphost port cache | sed 's/.*://')" ] && has_state cache ready
}

@test "a server that comes back elsewhere: its dependants are restarted with the new address, in order" {
  needs python3
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS}
  first:
    type: process
    shell: 'date +%s%N >first.started; echo written; $SHOW'
    references: [cache]
    ready: {log: written}
  second:
    type: process
    shell: 'date +%s%N >second.started; $SHOW'
    references: [cache]
    wait_for: [first]
  bystander: {type: process, command: [sleep, 1000]}
END2
  ok apphost up -d
  shown first
  shown second
  before=$(apphost port cache)
  stays=$(pid_of bystander)
  # Its container goes, and somebody sits on its port before it is back.
  engine POST "/containers/$(containers)/stop?t=0" &
  python3 -c '
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
for _ in range(2000):
    try:
        s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); break
    except OSError: time.sleep(0.002)
else: sys.exit(1)
time.sleep(60)' "${before#*:}" 3>&- &
  squatter=$!
  wait_until 30 moved "$before"
  wait_until 30 follows first
  wait_until 30 follows second
  kill $squatter
  [ "$(cat first.started)" -lt "$(cat second.started)" ]
  [ "$(pid_of bystander)" = "$stays" ]
  ok apphost down
}

@test "a changed password restarts dependants too" {
  printf '%s\n' 'parameters:' '  pw: {secret: true}' 'resources:' \
    "  cache: {type: redis, image: $REDIS, password: {parameter: pw}}" \
    "  app: {type: process, shell: '$SHOW', references: [cache]}" | manifest
  ok apphost up -d --parameter pw=first
  shown app
  before=$(pid_of app)
  ok apphost up -d --parameter pw=second
  [ "$(pid_of app)" != "$before" ]
  wait_until 10 password_is second
  ok apphost down
}

password_is() {
  [ "$(got app CACHE_PASSWORD)" = "$1" ]
}

@test "env --for shows what a resource gets; optional and inactive references are left out or named" {
  manifest <<END2
resources:
  cache: {type: redis, image: $REDIS}
  debug: {type: redis, image: $REDIS, profiles: [debug]}
  app: {type: process, shell: '$SHOW', references: [cache, {resource: debug, optional: true}]}
END2
  ok apphost up -d
  shown app
  has app CACHE_URI
  not has app DEBUG_URI
  ok apphost env --for app --format dotenv
  prints '^CACHE_URI=' 'OTEL_SERVICE_NAME=.*app'
  ok apphost down
  sed -i 's/, optional: true//' apphost.yaml
  fails 3 apphost validate
  says 'apphost.yaml:5:.*debug'
}
