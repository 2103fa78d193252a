/* Credentials: what the configuration says, and helpers that are real programs: good, slow to end, silent,
 * absent. */
#include "base/digest.h"
#include "base/file.h"
#include "engine/internal.h"
#include "script.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char home[64];

static void write_file(const char *name, const char *text, mode_t mode)
{
    cleanup_free char *path = path_join(home, name);
    cleanup_free char *folder = path_dirname(path);
    assert_int_equal(file_mkdirs(folder, 0700, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, NULL), 0);
}

static void write_config(const char *text)
{
    write_file(".docker/config.json", text, 0600);
}

static void write_helper(const char *name, const char *lines)
{
    char path[100];
    cleanup_free char *text = xasprintf("#!/bin/sh\n[ \"$1\" = get ] || exit 9\n%s\n", lines);
    snprintf(path, sizeof path, "bin/docker-credential-%s", name);
    write_file(path, text, 0700);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/apphost-auth-XXXXXX");
    return mkdtemp(home) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return file_remove_tree(home, NULL);
}

static void make_environment(struct strlist *environment, const char *more)
{
    strlist_addf(environment, "HOME=%s", home);
    strlist_addf(environment, "PATH=%s/bin:/usr/bin:/bin", home);
    if (more)
        strlist_add(environment, more);
}

/* ---- what the configuration says ---- */

/* "user:password", "token", "helper name for server", or "nothing" */
static char *choose(const char *registry, const char *more)
{
    cleanup_strlist struct strlist environment = {0};
    make_environment(&environment, more);
    struct auth_choice choice;
    engine_auth_choose(&environment, registry, &choice);
    char *text = choice.helper           ? xasprintf("helper %s for %s", choice.helper, choice.server)
                 : choice.identity_token ? xasprintf("token %s", choice.identity_token)
                 : choice.password       ? xasprintf("%s:%s", choice.username, choice.password)
                                         : xstrdup("nothing");
    engine_auth_choice_free(&choice);
    return text;
}

static void test_choices(void **state)
{
    (void)state;
    static const char hub[] = "https://index.docker.io/v1/";
    static const struct {
        const char *config, *registry, *environment, *chosen;
    } rows[] = {
        {"{}", "docker.io", NULL, "nothing"},
        {"not JSON", "docker.io", NULL, "nothing"},
        {"{\"auths\":{\"r:5\":{\"auth\":\"dTpwOnE=\"}}}", "r:5", NULL, "u:p:q"},
        {"{\"auths\":{\"https://r:5/v1/\":{\"auth\":\"dTpw\"}}}", "r:5", NULL, "u:p"},
        {"{\"auths\":{\"r:5\":{\"auth\":\"dTpw\"}}}", "r:6", NULL, "nothing"},
        {"{\"auths\":{\"r:5\":{\"auth\":\"????\"}}}", "r:5", NULL, "nothing"},
        {"{\"auths\":{\"r:5\":{\"auth\":\"dXA=\"}}}", "r:5", NULL, "nothing"},
        {"{\"auths\":{\"r:5\":{\"identitytoken\":\"t\",\"auth\":\"dTpw\"}}}", "r:5", NULL, "token t"},
        {"{\"auths\":{\"r:5\":{\"username\":\"u\",\"password\":\"p\"}}}", "r:5", NULL, "u:p"},
        {"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}}}", "docker.io", NULL, "u:p"},
        {"{\"credsStore\":\"s\",\"auths\":{\"r:5\":{\"auth\":\"dTpw\"}}}", "r:5", NULL, "helper s for r:5"},
        {"{\"credsStore\":\"s\",\"credHelpers\":{\"r:5\":\"h\"}}", "r:5", NULL, "helper h for r:5"},
        {"{\"credsStore\":\"s\",\"credHelpers\":{\"r:5\":\"h\"}}", "docker.io", NULL,
         "helper s for https://index.docker.io/v1/"},
        {"{\"credHelpers\":{\"docker.io\":\"h\"}}", "docker.io", NULL,
         "helper h for https://index.docker.io/v1/"},
        {"{\"credsStore\":\"s\"}", "r:5", "DOCKER_AUTH_CONFIG={\"auths\":{\"r:5\":{\"auth\":\"ZTpm\"}}}",
         "e:f"},
        {"{\"credsStore\":\"s\"}", "r:6", "DOCKER_AUTH_CONFIG={\"auths\":{\"r:5\":{\"auth\":\"ZTpm\"}}}",
         "helper s for r:6"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_config(rows[i].config);
        cleanup_free char *chosen = choose(rows[i].registry, rows[i].environment);
        if (strcmp(chosen, rows[i].chosen) != 0)
            print_error("row %zu\n", i);
        assert_string_equal(chosen, rows[i].chosen);
    }
    write_config("{}");
    write_helper("pass", "exit 1");
    cleanup_free char *without = choose("docker.io", NULL);
    assert_string_equal(without, "nothing");
    write_file("bin/pass", "#!/bin/sh\n", 0700);
    cleanup_free char *with = choose("docker.io", NULL);
    assert_true(str_starts(with, "helper pass for "));
    assert_true(str_ends(with, hub));
}

/* The URL alphabet, padded: anything else is silently anonymous. */
static void test_header(void **state)
{
    (void)state;
    struct auth_choice choice = {
        .server = (char[]){"r:5"}, .username = (char[]){"u"}, .password = (char[]){"\xff\xfe>?"}};
    cleanup_free char *header = engine_auth_header(&choice);
    assert_true(str_starts(header, "X-Registry-Auth: "));
    const char *value = header + strlen("X-Registry-Auth: ");
    assert_int_equal(strlen(value) % 4, 0);
    assert_null(strpbrk(value, "+/"));
    choice = (struct auth_choice){.server = (char[]){"r:5"}, .identity_token = (char[]){"t"}};
    cleanup_free char *token = engine_auth_header(&choice);
    size_t length;
    cleanup_free char *json = digest_unbase64(token + strlen("X-Registry-Auth: "), &length);
    assert_string_equal(json, "{\"identitytoken\":\"t\",\"serveraddress\":\"r:5\"}");
    choice.identity_token = NULL;
    assert_null(engine_auth_header(&choice));
}

/* ---- helpers ---- */

struct found {
    bool done;
    int calls;
    char json[512], note[512];
};

static void on_found(const char *header, const char *note, void *data)
{
    struct found *found = data;
    found->done = true;
    found->calls++;
    if (header) {
        size_t length;
        cleanup_free char *json = digest_unbase64(header + strlen("X-Registry-Auth: "), &length);
        snprintf(found->json, sizeof found->json, "%s", json);
    }
    snprintf(found->note, sizeof found->note, "%s", note ? note : "");
}

static void open_world(struct world *world)
{
    cleanup_strlist struct strlist environment = {0};
    make_environment(&environment, NULL);
    *world = (struct world){0};
    script_reset();
    assert_int_equal(loop_init(&world->loop, NULL), 0);
    world->engine = engine_open_over(&world->loop, script_open(&world->loop), environment.items);
}

static void test_helpers(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *json, *note;
    } rows[] = {
        {"s=$(cat); echo \"{\\\"ServerURL\\\":\\\"$s\\\",\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"for "
         "$s\\\"}\"",
         "{\"username\":\"u\",\"password\":\"for r:5\",\"serveraddress\":\"r:5\"}", ""},
        {"cat >/dev/null; echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'",
         "{\"identitytoken\":\"t\",\"serveraddress\":\"r:5\"}", ""},
        {"echo '{\"Username\":\"u\",\"Secret\":\"p\"}'; exec <&-",
         "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"r:5\"}", ""},
        {"echo credentials not found in native keychain; exit 1", "", ""},
        {"echo the keyring is locked; exit 1", "", "docker-credential-h failed: the keyring is locked"},
        {"exit 0", "", "docker-credential-h answered nonsense"},
        {"echo '{\"Username\":\"u\",\"Secret\":\"\"}'", "", "docker-credential-h answered nonsense"},
        {"kill -9 $$", "", "docker-credential-h failed: "},
        {"head -c 100000 /dev/zero", "", "docker-credential-h answered nonsense"},
    };
    write_config("{\"credsStore\":\"h\"}");
    struct world world;
    open_world(&world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct found found = {0};
        write_helper("h", rows[i].lines);
        engine_auth_start(world.engine, "r:5", on_found, &found);
        assert_false(found.done);
        await_flag(&world.loop, &found.done, 20000);
        assert_string_equal(found.json, rows[i].json);
        assert_true(str_starts(found.note, rows[i].note));
        assert_int_equal(found.calls, 1);
    }
    world_close(&world);
}

static void test_absent_helper(void **state)
{
    (void)state;
    static const char *const configs[] = {"{\"credsStore\":\"absent\"}", "{\"credsStore\":\"../evil\"}"};
    struct world world;
    open_world(&world);
    for (int i = 0; i < 2; i++) {
        struct found found = {0};
        write_config(configs[i]);
        engine_auth_start(world.engine, "r:5", on_found, &found);
        assert_false(found.done);
        await_flag(&world.loop, &found.done, 5000);
        assert_string_equal(found.json, "");
        assert_non_null(strstr(found.note, i == 0 ? "is not installed" : "cannot be started"));
    }
    world_close(&world);
}

/* A cancelled helper is killed and reaped before the engine is closed; nobody hears of it. */
static void test_cancelled_helper(void **state)
{
    (void)state;
    struct world world;
    struct found found = {0};
    cleanup_free char *pid_file = path_join(home, "pid");
    write_config("{\"credsStore\":\"slow\"}");
    write_helper("slow", "echo $$ >\"$HOME/pid.new\"; mv \"$HOME/pid.new\" \"$HOME/pid\"; exec sleep 60");
    open_world(&world);
    struct auth_search *search = engine_auth_start(world.engine, "r:5", on_found, &found);
    while (!file_exists(pid_file))
        uv_run(&world.loop.uv, UV_RUN_NOWAIT);
    size_t length;
    cleanup_free char *pid = file_read(pid_file, 100, &length, NULL);
    engine_auth_cancel(search);
    world_close(&world);
    assert_int_equal(found.calls, 0);
    assert_int_equal(kill((pid_t)atoi(pid), 0), -1);
}

static void test_pull_with_helper(void **state)
{
    (void)state;
    struct world world;
    struct outcome outcome = {0};
    write_config("{\"credsStore\":\"h\"}");
    write_helper("h", "cat >/dev/null; echo '{\"Username\":\"u\",\"Secret\":\"p\"}'");
    open_world(&world);
    script_ping("1.41");
    script_add((struct script_row){.method = "POST",
                                   .path = "/v1.41/images/create?fromImage=r%3A5%2Fa&tag=latest",
                                   .status = 200,
                                   .body = "{\"status\":\"Status: Downloaded\"}\n"});
    engine_image_pull(world.engine, &(struct engine_pull){"r:5/a", NULL, LIMIT_MS(1000), NULL}, on_outcome,
                      &outcome);
    await_ok(&world.loop, &outcome);
    assert_true(str_starts(script.headers[1], "X-Registry-Auth: "));
    /* The helper's complaint helps to understand a refusal. */
    write_helper("h", "echo locked; exit 1");
    script_add((struct script_row){.method = "POST",
                                   .path = "/v1.41/images/create",
                                   .status = 500,
                                   .body = "{\"message\":\"unauthorized\"}"});
    engine_image_pull(world.engine, &(struct engine_pull){"r:5/a", NULL, LIMIT_MS(1000), NULL}, on_outcome,
                      outcome_reset(&outcome));
    await_code(&world.loop, &outcome, ERROR_PULL);
    assert_non_null(strstr(outcome.err.text, "unauthorized"));
    assert_non_null(strstr(outcome.err.text, "docker-credential-h failed: locked"));
    assert_string_equal(script.headers[2], "");
    outcome_reset(&outcome);
    engine_cancel(world.engine,
                  engine_image_pull(world.engine, &(struct engine_pull){"r:5/a", NULL, LIMIT_MS(1000), NULL},
                                    on_outcome, &outcome));
    world_close(&world);
    assert_int_equal(outcome.calls, 0);
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        home_test(test_choices),       home_test(test_header),           home_test(test_helpers),
        home_test(test_absent_helper), home_test(test_cancelled_helper), home_test(test_pull_with_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
