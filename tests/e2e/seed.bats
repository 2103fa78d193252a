# `seed`: files of commands that fill an empty server, after it answers and before anybody who depends on it.
load helpers

REDIS8=apphost-test/redis:8.0
VALKEY=apphost-test/valkey:8.1

# server [LINE…]
server() {
  {
    printf 'resources:\n  cache:\n    type: %s\n    image: %s\n    seed: [one.txt, two.txt]\n' "${TYPE:-redis}" \
      "${IMAGE:-$REDIS}"
    [ $# = 0 ] || printf '    %s\n' "$@"
  } | manifest
}

setup_more() {
  printf '# greetings\nSET greeting "hello \\"world\\""\n\nSELECT 2\nSET other 1\n' >one.txt
  printf 'LPUSH list a b c\nHSET hash field value\n' >two.txt
}

cache() {
  load_env && ask "$CACHE_PORT" "$CACHE_PASSWORD" "$@"
}

@test "an empty server is filled from all files, on each server" {
  for server in "redis $REDIS" "redis $REDIS8" "valkey $VALKEY"; do
    TYPE=${server% *} IMAGE=${server#* } server
    ok apphost up -d
    [ "$(cache GET greeting)" = 'hello "world"' ]
    [ "$(cache -n 2 GET other)" = 1 ]
    [ "$(cache LLEN list)" = 3 ] && [ "$(cache HGET hash field)" = value ]
    ok apphost down
  done
}

@test "once per data set: what was changed stays over restart, down and up" {
  server 'data_volume: true'
  ok apphost up -d
  cache SET greeting mine
  ok apphost restart cache
  [ "$(cache GET greeting)" = mine ]
  [ "$(cache LLEN list)" = 3 ]
  ok apphost down
  ok apphost up -d
  [ "$(cache GET greeting)" = mine ]
  ok apphost down -v
  ok apphost up -d
  [ "$(cache GET greeting)" = 'hello "world"' ]
  ok apphost down -v
}

@test "a dependant finds it filled" {
  server
  cat >>apphost.yaml <<END2
  app:
    type: process
    task: true
    shell: 'REDISCLI_AUTH="\$CACHE_PASSWORD" redis-cli -p "\$CACHE_PORT" LLEN list >seen'
    references: [cache]
END2
  ok apphost up -d
  [ "$(cat seen)" = 3 ]
  ok apphost down
}

@test "a command that fails in line 7: exit 6 with its position, nothing half done, and the next up tries again" {
  printf 'SET a 1\nSET b 1\nSET c 1\nSET d 1\nSET e 1\nSET f 1\nLPUSH a x\nSET h 1\n' >two.txt
  server 'lifetime: persistent'
  fails 6 apphost up -d
  says 'two.txt:7:.*error.*seed cache.*WRONGTYPE'
  printf 'SET a 1\n' >two.txt
  ok apphost up -d
  [ "$(cache GET a)" = 1 ]
  [ -z "$(cache GET b)" ]
  [ "$(cache GET greeting)" = 'hello "world"' ]
  ok apphost down --all
}

@test "a file that does not parse executes nothing; one that is not there is an error at its position" {
  printf 'SET a 1\nSET b "open\n' >two.txt
  server
  fails 6 apphost up -d
  says 'two.txt:2:.*error.*seed cache'
  rm two.txt
  server
  fails 3 apphost validate
  says 'apphost.yaml:6:21: error.*two.txt'
}

@test "seeds work over TLS, and with a password of any kind" {
  server 'tls: true' "password: 'a b\"c\\'"
  ok apphost up -d
  load_env
  [ "$(redis-cli --no-auth-warning -a "$CACHE_PASSWORD" -h "${CACHE_HOST:-$HERE}" -p "$CACHE_PORT" --tls \
    --cacert "$CACHE_CA_FILE" LLEN list)" = 3 ]
  ok apphost down
}

@test "the native engine seeds as well" {
  needs redis-server
  server
  sed -i '/image:/d' apphost.yaml
  # An editor's byte order mark is no part of the first command.
  sed -i '1s/^/\xEF\xBB\xBF/' *.txt
  ok apphost up -d --engine native
  [ "$(cache LLEN list)" = 3 ]
  ok apphost down
}
