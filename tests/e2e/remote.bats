# Engines that are reached over a network: ssh through a real sshd on loopback, TCP with TLS through a dockerd of our
# own. What counts as another machine, what then has to be in the manifest, and what is refused.
load helpers
load sshd

teardown() {
  local code=0
  sshd_stop
  teardown_test || code=1
  [ -z "$ENGINE_PID" ] || engine_stop
  return $code
}

# ---- ssh ----

# The engine, reached by ssh.
start_sshd() {
  [[ $ENGINE_HOST = unix://* ]] || skip "the engine has no socket to forward"
  sshd_start
  export DOCKER_HOST=ssh://$(id -un)@127.0.0.1:$SSH_PORT${ENGINE_HOST#unix://}
}

forwarders() {
  pgrep -f "^$(command -v -p ssh || echo ssh) .*-L $T/run" || pgrep -f -- "-L $T/run/"
}

server() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS${1:+, $1}}
END
}

# Standard input goes there, with its end, and comes back.
exec_echoes() {
  head -c 3000000 /dev/urandom >bytes
  apphost exec cache -- cat <bytes | cmp - bytes
  ok apphost exec cache -- sh -c 'exit 0' <bytes
}

@test "ssh: up, ps, down; one forwarded socket, gone afterwards" {
  start_sshd
  server 'bind_address: 0.0.0.0'
  ok apphost up -d
  says 'reached from other machines'
  [ "$(forwarders | wc -l)" = 1 ]
  load_env
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  ok apphost ps
  ok apphost exec cache -- redis-server --version
  prints 'redis server'
  exec_echoes
  ok apphost down
  wait_until 5 not forwarders
}

@test "ssh: a context of Docker's configuration" {
  start_sshd
  local hash folder=$HOME/.docker/contexts/meta
  hash=$(printf far | sha256sum | cut -d' ' -f1)
  mkdir -p "$folder/$hash"
  echo "{\"Name\":\"far\",\"Metadata\":{},\"Endpoints\":{\"docker\":{\"Host\":\"$DOCKER_HOST\"}}}" \
    >"$folder/$hash/meta.json"
  unset DOCKER_HOST
  server 'bind_address: 0.0.0.0'
  ok apphost --context far up -d
  ok apphost down
  wait_until 5 not forwarders
}

@test "ssh: kill -9 of the supervisor takes ssh and the server along" {
  start_sshd
  server 'bind_address: 0.0.0.0'
  ok apphost up -d
  kill -9 "$(session supervisor)"
  wait_until 15 not forwarders
  wait_until 15 eval '[ -z "$(containers)" ]'
  apphost gc || true
  rm -f "$T"/run/apphost/*.sock
}

@test "ssh: nobody listens, no key, no socket: what ssh said, exit 4, nothing left" {
  start_sshd
  server 'bind_address: 0.0.0.0'
  local address=$DOCKER_HOST
  DOCKER_HOST=ssh://127.0.0.1:1 fails 4 apphost up -d
  says 'through ssh: .*connection refused' 'BatchMode'
  DOCKER_HOST=${address%.sock}.no.sock fails 4 apphost up -d
  says 'through ssh: .*(open failed|no such file|refused)'
  echo >"$T/authorized"
  fails 4 apphost up -d
  says 'through ssh: .*permission denied'
  echo >"$T/known"
  fails 4 apphost up -d
  says 'through ssh: .*host key verification failed'
  not forwarders
}

@test "ssh: what needs this machine is refused at its position" {
  start_sshd
  server
  fails 3 apphost validate
  says 'apphost.yaml:3:3: error: .*the engine is on 127\.0\.0\.1' 'bind_address'
  mkdir "$T/data"
  server "bind_address: 0.0.0.0, data_bind_mount: $T/data"
  fails 3 apphost validate
  says 'apphost.yaml:3:[0-9]+: error: a bind mount needs an engine on this machine'
  server "network: host"
  fails 3 apphost validate
  says 'apphost.yaml:3:[0-9]+: error: .*network: host. needs an engine on this machine'
}

# ---- TCP with TLS ----

certificates() {
  needs openssl
  local name san
  (
    cd "$T" && mkdir certs && cd certs
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca \
      -keyout ca-key.pem -out ca.pem
    for name in server client; do
      san=$([ $name = server ] && echo "IP:127.0.0.1,DNS:$(hostname)" || echo DNS:client)
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout $name-key.pem \
        -out $name.csr
      openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -out $name.pem \
        -extfile <(echo "subjectAltName=$san"; echo "extendedKeyUsage=${name}Auth")
    done
    mkdir client
    cp ca.pem client/ca.pem
    cp client.pem client/cert.pem
    cp client-key.pem client/key.pem
  ) >/dev/null 2>&1
}

# The engine's own socket stays, so that leftovers are seen from there.
start_tls_engine() {
  [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null || skip "an engine of our own cannot be started here"
  certificates
  TLS_PORT=$(free_port)
  engine_start -H "tcp://127.0.0.1:$TLS_PORT" --tlsverify --tlscacert "$T/certs/ca.pem" \
    --tlscert "$T/certs/server.pem" \
    --tlskey "$T/certs/server-key.pem" 3>&- || skip "an engine of our own does not start here"
  DOCKER_HOST=$ENGINE_HOST "$ROOT/tests/images/build" "$REDIS"
  export DOCKER_HOST=tcp://127.0.0.1:$TLS_PORT DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$T/certs/client
}

@test "tcp without TLS: on loopback it is this machine" {
  [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null || skip "an engine of our own cannot be started here"
  local port
  port=$(free_port)
  engine_start -H "tcp://127.0.0.1:$port" 3>&- || skip "an engine of our own does not start here"
  DOCKER_HOST=$ENGINE_HOST "$ROOT/tests/images/build" "$REDIS"
  server
  export DOCKER_HOST=tcp://127.0.0.1:$port
  ok apphost up -d
  load_env
  [ "$CACHE_HOST" = 127.0.0.1 ]
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  exec_echoes
  ok apphost down
}

@test "tcp with TLS: on loopback it is this machine; by a host's name it is another; certificates count" {
  start_tls_engine
  server
  ok apphost up -d
  load_env
  [ "$CACHE_HOST" = 127.0.0.1 ]
  [ "$(ask "$CACHE_PORT" "$CACHE_PASSWORD" PING)" = PONG ]
  exec_echoes
  ok apphost down

  if [ "$(getent ahostsv4 "$(hostname)" | awk 'NR == 1 { print $1 }')" = 127.0.0.1 ]; then
    export DOCKER_HOST=tcp://$(hostname):$TLS_PORT
    fails 3 apphost up -d
    says "the engine is on $(hostname)" 'bind_address'
    server 'bind_address: 0.0.0.0'
    ok apphost up -d
    says 'reached from other machines'
    load_env
    [ "$CACHE_HOST" = "$(hostname)" ]
    ok apphost down
  fi

  DOCKER_HOST=tcp://127.0.0.1:$TLS_PORT DOCKER_TLS_VERIFY= fails 4 apphost up -d
  says 'DOCKER_TLS_VERIFY=1'
  rm "$T/certs/client/cert.pem"
  fails 4 apphost up -d
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other-ca \
    -keyout /dev/null -out "$T/certs/client/ca.pem" 2>/dev/null
  fails 4 apphost up -d
  says 'certificate'
}
