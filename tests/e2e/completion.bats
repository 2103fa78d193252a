# What the shells offer: the scripts' own functions, and a real bash on a terminal.
load helpers

setup_more() {
  mkdir "$T/bin" "$T/work/logs" "$T/work/my files"
  touch "$T/work/my files/other.yaml"
  ln -s "$APPHOST" "$T/bin/apphost"
  PATH=$T/bin:$PATH
  manifest <<END
resources:
  cache: {type: redis, image: $REDIS}
  catalogue: {type: connection-string, value: 'localhost:1'}
  api:
    type: process
    command: [sleep, '1000']
    endpoints: {http: {env: PORT}, admin: {env: ADMIN_PORT}}
    replicas: 2
  debugger: {type: process, command: [sleep, '1000'], profiles: [debug]}
END
}

# offers LINE… : what bash offers for the last word, on one line, sorted
offers() {
  # shellcheck disable=SC1090 # made by the program
  source <(apphost completion bash)
  # As bash breaks words: "=" is one of its own.
  COMP_WORDS=(apphost)
  local word
  for word; do
    if [[ $word = --*=* ]]; then
      COMP_WORDS+=("${word%%=*}" =)
      [ -z "${word#*=}" ] || COMP_WORDS+=("${word#*=}")
    else
      COMP_WORDS+=("$word")
    fi
  done
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _apphost
  printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
}

# is EXPECTED LINE…
is() {
  local got
  got=$(offers "${@:2}")
  [ "$got" = "$1" ] || { echo "apphost ${*:2}: wanted \"$1\", got \"$got\""; return 1; }
}

# bats test_tags=engineless
@test "bash: verbs, options, choices, resources, endpoints, signals, profiles, files" {
  is 'logs ls' l
  is 'down' dow
  is 'ps' -p x ps
  is '--detach' up --det
  is 'plain' up --progress pl
  is 'auto json plain quiet tty' --progress ''
  is 'json text' -o ''
  is 'json' --output=j
  is 'docker native' --engine ''
  is 'cache catalogue' logs ca
  is 'api api-1 api-2 cache catalogue' logs -f ''
  is 'cache catalogue' up --exit-code-from ca
  is 'cache catalogue' up --exit-code-from=ca
  is 'cache catalogue' exec ca
  is 'admin http' port api ''
  is 'tcp' port cache ''
  is 'HUP' kill -s H
  is 'HUP' kill api --signal=H
  is 'debug' up --profile ''
  is 'api api-1 api-2 cache catalogue debugger' --profile debug logs ''
  is 'bash' completion b
  is 'run' help ru
  is '' ls ''
  is 'apphost.yaml' -f app
  is 'my files' -f my
  is 'my files/other.yaml' --file='my files/o'
  is 'logs' up --log-dir lo
  [[ " $(offers run -- tru) " = *' true '* ]]
  is 'apphost.yaml' exec api cat app
  # From elsewhere, and with a manifest that is wrong.
  cd /
  is 'cache catalogue' -C "$T/work" logs ca
  is 'cache catalogue' logs -C "$T/work" ca
  is 'cache' --file "$T/work/apphost.yaml" logs cac
  echo 'resources: [' >"$T/work/apphost.yaml"
  is '' -C "$T/work" logs ca
}

# bats test_tags=engineless
@test "bash on a terminal: the tabulator key" {
  apphost completion bash >script
  PS1='$ ' timeout --foreground -k 5 60 python3 "$BATS_TEST_DIRNAME/terminal.py" \
    send 'source ./script; PS1=ready:\n' expect 'ready:' expect 'ready:' send 'apphost val\t' \
      expect 'apphost validate ' send '-C my\t' \
    expect 'my\\ files/' send '\x15exit\n' -- bash --norc --noprofile -i >out
  cat out
  grep -q '^code 0' out
}

# bats test_tags=engineless
@test "every verb and option completes to something or to nothing, without a complaint" {
  local verb option globals
  globals=$(apphost __complete -- -- | cut -f1)
  [ "$(wc -l <<<"$globals")" -gt 20 ]
  completes() {
    run --separate-stderr apphost __complete -- "$@"
    [[ $status = 0 && -z $stderr && $output = :* ]] || { echo "complete: $*: $output $stderr"; return 1; }
  }
  for option in $(grep '^--' <<<"$globals"); do completes ps "$option" ''; done
  while read -r verb _; do
    completes "$verb" ''
    for option in $(apphost __complete -- "$verb" -- | cut -f1 | grep '^--' | grep -Fvx "$globals"); do
      completes "$verb" "$option" ''
    done
  done < <(apphost __complete)
}

@test "snapshots of a server, and the projects of this machine" {
  needs_image "$REDIS"
  ok apphost up -d cache
  ok apphost redis cache --snapshot clean
  ok apphost redis cache --snapshot seeded
  is 'clean seeded' redis cache --restore ''
  is 'seeded' redis cache --drop s
  is '' redis api --restore ''
  is "$PROJECT" down -p ''
  is "$PROJECT" -p "${PROJECT:0:6}"
  ok apphost down
  is 'clean seeded' redis cache --restore '' # they outlive the session
}

# bats test_tags=engineless
@test "zsh and fish take their scripts and offer the same" {
  local shell found=
  for shell in zsh fish; do
    command -v $shell >/dev/null || continue
    found=1
    apphost completion $shell >script
    $shell -n script
  done
  [ -n "$found" ] || skip "neither zsh nor fish is installed"
  if command -v fish >/dev/null; then
    apphost completion fish >script
    [ "$(fish -c 'source script; complete -C "apphost logs cac"')" = cache ]
    [ "$(fish -c 'source script; complete -C "apphost kill -s HU"' | cut -f1)" = HUP ]
  fi
}
