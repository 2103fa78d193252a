# make install puts everything where it belongs, and uninstall takes it away again.
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

@test "the schema is JSON and knows the kinds" {
  [ -s "$ROOT/apphost.schema.json" ] || skip "no schema at the top of the tree"
  jq -e . "$ROOT/apphost.schema.json" >/dev/null
  grep -q 'valkey' "$ROOT/apphost.schema.json"
}

@test "the stripped binary has at most a megabyte" {
  strip -o "$T/stripped" "$APPHOST"
  [ "$(stat -c %s "$T/stripped")" -le 1048576 ]
}
