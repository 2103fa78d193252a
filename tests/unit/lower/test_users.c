/* A server's users: whose credentials a consumer gets, in every form, and what the server is told. */
#include "lowered.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *secret_name(const char *name, void *data)
{
    (void)data;
    return name; /* its own name: texts show which secret stands where */
}

static struct model_user users[] = {
    {.name = "app", .password_kind = MODEL_PASSWORD_GENERATED, .acl = "~app:* +@read"},
    {.name = "open", .password_kind = MODEL_PASSWORD_NONE, .acl = "+get"},
    {.name = "given", .password_kind = MODEL_PASSWORD_PARAMETER, .password = "pw", .acl = "+set"},
};
static struct model_parameter parameter = {.name = "pw", .secret = true, .value = "x"};

static struct plan *lower(const char *user, struct model_resource *resources, bool without_users)
{
    struct model model = {.name = "shop",
                          .file = "/x/apphost.yaml",
                          .folder = "/x",
                          .parameters = &parameter,
                          .parameter_count = 1,
                          .resources = resources,
                          .resource_count = 2};
    struct model_reference reference = {.resource = "cache", .user = user, .env = "LINK", .wait = true};
    struct plan_context context = lowered_context();

    resources[0] = (struct model_resource){.name = "cache", .kind = MODEL_REDIS};
    resources[0].redis.users = users;
    resources[0].redis.user_count = without_users ? 0 : sizeof users / sizeof *users;
    resources[1] = (struct model_resource){
        .name = "api", .kind = MODEL_PROCESS, .references = &reference, .reference_count = 1};
    return lowered_again(NULL, &model, &context);
}

static char *variable(struct plan *plan, const char *name)
{
    const struct plan_lookup lookup = {.secret = secret_name};
    const struct plan_run *run = &plan_find(plan, "process:api")->run;

    for (size_t i = 0; i < run->environment_count; i++)
        if (strcmp(run->environment[i].name, name) == 0) {
            char *text = plan_mask(&run->environment[i].value, &lookup);
            return text;
        }
    return NULL;
}

static void expect(struct plan *plan, const char *name, const char *wanted)
{
    cleanup_free char *value = variable(plan, name);
    if (!str_eq(value, wanted))
        fail_msg("%s is %s, not %s", name, value ? value : "missing", wanted ? wanted : "missing");
}

static void a_reference_names_whose_credentials(void **state)
{
    (void)state;
    struct model_resource resources[2];
    struct plan *plan = lower("app", resources, false);
    expect(plan, "ConnectionStrings__cache", "127.0.0.1:?,user=app,password=***");
    expect(plan, "CACHE_USERNAME", "app");
    expect(plan, "CACHE_PASSWORD", "***");
    expect(plan, "CACHE_URI", "redis://app:***@127.0.0.1:?");
    expect(plan, "LINK", "redis://app:***@127.0.0.1:?");
    assert_non_null(plan_find_secret(plan, "cache.users.app"));
    plan_free(plan);
}

static void a_user_without_a_password_is_named_all_the_same(void **state)
{
    (void)state;
    struct model_resource resources[2];
    struct plan *plan = lower("open", resources, false);
    expect(plan, "ConnectionStrings__cache", "127.0.0.1:?,user=open");
    expect(plan, "CACHE_PASSWORD", NULL);
    expect(plan, "CACHE_URI", "redis://open:@127.0.0.1:?");
    plan_free(plan);
}

static void without_one_it_is_the_default_users(void **state)
{
    (void)state;
    struct model_resource resources[2];
    struct plan *plan = lower(NULL, resources, false);
    expect(plan, "ConnectionStrings__cache", "127.0.0.1:?,password=***");
    expect(plan, "CACHE_USERNAME", NULL);
    expect(plan, "CACHE_URI", "redis://default:***@127.0.0.1:?");
    plan_free(plan);
}

/* They are made while it runs: nobody's server is made anew for them. */
static void users_are_no_part_of_the_specification(void **state)
{
    (void)state;
    struct model_resource resources[2];
    struct plan *with = lower(NULL, resources, false), *without = lower(NULL, resources, true);
    const struct plan_node *server = plan_find(with, "container:cache");

    assert_int_equal(server->run.user_count, 3);
    assert_string_equal(server->run.users[2].name, "given");
    assert_string_equal(server->run.users[2].password.parts[0].text, "parameters.pw");
    assert_int_equal(server->run.users[1].password.count, 0);
    assert_string_equal(server->spec_hash, plan_find(without, "container:cache")->spec_hash);
    plan_free(with);
    plan_free(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_names_whose_credentials),
        cmocka_unit_test(a_user_without_a_password_is_named_all_the_same),
        cmocka_unit_test(without_one_it_is_the_default_users),
        cmocka_unit_test(users_are_no_part_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
