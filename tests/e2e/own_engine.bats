# Engines that the scripts start themselves: where they find room, and what becomes of those whose shell was killed.
# bats file_tags=engineless
load helpers

setup_more() {
  [ "$(id -u)" = 0 ] || skip "bridges are root's"
  unshare -n true 2>/dev/null || skip "no network namespaces here"
  needs ip
  # What an engine begins with, without the engine: folder, owner, bridge. It stays until it is killed.
  cat >begin <<'END'
. "$ROOT/scripts/engine.sh"
ENGINE_DIR=$(mktemp -d /tmp/apphost-engine.XXXXXX) && engine_owner >"$ENGINE_DIR/owner" && engine_make_bridge || exit 1
echo "$ENGINE_DIR" >"$1"
exec sleep 1000 >/dev/null 2>&1
END
  # What each script begins with.
  cat >common <<'END'
set -e
trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT
trap 'echo "failed: $BASH_COMMAND"' ERR
export ROOT=$1
. "$ROOT/scripts/engine.sh"
in_time() { for _ in $(seq 600); do ! "$@" || return 0; sleep 0.1; done; return 1; }
begun() { in_time test -s "$1"; }
bridge_of() { echo "aht$(sed 's/.*\.//' "$1")"; }
is_there() { ip link show "$(bridge_of "$1")" >/dev/null 2>&1 && [ -d "$(cat "$1")" ]; }
is_gone() { ! ip link show "$(bridge_of "$1")" >/dev/null 2>&1 && [ ! -e "$(cat "$1")" ]; }
END
}

# A script in a network namespace of its own: bridges and routes there are nobody else's.
apart() {
  cat common - >script
  ok timeout -k 5 120 unshare -n bash script "$ROOT" 3>&-
}

@test "what a killed shell left of its engine is removed by the next, and a living one's is not" {
  apart <<'END'
bash begin killed & killed=$!
bash begin alive & alive=$!
begun killed && begun alive
engine_reap || false
is_there killed && is_there alive
kill -9 $killed; wait $killed || true
engine_reap || false
is_gone killed && is_there alive
kill -9 $alive; wait $alive || true
engine_reap || false
is_gone alive
END
}

@test "a shell in another pid namespace lives as long as somebody does there" {
  unshare -p -m --fork true 2>/dev/null || skip "no pid namespaces here"
  [ "$(readlink /proc/self/ns/pid)" = 'pid:[4026531836]' ] || skip "this is not the machine's first pid namespace"
  apart <<'END'
unshare -p -m --mount-proc --fork --kill-child bash begin other >/dev/null 2>&1 & outer=$!
begun other
engine_reap || false
is_there other
# From within another namespace, in which nobody of the first is seen, nothing is concluded.
unshare -p -m --mount-proc --fork bash -c '. "$ROOT/scripts/engine.sh"; engine_reap'
is_there other
kill -9 $outer; wait $outer || true
sees_gone() { engine_reap || false; is_gone other; }
in_time sees_gone
END
}

@test "a bridge whose owner is not written down is nobody's to remove" {
  apart <<'END'
ip link add name ahtabcdef type bridge
engine_reap || false
ip link show ahtabcdef
END
}

@test "an engine's daemon is told by its folder: a pid file that went stale names nobody" {
  apart <<'END'
sleep 1000 >/dev/null 2>&1 & other=$!
ENGINE_DIR=$(mktemp -d /tmp/apphost-engine.XXXXXX)
echo $other >"$ENGINE_DIR/pid"
engine_stop || false
kill -0 $other
kill $other
END
}

@test "an engine's network is one that no route leads to, and none is a clear error" {
  apart <<'END'
ENGINE_DIR=/tmp/apphost-engine.nobody
ip link set lo up
ip link add away type bridge && ip addr add 192.0.2.2/24 dev away && ip link set away up
ip route add default via 192.0.2.1 && ip route add 0.0.0.0/1 via 192.0.2.1 && ip route add 128.0.0.0/1 via 192.0.2.1
ip route add 10.0.0.0/8 via 192.0.2.1 table 77
for i in $(seq 20 30); do ip route add 172.$i.7.0/24 via 192.0.2.1; done
engine_make_bridge || false
[ "$ENGINE_NET" = 172.31 ]
ip -o -4 addr show dev "$ENGINE_BRIDGE" | grep -F 172.31.0.1/24
not_again() { ENGINE_DIR=/tmp/apphost-engine.nobod2; ! engine_make_bridge; }
not_again 2>&1 | grep 'have routes here'
END
}
