# A sample of the fault harness (tests/faults/harness; all of it: make faults). Another seed takes other cases:
# FAULTS_SEED.
load helpers

setup_more() {
  needs_image $REDIS
  needs python3
  [[ $ENGINE_HOST = unix://* ]] || skip "the proxy wants the engine's socket"
}

@test "faults of the engine, kills, races, clocks, crowds and cycles: nothing hangs, crashes, lies, or is left" {
  chmod 711 "$T" # the other user goes through it
  timeout -k 5 900 env APPHOST="$APPHOST" DOCKER_HOST="$ENGINE_HOST" TMPDIR="$T" \
    "$ROOT/tests/faults/harness" --short --seed "${FAULTS_SEED:-1}" --seconds 80 3>&-
}
