/* Late values: what they become once everything is known, what may be shown of them, and their way through
 * JSON. */
#include "plan/internal.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PART(...)                                                                                            \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define TEXT(name, ...)                                                                                      \
    struct plan_part name##_parts[] = {__VA_ARGS__};                                                         \
    const struct plan_text name = {name##_parts, sizeof name##_parts / sizeof *name##_parts}

struct known {
    int port;
    const char *secret, *host;
};

static int port_of(const char *node, const char *endpoint, void *data)
{
    assert_string_equal(node, "container:cache");
    assert_string_equal(endpoint, "tcp");
    return ((struct known *)data)->port;
}

static const char *secret_of(const char *name, void *data)
{
    assert_string_equal(name, "cache-password");
    return ((struct known *)data)->secret;
}

static const char *host_of(void *data)
{
    return ((struct known *)data)->host;
}

static struct plan_lookup lookup_of(struct known *known)
{
    return (struct plan_lookup){.port = port_of, .secret = secret_of, .host = host_of, .data = known};
}

static void everything_that_is_known_is_put_in(void **state)
{
    (void)state;
    struct known known = {6380, "pw", "172.17.0.1"};
    struct plan_lookup lookup = lookup_of(&known);
    TEXT(uri, PART(.text = "redis://:"), PART(PLAN_SECRET, "cache-password", NULL, PLAN_FILTER_URI),
         PART(.text = "@"), PART(PLAN_HOST, "published", NULL, 0), PART(.text = ":"),
         PART(PLAN_PORT, "container:cache", "tcp", 0));
    cleanup_free char *text = plan_resolve(&uri, &lookup, NULL);
    assert_string_equal(text, "redis://:pw@172.17.0.1:6380");
    cleanup_free char *masked = plan_mask(&uri, &lookup);
    assert_string_equal(masked, "redis://:***@172.17.0.1:6380");
    assert_true(plan_has_secret(&uri));
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    struct known known = {0, NULL, NULL};
    struct plan_lookup lookup = lookup_of(&known);
    const char *missing = NULL;
    TEXT(port, PART(.text = "a:"), PART(PLAN_PORT, "container:cache", "tcp", 0));
    TEXT(secret, PART(PLAN_SECRET, "cache-password", NULL, 0));
    TEXT(host, PART(PLAN_HOST, "published", NULL, 0));
    assert_null(plan_resolve(&port, &lookup, &missing));
    assert_string_equal(missing, "container:cache");
    assert_null(plan_resolve(&secret, &lookup, &missing));
    assert_string_equal(missing, "cache-password");
    assert_null(plan_resolve(&host, &lookup, &missing));
    assert_string_equal(missing, "published");

    cleanup_free char *masked = plan_mask(&port, &lookup);
    assert_string_equal(masked, "a:?");
    cleanup_free char *likely = plan_mask(&host, NULL);
    assert_string_equal(likely, PLAN_LIKELY_HOST); /* nobody can be asked */
}

/* Each in the form of its place, so that no password can end the place that it stands in. */
static void secrets_are_written_for_their_place(void **state)
{
    (void)state;
    static const struct {
        enum plan_filter filter;
        const char *wanted;
    } rows[] = {
        {PLAN_FILTER_NONE, "a b\"\\/@:é"},
        {PLAN_FILTER_URI, "a%20b%22%5C%2F%40%3A%C3%A9"},
        {PLAN_FILTER_JSON, "a b\\\"\\\\/@:é"},
        {PLAN_FILTER_BASE64, "YSBiIlwvQDrDqQ=="},
    };
    struct known known = {1, "a b\"\\/@:é", "h"};
    struct plan_lookup lookup = lookup_of(&known);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        TEXT(secret, PART(PLAN_SECRET, "cache-password", NULL, rows[i].filter));
        cleanup_free char *text = plan_resolve(&secret, &lookup, NULL);
        assert_string_equal(text, rows[i].wanted);
    }
    TEXT(conf, PART(PLAN_SECRET, "cache-password", NULL, PLAN_FILTER_REDIS_CONF));
    cleanup_free char *quoted = plan_resolve(&conf, &lookup, NULL);
    assert_int_equal(quoted[0], '"');
    assert_null(strchr(quoted, '\n'));
}

/* ---- JSON ---- */

static void comes_back(const struct plan_text *text, const char *wanted)
{
    struct arena arena = {0};
    struct plan_text again = {0};
    cleanup_json cJSON *json = plan_text_to_json(text, false);
    cleanup_free char *printed = json_print(json);
    assert_string_equal(printed, wanted);
    assert_true(plan_text_from_json(json, &arena, &again));
    cleanup_json cJSON *twice = plan_text_to_json(&again, false);
    assert_true(cJSON_Compare(json, twice, true));
    arena_free(&arena);
}

static void texts_come_back_from_json(void **state)
{
    (void)state;
    TEXT(literal, PART(.text = "plain"));
    TEXT(mixed, PART(.text = "a"), PART(PLAN_PORT, "container:cache", "tcp", 0),
         PART(PLAN_SECRET, "pw", NULL, PLAN_FILTER_URI), PART(PLAN_HOST, "published", NULL, 0));
    const struct plan_text empty = {0};
    comes_back(&empty, "\"\"");
    comes_back(&literal, "\"plain\"");
    comes_back(&mixed, "[\"a\",{\"port\":\"container:cache\",\"endpoint\":\"tcp\"},"
                       "{\"secret\":\"pw\",\"filter\":\"uri\"},{\"host\":\"published\"}]");
}

/* Where we are is no part of what something is made of. */
static void a_specification_has_the_likely_host(void **state)
{
    (void)state;
    TEXT(late, PART(.text = "redis://"), PART(PLAN_HOST, "published", NULL, 0), PART(.text = ":1"));
    TEXT(settled, PART(.text = "redis://127.0.0.1:1"));
    TEXT(with_port, PART(PLAN_HOST, "published", NULL, 0), PART(.text = ":"),
         PART(PLAN_PORT, "container:cache", "tcp", 0));
    cleanup_json cJSON *spec = plan_text_to_json(&late, true), *plain = plan_text_to_json(&settled, true);
    assert_true(cJSON_Compare(spec, plain, true));
    cleanup_json cJSON *mixed = plan_text_to_json(&with_port, true);
    cleanup_free char *printed = json_print(mixed);
    assert_string_equal(printed, "[\"127.0.0.1:\",{\"port\":\"container:cache\",\"endpoint\":\"tcp\"}]");
}

static void nonsense_is_no_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"5",
                                      "null",
                                      "{}",
                                      "[{}]",
                                      "[5]",
                                      "[{\"endpoint\":\"x\"}]",
                                      "[{\"secret\":\"x\",\"filter\":\"rot13\"}]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena arena = {0};
        struct plan_text text = {0};
        cleanup_json cJSON *json = json_parse(bad[i], strlen(bad[i]), NULL);
        if (plan_text_from_json(json, &arena, &text))
            fail_msg("%s was taken", bad[i]);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_is_known_is_put_in),  cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(secrets_are_written_for_their_place), cmocka_unit_test(texts_come_back_from_json),
        cmocka_unit_test(a_specification_has_the_likely_host), cmocka_unit_test(nonsense_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
