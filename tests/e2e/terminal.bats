# Signals, terminals and what is inherited: each on a real terminal, the way it happens to people.
# bats file_tags=engineless
load helpers
load sshd

TERMINAL=$BATS_TEST_DIRNAME/terminal.py

setup_more() {
  manifest <<'END'
resources:
  web: {type: process, command: [sleep, "1000"]}
END
}

teardown() {
  local code=0
  sshd_stop
  [ -z "${TMUX_SOCKET:-}" ] || tmux -S "$TMUX_SOCKET" kill-server 2>/dev/null
  teardown_test || code=1
  return $code
}

# terminal STEP… -- COMMAND… : see terminal.py; $SAY is the program, for what a shell there says
terminal() {
  SAY=$APPHOST ok timeout --foreground -k 5 "${BOUND:-90}" python3 "$TERMINAL" "$@"
}

nobody() {
  [ -z "$(processes)" ]
}

# ignored PID SIGNAL… / through PID SIGNAL… : what a process has in its mask of ignored signals, or not
ignored() {
  local mask number pid=$1
  mask=$((16#$(sed -n 's/^SigIgn:\t//p' "/proc/$pid/status")))
  shift
  for number; do
    ((mask >> (number - 1) & 1)) || return 1
  done
}

@test "timeout ends a command that waits for the terminal in the background" {
  terminal -- sh -c 'timeout 2 "$SAY" run web -- sh -c "read x"; echo "code $?"'
  prints 'code 124' 'wants the terminal' 'once more to kill'
  wait_until 5 nobody
}

@test "a command that somebody stopped ends with what we are sent" {
  terminal expect 'was stopped by somebody' signal 15 -- "$APPHOST" run web -- sh -c 'kill -STOP $$; sleep 1000'
  prints 'code 143, settings kept'
  wait_until 5 nobody
}

@test "a command that ignores TERM is killed after a while, or by a second signal" {
  local deaf='trap "" TERM INT; echo it is deaf; while :; do sleep 1; done'
  terminal expect deaf signal 15 expect 'once more to kill' signal 2 -- "$APPHOST" run web -- sh -c "$deaf"
  prints 'code 137, settings kept'
  terminal expect deaf signal 15 -- "$APPHOST" run web -- sh -c "$deaf"
  prints 'code 137, settings kept'
  wait_until 5 nobody
}

@test "a signal that comes twice in a moment, as timeout sends it, is one" {
  background run web -- sh -c 'trap "sleep 0.5; echo cleaned up; exit 3" TERM; echo ready
    while :; do sleep 0.1; done' >out 2>&1
  wait_until 10 grep -q ready out
  kill -TERM "$PID"
  kill -TERM "$PID"
  ended "$PID" 3
  grep -q 'cleaned up' out
  wait_until 5 nobody
}

# A shell with job control, and a command in it that the terminal's foreground can be asked about: it sleeps, and its
# process group is the terminal's. (Not as ps shows it: a nice process has more letters.) What is typed while the
# shell still moves the terminal may get lost, on any shell.
CAT='"$SAY" run web -- sh -c "echo \\$\\$ >child; exec cat"'
IN_FRONT='sed "s/.*) //" "/proc/$(cat child)/stat" | grep -E "^S [0-9]+ ([0-9]+) [0-9]+ [0-9]+ \1 "'
SHELL_WITH_JOBS=(env 'PS1=prompt$ ' bash --norc --noprofile -i)

@test "Ctrl-Z stops the command and us, fg goes on" {
  terminal expect '$ ' send "$CAT\n" until "$IN_FRONT" send 'one\n' expect one expect one send '\x1a' expect Stopped \
    send 'fg\n' until "$IN_FRONT" send 'two\n' expect two expect two send '\x04' expect 'prompt$ ' send 'exit 0\n' \
    -- "${SHELL_WITH_JOBS[@]}"
  prints 'code 0'
  wait_until 5 nobody
}

@test "started in the background, it reads once it is in the foreground" {
  terminal expect '$ ' send "$CAT &\n" expect 'wants the terminal' send 'fg\n' until "$IN_FRONT" \
    send 'one\n' expect one expect one send '\x04' expect 'prompt$ ' send 'exit 0\n' -- "${SHELL_WITH_JOBS[@]}"
  prints 'code 0'
  wait_until 5 nobody
}

@test "a script's & leaves the terminal to the script" {
  terminal expect 'running' send 'hello\n' expect 'got hello' -- \
    sh -c '"$SAY" run web -- sh -c "echo running; sleep 1" & read x; echo "got $x"; wait'
  prints 'code 0'
  wait_until 5 nobody
}

@test "the terminal's hangup ends everything, in the foreground and in the background" {
  terminal expect 'web  ready' hangup -- "$APPHOST" up
  wait_until 10 nobody
  terminal expect ready hangup -- "$APPHOST" run web -- sh -c 'echo ready; sleep 1000'
  wait_until 10 nobody
  terminal expect 'wants the terminal' hangup -- sh -c 'timeout 900 "$SAY" run web -- sh -c "read x"'
  wait_until 10 nobody
  terminal expect 'web  ready' hangup -- sh -c 'timeout 900 "$SAY" up'
  wait_until 10 nobody
  terminal expect 'both run' hangup -- sh -c 'timeout 900 "$SAY" run --isolate 2 web -- sh -c "touch \$APPHOST_WORKER
    until test -e 1 -a -e 2; do sleep 0.1; done; echo both run; sleep 1000"'
  wait_until 10 nobody
}

@test "what was ignored at the start stays ignored: nohup, and & in a script" {
  nohup "$APPHOST" up >out 2>&1 3>&- & # a shell without job control: INT and QUIT too
  local pid=$! child
  wait_until 20 grep -q 'web  ready' out
  child=$(pgrep -f -P "$(session supervisor)" 'sleep 1000')
  ignored "$pid" 1 2 3
  ignored "$(session guard)" 1 2 3
  ignored "$(session supervisor)" 1 2 3
  grep -q '^SigIgn:.*0$' "/proc/$child/status" # a service is as a daemon starts it, so that it can be stopped
  not ignored "$child" 1
  kill -HUP "$pid" "$(session supervisor)" "$(session guard)"
  kill -INT "$pid"
  has_state web ready
  alive "$pid"
  kill -TERM "$pid"
  ended "$pid" 143
}

@test "a command of run has the signals that we were started with, and no others" {
  ok env --default-signal --ignore-signal=HUP,USR1 --block-signal=USR2,CHLD,TERM "$APPHOST" run web -- \
    grep -E '^Sig(Blk|Ign)' /proc/self/status
  # Not looked at are signals 32 and up: libc keeps some of them from everybody, and passes on how they were.
  prints 'SigBlk:.0000000000014800' 'SigIgn:.[0-9a-f]{8}[08]0000201'
  ok env --default-signal "$APPHOST" run web -- grep -E '^Sig(Blk|Ign)' /proc/self/status
  prints 'SigBlk:.0000000000000000' 'SigIgn:.[0-9a-f]{8}[08]0000000'
}

@test "nohup on a terminal: it survives the hangup" {
  terminal expect 'is up' hangup -- sh -c 'nohup "$SAY" up >out 2>&1 </dev/null &
    until grep -q "web  ready" out; do sleep 0.1; done; echo it is up; read x'
  has_state web ready
  ok apphost down
}

@test "setsid: it survives the hangup, TERM ends it" {
  terminal expect 'is up' hangup -- sh -c 'setsid "$SAY" up >out 2>&1 </dev/null & echo $! >pid
    until grep -q "web  ready" out; do sleep 0.1; done; echo it is up; read x'
  has_state web ready
  kill -TERM "$(cat pid)"
  wait_until 10 nobody
}

@test "script(1): code and output come through, its end ends everything" {
  needs script
  fails 7 script -qec "'$APPHOST' run web -- sh -c 'echo from inside; exit 7'" /dev/null </dev/null
  prints 'from inside'
  # Whoever runs the tests may ignore it.
  env --default-signal=HUP script -qfc "'$APPHOST' up" out </dev/null >/dev/null 2>&1 3>&- &
  local pid=$!
  wait_until 20 grep -q 'web  ready' out
  kill -KILL "$pid" # and its terminal is gone
  wait_until 10 nobody
  wait "$pid" || true
}

@test "tmux: detaching changes nothing, the end of the pane ends everything" {
  needs tmux
  TMUX_SOCKET=$T/tmux
  # Else keys that come within a millisecond are text, and no command of tmux's.
  echo 'set -g assume-paste-time 0' >tmux.conf
  tmux -S "$TMUX_SOCKET" -f tmux.conf new-session -d -x 80 -y 24 "'$APPHOST' up" 3>&-
  wait_until 20 has_state web ready
  TERM=xterm terminal expect 'ready' send '\x02d' expect detached -- tmux -S "$TMUX_SOCKET" attach
  has_state web ready
  tmux -S "$TMUX_SOCKET" kill-server
  wait_until 10 nobody
}

@test "ssh: the end of the connection ends everything" {
  sshd_start
  local at="cd $T/work && XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR XDG_STATE_HOME=$XDG_STATE_HOME HOME=$HOME exec $APPHOST"
  timeout 60 ssh -tt -p "$SSH_PORT" 127.0.0.1 "$at up" </dev/zero >out 2>&1 3>&- &
  local pid=$!
  wait_until 20 grep -q 'web  ready' out
  kill -KILL "$(pgrep -P "$pid" ssh)"
  wait_until 10 nobody
  wait "$pid" || true
}

@test "a question ends by Ctrl-C and by TERM, and whatever is no yes changes nothing" {
  needs redis-server
  outside_server 'port PORT'
  manifest <<<"resources: {there: {type: connection-string, value: 'redis://127.0.0.1:$OUTSIDE'}}"
  ok apphost up -d
  ok apphost redis there SET a 1
  terminal expect 'y/N' send '\x03' -- "$APPHOST" redis there --flush
  prints 'code 130'
  terminal expect 'y/N' signal 15 -- "$APPHOST" redis there --flush
  prints 'code 143'
  terminal expect 'y/N' send 'n\r' -- "$APPHOST" redis there --flush
  prints 'nothing was changed' 'code 1'
  terminal expect 'y/N' send '\x04' -- "$APPHOST" redis there --flush
  prints 'nothing was changed' 'code 1'
  [ "$(apphost redis there DBSIZE)" = 1 ]
  terminal expect 'y/N' send 'yes\r' -- "$APPHOST" redis there --flush
  prints 'code 0'
  [ "$(apphost redis there DBSIZE)" = 0 ]
  ok apphost down
  kill "$OUTSIDE_PID"
  wait_until 10 dead "$OUTSIDE_PID"
}

@test "closed standard descriptors: nothing of ours takes their place" {
  ok bash -c '"$0" run web -- sh -c "ls -l /proc/self/fd >seen; exit 3" <&- >&- 2>&-; [ $? = 3 ]' "$APPHOST"
  [ "$(grep -c '/dev/null$' seen)" -ge 2 ]
  not grep -E 'socket:|pipe:|anon_inode' seen
  ok bash -c '"$0" up -d <&- >&- 2>&-' "$APPHOST"
  has_state web ready
  local fd
  for fd in 0 1 2; do
    [[ $(readlink "/proc/$(session supervisor)/fd/$fd") = /* ]]
  done
  ok bash -c '"$0" down >&-' "$APPHOST"
}

@test "a runner on a terminal that closes descriptors: each alone and all at once, and Ctrl-C still ends all" {
  local closed
  for closed in '<&-' '>&-' '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    terminal expect begun send '\x03' expect over -- \
      bash -c "trap : INT; '$APPHOST' run web -- sh -c 'echo begun >/dev/tty; exec sleep 1000' $closed; echo over"
    nobody
  done
}
