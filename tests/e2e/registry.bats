# Pulling: from a real registry on loopback, with and without a password, and everything that can go wrong there.
load helpers

# serve NAME PORT [HTPASSWD]: starts a registry; its pid goes to a file.
serve() {
  local dir=$BATS_FILE_TMPDIR/$1
  mkdir -p "$dir/data"
  {
    printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s/data}, %s}\n' "$dir" \
      'delete: {enabled: true}'
    printf 'http: {addr: "127.0.0.1:%s"}\n' "$2"
    [ -z "${3:-}" ] || printf 'auth: {htpasswd: {realm: test, path: %s}}\n' "$3"
  } >"$dir/config.yml"
  docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- &
  echo $! >"$dir/pid"
  wait_until 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$2"
}

# push REPOSITORY [AUTH]: the test image under that name, then forgotten locally.
push() {
  engine POST "/images/$REDIS/tag?repo=$1&tag=1"
  engine POST "/images/$1/push?tag=1" -H "X-Registry-Auth: ${2:-e30=}" | tee "$BATS_FILE_TMPDIR/push" | tail -n 1
  not grep -q '"error"' "$BATS_FILE_TMPDIR/push"
  engine DELETE "/images/$1:1" >/dev/null
}

setup_file() {
  command -v docker-registry >/dev/null || return 0
  export PORT_OPEN PORT_SHUT
  PORT_OPEN=$(free_port)
  serve open "$PORT_OPEN"
  PORT_SHUT=$(free_port)
  # A bcrypt hash, from what every Debian has.
  echo "user:$(perl -e 'print crypt("secret", q{$2y$05$abcdefghijklmnopqrstuu})')" >"$BATS_FILE_TMPDIR/htpasswd"
  serve shut "$PORT_SHUT" "$BATS_FILE_TMPDIR/htpasswd"
  push "127.0.0.1:$PORT_OPEN/e2e/redis"
  push "127.0.0.1:$PORT_OPEN/library/redis"
  push "127.0.0.1:$PORT_SHUT/e2e/redis" \
    "$(printf '{"username":"user","password":"secret"}' | base64 -w0 | tr '+/' '-_')"
}

teardown_file() {
  local name
  for name in "$BATS_FILE_TMPDIR"/*/pid; do
    [ -e "$name" ] && kill "$(cat "$name")"
  done
  for name in "$PORT_OPEN/e2e/redis" "$PORT_OPEN/library/redis" "$PORT_SHUT/e2e/redis"; do
    engine DELETE "/images/127.0.0.1:$name:1?force=1" >/dev/null
  done
  return 0
}

setup_more() {
  needs docker-registry
  OPEN=127.0.0.1:$PORT_OPEN/e2e/redis SHUT=127.0.0.1:$PORT_SHUT/e2e/redis
  engine DELETE "/images/$OPEN:1" >/dev/null
  engine DELETE "/images/$SHUT:1" >/dev/null
  engine DELETE "/images/127.0.0.1:$PORT_OPEN/library/redis:1" >/dev/null
}

one() {
  manifest <<<"resources: {cache: {type: redis, image: \"$1\"}}"
}

@test "an image that is missing is pulled, once for all who use it" {
  manifest <<<"resources: {one: {type: redis, image: \"$OPEN:1\"}, two: {type: redis, image: \"$OPEN:1\"}}"
  ok apphost up -d
  says 'pull'
  ok apphost ps
  ok apphost down
}

@test "pull fetches all images of the manifest, and is quick when they are there" {
  one "$OPEN:1"
  ok apphost pull
  [ "$(engine_status GET "/images/$OPEN:1/json")" = 200 ]
  ok apphost pull
}

@test "an unknown tag: exit 5, names the image" {
  one "$OPEN:nope"
  fails 5 apphost up -d
  says "$OPEN:nope" 'not found|unknown'
  fails 5 apphost pull
  says "$OPEN:nope"
  wait_until 3 nothing_left
}

@test "a registry that is down: exit 5, names it" {
  one "127.0.0.1:1/e2e/redis:1"
  fails 5 apphost up -d
  says '127.0.0.1:1' 'refused|unreachable'
  wait_until 3 nothing_left
}

@test "a login that is missing: exit 5, says how to log in" {
  one "$SHUT:1"
  fails 5 apphost up -d
  says "127.0.0.1:$PORT_SHUT" 'login|credential|authentication'
  wait_until 3 nothing_left
}

@test "a wrong password: exit 5, and the password is nowhere" {
  one "$SHUT:1"
  mkdir -p "$HOME/.docker"
  printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$PORT_SHUT" "$(printf user:wrongwrong | base64)" \
    >"$HOME/.docker/config.json"
  fails 5 apphost up -d
  says "127.0.0.1:$PORT_SHUT"
  not grep -q wrongwrong <<<"$stderr$output"
  wait_until 3 nothing_left
}

@test "a login in Docker's configuration is used" {
  one "$SHUT:1"
  mkdir -p "$HOME/.docker"
  printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$PORT_SHUT" "$(printf user:secret | base64)" \
    >"$HOME/.docker/config.json"
  ok apphost up -d
  ok apphost down
}

@test "a login in DOCKER_AUTH_CONFIG is used" {
  one "$SHUT:1"
  export DOCKER_AUTH_CONFIG
  DOCKER_AUTH_CONFIG=$(printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$PORT_SHUT" "$(printf user:secret | base64)")
  ok apphost pull
}

@test "a credential helper is asked, over its standard input" {
  one "$SHUT:1"
  mkdir -p "$HOME/.docker" "$T/bin"
  cat >"$T/bin/docker-credential-e2e" <<'END'
#!/bin/sh
read -r server
echo "$1 $server" >>"$HOME/asked"
printf '{"ServerURL":"%s","Username":"user","Secret":"secret"}' "$server"
END
  chmod +x "$T/bin/docker-credential-e2e"
  printf '{"credHelpers":{"127.0.0.1:%s":"e2e"}}' "$PORT_SHUT" >"$HOME/.docker/config.json"
  PATH=$T/bin:$PATH ok apphost pull
  [ "$(head -n 1 "$HOME/asked")" = "get 127.0.0.1:$PORT_SHUT" ]
}

@test "a credential helper that fails is named" {
  one "$SHUT:1"
  mkdir -p "$HOME/.docker"
  printf '{"credHelpers":{"127.0.0.1:%s":"not-there"}}' "$PORT_SHUT" >"$HOME/.docker/config.json"
  fails 5 apphost pull
  says 'docker-credential-not-there'
}

@test "a prefix substitutes a mirror for Docker Hub names" {
  manifest <<<'resources: {cache: {type: redis, image: "redis:1"}}'
  APPHOST_IMAGE_PREFIX=127.0.0.1:$PORT_OPEN/library ok apphost pull ||
    APPHOST_IMAGE_PREFIX=127.0.0.1:$PORT_OPEN ok apphost pull
  [ "$(engine_status GET "/images/127.0.0.1:$PORT_OPEN/library/redis:1/json")" = 200 ]
}
