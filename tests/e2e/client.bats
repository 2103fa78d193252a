# The client library on servers of our own making: its unit tests know the Redis of this machine, here the same programs
# run on a Redis 8 and a Valkey 8 in containers.
load helpers

LIBRARY_TESTS=(test_cache test_cache_more test_async_many test_hybrid test_remove)

setup_file() {
  make_client_tests 'apphost-test/redis:8.0 apphost-test/valkey:8.1' \
    "${LIBRARY_TESTS[@]/#/$ROOT/build/asan/unit/client/}"
}

# library_on TYPE IMAGE: the programs that test the cache, on one server. Everything on it is deleted.
library_on() {
  needs_image "$2"
  local program build=$ROOT/build/asan
  # They are there by now; make says so in a moment.
  ok env HOME="$REAL_HOME" make -s -C "$ROOT" VARIANT=asan BUILD="$build" "${LIBRARY_TESTS[@]/#/$build/unit/client/}"
  manifest <<END
resources:
  cache: {type: $1, image: $2, password: false}
END
  ok apphost up -d
  load_env
  for program in "${LIBRARY_TESTS[@]}"; do
    run env APPHOST_TEST_SERVER="127.0.0.1:$CACHE_PORT" timeout 300 "$build/unit/client/$program"
    echo "$output"
    [ "$status" -eq 0 ]
    # On this server and on no other, and something was tested.
    [[ $output = *PASSED* && $output != *SKIPPED* ]]
  done
  ok apphost down
}

@test "the library's cache on Redis 8" {
  library_on redis apphost-test/redis:8.0
}

@test "the library's cache on Valkey 8" {
  library_on valkey apphost-test/valkey:8.1
}

# bats test_tags=engineless
@test "the example of a cluster: built outside of the tree, on three nodes" {
  needs redis-server
  needs redis-cli
  ok make -s -C "$ROOT" install-client DESTDIR="$T/root" PREFIX=/usr
  cp -r "$ROOT/manifests/cluster-client/." .
  export PKG_CONFIG_PATH=$T/root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$T/root LD_LIBRARY_PATH=$T/root/usr/lib
  ok make -s
  PORT=$((20000 + RANDOM % 10000)) ok timeout 120 ./with-cluster ./cluster-client
  [[ $output = *"100 of 100 entries read back"* ]]
  [[ $output = *"user:7 is loaded, just now"*"and was there"*"just now"*"news: from the node of the channel"* ]]
}

# bats test_tags=engineless
@test "an installed library is a CMake package" {
  needs cmake
  ok make -s -C "$ROOT" install-client DESTDIR="$T/root" PREFIX=/usr
  cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.13)
project(user C)
find_package(apphost 0.1 REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared apphost::apphost)
add_executable(static main.c)
target_link_libraries(static apphost::static)
END
  cat >main.c <<'END'
#include <apphost/apphost.h>
#include <stdio.h>
int main(void) { puts(apphost_log_level_name(APPHOST_LOG_DEBUG)); return 0; }
END
  ok cmake -S . -B out -DCMAKE_PREFIX_PATH="$T/root/usr"
  ok cmake --build out
  [ "$(LD_LIBRARY_PATH=$T/root/usr/lib out/shared)" = Debug ]
  [ "$(out/static)" = Debug ]
  # Nothing of another first number, nothing newer.
  sed -i 's/apphost 0.1/apphost 1.0/' CMakeLists.txt
  run cmake -S . -B other -DCMAKE_PREFIX_PATH="$T/root/usr"
  [ "$status" -ne 0 ]
}

@test "an installed library, an example outside the tree: two keyed caches, /health as ready" {
  needs_image "$REDIS"
  ok make -s -C "$ROOT" install-client DESTDIR="$T/root" PREFIX=/usr
  ok make -s -C "$ROOT" client-symbols
  local name
  for name in lib/libapphost.a lib/libapphost.so include/apphost/cache.h share/man/man3/libapphost.3; do
    [ -e "$T/root/usr/$name" ]
  done
  cp -r "$ROOT/manifests/cache-service/." .
  sed -i "s/^name: .*/name: $PROJECT/" apphost.yaml
  export PKG_CONFIG_PATH=$T/root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$T/root LD_LIBRARY_PATH=$T/root/usr/lib
  ok make -s
  readelf -d cache-service | grep -q 'libapphost.so.0'
  # Up means ready, and ready is what the service's own /health says of both servers.
  export APPHOST_REDIS_IMAGE=$REDIS
  ok apphost up -d
  wait_until 20 visited 2
  local port
  port=$(apphost ps | sed -n 's|^service .*127.0.0.1:\([0-9]*\).*|\1|p')
  [ "$(curl -s --max-time 60 "http://127.0.0.1:$port/health")" = Healthy ]
  [ "$(curl -s --max-time 60 "http://127.0.0.1:$port/alive")" = Healthy ]
  # Each cache is on its own server, under its own prefix.
  load_env
  [ "$(ask "$SESSIONS_PORT" "$SESSIONS_PASSWORD" --scan)" = session:ada ]
  [[ $(ask "$PAGES_PORT" "$PAGES_PASSWORD" --scan) = page:ada* ]]
  # One server silent: the service is not ready any more, but alive.
  ask "$PAGES_PORT" "$PAGES_PASSWORD" CLIENT PAUSE 5000 ALL
  [ "$(curl -s --max-time 60 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/health")" = 503 ]
  [ "$(curl -s --max-time 60 "http://127.0.0.1:$port/alive")" = Healthy ]
  ok apphost down
}

visited() {
  apphost logs service | grep -q "visit $1 of ada: <h1>Hello, ada</h1> (cached)"
}
