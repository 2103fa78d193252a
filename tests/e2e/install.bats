# make install puts everything where it belongs, and uninstall takes it away again.
# bats file_tags=engineless
load helpers

@test "install into a folder, use it from there, uninstall" {
  ok make -s -C "$ROOT" install DESTDIR="$T/root" PREFIX=/usr
  [ -x "$T/root/usr/bin/apphost" ]
  ok "$T/root/usr/bin/apphost" version
  bash -n "$T/root/usr/share/bash-completion/completions/apphost"
  [ -s "$T/root/usr/share/zsh/site-functions/_apphost" ]
  [ -s "$T/root/usr/share/fish/vendor_completions.d/apphost.fish" ]
  [ -s "$T/root/usr/share/man/man1/apphost.1" ]
  [ -s "$T/root/usr/share/man/man5/apphost.yaml.5" ]
  ok make -s -C "$ROOT" uninstall DESTDIR="$T/root" PREFIX=/usr
  [ -z "$(find "$T/root" -type f)" ]
}

@test "the man pages render without a complaint" {
  needs man
  local page
  for page in "$ROOT"/man/*.[1-8]; do
    run bash -c "LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z '$page' 2>&1 >/dev/null"
    echo "$page: $output"
    [ -z "$output" ]
  done
}

# Sets SCHEMA to the one that `make install` puts in place.
install_schema() {
  ok make -s -C "$ROOT" install DESTDIR="$T/root" PREFIX=/usr
  SCHEMA=$T/root/usr/share/apphost/apphost.schema.json
}

@test "the installed schema is JSON and knows the kinds and their fields" {
  install_schema
  jq -e '.definitions | has("redis") and has("valkey") and has("garnet") and has("process") and has("container")' \
    "$SCHEMA"
  jq -e '.definitions.process.properties | has("replicas") and has("watch")' "$SCHEMA"
}

@test "the installed schema takes good manifests and refuses what an editor can know to be wrong" {
  /usr/bin/python3 -c 'import jsonschema, yaml' || skip "python3-jsonschema and python3-yaml are not installed"
  install_schema
  local golden=$ROOT/tests/golden name bad=()
  ok "$BATS_TEST_DIRNAME/schema-check.py" "$SCHEMA" good "$ROOT"/manifests/*.yaml "$ROOT"/manifests/*/apphost.yaml \
    "$golden"/manifest/good-*.yaml "$golden"/{graph,config-process,validate-config}/apphost.yaml
  for name in unknown-field unknown-kind unknown-top-level types ranges booleans durations-and-sizes not-a-map \
    no-resources \
    compose-words compose-words-in-resources restart ready references endpoints environment mounts telemetry \
      small-forms watch; do
    bad+=("$golden/manifest/$name.yaml")
  done
  ok "$BATS_TEST_DIRNAME/schema-check.py" "$SCHEMA" bad "${bad[@]}"
}

@test "the stripped binary has at most 1.25 MiB" {
  strip -o "$T/stripped" "$APPHOST"
  [ "$(stat -c %s "$T/stripped")" -le 1310720 ]
}
