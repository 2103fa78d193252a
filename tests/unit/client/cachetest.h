/* room: client_cache */
/*
 * What the tests of the cache share: a host with a cache on a server, short words for what they do, and a
 * runner. The server is a redis-server of the test's own, or the one that APPHOST_TEST_SERVER (host:port)
 * names: tests/e2e/client.bats runs the same programs on a Redis 8 and on a Valkey.
 */
#ifndef TEST_CACHETEST_H
#define TEST_CACHETEST_H

#include "server.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct world {
    struct server server;
    char endpoint[160]; /* of the server under test */
    struct apphost_host *host;
    struct apphost_cache *cache; /* instance name "cachetest:" */
    struct apphost_cache *strict;
    struct apphost_redis *redis; /* raw, for looking */
};

extern struct world world;

int64_t unix_ms(void);

/* Fails the test with the error's text when rc is negative. */
void ok(int rc, const struct apphost_error *error);

/* Sets, and gets: NULL data is a miss. */
void set(struct apphost_cache *cache, const char *key, const char *data, struct apphost_expiry expiry);
void expect(struct apphost_cache *cache, const char *key, const char *data);

/* Looking behind the cache: any command (NULL-terminated words), its reply as text for free(3) or as a
 * number. */
void raw(const char *first, ...) __attribute__((sentinel));
char *raw_text(const char *command, const char *key, const char *field);
long long raw_number(const char *command, const char *key);
void expect_field(const char *key, const char *field, const char *value);
void expect_ttl(const char *key, long long least, long long most);

/* Runs the tests, each on an empty server: EVERYTHING on it is deleted. */
int run_on_server(struct CMUnitTest *tests, size_t count);

#endif
