# Who a project is, who owns it, and how its owner is reached: wherever the command runs, whatever became of its folders.
load helpers

# unnamed COMMAND… : as a uid that has no name, no home and no variables but the engine's
unnamed() {
  timeout --foreground -k 5 60 setpriv --reuid="$UNNAMED" --regid="$UNNAMED" \
    --groups="$(stat -c %g "${ENGINE_HOST#unix://}")" env -i PATH="$PATH" DOCKER_HOST="$ENGINE_HOST" "$@"
}

needs_other_uids() {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
  [ -S "${ENGINE_HOST#unix://}" ] || skip "the engine has no socket whose group can be had"
  needs setpriv
  UNNAMED=$((70000 + RANDOM))
  ! getent passwd $UNNAMED >/dev/null || skip "uid $UNNAMED has a name"
  cp "$APPHOST" "$T/apphost"
  chmod 755 "$T" "$T/work"
}

one_server() {
  printf 'resources:\n  cache: {type: redis, image: %s%s}\n' $REDIS "${1:+, $1}" | manifest
}

# ---- folders that are missing, foreign or shut ----

@test "a uid without a name and without a home works in a private folder of its own" {
  needs_other_uids
  one_server
  ok unnamed "$T/apphost" run -- sh -c 'echo "${CACHE_PORT:-none} $(id -u)"'
  [[ $output = [0-9]*\ $UNNAMED ]]
  [ "$(stat -c '%a %u' "/tmp/apphost-$UNNAMED")" = "700 $UNNAMED" ]
  ok unnamed "$T/apphost" up -d
  ok unnamed "$T/apphost" ls
  prints "$PROJECT"
  ok unnamed "$T/apphost" down
  rm -r "/tmp/apphost-$UNNAMED"
}

# bats test_tags=engineless
@test "a folder for sockets that somebody else prepared is refused, with its name" {
  [ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
  needs setpriv
  UNNAMED=$((70000 + RANDOM))
  cp "$APPHOST" "$T/apphost"
  mkdir -m 755 "/tmp/apphost-$UNNAMED"
  echo 'resources: {web: {type: process, command: [sleep, "100"]}}' | manifest
  mkdir "$T/theirs"
  chown $UNNAMED "$T/theirs"
  chmod 755 "$T" "$T/work"
  fails 9 setpriv --reuid=$UNNAMED --regid=$UNNAMED --clear-groups \
    env -u XDG_RUNTIME_DIR XDG_STATE_HOME="$T/theirs" "$T/apphost" up -d
  rmdir "/tmp/apphost-$UNNAMED"
  says "/tmp/apphost-$UNNAMED: it is not a private folder of yours" 'set XDG_RUNTIME_DIR'
}

# bats test_tags=engineless
@test "a root of all state that cannot be read is said, not taken for nothing" {
  echo 'resources: {web: {type: process, command: [sleep, "100"]}}' | manifest
  echo >"$XDG_STATE_HOME/apphost"
  for verb in ps down ls gc 'down --everything'; do
    # shellcheck disable=SC2086 # words
    fails 1 apphost $verb
    says "cannot list $XDG_STATE_HOME/apphost: "
  done
  rm "$XDG_STATE_HOME/apphost"
}

# bats test_tags=engineless
@test "a manifest that may not be read is not called missing" {
  needs_root_for_uids=$(id -u)
  [ "$needs_root_for_uids" = 0 ] || skip "needs root to become somebody else"
  needs setpriv
  UNNAMED=$((70000 + RANDOM))
  cp "$APPHOST" "$T/apphost"
  echo 'resources: {}' | manifest
  chmod 755 "$T"
  chmod 700 "$T/work"
  fails 3 setpriv --reuid=$UNNAMED --regid=$UNNAMED --clear-groups "$T/apphost" validate
  says "apphost.yaml: Permission denied"
}
