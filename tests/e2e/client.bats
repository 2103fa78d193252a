# The client library on servers of our own making: its unit tests know the Redis of this machine, here the same programs
# run on a Redis 8 and a Valkey 8 in containers.
load helpers

# library_on TYPE IMAGE: the programs that test the cache, on one server. Everything on it is deleted.
library_on() {
  needs_image "$2"
  local program programs=(test_cache test_cache_more) build=$ROOT/build/asan
  # They are there after `make check`; make says so in a moment.
  ok env HOME="$REAL_HOME" make -s -C "$ROOT" VARIANT=asan BUILD="$build" "${programs[@]/#/$build/unit/client/}"
  manifest <<END
resources:
  cache: {type: $1, image: $2, password: false}
END
  ok apphost up -d
  load_env
  for program in "${programs[@]}"; do
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
