# What is shown on a terminal fits it, at 40 columns as at 80: names give way, states and addresses never do.
load helpers

LONG=a-service-whose-name-is-rather-long-for-a-terminal

# on COLUMNS STEP… -- COMMAND… : runs it on a terminal of that width; $lines is what it wrote, without escape sequences
on() {
  local columns=$1 code=0
  shift
  TERM=xterm timeout --foreground -k 5 120 python3 "$BATS_TEST_DIRNAME/terminal.py" size 24 "$columns" "$@" >raw ||
    code=$?
  sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/\r//g' raw >shown
  cat shown
  [ $code = 0 ]
}

# No line is wider than that; one word, as a path, cannot be made narrower.
fits() {
  not grep -E "^.{$(($1 + 1)),}$" <(grep -vE '^ *[^ ]+$|^code [0-9]+, settings' shown)
}

# Every live line tells its state as a whole word.
states_are_whole() {
  local states='waiting|pulling|creating|starting|running|ready|stopping|stopped|removed|restarting|completed'
  not grep -vE " ($states)( |\(|:|\$)" <(grep -E '^[✔✘·⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] ' shown)
}

up() {
  needs_image "$REDIS"
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  $LONG: {type: redis, image: $REDIS}
  task: {type: process, task: true, shell: exit 0}
END
}

@test "up, ps, ls, doctor and top at 40 and at 80 columns" {
  up
  local columns verb
  for columns in 40 80; do
    on $columns -- "$APPHOST" up -d
    grep -q '^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] a-ser' shown
    states_are_whole
    fits $columns
    for verb in ps ls doctor 'top --no-stream'; do
      # shellcheck disable=SC2086 # words
      on $columns -- "$APPHOST" $verb
      fits $columns
      case $verb in
      ls) grep -qw running shown ;;
      doctor) grep -q ' passed, ' shown ;;
      *) [ "$(grep -Ecw 'ready' shown)" -ge 2 ] && grep -qw completed shown && grep -q -- "$LONG" shown ;;
      esac
    done
    on $columns -- "$APPHOST" down
    states_are_whole
  done
}

@test "help fits the terminal" {
  local verb
  for verb in '' $("$APPHOST" __complete | cut -f1); do
    # shellcheck disable=SC2086 # none is no word
    on 80 -- "$APPHOST" help $verb
    # An example is a line, however long.
    sed -i '/^Examples:/,/^$/d' shown
    fits 80
  done
}

@test "top: q leaves, and so does Ctrl-C; the terminal is as before" {
  up
  ok apphost up -d cache
  on 80 expect cache expect ready send 'x' send 'q' -- "$APPHOST" top --interval 1h
  grep -q '^code 0, settings kept' shown
  not grep -q 'xq' shown
  on 80 expect ready send '\x03' -- "$APPHOST" top --interval 1h
  grep -Eq '^code (-2|130), settings kept' shown
  ok apphost down
}

@test "why a pull failed is told once, on a terminal and elsewhere, by pull and by up" {
  manifest <<END
resources:
  one: {type: redis, image: 'localhost:1/nothing:1'}
  two: {type: redis, image: 'localhost:1/nothing:2'}
END
  local verb
  for verb in 'pull one' 'up -d one'; do
    # shellcheck disable=SC2086 # words
    fails 5 apphost $verb
    [ "$(grep -c 'cannot pull' <<<"$stderr")" = 1 ]
  done
  on 80 -- "$APPHOST" pull one
  [ "$(grep -c 'error: cannot pull' shown)" = 1 ]
  # The live line says it while it stands; what stays does not.
  grep -Eq '^✘ localhost:1/nothing:1 +failed +[0-9.]+s$' shown
  # Two failures: each once.
  fails 5 apphost pull
  [ "$(grep -c 'cannot pull localhost:1/nothing:1' <<<"$stderr")" = 1 ]
  [ "$(grep -c 'cannot pull localhost:1/nothing:2' <<<"$stderr")" = 1 ]
}
