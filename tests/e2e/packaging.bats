# What is handed out: the archive and who installs it, the image. Made of the program that is there, which has its
# libraries outside; the static one is made by `make tarball` and `make image` of the same scripts.
load helpers

# archive VERSION : $T/dist/apphost-VERSION-linux-amd64.tar.gz and its sum; the program says that version
archive() {
  local tree=$T/tree-$1
  mkdir -p "$tree/bin" "$tree/share/man/man1" "$tree/share/bash-completion/completions" "$tree/share/doc/apphost"
  printf '#!/bin/sh\n[ "$1" = version ] && echo "apphost %s" || exec "%s" "$@"\n' "$1" "$APPHOST" >"$tree/bin/apphost"
  chmod 755 "$tree/bin/apphost"
  echo "page of $1" >"$tree/share/man/man1/apphost.1"
  echo "page of $1 alone" >"$tree/share/man/man1/apphost-$1.1"
  echo "words of $1" >"$tree/share/bash-completion/completions/apphost"
  "$ROOT/packaging/tarball" "$tree" "$T/dist" "apphost-$1-linux-amd64"
}

put() { # VERSION OPTION…
  local version=$1
  shift
  "$ROOT/scripts/install" --prefix "$T/to" "$@" "$T/dist/apphost-$version-linux-amd64.tar.gz"
}

# whole VERSION : that version is there, all of it, and nothing of another
whole() {
  [ "$("$T/to/bin/apphost" version)" = "apphost $1" ]
  [ "$(cat "$T/to/share/man/man1/apphost.1")" = "page of $1" ]
  [ "$(cat "$T/to/share/man/man1/apphost-$1.1")" = "page of $1 alone" ]
  [ "$(cat "$T/to/share/bash-completion/completions/apphost")" = "words of $1" ]
}

# bats test_tags=engineless
@test "the archive is installed, replaced by a newer one, and taken away again" {
  archive 1.0
  archive 1.1
  ok put 1.0
  prints 'apphost 1\.0 is installed: .*/to/bin/apphost'
  whole 1.0
  ok put 1.0
  whole 1.0
  ok put 1.1
  whole 1.1
  [ ! -L "$T/to/share/man/man1/apphost-1.0.1" ]
  [ "$(find "$T/to/lib/apphost" -mindepth 1 -maxdepth 1 | wc -l)" -eq 2 ]
  mv "$T/to" "$T/elsewhere"
  [ "$("$T/elsewhere/bin/apphost" version)" = "apphost 1.1" ]
  ok "$ROOT/scripts/install" --prefix "$T/elsewhere" --uninstall
  [ -z "$(find "$T/elsewhere" ! -type d)" ]
}

# bats test_tags=engineless
@test "an archive that is not what its sum says, or has none, or does not run here, installs nothing" {
  archive 1.0
  archive 1.1
  ok put 1.0
  echo more >>"$T/dist/apphost-1.1-linux-amd64.tar.gz"
  fails 1 put 1.1
  says 'is not what .*SHA256SUMS says' 'nothing was installed'
  whole 1.0
  sed -i /1.1/d "$T/dist/SHA256SUMS"
  fails 1 put 1.1
  says 'no line for apphost-1\.1-linux-amd64'
  fails 1 put 1.1 --sums "$T/none"
  says 'no such file'
  fails 1 put 1.2
  says 'no such file'
  printf '#!/bin/sh\necho cannot execute; exit 1\n' >"$T/tree-1.1/bin/apphost"
  "$ROOT/packaging/tarball" "$T/tree-1.1" "$T/dist" apphost-1.1-linux-amd64
  fails 1 put 1.1
  says 'does not run on this machine: cannot execute'
  whole 1.0
  [ "$(find "$T/to/lib/apphost" -mindepth 1 -maxdepth 1 | wc -l)" -eq 2 ]
}

# bats test_tags=engineless
@test "what is not ours is not replaced, and not taken away" {
  archive 1.0
  mkdir -p "$T/to/bin"
  echo somebody >"$T/to/bin/apphost"
  fails 1 put 1.0
  says 'to/bin/apphost is there and is not'
  [ "$(find "$T/to" ! -type d)" = "$T/to/bin/apphost" ]
  rm "$T/to/bin/apphost"
  ok put 1.0
  echo somebody >"$T/to/share/man/man1/other.1"
  ok "$ROOT/scripts/install" --prefix "$T/to" --uninstall
  [ "$(find "$T/to" ! -type d)" = "$T/to/share/man/man1/other.1" ]
}

# A folder of commands in front of the real ones: the call number $T/at of all of them kills the script.
stumbling() {
  mkdir -p "$T/stumble"
  local name
  for name in mv ln mkdir tar; do
    cat >"$T/stumble/$name" <<END
#!/bin/sh
echo x >>"$T/calls"
[ "\$(wc -l <"$T/calls")" -ne "\$(cat "$T/at")" ] || { kill -9 \$PPID; exit 1; }
exec $(command -v "$name") "\$@"
END
    chmod 755 "$T/stumble/$name"
  done
}

# bats test_tags=engineless
@test "killed at each of its steps, the version before or the new one is there, whole, and the next try mends it" {
  archive 1.0
  archive 1.1
  stumbling
  local at=1 code version
  while :; do
    rm -rf "$T/to" "$T/calls"
    put 1.0
    echo $at >"$T/at"
    code=0
    PATH=$T/stumble:$PATH put 1.1 >out 2>&1 || code=$?
    [ $code -ne 0 ] || break
    version=$("$T/to/bin/apphost" version)
    echo "killed at $at: $version"
    [ "$(cat "$T/to/share/man/man1/apphost.1")" = "page of ${version#apphost }" ]
    put 1.1
    whole 1.1
    at=$((at + 1))
  done
  [ $at -gt 5 ]
}

# bats test_tags=engineless
@test "the first install, killed at each of its steps, leaves no program or a whole one" {
  archive 1.0
  stumbling
  local at=1 code
  while :; do
    rm -rf "$T/to" "$T/calls"
    echo $at >"$T/at"
    code=0
    PATH=$T/stumble:$PATH put 1.0 >out 2>&1 || code=$?
    [ $code -ne 0 ] || break
    [ ! -e "$T/to/bin/apphost" ] || whole 1.0
    put 1.0
    whole 1.0
    at=$((at + 1))
  done
  [ $at -gt 5 ]
}

# bats test_tags=engineless
@test "the same tree is the same archive and the same image, wherever and whenever it is packed" {
  needs jq
  archive 1.0
  cp "$T/dist/apphost-1.0-linux-amd64.tar.gz" first
  mkdir -p "$T/second/usr/bin"
  (umask 077; cp -r "$T/tree-1.0" "$T/second/tree")
  find "$T/second" -exec touch -d 2001-02-03 {} +
  "$ROOT/packaging/tarball" "$T/second/tree" "$T/dist" apphost-1.0-linux-amd64
  cmp first "$T/dist/apphost-1.0-linux-amd64.tar.gz"
  "$ROOT/packaging/image" "$T/tree-1.0" first.tar apphost:1.0 amd64
  "$ROOT/packaging/image" "$T/second/tree" second.tar apphost:1.0 amd64
  cmp first.tar second.tar
}

# bats test_tags=engineless
@test "the bill of materials names the program and what it has within" {
  needs jq
  printf 'openssl\t3.0.1-1+deb12u2\tApache-2.0\t%064d\n' 7 >components
  ok "$ROOT/packaging/sbom" 1.0 amd64 "$APPHOST" components
  jq -e --arg sum "$(sha256sum <"$APPHOST" | cut -d ' ' -f 1)" '
    .bomFormat == "CycloneDX" and .metadata.component.hashes[0].content == $sum
    and .components[0].purl == "pkg:deb/debian/openssl@3.0.1-1%2Bdeb12u2?arch=source"
    and .components[0].licenses[0].license.id == "Apache-2.0"
    and .dependencies[0].dependsOn == [.components[0]["bom-ref"]]' <<<"$output"
}

# ---- the image ----

teardown() {
  local id code=0
  for id in $(cat "$T/outer" 2>/dev/null); do engine DELETE "/containers/$id?force=1&v=1" >/dev/null; done
  [ ! -e "$T/loaded" ] || engine DELETE "/images/$(cat "$T/loaded")?force=1" >/dev/null
  teardown_test || code=1
  return $code
}

# load_image : the engine has an image of the program that is tested, in $IMAGE; with its libraries, each at its place
load_image() {
  [[ $ENGINE_HOST = unix://* ]] || skip "the engine has no socket to mount"
  needs jq
  needs_image "$REDIS"
  local library late tree=$T/tree
  mkdir -p "$tree/usr/bin"
  cp -L "$APPHOST" "$tree/usr/bin/apphost"
  late=$("$APPHOST" version -o json | jq -r '.libraries[].path // empty')
  # shellcheck disable=SC2086 # names of files are words
  for library in $({ ldd "$APPHOST" $late 2>/dev/null | grep -o '/[^ :]*\.so[^ :]*'; printf '%s\n' $late; } |
    sort -u); do
    mkdir -p "$tree/$(dirname "$library")"
    cp -L "$library" "$tree/$library"
  done
  IMAGE=apphost-test/packed:$PROJECT
  "$ROOT/packaging/image" "$tree" "$T/image.tar" "$IMAGE" "$(dpkg --print-architecture)"
  engine POST /images/load --max-time 120 -H 'Content-Type: application/x-tar' --data-binary "@$T/image.tar" |
    grep Loaded
  echo "$IMAGE" >"$T/loaded"
}

# boot ARGUMENT… : a container of the image with these arguments, the working folder and the engine's socket; its id in
# $ID
boot() {
  local body
  body=$(jq -n --arg image "$IMAGE" --arg work "$T/work" \
    --arg socket "$(readlink -f "${ENGINE_HOST#unix://}")" '{
    Image: $image, Cmd: $ARGS.positional, Env: ["XDG_STATE_HOME=/tmp/state", "TERM=dumb"],
    HostConfig: {Binds: [$work + ":/work", $socket + ":/var/run/docker.sock"]}}' --args -- "$@")
  ID=$(engine POST /containers/create --max-time 60 -H 'Content-Type: application/json' -d "$body" | jq -r .Id)
  echo "$ID" >>"$T/outer"
  engine POST "/containers/$ID/start" --max-time 60
}

said() {
  engine GET "/containers/$ID/logs?stdout=1&stderr=1" --max-time 60 -o - | tr -d '\000-\010\016-\037'
}

has_said() {
  said | grep -q "$1"
}

@test "the image with the engine's socket: run brings a server up, its address answers, nothing is left" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  load_image
  boot run -- apphost redis cache PING
  code=$(engine POST "/containers/$ID/wait" --max-time 120 | jq .StatusCode)
  said
  [ "$code" = 0 ]
  has_said PONG
}

@test "the image with the engine's socket: up is its first process, and stopping it takes everything down" {
  manifest <<<"resources: {cache: {type: redis, image: $REDIS}}"
  load_image
  boot up
  wait_until 60 has_said 'STATE *ADDRESS'
  [ -n "$(containers)" ]
  engine POST "/containers/$ID/stop?t=60" --max-time 90
  code=$(engine GET "/containers/$ID/json" | jq .State.ExitCode)
  said
  [[ $code = 0 || $code = 143 ]]
  wait_until 60 nothing_left
}
