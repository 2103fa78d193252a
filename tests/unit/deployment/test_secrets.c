/* Values that nobody may see: which there are, where they come from, and what their digests tell: that
 * something changed, and nothing else. */
#include "app.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct model_parameter parameter(const char *name, const char *value)
{
    return (struct model_parameter){
        .name = name, .secret = true, .value = value, .pos = {"apphost.yaml", 5, 3}};
}

/* cache with a generated password, api that has it and a token, web that has neither. */
static struct model_resource *fill(struct app *app, struct model_parameter *token)
{
    app_add(app, "cache", MODEL_REDIS);
    app_add(app, "web", MODEL_CONTAINER);
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    app->model.parameters = token;
    app->model.parameter_count = 1;
    app_refer(app, api, "cache");
    app_variable(app, api, "TOKEN", app_part(app, MODEL_GET_PARAMETER, "token"));
    return api;
}

static const struct deployment_secret *secret(const struct app *app, const char *name)
{
    const struct deployment_secret *found = deployment_find_secret(app->d, name);
    if (!found)
        fail_msg("there is no secret \"%s\"", name);
    return found;
}

/* ---- which there are, and what they are ---- */

static void secrets_are_those_that_somebody_has(void **state)
{
    struct app *app = *state;
    struct model_parameter parameters[2] = {parameter("token", "t1"), parameter("unused", NULL)};
    fill(app, parameters);
    app->model.parameter_count = 2;
    app_settle(app, DEPLOYMENT_COMPOSE);
    assert_int_equal(app->d->secret_count, 2);
    assert_string_equal(app->d->secrets[0].name, "cache-password");
    assert_string_equal(app->d->secrets[1].name, "parameters.token");
    assert_true(app->d->secrets[0].is_generated);
    assert_false(app->d->secrets[1].is_generated);
    cleanup_free char *value = app_value(app, "api", "TOKEN");
    assert_string_equal(value, "t1");
}

static void what_nobody_gave_is_asked_for_where_it_is_declared(void **state)
{
    struct app *app = *state;
    struct model_parameter token = parameter("token", NULL);
    fill(app, &token);
    app_refuses(app, DEPLOYMENT_SWARM, "nobody gave a value for \"parameters.token\"", 5);
}

static void an_argument_is_no_place_for_a_secret(void **state)
{
    struct app *app = *state;
    struct model_parameter token = parameter("token", "t1");
    struct model_resource *api = fill(app, &token);
    struct model_text words[2] = {app_text(app, "serve"), app_part(app, MODEL_GET_PARAMETER, "token")};
    api->publish.command = words;
    api->publish.command_count = 2;
    app_refuses(app, DEPLOYMENT_KUBERNETES, "an argument of \"api\" is a secret", 30);
    /* A parameter that is none may stand there. */
    token.secret = false;
    app_settle(app, DEPLOYMENT_KUBERNETES);
    assert_string_equal(app_find(app, "api")->command[1].parts[0].text, "t1");
    assert_int_equal(app->d->secret_count, 1);
}

static void what_is_made_has_the_length_that_was_asked_for(void **state)
{
    struct app *app = *state;
    struct model_parameter token = parameter("token", NULL);
    token.generate = true;
    token.generate_length = 40;
    fill(app, &token);
    app_settle(app, DEPLOYMENT_COMPOSE);
    const char *value = secret(app, "parameters.token")->value;
    assert_int_equal(strlen(value), 40);
    assert_int_equal(strlen(secret(app, "cache-password")->value), 22);
    assert_string_equal(strlist_getenv(&app->kept, "secret:parameters.token"), value);
    for (const char *p = value; *p; p++)
        assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", *p));
}

/* ---- where values come from ---- */

static void what_the_manifest_gives_is_not_taken_from_elsewhere(void **state)
{
    struct app *app = *state;
    struct model_parameter token = parameter("token", "t1");
    fill(app, &token);
    assert_non_null(app_lower(app, DEPLOYMENT_COMPOSE));
    assert_false(deployment_take(app->d, "parameters.token", "t2"));
    assert_true(deployment_take(app->d, "parameters.token", "t1"));
    assert_false(deployment_take(app->d, "nothing", "x"));
    assert_string_equal(secret(app, "parameters.token")->value, "t1");
    deployment_put(app->d, "parameters.token", "t2");
    deployment_put(app->d, "nothing", "x");
    assert_string_equal(secret(app, "parameters.token")->value, "t2");
    /* Whoever gives a value remembers it himself. */
    assert_int_equal(deployment_settle(app->d, &app->store, NULL), 0);
    assert_null(strlist_getenv(&app->kept, "secret:parameters.token"));
}

static int cannot_set(const char *name, const char *value, void *data, struct error *err)
{
    (void)name;
    (void)value;
    (void)data;
    return error_set(err, ERROR_SPACE, "the disk is full");
}

static const char *only_password(const char *name, void *data)
{
    (void)data;
    return strcmp(name, "secret:cache-password") == 0 ? "kept" : NULL;
}

/* Else the next one would make another, and the server's data would have the first. */
static void what_cannot_be_remembered_is_not_used(void **state)
{
    struct app *app = *state;
    struct error error = {0};
    app_add(app, "cache", MODEL_REDIS);
    assert_non_null(app_lower(app, DEPLOYMENT_COMPOSE));
    struct deployment_store full = {only_password, cannot_set, NULL};
    assert_int_equal(deployment_settle(app->d, &full, &error), -1);
    assert_int_equal(error.code, ERROR_SPACE);
    error_clear(&error);

    /* The key is known, the password is not; then both are. */
    full = (struct deployment_store){app->store.get, cannot_set, &app->kept};
    strlist_setenv(&app->kept, DEPLOYMENT_KEY_NAME,
                   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    assert_non_null(app_lower(app, DEPLOYMENT_COMPOSE));
    assert_int_equal(deployment_settle(app->d, &full, &error), -1);
    error_clear(&error);
    strlist_setenv(&app->kept, "secret:cache-password", "kept");
    assert_non_null(app_lower(app, DEPLOYMENT_COMPOSE));
    assert_int_equal(deployment_settle(app->d, &full, &error), 0);
    assert_string_equal(secret(app, "cache-password")->value, "kept");
}

static void the_targets_key_is_gone_on_with(void **state)
{
    static const char theirs[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    struct app *app = *state;
    app_add(app, "cache", MODEL_REDIS);
    app_settle(app, DEPLOYMENT_COMPOSE);
    assert_int_equal(strlen(app->d->key), 64);
    assert_int_equal(strspn(app->d->key, "0123456789abcdef"), 64);
    char ours[65];
    memcpy(ours, app->d->key, sizeof ours);

    assert_non_null(app_lower(app, DEPLOYMENT_COMPOSE));
    deployment_take_key(app->d, "short");
    assert_int_equal(deployment_settle(app->d, &app->store, NULL), 0);
    assert_string_equal(app->d->key, ours);
    assert_non_null(app_lower(app, DEPLOYMENT_COMPOSE));
    deployment_take_key(app->d, theirs);
    assert_int_equal(deployment_settle(app->d, &app->store, NULL), 0);
    assert_string_equal(app->d->key, theirs);
    assert_string_equal(strlist_getenv(&app->kept, DEPLOYMENT_KEY_NAME), theirs);
}

/* ---- digests ---- */

static void digests_are_keyed(void **state)
{
    struct app *app = *state;
    char first[17], again[17], longer[17], other_key[17];
    app_add(app, "cache", MODEL_REDIS);
    app_settle(app, DEPLOYMENT_COMPOSE);
    deployment_digest(app->d, "text", first);
    deployment_digest(app->d, "text", again);
    deployment_digest(app->d, "text ", longer);
    app->d->key[0] ^= 1;
    deployment_digest(app->d, "text", other_key);
    assert_int_equal(strlen(first), 16);
    assert_int_equal(strspn(first, "0123456789abcdef"), 16);
    assert_string_equal(first, again);
    assert_string_not_equal(first, longer);
    assert_string_not_equal(first, other_key);
}

struct digests {
    char cache[17], api[17], web[17], whole_api[17];
};

static struct digests digests_of(const struct app *app)
{
    struct digests out;
    deployment_secrets_digest(app->d, app_find(app, "cache"), out.cache);
    deployment_secrets_digest(app->d, app_find(app, "api"), out.api);
    deployment_secrets_digest(app->d, app_find(app, "web"), out.web);
    deployment_service_digest(app->d, app_find(app, "api"), out.whole_api);
    return out;
}

static void a_secret_changes_the_digests_of_those_who_have_it(void **state)
{
    struct app *app = *state;
    struct model_parameter token = parameter("token", "t1");
    struct model_resource *api = fill(app, &token);
    app_settle(app, DEPLOYMENT_COMPOSE);
    struct digests first = digests_of(app);

    token.value = "t2";
    app_settle(app, DEPLOYMENT_COMPOSE);
    struct digests then = digests_of(app);
    assert_string_equal(then.cache, first.cache);
    assert_string_equal(then.web, first.web);
    assert_string_not_equal(then.api, first.api);
    assert_string_not_equal(then.whole_api, first.whole_api);

    /* Another image is another service with the same secrets. */
    token.value = "t1";
    api->publish.image = "example/process:2";
    app_settle(app, DEPLOYMENT_COMPOSE);
    then = digests_of(app);
    assert_string_equal(then.api, first.api);
    assert_string_not_equal(then.whole_api, first.whole_api);
    api->publish.image = "example/process:1";
    app_settle(app, DEPLOYMENT_COMPOSE);
    assert_string_equal(digests_of(app).whole_api, first.whole_api);
}

/* Where a text ends counts, not only which texts stand behind one another. */
static void a_service_is_told_from_its_neighbours(void **state)
{
    struct app *app = *state;
    struct model_resource *web = app_add(app, "web", MODEL_CONTAINER);
    struct model_text apart[2] = {app_text(app, "ab"), app_text(app, "c")};
    struct model_text one = app_text(app, "ab\ncommand c");
    char digests[4][17];
    web->container.command = apart;
    web->container.command_count = 2;
    app_settle(app, DEPLOYMENT_SWARM);
    deployment_service_digest(app->d, app_find(app, "web"), digests[0]);
    web->container.command = &one;
    web->container.command_count = 1;
    app_settle(app, DEPLOYMENT_SWARM);
    deployment_service_digest(app->d, app_find(app, "web"), digests[1]);
    web->container.entrypoint = apart;
    web->container.entrypoint_count = 2;
    web->container.command_count = 0;
    app_settle(app, DEPLOYMENT_SWARM);
    deployment_service_digest(app->d, app_find(app, "web"), digests[2]);
    web->memory = 1 << 20;
    app_settle(app, DEPLOYMENT_SWARM);
    deployment_service_digest(app->d, app_find(app, "web"), digests[3]);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(digests[i], digests[k]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, app_setup, app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(secrets_are_those_that_somebody_has),
        CASE(what_nobody_gave_is_asked_for_where_it_is_declared),
        CASE(an_argument_is_no_place_for_a_secret),
        CASE(what_is_made_has_the_length_that_was_asked_for),
        CASE(what_the_manifest_gives_is_not_taken_from_elsewhere),
        CASE(what_cannot_be_remembered_is_not_used),
        CASE(the_targets_key_is_gone_on_with),
        CASE(digests_are_keyed),
        CASE(a_secret_changes_the_digests_of_those_who_have_it),
        CASE(a_service_is_told_from_its_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
