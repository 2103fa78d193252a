# The program before it touches an engine: version, help, usage, output that goes nowhere.
# bats file_tags=engineless
load helpers

@test "version prints one line and exits 0" {
  ok apphost version
  [ "${#lines[@]}" -eq 1 ]
  prints '^apphost [0-9]+\.[0-9]+'
  ok apphost --version
}

@test "version -o json is one object" {
  ok apphost version -o json
  jq -e '.version | test("^[0-9]+[.]")' <<<"$output"
  jq -e '.installed | IN("source", "package", "tarball", "image")' <<<"$output"
  jq -e '.libraries[] | select(.name == "libcurl") | .how | IN("opened", "within")' <<<"$output"
}

@test "help names every verb" {
  ok apphost help
  for verb in up down run env ps ls logs wait start stop restart kill exec events validate config graph doctor gc init \
    pull port completion version help; do
    grep -Eq "^ +$verb\b" <<<"$output" || { echo "help lacks $verb"; return 1; }
  done
  ok apphost --help
}

@test "help VERB and VERB --help show the same, with that verb's options" {
  ok apphost help down
  local first=$output
  prints '--volumes'
  ok apphost down --help
  [ "$output" = "$first" ]
}

@test "no verb is a usage error that shows how to begin" {
  fails 2 apphost
  says 'usage'
}

@test "an unknown verb is a usage error with a suggestion" {
  fails 2 apphost dwon
  says 'dwon' 'down'
  [ -z "$output" ]
}

@test "an unknown option is a usage error with a suggestion" {
  fails 2 apphost up --detatch
  says 'detatch' 'detach'
}

@test "an option without its value is a usage error" {
  fails 2 apphost up --wait-timeout
  says 'wait-timeout'
}

@test "a value that is no duration is a usage error that names it" {
  manifest <<<'resources: {}'
  fails 2 apphost up --wait-timeout soon
  says 'soon'
}

@test "no manifest: exit 3, says where it looked and how to begin" {
  fails 3 apphost up -d
  says 'apphost.yaml' 'apphost init'
}

@test "-f names a file that is not there: exit 3, names it" {
  fails 3 apphost -f nowhere.yaml validate
  says 'nowhere.yaml'
}

@test "the manifest is found in a parent folder" {
  manifest <<<'resources: {legacy: {type: connection-string, value: "h:1"}}'
  mkdir -p a/b
  cd a/b
  ok apphost validate
}

@test "globals stand before and after the verb" {
  manifest <<<'resources: {legacy: {type: connection-string, value: "h:1"}}'
  ok apphost -C "$T/work" validate
  cd /
  ok apphost validate -C "$T/work"
  ok apphost validate --project-directory="$T/work"
}

@test "completion prints scripts for the shells that bash accepts" {
  for shell in bash zsh fish; do
    ok apphost completion $shell
    prints 'apphost'
  done
  apphost completion bash | bash -n
  fails 2 apphost completion tcl
}

@test "a closed pipe ends it quietly" {
  ok bash -c "'$APPHOST' help | true"
  [ -z "$stderr" ]
  manifest <<<'resources: {legacy: {type: connection-string, value: "h:1"}}'
  run bash -c "set -o pipefail; '$APPHOST' config 2>$T/err | true"
  [ ! -s "$T/err" ]
}

@test "stdin, stdout and stderr closed: no crash" {
  manifest <<<'resources: {legacy: {type: connection-string, value: "h:1"}}'
  ok bash -c "'$APPHOST' validate <&-"
  run bash -c "'$APPHOST' validate <&- >&- 2>&-"
  [ "$status" -lt 126 ]
}

@test "output to a full device is an error, not a success" {
  manifest <<<'resources: {legacy: {type: connection-string, value: "h:1"}}'
  run bash -c "'$APPHOST' config >/dev/full"
  [ "$status" -ne 0 ]
  [ "$status" -lt 126 ]
}

@test "no engine: exit 4, the first line names the endpoint and why" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  DOCKER_HOST=unix://$T/nothing.sock fails 4 apphost up -d
  [[ $(head -n 1 <<<"$stderr") == *"$T/nothing.sock"* ]]
  says 'no such (file|socket)|not running'
  [ -z "$output" ]
}

@test "a refused engine and a silent one are told apart" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  DOCKER_HOST=tcp://127.0.0.1:1 fails 4 apphost up -d
  says '127.0.0.1:1' 'refused'
}

@test "an engine address that is none is refused with its text" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  DOCKER_HOST=foo://bar run --separate-stderr apphost up -d
  [ "$status" -eq 4 ] || [ "$status" -eq 2 ]
  says 'foo://bar'
}

@test "a failure with -o json is one error object" {
  run --separate-stderr apphost up -d -o json
  [ "$status" -eq 3 ]
  jq -e '.error.code and .error.message' <<<"$output"
}

@test "nothing is running: env, logs, wait, exec exit 10; ps and down exit 0" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  for verb in env logs wait "exec cache -- true"; do
    run --separate-stderr apphost $verb
    echo "$verb: $status $stderr"
    if [[ $verb = exec* ]]; then [ "$status" -eq 125 ] || [ "$status" -eq 10 ]; else [ "$status" -eq 10 ]; fi
  done
  ok apphost ps
  ok apphost down
}
