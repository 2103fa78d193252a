# redis RES: commands, a prompt, mass insertion, the data as a whole; and run --isolate N.
load helpers

setup_more() {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  plain: {type: redis, image: $REDIS, password: false, start: manual}
  app: {type: process, command: [sleep, '1000'], start: manual}
END
}

redis() {
  apphost redis cache "$@"
}

@test "a command prints its answer, raw into a pipe, quoted on request, as JSON" {
  ok apphost up -d
  ok redis -- SET greeting 'hello  "you"'
  [ "$output" = OK ]
  ok redis -- GET greeting
  [ "$output" = 'hello  "you"' ]
  ok redis --no-raw GET greeting
  [ "$output" = '"hello  \"you\""' ]
  ok redis -o json -- MGET greeting none
  [ "$(jq -c . <<<"$output")" = '["hello  \"you\"",null]' ]
  ok redis -n 3 -- SET elsewhere 1
  ok redis -- EXISTS elsewhere
  [ "$output" = 0 ]
  ok apphost down
}

@test "answers look like those of redis-cli" {
  needs redis-cli
  ok apphost up -d
  load_env
  printf '%s\n' 'HSET h a 1 b 2' 'XADD s 1-1 f "v\x01"' 'SET n 5' 'GEOADD g 13.361389 38.115556 p' | redis >/dev/null
  local line
  while read -r line; do
    eval "set -- $line"
    diff <(ask "$CACHE_PORT" "$CACHE_PASSWORD" --no-raw "$@") <(redis --no-raw -- "$@") ||
      { echo "differs: $line"; return 1; }
    diff <(ask "$CACHE_PORT" "$CACHE_PASSWORD" --raw "$@") <(redis --raw -- "$@") ||
      { echo "differs raw: $line"; return 1; }
  done <<'END'
HGETALL h
XRANGE s - +
STRLEN n
GET none
GEOPOS g p q
COMMAND DOCS GET
CONFIG GET save
EVAL 'return {1,{2,{},"x"}}' 0
LOLWUT VERSION 1
END
  ok apphost down
}

@test "the server's error is on stderr, the code is 1; 10 where nothing runs or is called so; 2 for no server" {
  fails 10 redis PING
  says 'up'
  ok apphost up -d
  ok redis -- SET a 1
  fails 1 redis -- LPUSH a x
  says WRONGTYPE
  [ -z "$output" ]
  fails 1 redis -o json -- LPUSH a x
  jq -e '.error.message | test("WRONGTYPE")' <<<"$output"
  fails 10 apphost redis cach PING
  says 'did you mean cache'
  fails 2 apphost redis app PING
  fails 10 apphost redis plain PING
  ok apphost down
}

@test "without a password; the password is in no argument list" {
  ok apphost up -d plain
  ok apphost redis plain PING
  [ "$output" = PONG ]
  ok apphost up -d cache
  load_env
  background redis cache -- BLPOP nothing 20 >/dev/null 2>&1
  wait_until 5 blocked_client
  not grep -qz -- "$CACHE_PASSWORD" "/proc/$PID/cmdline"
  kill -INT "$PID"
  ended "$PID" 130
  ok apphost down
}

blocked_client() {
  redis -- INFO clients | grep -q 'blocked_clients:1'
}

@test "commands from standard input; --pipe counts replies and errors" {
  ok apphost up -d
  run --separate-stderr redis <<<$'# a comment\nSET a "x\\x41"\nLPUSH a 1\nGET a'
  [ "$status" -eq 1 ]
  [ "$output" = $'OK\nxA' ]
  says 'line 3.*WRONGTYPE'
  seq 20000 | sed 's/.*/SET key:& &/' >commands
  run --separate-stderr redis --pipe <commands
  [ "$status" -eq 0 ]
  [ "$output" = 'replies: 20000, errors: 0' ]
  run --separate-stderr redis --pipe -o json < <(printf 'SET a 1\nLPUSH a x\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n')
  [ "$status" -eq 1 ]
  [ "$(jq -c . <<<"$output")" = '{"replies":3,"errors":1}' ]
  says 'command 2: WRONGTYPE'
  ok redis DBSIZE
  [ "$output" = 20001 ]
  ok apphost down
}

@test "SUBSCRIBE and MONITOR print until they are interrupted" {
  ok apphost up -d
  background redis cache -o json -- SUBSCRIBE news >"$T/news"
  wait_until 5 subscribed
  ok redis -- PUBLISH news hello
  wait_until 5 grep -q '\["message","news","hello"\]' "$T/news"
  kill -INT "$PID"
  ended "$PID" 130
  background redis cache -- MONITOR >"$T/monitor"
  wait_until 5 grep -q OK "$T/monitor"
  ok redis -- GET something
  wait_until 5 grep -q '"GET" "something"' "$T/monitor"
  kill -INT "$PID"
  ended "$PID" 130
  ok apphost down
}

subscribed() {
  redis -- PUBSUB NUMSUB news | grep -qx 1
}

# A terminal for the program: its input from a file, what it shows in $output.
in_terminal() {
  run --separate-stderr script -qec "$*" /dev/null <"$T/keys"
  printf '[%s]\n%s\n' "$status" "$output"
}

@test "the prompt: answers, another database, history without secrets" {
  needs script
  ok apphost up -d
  printf 'set a 1\rget a\rAUTH very-secret-word\rconfig set requirepass ""\rselect 2\rnonsense\rquit\r' >"$T/keys"
  in_terminal "$APPHOST" redis cache
  [ "$status" -eq 0 ]
  prints 'cache>' '"1"' 'WRONGPASS' 'cache\[2\]>' '\(error\) ERR unknown command'
  local file=$T/state/apphost/redis_history
  [ "$(stat -c %a "$file")" = 600 ]
  grep -qx 'get a' "$file"
  not grep -qi -e secret -e requirepass "$file"
  ok apphost down
}

@test "the prompt completes names of commands: those that the server has" {
  needs script
  ldconfig -p 2>/dev/null | grep -q 'libedit\.so\.2' || skip "libedit is not installed"
  ok apphost up -d
  printf 'lolw\t version 1\rdbsi\t\rquit\r' >"$T/keys"
  in_terminal "$APPHOST" redis cache
  [ "$status" -eq 0 ]
  prints 'LOLWUT' 'DBSIZE' '\(integer\) 0'
  ok apphost down
}

@test "--flush and --seed: quoting, comments, several files; an error names file and line and stops" {
  ok apphost up -d
  printf '# first\nSET a "x\\x41"\nSELECT 2\nSET b 1\n' >one.redis
  printf 'SET c 1\nLPUSH c x\nSET c 2\n' >two.redis
  ok redis -- SET old 1
  ok redis --flush --seed one.redis
  ok redis DBSIZE
  [ "$output" = 1 ]
  ok redis GET a
  [ "$output" = xA ]
  ok redis -n 2 GET b
  [ "$output" = 1 ]
  fails 1 redis --seed two.redis
  says 'two.redis:2.*WRONGTYPE'
  ok redis GET c
  [ "$output" = 1 ]
  printf 'SET d 1\nSET e "\n' >three.redis
  fails 2 redis --seed three.redis
  says 'three.redis:2'
  ok redis EXISTS d
  [ "$output" = 0 ]
  fails 1 redis --seed none.redis
  says 'none.redis'
  ok apphost down
}

@test "--snapshot, --snapshots, --restore: there and back, kept with the project, private" {
  ok apphost up -d
  printf '%s\n' 'SET a 1' 'SET b 2 PX 600000' 'SELECT 5' 'RPUSH l x y' \
    'FUNCTION LOAD "#!lua name=l\nredis.register_function(\"f\", function() return 7 end)"' | redis
  ok redis --snapshot clean --verbose
  says '3 keys'
  ok redis --flush
  ok redis -- SET other 1
  ok redis --restore clean
  ok redis -- MGET a b other
  [ "$output" = $'1\n2' ]
  ok redis -n 5 -- LRANGE l 0 -1
  [ "$output" = $'x\ny' ]
  ok redis -- FCALL f 0
  [ "$output" = 7 ]
  ok redis --no-raw -- PTTL b
  not grep -q -- -1 <<<"$output"
  ok redis --snapshots -o json
  [ "$(jq -r '.[] | "\(.name) \(.keys)"' <<<"$output")" = 'clean 3' ]
  [ "$(find "$T/state" -path '*/snapshots/cache/clean' -printf %m)" = 600 ]
  fails 1 redis --restore clena
  says 'did you mean clean'
  fails 2 redis --snapshot ../up
  ok apphost down
  ok redis --snapshots
  prints clean
  ok apphost up -d
  ok redis --restore clean
  ok redis GET a
  [ "$output" = 1 ]
  ok apphost down
}

@test "a damaged or foreign snapshot is refused before anything is flushed" {
  ok apphost up -d
  ok redis SET a 1
  ok redis --snapshot good
  local folder
  folder=$(dirname "$(find "$T/state" -path '*/snapshots/cache/good')")
  head -c 60 "$folder/good" >"$folder/cut"
  LC_ALL=C sed 's/redis 7/radis 7/' "$folder/good" >"$folder/changed"
  echo hello >"$folder/foreign"
  ok redis SET kept 1
  for name in cut changed foreign; do
    fails 1 redis --restore $name
    says 'nothing was changed'
  done
  ok redis EXISTS kept
  [ "$output" = 1 ]
  ok apphost down
}

@test "a snapshot goes from one kind of server to another, or is refused whole" {
  needs_image apphost-test/valkey:8.1
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  next: {type: valkey, image: apphost-test/valkey:8.1}
END
  ok apphost up -d
  printf 'SET a 1\nHSET h f v\nZADD z 1 m\n' | redis
  ok redis --snapshot one
  local from
  from=$(find "$T/state" -path '*/snapshots/cache/one')
  mkdir -p "$(dirname "$(dirname "$from")")/next"
  cp "$from" "$(dirname "$(dirname "$from")")/next/one"
  ok apphost redis next --restore one
  ok apphost redis next DBSIZE
  [ "$output" = 3 ]
  ok apphost down
}

# Everything that `redis` does, on a server with TLS. What follows the file's name is put into the manifest.
over_tls() { # ENGINE IMAGE-LINE
  local engine=$1
  manifest <<END
engine: $engine
resources:
  cache: {type: redis, tls: true, password: 'a "b"'$2}
END
  printf 'SET seeded 1\nLPUSH list a b\n' >seed.redis
  ok apphost up -d
  load_env
  [[ $CACHE_URI = rediss://* ]]
  ok redis PING
  [ "$output" = PONG ]
  fails 1 redis -- LPUSH
  says 'wrong number'
  ok redis --flush --seed seed.redis
  ok redis -- LRANGE list 0 -1
  [ "$output" = $'b\na' ]
  run --separate-stderr redis --pipe < <(seq 30000 | sed 's/.*/SET key:& &/')
  [ "$output" = 'replies: 30000, errors: 0' ]
  ok redis --snapshot full --verbose
  says '30002 keys'
  ok redis --flush
  ok redis DBSIZE
  [ "$output" = 0 ]
  ok redis --restore full
  ok redis DBSIZE
  [ "$output" = 30002 ]
  background redis cache -- SUBSCRIBE news >"$T/news"
  wait_until 5 subscribed
  ok redis -- PUBLISH news hello
  wait_until 5 grep -q hello "$T/news"
  kill -INT "$PID"
  ended "$PID" 130
}

@test "over TLS: command, prompt, --pipe, --seed, --flush, --snapshot, --restore" {
  over_tls docker ", image: $REDIS"
  needs script
  printf 'get seeded\rquit\r' >"$T/keys"
  in_terminal "$APPHOST" redis cache
  [ "$status" -eq 0 ]
  prints 'cache>' '"1"'
  # Another authority: nothing is sent to a server that cannot be trusted.
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -keyout "$T/key" -out "$T/other.pem" 2>/dev/null
  fails 1 redis --cacert "$T/other.pem" PING
  says 'certificate.*not trusted'
  ok apphost down
}

@test "over TLS on the native engine" {
  needs redis-server
  over_tls native
  ok apphost down
}

@test "--drop deletes snapshots, of a project that runs or not" {
  ok apphost up -d
  ok redis SET a 1
  ok redis --snapshot one
  ok redis --snapshot two
  ok redis --drop one
  ok redis --snapshots -o json
  [ "$(jq -r '.[].name' <<<"$output")" = two ]
  fails 1 redis --restore one
  says 'no snapshot "one"'
  fails 1 redis --drop tow
  says 'did you mean two'
  fails 2 redis --drop ../two
  fails 2 redis --drop two --restore two
  says '--restore and --drop do not go together'
  ok apphost down
  ok redis --drop two -o json
  [ "$(jq -c . <<<"$output")" = '{"resource":"cache","action":"drop","name":"two"}' ]
  ok redis --snapshots
  [ -z "$output" ]
  says 'no snapshots'
}

@test "connection-string resources: a server anywhere, with the user, TLS and database that the string names" {
  needs redis-server
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=outside.example \
    -addext subjectAltName=DNS:outside.example,DNS:localhost -keyout "$T/outside.key" -out "$T/outside.pem" 2>/dev/null
  outside_server 'port 0' 'tls-port PORT' "tls-cert-file $T/outside.pem" "tls-key-file $T/outside.key" \
    'tls-auth-clients no' 'user default off' 'user me on >s3cret@word ~* &* +@all'
  export ConnectionStrings__outside="127.0.0.1:$OUTSIDE,user=me,password=s3cret@word,ssl=true,\
sslHost=outside.example,defaultDatabase=3"
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, tls: true}
  own: {type: connection-string, value: '\${cache.connection_string}', check: true}
  outside: connection-string
  uri: {type: connection-string, value: 'rediss://me:s3cret%40word@localhost:$OUTSIDE/3'}
  stranger: {type: connection-string, value: 'rediss://me:s3cret%40word@127.0.0.1:$OUTSIDE/3'}
  wrong: {type: connection-string, value: 'rediss://me:other@localhost:$OUTSIDE'}
END
  ok apphost up -d
  ok apphost redis own -- SET a 1
  ok redis GET a
  [ "$output" = 1 ]
  ok apphost redis outside --cacert "$T/outside.pem" -- SET b 2
  ok apphost redis uri --cacert "$T/outside.pem" -- GET b
  [ "$output" = 2 ]
  ok apphost redis uri --cacert "$T/outside.pem" -n 0 -- EXISTS b
  [ "$output" = 0 ]
  fails 1 apphost redis uri -- GET b
  says 'not trusted' '--cacert'
  fails 1 apphost redis stranger --cacert "$T/outside.pem" PING
  says 'not trusted.*mismatch'
  fails 1 apphost redis wrong --cacert "$T/outside.pem" PING
  says 'refuses the password'
  ok apphost down
  kill "$OUTSIDE_PID"
  wait_until 10 dead "$OUTSIDE_PID"
}

@test "connection-string resources: what empties a server that is not ours has to be meant" {
  needs redis-server
  outside_server 'port PORT' 'requirepass outside'
  local port=$OUTSIDE
  manifest <<END
engine: native
resources:
  there: {type: connection-string, value: 'redis://:outside@127.0.0.1:$port/2', check: true}
  database: {type: connection-string, value: 'Server=db;User Id=x;Password=very-secret'}
END
  ok apphost up -d
  not grep -q -e very-secret -e :outside <<<"$output$stderr"
  ok apphost redis there SET a 1
  [ "$(ask "$port" outside -n 2 GET a)" = 1 ]
  ok apphost redis there --snapshot mine
  fails 2 apphost redis there --flush
  says '127.0.0.1' 'no server of this project' '-y'
  fails 2 apphost redis there --restore mine
  [ "$(ask "$port" outside -n 2 DBSIZE)" = 1 ]
  ok apphost redis there --flush -y
  [ "$(ask "$port" outside -n 2 DBSIZE)" = 0 ]
  ok apphost redis there --restore mine -y
  [ "$(ask "$port" outside -n 2 GET a)" = 1 ]
  fails 2 apphost redis database PING
  says 'names no Redis'
  ok apphost ps
  not grep -q very-secret <<<"$output"
  ok apphost down
  kill "$OUTSIDE_PID"
  wait_until 10 dead "$OUTSIDE_PID"
}

@test "run --isolate N: a server each, numbered lines, the worst code, nothing is left" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS, host_port: $(free_port), data_volume: true, lifetime: persistent}
END
  fails 3 apphost run --isolate 3 --report report.json -- \
    sh -c 'echo "port $CACHE_PORT $APPHOST_WORKER/$APPHOST_WORKERS $APPHOST_WORKER_INDEX"
      '"$APPHOST"' redis cache INCR n; exit $APPHOST_WORKER'
  local n
  for n in 1 2 3; do
    grep -Eq "^\[$n\] port [0-9]+ $n/3 $((n - 1))$" <<<"$output"
    grep -qx "\[$n\] 1" <<<"$output"
    [ "$(jq ".workers[$((n - 1))].exitCode" report.json)" = $n ]
  done
  [ "$(sed -n 's/^\[.\] port \([0-9]*\).*/\1/p' <<<"$output" | sort -u | wc -l)" = 3 ]
  says 'worker 3 of 3: exit code 3'
  wait_until 3 nothing_of_workers
  fails 125 apphost run --isolate 0 -- true
}

# The workers' projects have names of their own.
nothing_of_workers() {
  [ -z "$(engine GET "/containers/json?all=1" | jq -r '.[].Names[0]' | grep -F "$PROJECT")" ] && [ -z "$(processes)" ]
}

@test "run --isolate N: an interruption ends all workers, and their servers" {
  background run --isolate 2 -- sh -c 'echo up; exec sleep 1000' >"$T/out" 2>"$T/err"
  wait_until 20 both_up
  kill -INT "$PID"
  ended "$PID" 130
  wait_until 5 nothing_of_workers
}

both_up() {
  [ "$(grep -c up "$T/out")" = 2 ]
}

@test "the prompt in the background of a terminal waits, and ends with TERM" {
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
END
  ok apphost up -d
  SAY=$APPHOST ok timeout --foreground -k 5 90 python3 "$BATS_TEST_DIRNAME/terminal.py" -- \
    sh -c 'timeout 2 "$SAY" redis cache; echo "code $?"'
  prints 'code 124' 'settings kept'
  ok apphost down
}
