/*
 * What the tests of the cache share: a host with a cache on a server, short words for what they do, and a
 * runner that repeats a group on the servers that APPHOST_TEST_REDIS8 and APPHOST_TEST_VALKEY (host:port)
 * name.
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

/* Runs the tests, each on an empty server, on every kind of server there is; a kind that is missing counts as
 * skipped. */
int run_on_all_servers(struct CMUnitTest *tests, size_t count);

#endif
