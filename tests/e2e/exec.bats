# exec in a container with standard input and with a terminal. What it prints and how it ends: lifecycle.bats.
load helpers

IMAGE=apphost-test/redis:8.0 # has stty and tty

up() {
  needs_image "$IMAGE"
  manifest <<END
resources:
  cache: {type: redis, image: $IMAGE}
END
  ok apphost up -d
}

# terminal STEP… -- ARGUMENT… : the program on a terminal; see terminal.py
terminal() {
  timeout --foreground -k 5 90 python3 "$BATS_TEST_DIRNAME/terminal.py" "$@"
}

sum() {
  sha256sum | cut -d' ' -f1
}

@test "standard input: to its end, byte for byte, 5 MB there and back" {
  up
  head -c 5000000 /dev/urandom >bytes
  [ "$(apphost exec cache -- cat <bytes | sum)" = "$(sum <bytes)" ]
  [ "$(cat bytes | apphost exec cache -- sha256sum | cut -d' ' -f1)" = "$(sum <bytes)" ]
  [ "$(apphost exec cache -- cat </dev/null | wc -c)" = 0 ]
  [ "$(apphost exec cache -- cat <&- | wc -c)" = 0 ]
  load_env
  [ "$(printf 'AUTH %s\nPING\n' "$CACHE_PASSWORD" | apphost exec cache -- redis-cli | tail -n 1)" = PONG ]
  ok apphost down
}

@test "a command that does not read its input ends us, whatever is left of it" {
  up
  run bash -c "head -c 5000000 /dev/zero | timeout 60 '$APPHOST' exec cache -- sh -c 'exit 5'"
  [ "$status" = 5 ]
  mkfifo never
  sleep 300 >never 3>&- &
  local writer=$!
  run timeout 60 "$APPHOST" exec cache -- sh -c 'echo bye; exit 6' <never
  kill $writer
  [ "$status" = 6 ]
  [ "$output" = bye ]
  run bash -c "set -o pipefail; timeout 60 '$APPHOST' exec cache -- yes | head -n 1"
  [ "${lines[0]}" = y ]
  [ "$status" = 141 ]
  ok apphost down
}

@test "variables, folder and user of the command; in a process too, but for the user" {
  needs_image "$IMAGE"
  manifest <<END
resources:
  cache: {type: redis, image: $IMAGE}
  app: {type: process, command: [sleep, '1000']}
END
  ok apphost up -d
  ok env OURS=two "$APPHOST" exec -e ONE='a b' -e OURS -e NONE -w /tmp -u 999 cache -- \
    sh -c 'echo "$ONE,$OURS,${NONE-none},$PWD,$(id -u)"'
  [ "$output" = 'a b,two,none,/tmp,999' ]
  ok apphost exec -e ONE=1 -w / app -- sh -c 'echo "$ONE $PWD"'
  [ "$output" = '1 /' ]
  fails 125 apphost exec -u 999 app -- true
  ok apphost down
}

# Who says 42 is who gets the Ctrl-C: between two commands of a line a shell may begin the second one all the same.
@test "a terminal: its size now and later, Ctrl-C for the command, the exit code; ours is as before" {
  up
  terminal expect '# ' send 'tty; until [ "$(stty size)" = "24 80" ]; do sleep 0.1; done; stty size\n' expect /dev/ \
    expect '24 80\r\n' \
    size 30 100 send 'until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; stty size\n' expect '30 100\r\n' \
    send 'sh -c "echo \$((40+2)); exec sleep 300"\n' expect 42 send '\x03' expect '# ' send 'exit 9\n' \
    -- "$APPHOST" exec cache -- sh >out
  cat out
  grep -q '^code 9, settings kept' out
  ok apphost down
}

@test "a terminal: as before when a signal ends us, and when the command does not exist" {
  up
  terminal expect '# ' signal 15 -- "$APPHOST" exec cache -- sh >out
  cat out
  grep -q '^code -15, settings kept' out
  terminal -- "$APPHOST" exec cache -- no-such-program >out
  cat out
  grep -Eq '^code 12[67], settings kept' out
  ok apphost down
}

# Writes a script that tells whether something with 4242 in its arguments runs in the container, which has no grep.
make_is_running() {
  cat >is_running <<END
#!/bin/sh
exec "$APPHOST" exec cache -- sh -c 'case \$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " ") in
*[4]242*) ;;
*) exit 1 ;;
esac'
END
  chmod +x is_running
}

stopped_running() {
  ! ./is_running
}

# $1: a signal, the rest: the command. It begins, is sent the signal, and ends by it.
ends_by() {
  local signal=$1 code=0
  shift
  background exec cache -- "$@"
  wait_until 60 ./is_running
  kill "-$signal" "$PID"
  wait "$PID" || code=$?
  [ "$code" = $((128 + $(kill -l "$signal"))) ]
  stopped_running
}

@test "a signal that ends us ends the command in the container" {
  up
  make_is_running
  ends_by TERM sleep 4242
  ok apphost down
}

@test "-T: no terminal in the container; a typed end of file ends its input" {
  up
  terminal expect 'not a tty' send 'hello\n' send '\x04' -- "$APPHOST" exec -T cache -- sh -c 'tty; cat; exit 4' >out
  cat out
  [ "$(grep -c hello out)" = 2 ]
  grep -q '^code 4, settings kept' out
  ok apphost down
}

# The password reaches them by the environment: an argument list is everybody's to read.
@test "a server's own command-line client is logged in, whichever server, with TLS too" {
  local image server
  for image in redis:7.0 redis:8.0 valkey:8.1; do
    needs_image apphost-test/$image
    server=${image%:*}
    manifest <<END
resources:
  cache: {type: $server, image: apphost-test/$image}
  safe: {type: $server, image: apphost-test/$image, tls: true}
  open: {type: $server, image: apphost-test/$image, password: false}
END
    ok apphost up -d
    ok apphost exec cache -- $server-cli set k v
    [ "$output" = OK ]
    ok apphost exec cache $server-cli get k
    [ "$output" = v ]
    [ "$(printf 'GET k\nGET k\n' | apphost exec cache -- $server-cli)" = $'v\nv' ]
    ok apphost exec safe -- $server-cli --tls --insecure ping
    [ "$output" = PONG ]
    ok apphost exec open -- $server-cli ping
    [ "$output" = PONG ]
    load_env
    [ -n "$CACHE_PASSWORD" ]
    apphost exec cache -- sh -c 'cat /proc/[0-9]*/cmdline' | tr '\0' ' ' >lines
    grep -q "$server-server" lines
    not grep -qF -- "$CACHE_PASSWORD" lines
    # What the user gives wins.
    run --separate-stderr apphost exec -e REDISCLI_AUTH=wrong -e VALKEYCLI_AUTH=wrong cache -- $server-cli get k
    grep -Eq 'WRONGPASS|NOAUTH' <<<"$output$stderr"
    ok apphost down
  done
}

@test "docker's -it is understood" {
  up
  ok apphost exec -it cache -- echo hello
  [ "$output" = hello ]
  ok apphost exec --interactive --tty cache echo hello
  ok apphost down
}
