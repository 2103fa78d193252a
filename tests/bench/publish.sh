# The section "publish" of tests/bench/run: what it costs to write the files of a hundred resources, again and again:
# fifty servers with data, fifty consumers of one each.

publish_manifest() {
  local i
  mkdir -p "$T/published"
  {
    echo "name: bench-$$-published"
    echo 'resources:'
    for i in $(seq 50); do
      echo "  cache$i: {type: redis, image: $IMAGE, data_volume: true}"
      echo "  api$i: {type: container, image: $IMAGE, entrypoint: [sleep], command: [infinity], references: [cache$i]}"
    done
  } >"$T/published/apphost.yaml"
}

# The same bytes each time, or the figure is of something else.
publish_again() {
  "$APPHOST" -C "$T/published" publish "$1" -o "$1" >/dev/null 2>&1 &&
    cp -r "$T/published/$1" "$T/published/$1.first" &&
    "$APPHOST" -C "$T/published" publish "$1" -o "$1" >/dev/null 2>&1 &&
    diff -r "$T/published/$1" "$T/published/$1.first" >/dev/null || { echo nan; return; }
  "$BIN/spawn" 20 "$APPHOST" -C "$T/published" -q publish "$1" -o "$1" 2>/dev/null
}

section_publish() {
  local target empty
  publish_manifest
  empty=$("$BIN/spawn" 100 "$BIN/empty")
  head_line 'publish of 100 resources, ms'
  for target in compose swarm kubernetes; do
    row "publish $target (floor: empty, linked)" "$empty" "$(publish_again $target)" \
      "<=$(awk -v empty="$empty" 'BEGIN { printf "%.1f", empty + 10 }') ms"
  done
}
