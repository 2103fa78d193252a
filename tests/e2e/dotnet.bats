# The client library with real .NET beside it, on one server: tests/dotnet, which its `build` fetches and builds once.
# Everything runs on the native engine: what is shown needs no container.
# bats file_tags=engineless
load helpers

BUILT=$ROOT/build/dotnet

setup_more() {
  needs redis-server
  [ -e "$BUILT/$([[ $BATS_TEST_DESCRIPTION = *program* ]] && echo web/out/web || echo exchange/out/exchange).dll" ] ||
    skip "the .NET side could not be built: tests/dotnet/build"
  export APPHOST_ENGINE=native DOTNET_CLI_HOME=$T TMPDIR=$T APPHOST_PEER=$BUILT/peer
}

# exchange CLASS: its tests, against one server of this session
exchange() {
  manifest <<<'resources: {cache: redis}'
  ok apphost run -- dotnet "$BUILT/exchange/out/exchange.dll" -noLogo -noColor -class "Exchange.$1"
  echo "$output"
  [[ $output =~ Total:\ ([0-9]+),\ Errors:\ 0,\ Failed:\ 0, ]] && [ "${BASH_REMATCH[1]}" -gt 0 ]
  ok apphost down
}

@test "entries of .NET and C: written, read, overwritten, removed by either" {
  exchange Entries
}

@test "every kind of expiry is the same of both, and kept by the other" {
  exchange Expiry
}

@test "both on the same keys at the same moment" {
  exchange Together
}

@test "what HybridCache and FusionCache keep are entries for C" {
  exchange Levels
}

@test "connection strings, valid and malformed, mean the same to both" {
  exchange Strings
}

@test "appsettings files and the environment mean the same to both" {
  exchange Configured
}

spans_of() { # SERVICE [PARENT]
  jq -r --arg trace "$trace" --arg service "$1" 'select(.trace == $trace and .service == $service) | .name' "$T/spans"
}

is_traced() {
  spans_of web | grep -qx 'GET /both/{value}' && spans_of web | grep -qx HMSET && spans_of web-c | grep -q '^HMGET'
}

@test "an ASP.NET program as a resource: health, output cache, one trace with C's spans in it" {
  local port url trace
  port=$(free_port)
  manifest <<END
telemetry: {otlp_endpoint: 'http://127.0.0.1:$port'}
resources:
  cache: redis
  collector:
    type: process
    command: [python3, '$ROOT/tests/dotnet/collector.py', '$T/spans']
    endpoints: {http: {port: $port, env: PORT}}
  web:
    type: process
    command: [dotnet, '$BUILT/web/out/web.dll']
    references: [cache]
    wait_for: [collector]
    environment: {ASPNETCORE_URLS: 'http://127.0.0.1:\${web.http.port}', APPHOST_PEER: '$BUILT/peer',
      OTEL_BSP_SCHEDULE_DELAY: '200'}
    endpoints: {http: {env: PORT}}
    ready: {http: /health}
END
  ok apphost up -d
  url=http://$(apphost port web)
  [ "$(curl -s --max-time 60 "$url/health")" = Healthy ]
  # Made once, then from Redis: the store's key is there.
  [ "$(curl -s --max-time 60 "$url/made")" = 1 ]
  [ "$(curl -s --max-time 60 "$url/made")" = 1 ]
  load_env
  ask "$CACHE_PORT" "$CACHE_PASSWORD" --scan | grep -q '^__MSOCV_'
  # Written by .NET, read by C within the request.
  read -r value trace <<<"$(curl -s --max-time 60 "$url/both/hello")"
  [ "$value" = hello ]
  wait_until 30 is_traced
  # A server that does not answer is seen in the program's health, and so is one that does again.
  ask "$CACHE_PORT" "$CACHE_PASSWORD" CLIENT PAUSE 20000 ALL
  [ "$(curl -s --max-time 60 -o /dev/null -w '%{http_code}' "$url/health")" = 503 ]
  wait_until 30 is_healthy "$url"
  ok apphost down
}

is_healthy() {
  [ "$(curl -s --max-time 60 "$1/health")" = Healthy ]
}
