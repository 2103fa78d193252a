# The files for CIs: their shell parts, taken out of them and run as each CI would, in a home that has nothing.

# bats file_tags=engineless
load helpers

setup_more() {
  local tree=$T/tree
  mkdir -p "$tree/bin" "$tree/share/man/man1"
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$APPHOST" >"$tree/bin/apphost"
  chmod 755 "$tree/bin/apphost"
  echo page >"$tree/share/man/man1/apphost.1"
  NAME=apphost-$("$APPHOST" version | cut -d' ' -f2)-linux-amd64
  "$ROOT/packaging/tarball" "$tree" "$T/dist" "$NAME"
  cp "$ROOT/scripts/install" "$T/dist/install"
  TARBALL=$T/dist/$NAME.tar.gz
  manifest <<'END'
engine: native
resources:
  cache: {type: redis, password: "hunter2-secret"}
END
  printf 'test:\n\ttest -n "$$CACHE_URI" && echo tested >tested\n' >Makefile
}

# steps FILE INPUT=VALUE… : its scripts, in $T/steps
steps() {
  rm -rf "$T/steps"
  python3 "$ROOT/tests/e2e/ci-steps.py" "$ROOT/$1" "$T/steps" "${@:2}"
}

# One after the other, each with what the one before left in GITHUB_PATH, in an environment that has only what a runner
# gives; the code of the first that fails.
run_steps() {
  local step code
  touch "$T/path" "$T/summary"
  for step in "$T"/steps/*; do
    env -i HOME="$HOME" PATH="$(tac "$T/path" | tr '\n' ':')/usr/local/bin:/usr/bin:/bin" LC_ALL=C.UTF-8 CI=true \
      XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" XDG_STATE_HOME="$XDG_STATE_HOME" XDG_CONFIG_HOME="$XDG_CONFIG_HOME" \
      GITHUB_ACTIONS=true GITHUB_PATH="$T/path" GITHUB_STEP_SUMMARY="$T/summary" GITHUB_ACTION_PATH="$ROOT" \
      APPHOST_PROJECT_NAME="$PROJECT" TARBALL="$1" "$step" 3>&- || return $?
  done
}

@test "GitHub: the action installs, runs, and leaves reports, a summary and annotations" {
  steps action.yml tarball="$TARBALL" command='echo "with $CACHE_URI" | grep -q redis: && echo tested >tested'
  ok run_steps "$TARBALL"
  [ "$(cat tested)" = tested ]
  jq -e '.outcome == "passed"' apphost-reports/apphost.json
  xmllint --noout apphost-reports/apphost.xml
  [ -s apphost-reports/logs/cache.log ]
  grep -q '^| cache | ready |' "$T/summary"
  not grep -rq hunter2-secret apphost-reports "$T/summary"

  rm "$T/dist/SHA256SUMS" # what is there is taken, as from a cache
  steps action.yml tarball="$TARBALL" command='exit 7' options=--quiet
  fails 7 run_steps "$TARBALL"
  says '::error title=apphost run::exit code 7'
  grep -q 'failed in' "$T/summary"

  steps action.yml tarball="$TARBALL"
  [ "$(ls "$T/steps")" = 1-install ]
}

@test "GitHub: an archive that is not what its sum says ends the job" {
  echo more >>"$TARBALL"
  steps action.yml tarball="$TARBALL" command='touch ran'
  fails 1 run_steps "$TARBALL"
  says 'SHA256SUMS'
  [ ! -e ran ]
}

@test "GitLab: the job that extends .apphost" {
  steps ci/gitlab.yml APPHOST_CI_TARBALL="$TARBALL" APPHOST_CI_COMMAND='make test'
  ok run_steps "$TARBALL"
  [ "$(cat tested)" = tested ]
  jq -e '.outcome == "passed"' apphost-reports/apphost.json
  [ -s apphost-reports/logs/cache.log ]
  steps ci/gitlab.yml APPHOST_CI_TARBALL="$TARBALL" APPHOST_CI_COMMAND='exit 7'
  fails 7 run_steps "$TARBALL"
}

@test "CircleCI and Jenkins: each step of the snippets" {
  local file
  for file in ci/circleci.yml ci/Jenkinsfile; do
    rm -rf reports tested
    steps "$file"
    ok run_steps "file://$TARBALL"
    [ "$(cat tested)" = tested ]
    jq -e '.outcome == "passed"' reports/apphost.json
    xmllint --noout reports/apphost.xml
  done
}

@test "without an archive it is built of this checkout, and what a cache has is taken" {
  ok "$ROOT/ci/install" --prefix "$T/to" --path-file "$T/path"
  [ "$(cat "$T/path")" = "$T/to/bin" ]
  [ "$("$T/to/bin/apphost" version)" = "$("$APPHOST" version)" ]
  local was
  was=$(stat -c %i "$T/to/bin/apphost")
  ok "$ROOT/ci/install" --prefix "$T/to" --path-file "$T/path"
  [ "$(stat -c %i "$T/to/bin/apphost")" = "$was" ]
  fails 2 "$ROOT/ci/install" --nonsense x
}
