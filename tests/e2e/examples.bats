# Every example of the help, the man pages, the README and the manifests is run, as it stands there.
#
# tests/examples/extract finds them; tests/examples/world holds what they speak of: the resources, the files, and
# stand-ins for programs of others. An example runs in that folder, with its project up, and has to end by itself with
# code 0. What needs more than this has a row in WAYS. An example of a kind that nothing here can run fails, and so
# does a row that no example has any more.
load helpers
load swarm

declare -gA WAYS=(
  ['apphost up']='interrupted ready'
  ['apphost up cache']='interrupted ready'
  ['apphost up --exit-code-from tests']=from_nothing
  ['apphost down -p shop']=of_shop
  ['apphost run migrate']=from_nothing
  ['apphost run -- npm test']=from_nothing
  ['apphost run --matrix image=redis:7.2,redis:8.0,valkey:8.1 --report matrix.md -- npm test']=with_versions
  ['apphost logs -f api']='ended_by_down api listening'
  ['apphost events']='ended_by_down api ready'
  ['apphost events cache | jq --unbuffered -r .state']='ended_by_down cache ready'
  ['apphost dashboard']=leaves_a_page
  ['apphost dashboard --open']=leaves_a_page
  ['apphost dashboard --stop']=of_a_page
  ['apphost init']=in_an_empty_folder
  ['apphost init --from compose.yaml']=in_an_empty_folder
  ['apphost init --from compose.yaml --from compose.override.yaml']=in_an_empty_folder
  ['apphost publish compose -o deploy']=with_images
  ['apphost publish compose -o deploy --force']=with_images
  ['apphost publish swarm -o deploy']=with_images
  ['apphost publish kubernetes -o deploy']=with_images
  ['apphost deploy swarm --diff']=with_a_swarm
  ['apphost deploy swarm -y']=with_a_swarm
  ['apphost ps --target swarm']=with_a_swarm
  ['apphost logs --target swarm cache']=with_a_swarm
  ['apphost deploy kubernetes --diff']=with_a_cluster
  ['apphost deploy kubernetes -y']=with_a_cluster
  ['apphost deploy kubernetes --remove -y']=with_a_cluster
  ['make']=in_the_repository
  ['make install']=in_the_repository
  ['scripts/quickstart']=in_the_repository
  ['scripts/test']=starts_all_tests
  ['cc main.c $(pkg-config --cflags --libs apphost)']=of_the_library
  ['make -C manifests/cache-service']=of_the_library
  ['apphost up -f manifests/cache-service/apphost.yaml']=of_the_library_interrupted
  ['apphost up -f manifests/quickstart.yaml']='interrupted visit.number'
  ['apphost up -d -f manifests/quickstart.yaml']='then_down -f manifests/quickstart.yaml'
)

setup_file() {
  swarm_start
}

teardown_file() {
  swarm_stop
}

teardown() {
  local name
  for name in "${TAGGED[@]}"; do engine DELETE "/images/$name" >/dev/null; done
  teardown_test
}

setup_more() {
  TAGGED=()
  cp -r "$ROOT/tests/examples/world/." .
  cp -r "$ROOT/manifests" .
  ln -s "$APPHOST" bin/apphost
  mv apphost.yaml fixture.yaml
  manifest <fixture.yaml
  mkdir "$T/examples"
  export APPHOST_REDIS_IMAGE=$REDIS GITHUB_ENV=$T/github DESTDIR=$T/root
  (cd "$ROOT" && tests/examples/extract "$T/examples")
}

# The example, in a shell of its own, bounded.
example() {
  PATH=$T/work/bin:$PATH timeout --foreground -k 5 120 bash -o pipefail -c "$EXAMPLE" </dev/null 3>&-
}

# Whoever ends it sends the signal to the program itself.
in_background() {
  PATH=$T/work/bin:$PATH env --default-signal=INT bash -o pipefail -c "$1" </dev/null >"$T/said" 2>&1 3>&- &
  PID=$!
}

said() {
  grep -Eq "$1" "$T/said"
}

plainly() {
  apphost up -d --wait-timeout 60s && example
}

from_nothing() {
  apphost down && example
}

interrupted() {
  apphost down
  in_background "exec $EXAMPLE"
  wait_until 20 said "$1" && kill -INT $PID && ended $PID 0 130
}

# It shows what comes until the project is down.
ended_by_down() {
  apphost up -d
  in_background "$EXAMPLE"
  again_and_said() { said "$2" || { apphost restart "$1" && said "$2"; }; }
  wait_until 20 again_and_said "$@" && apphost down && ended $PID 0
}

then_down() {
  example && apphost "$@" down
}

# The page's process stays when the command is over.
leaves_a_page() {
  BROWSER=true example && apphost dashboard --stop
}

of_a_page() {
  apphost dashboard && example
}

of_shop() {
  apphost -p shop up -d cache && example && apphost ls &&
    [ -z "$(apphost ls -o json | jq -r '.projects[] | select(.project == "shop") | .project')" ]
}

in_an_empty_folder() {
  local folder
  folder=$(mktemp -d "$T/empty.XXXX") && cp compose*.yaml "$folder" && (cd "$folder" && example && apphost validate)
}

# All that is published needs an image: here a server alone.
with_images() {
  local folder
  folder=$(mktemp -d "$T/images.XXXX")
  printf 'name: %s\nresources: {cache: redis}\n' "$PROJECT" >"$folder/apphost.yaml"
  (cd "$folder" && example)
}

# Each of the images that it names, below a prefix of ours.
with_versions() {
  local prefix=$PROJECT/ tag
  for tag in library/redis:7.2 library/redis:8.0 redis:7.2 redis:8.0 valkey/valkey:8.1; do
    local own=$REDIS
    [[ $tag != *valkey* ]] || own=apphost-test/valkey:8.1
    engine POST "/images/$own/tag?repo=$prefix${tag%:*}&tag=${tag##*:}" >/dev/null
    TAGGED+=("$prefix$tag")
  done
  apphost down && APPHOST_IMAGE_PREFIX=$prefix example
}

find_kubectl() {
  PATH=$PATH:${XDG_CACHE_HOME:-$REAL_HOME/.cache}/apphost-test/kubernetes/kubectl
  command -v kubectl >/dev/null
}

# An API server of the tests, through the real kubectl.
with_a_cluster() {
  local code=0
  find_kubectl
  rm -f "$T/port"
  python3 "$ROOT/tests/kubernetes/api.py" "$T/port" "$T/changes" >/dev/null 2>&1 3>&- &
  local api=$!
  wait_until 60 test -s "$T/port"
  kubectl --kubeconfig "$T/kubeconfig" config set-cluster here --server "http://127.0.0.1:$(cat "$T/port")" >/dev/null
  kubectl --kubeconfig "$T/kubeconfig" config set-context here --cluster here >/dev/null
  kubectl --kubeconfig "$T/kubeconfig" config use-context here >/dev/null
  KUBECONFIG=$T/kubeconfig with_images || code=$?
  kill "$api"
  return $code
}

# Something is deployed there, and goes afterwards.
with_a_swarm() {
  local folder code=0
  folder=$(mktemp -d "$T/swarm.XXXX")
  printf 'name: %s\nresources: {cache: {type: redis, image: "%s"}}\n' "$PROJECT" "$REDIS" >"$folder/apphost.yaml"
  (export DOCKER_HOST=$SWARM_HOST && cd "$folder" && apphost deploy swarm -y && example) || code=$?
  (export DOCKER_HOST=$SWARM_HOST && cd "$folder" && apphost deploy swarm --remove --volumes -y) || code=$?
  return $code
}

# What is built is there already, so make has nothing to do; what is installed goes below DESTDIR.
in_the_repository() {
  (cd "$ROOT" && HOME=$REAL_HOME timeout --foreground -k 5 300 bash -c "$EXAMPLE" </dev/null 3>&-)
}

# That is what runs this file.
starts_all_tests() {
  bash -n "$ROOT/$EXAMPLE"
}

of_the_library() {
  in_the_installed_library && PATH=${PATH#"$T/work/bin:"} bash -c "$EXAMPLE"
}

of_the_library_interrupted() {
  in_the_installed_library && make -C manifests/cache-service && interrupted ready
}

# `cc main.c` compiles the last C example that was written down.
in_the_installed_library() {
  local library=$T/library
  [ -d "$library" ] || make -s -C "$ROOT" install DESTDIR= PREFIX="$library" || return 1
  export PKG_CONFIG_PATH=$library/lib/pkgconfig LD_LIBRARY_PATH=$library/lib
  [ -e main.c ] || echo 'int main(void) { return 0; }' >main.c
}

# The tests' own images under the names that a manifest gives, below a prefix of ours.
stand_in() { # MANIFEST PREFIX
  local name own
  for name in $(apphost -f "$1" -o json config | jq -r '[.. | .image? // empty] | unique | .[]'); do
    case $name in
    *redis*) own=$REDIS ;;
    *valkey*) own=apphost-test/valkey:8.1 ;;
    *busybox*) own=apphost-test/busybox:1 ;;
    *) echo "nothing stands in for $name" && return 1 ;;
    esac
    name=${name#docker.io/}
    engine POST "/images/$own/tag?repo=$2${name%:*}&tag=${name##*:}" >/dev/null
    TAGGED+=("$2$name")
  done
}

# It comes up until all of it is ready, where it stands (in manifests/), or beside that.
manifest_example() {
  local at=manifests/example.yaml prefix=$PROJECT/ code=0 from
  from=$(<"${1%.*}.from")
  [[ $from != manifests/*.yaml ]] || at=$from
  [ $at = "$from" ] || cp "$1" $at
  [ ! -e "${at%/*}/Makefile" ] || { in_the_installed_library && make -C "${at%/*}"; } || return 1
  stand_in "$at" "$prefix" && PATH=$T/work/bin:$PATH apphost -f "$at" validate || return 1
  APPHOST_IMAGE_PREFIX=$prefix PATH=$T/work/bin:$PATH apphost -f "$at" up -d --wait-timeout 90s || code=1
  apphost -f "$at" down -v && return $code
}

# Statements become a program that is linked with the installed library and talks to the cache.
c_example() {
  in_the_installed_library || return 1
  apphost up -d || return 1
  if grep -q '^int main(' "$1"; then # a program as it stands
    cp "$1" main.c
    local packages=apphost
    ! grep -q '<apphost/uv.h>' main.c || packages="$packages libuv"
    # shellcheck disable=SC2046,SC2086 # the flags are words, the packages too
    cc -Wall -Werror main.c $(pkg-config --cflags --libs $packages) -o program && (load_env && timeout 60 ./program)
    return
  fi
  {
    echo '#include <apphost/apphost.h>'
    printf '#include <%s>\n' err.h stdio.h stdlib.h
    echo 'int main(void) {'
    grep -q 'struct apphost_error error;' "$1" || echo 'struct apphost_error error;'
    cat "$1"
    echo 'return 0; }'
  } >main.c
  apphost redis cache --flush -y
  # shellcheck disable=SC2046 # the flags are words
  cc -Wall -Werror -Wno-unused-variable main.c $(pkg-config --cflags --libs apphost) -o statements &&
    (load_env && ./statements) && [ "$(apphost redis cache -- EXISTS greeting)" = 1 ]
}

# A form in a manual page: the reader that the page is about takes it.
text_example() {
  in_the_installed_library || return 1
  cat >main.c <<'END'
#include <apphost/options.h>
int main(int argc, char **argv)
{
    struct apphost_error error;
    return argc != 2 || !apphost_options_parse(argv[1], 0, &error);
}
END
  # shellcheck disable=SC2046
  cc main.c $(pkg-config --cflags --libs apphost) -o parse && ./parse "$(cat "$1")"
}

run_one() {
  EXAMPLE=$(cat "$1")
  case $1 in
  *.sh)
    # shellcheck disable=SC2086 # the row is words
    ${WAYS["$EXAMPLE"]:-plainly}
    ;;
  *.manifest) manifest_example "$1" ;;
  *.c) c_example "$1" ;;
  *.text) text_example "$1" ;;
  *) echo "nothing here can run $1" && return 1 ;;
  esac
}

# run_all PATTERN [WAY]: the examples whose first place matches; none may fail, and there must be some. Those that need
# more than others have tests of their own, which name the way: of a swarm, of a cluster, manifests.
run_all() {
  local file way failed=() count=0
  for file in "$T"/examples/*; do
    [[ $file != *.from ]] && grep -Eq "$1" "${file%.*}.from" || continue
    way=${WAYS["$(<"$file")"]:-}
    [[ $way = with_a_* ]] || way=
    [[ $file != *.manifest ]] || way=manifests
    [ "$way" = "${2:-}" ] || continue
    count=$((count + 1))
    echo "--- $(cat "${file%.*}.from"): $(head -n 1 "$file")"
    run_one "$file" >"$T/output" 2>&1 && continue
    cat "$T/output"
    failed+=("$(cat "${file%.*}.from"): $(head -n 1 "$file")")
  done
  apphost down
  echo "$count examples, ${#failed[@]} of which fail"
  [ $count -gt 0 ] && [ ${#failed[@]} = 0 ] || { printf 'fails: %s\n' "${failed[@]}"; return 1; }
}

@test "the examples of the help and of apphost(1)" {
  needs_image "$REDIS"
  run_all '^(apphost help|apphost\(1\))'
}

@test "the manifests of the README, the man pages and the folder of them come up" {
  needs_image "$REDIS"
  needs_image apphost-test/valkey:8.1
  needs_image apphost-test/busybox:1
  run_all . manifests
}

@test "the examples of the README, the manifests and the other man pages" {
  needs_image "$REDIS"
  run_all '^(README|manifests/|man/|apphost\.yaml\(5\))'
}

@test "the examples of a swarm" {
  [ -n "$SWARM_HOST" ] || skip "no swarm can be had here"
  run_all . with_a_swarm
}

@test "the examples of a Kubernetes cluster" {
  find_kubectl || skip "there is no kubectl"
  run_all . with_a_cluster
}

# bats test_tags=engineless
@test "every example has a way to be run, and every way an example" {
  local text
  [ ${#WAYS[@]} -gt 0 ]
  for text in "${!WAYS[@]}"; do
    grep -Fxq -- "$text" "$T"/examples/*.sh || { echo "no example any more: $text"; return 1; }
  done
  [ -z "$(find "$T/examples" -type f | grep -Ev '\.(sh|c|text|manifest|from)$')" ]
}
