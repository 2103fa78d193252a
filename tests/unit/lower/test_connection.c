/* connection-string resources: what consumers get of each form of string, and what is never shown. */
#include "lower/lower.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int no_port(const char *node, const char *endpoint, void *data)
{
    (void)node, (void)endpoint, (void)data;
    return 0;
}

/* Secrets have the values that the plan carries for them. */
static const char *secret_of(const char *name, void *data)
{
    const struct plan *plan = data;
    for (size_t i = 0; i < plan->secret_count; i++)
        if (strcmp(plan->secrets[i].name, name) == 0)
            return plan->secrets[i].value;
    return NULL;
}

/* The plan of one connection string; NULL and a problem's text in *problem. */
static struct plan *lower(const char *text, bool check, char **problem)
{
    struct model model = {.name = "shop", .file = "/x/apphost.yaml", .folder = "/x", .resource_count = 1};
    struct model_resource resource = {.name = "old", .kind = MODEL_CONNECTION_STRING};
    struct plan_context context = {.project = "shop", .project_hash = "0123abcd"};
    struct error *problems = NULL;
    size_t count = 0;
    resource.connection.value = model_literal(&model.arena, text);
    resource.connection.check = check;
    model.resources = &resource;
    struct plan *plan = plan_lower(&model, &context, &problems, &count);
    *problem = count ? xstrdup(problems[0].text) : NULL;
    for (size_t i = 0; i < count; i++)
        error_clear(&problems[i]);
    free(problems);
    arena_free(&model.arena);
    return plan;
}

/* The value of a variable that a consumer gets, or NULL. */
static char *export(struct plan *plan, const char *name)
{
    const struct plan_lookup lookup = {.port = no_port, .secret = secret_of, .data = plan};
    const struct plan_resource *resource = plan_find_resource(plan, "old");
    for (size_t i = 0; i < resource->export_count; i++)
        if (strcmp(resource->exports[i].name, name) == 0)
            return plan_resolve(&resource->exports[i].value, &lookup, NULL);
    return NULL;
}

static void expect(struct plan *plan, const char *name, const char *wanted)
{
    cleanup_free char *value = export(plan, name);
    if (!str_eq(value, wanted))
        fail_msg("%s is %s, not %s", name, value ? value : "missing", wanted ? wanted : "missing");
}

static void consumers_get_the_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *port, *password, *uri;
    } rows[] = {
        {"a.example:7000", "a.example", "7000", NULL, "redis://a.example:7000"},
        {"a,password=p w,user=u,ssl=true,defaultDatabase=2", "a", "6380", "p w", "rediss://u:p%20w@a:6380/2"},
        {"[::1]:7000,password=x", "[::1]", "7000", "x", "redis://default:x@[::1]:7000"},
        {"redis://:x@a:1", "a", "1", "x", "redis://:x@a:1"},
        {"rediss://u:p%40@a:1/3", "a", "1", "p@", "rediss://u:p%40@a:1/3"},
        {"!/run/x.sock,password=x", NULL, NULL, NULL, NULL},
        {"Server=db;Password=y", NULL, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *problem = NULL;
        struct plan *plan = lower(rows[i].text, false, &problem);
        assert_non_null(plan);
        expect(plan, "ConnectionStrings__old", rows[i].text);
        expect(plan, "OLD_HOST", rows[i].host);
        expect(plan, "OLD_PORT", rows[i].port);
        expect(plan, "OLD_PASSWORD", rows[i].password);
        expect(plan, "OLD_URI", rows[i].uri);
        plan_free(plan);
    }
}

static void nothing_secret_is_shown(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a:1,password=hunter2",       "redis://:hunter2@a:1",       "!/run/x.sock,password=hunter2",
        "Server=db;Password=hunter2", "amqp://guest:hunter2@queue", "a:1,sentinelPassword=hunter2",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cleanup_free char *problem = NULL;
        struct plan *plan = lower(texts[i], false, &problem);
        assert_non_null(plan);
        const struct plan_resource *resource = plan_find_resource(plan, "old");
        const struct plan_lookup lookup = {.port = no_port, .secret = secret_of, .data = plan};
        cleanup_free char *shown = plan_mask(&resource->display, &lookup);
        if (strstr(shown, "hunter2") || !strstr(shown, "***"))
            fail_msg("\"%s\" is shown as \"%s\"", texts[i], shown);
        plan_free(plan);
    }
}

static void only_a_redis_can_be_checked(void **state)
{
    (void)state;
    cleanup_free char *none = NULL, *problem = NULL;
    struct plan *plan = lower("!/run/x.sock,password=x", true, &none);
    assert_non_null(plan);
    assert_int_equal(plan_find(plan, "value:old")->check.kind, PLAN_PROBE_PING);
    plan_free(plan);
    assert_null(lower("Server=db;Password=y", true, &problem));
    assert_non_null(strstr(problem, "names no Redis server"));
}

/* What cannot be read back is our mistake, and no "0 errors in the manifest". */
static void a_plan_that_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct model model = {.name = "shop", .file = "/x/apphost.yaml", .folder = "/x", .resource_count = 1};
    struct model_resource resource = {.name = "api", .kind = MODEL_PROCESS};
    struct plan_context context = {.project = "shop", .project_hash = "0123abcd"};
    struct error *problems = NULL;
    size_t count = 0;

    resource.restart.when = (enum model_restart_when)99;
    model.resources = &resource;
    assert_null(plan_lower(&model, &context, &problems, &count));
    assert_int_equal(count, 1);
    assert_int_equal(problems[0].code, ERROR_PROTOCOL);
    assert_non_null(strstr(problems[0].text, "\"when\""));
    assert_non_null(strstr(problems[0].hint, "not of the manifest"));
    error_clear(&problems[0]);
    free(problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consumers_get_the_parts),
        cmocka_unit_test(nothing_secret_is_shown),
        cmocka_unit_test(only_a_redis_can_be_checked),
        cmocka_unit_test(a_plan_that_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
