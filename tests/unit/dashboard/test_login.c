/* Who may ask, with what: the token, a ticket, a cookie; over a restart and after a logout. */
#include "rig.h"

#include "dashboard/dashboard.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static int status_of(struct rig *rig, const char *line, const char *headers, const char *body)
{
    struct reply reply = rig_ask(rig, line, headers, body);
    int status = reply.status;
    reply_free(&reply);
    return status;
}

/* "Cookie: name=value\r\n"; NULL: it was refused. */
static char *login(struct rig *rig, const char *token)
{
    cleanup_free char *body = xasprintf("{\"token\":\"%s\"}", token);
    struct reply reply = rig_ask(rig, "POST /api/v1/login", "", body);
    const char *cookie = strstr(reply.text, "Set-Cookie: ");
    char *header = NULL;
    if (reply.status == 204 && cookie)
        header = xasprintf("Cookie: %.*s\r\n", (int)strcspn(cookie + 12, ";"), cookie + 12);
    if (cookie) {
        assert_non_null(strstr(cookie, "; HttpOnly; SameSite=Strict; Path=/; Max-Age=259200"));
        assert_null(strstr(cookie, "Secure"));
    }
    reply_free(&reply);
    return header;
}

static void nobody(void **state)
{
    static const char *const wrong[] = {"",
                                        "Authorization: Bearer \r\n",
                                        "Authorization: Bearer x\r\n",
                                        "Authorization: Basic eDp5\r\n",
                                        "Cookie: apphost_80=x\r\n",
                                        "Authorization: Bearer x\r\nAuthorization: Bearer y\r\n"};
    static const char *const lines[] = {"GET /api/v1/session", "GET /api/v1/view",
                                        "GET /api/v1/events",  "GET /api/v1/logs",
                                        "GET /api/v1/nothing", "GET /api/v1/redis/a/info"};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (size_t j = 0; j < sizeof lines / sizeof *lines; j++)
            assert_int_equal(status_of(rig, lines[j], wrong[i], NULL), 401);
    assert_int_equal(status_of(rig, "POST /api/v1/resources/api/stop", "", "{}"), 401);
    assert_int_equal(status_of(rig, "GET /healthz", "", NULL), 200);
}

static void token(void **state)
{
    struct rig *rig = *state;
    char changed[WEB_TOKEN_SIZE];
    cleanup_free char *cookie = login(rig, rig->token);
    assert_non_null(cookie);
    strcpy(changed, rig->token);
    changed[63] = changed[63] == '0' ? '1' : '0';
    assert_null(login(rig, ""));
    assert_null(login(rig, changed));
    changed[63] = '\0';
    assert_null(login(rig, changed));
    assert_int_equal(status_of(rig, "POST /api/v1/login", "", "no json"), 401);
    assert_int_equal(status_of(rig, "POST /api/v1/login", "", "{\"token\":5}"), 401);
}

static void cookie(void **state)
{
    struct rig *rig = *state;
    cleanup_free char *cookie = login(rig, rig->token);
    cleanup_free char *own = xasprintf("%sOrigin: http://localhost:%d\r\n", cookie, rig->port);
    cleanup_free char *name = xasprintf("Cookie: apphost_%d=", rig->port);
    assert_true(str_starts(cookie, name));
    assert_int_equal(status_of(rig, "GET /api/v1/session", cookie, NULL), 503);
    assert_int_equal(status_of(rig, "POST /api/v1/resources/api/stop", cookie, "{}"), 403);
    assert_int_equal(status_of(rig, "POST /api/v1/resources/api/stop", own, "{}"), 503);

    rig_restart(rig);
    assert_int_equal(status_of(rig, "GET /api/v1/session", cookie, NULL), 503);
    assert_int_equal(status_of(rig, "POST /api/v1/logout", own, "{}"), 204);
    assert_int_equal(status_of(rig, "GET /api/v1/session", cookie, NULL), 401);
}

static void ticket(void **state)
{
    struct rig *rig = *state;
    cleanup_free char *url = dashboard_url(rig->folder, true, NULL);
    const char *ticket = strstr(url, "#t=") + 3;
    assert_true(str_starts(url, "http://shop.localhost:"));
    assert_int_equal(strspn(ticket, "0123456789abcdef."), strlen(ticket));
    cleanup_free char *cookie = login(rig, ticket);
    assert_non_null(cookie);
    assert_null(login(rig, ticket));
    /* A cookie is no ticket, and a ticket no cookie. */
    assert_null(login(rig, strchr(cookie, '=') + 1));
    cleanup_free char *header = xasprintf("Cookie: apphost_%d=%s\r\n", rig->port, ticket);
    assert_int_equal(status_of(rig, "GET /api/v1/session", header, NULL), 401);
}

/* From the sixth on, each wrong one waits; a right one does not. */
static void patience(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 7; i++)
        assert_null(login(rig, "wrong"));
    cleanup_free char *cookie = login(rig, rig->token);
    assert_non_null(cookie);
}

static void files(void **state)
{
    struct rig *rig = *state;
    struct dashboard_record record;
    cleanup_free char *other = xasprintf("%s/none-0123abcd", rig->base);
    struct error err = {0};
    assert_int_equal(dashboard_find(other, &record, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    error_clear(&err);
    assert_null(dashboard_url(other, false, &err));
    error_clear(&err);
    assert_int_equal(dashboard_stop(other, &err), -1);
    error_clear(&err);

    cleanup_free char *address = dashboard_address(rig->folder, 80);
    assert_string_equal(address, "http://shop.localhost:80/");
    cleanup_free char *strange = dashboard_address("/x/My_Shop--2_-0123abcd", 80);
    assert_string_equal(strange, "http://my-shop-2.localhost:80/");
}

enum strange { PIPE, LINK, DIRECTORY, STRANGE_COUNT };

static void put(const char *path, enum strange what)
{
    if (what == PIPE)
        assert_int_equal(mkfifo(path, 0600), 0);
    else if (what == LINK)
        assert_int_equal(symlink("/etc/passwd", path), 0);
    else
        assert_int_equal(mkdir(path, 0700), 0);
}

static void must_refuse(int answer, struct error *err, const char *path)
{
    assert_int_equal(answer, -1);
    assert_int_equal(err->code, ERROR_OWNER);
    assert_non_null(strstr(err->text, path));
    error_clear(err);
}

/* Nobody knows whether one runs: neither is one started, nor is it said that none does. */
static void strange_lock(void **state)
{
    const struct rig *rig = *state;
    cleanup_free char *folder = xasprintf("%s/odd-0123abcd", rig->base);
    cleanup_free char *lock = path_join(folder, "dashboard.lock");
    const struct dashboard_options options = {.folder = folder, .port = -1};
    assert_int_equal(mkdir(folder, 0700), 0);
    for (enum strange what = 0; what < STRANGE_COUNT; what++) {
        struct dashboard_record record;
        struct error err = {0};
        put(lock, what);
        must_refuse(dashboard_find(folder, &record, &err), &err, lock);
        assert_null(dashboard_url(folder, false, &err));
        must_refuse(-1, &err, lock);
        must_refuse(dashboard_stop(folder, &err), &err, lock);
        must_refuse(dashboard_start(&options, &err), &err, lock);
        assert_int_equal(file_remove_tree(lock, NULL), 0);
    }
}

/* The one that runs goes on, whatever somebody puts in the place of its files. */
static void strange_files(void **state)
{
    static const char *const names[] = {"dashboard.json", "dashboard.token"};
    const struct rig *rig = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cleanup_free char *path = path_join(rig->folder, names[i]), *aside = xasprintf("%s.aside", path);
        assert_int_equal(rename(path, aside), 0);
        for (enum strange what = 0; what < STRANGE_COUNT; what++) {
            struct error err = {0};
            put(path, what);
            assert_null(dashboard_url(rig->folder, false, &err));
            must_refuse(-1, &err, path);
            assert_int_equal(file_remove_tree(path, NULL), 0);
        }
        assert_int_equal(rename(aside, path), 0);
    }
    cleanup_free char *url = dashboard_url(rig->folder, false, NULL);
    assert_non_null(url);
}

/* Of one that does not run yet. */
static void strange_log(void **state)
{
    const struct rig *rig = *state;
    cleanup_free char *folder = xasprintf("%s/odd-0123abcd", rig->base);
    cleanup_free char *log = path_join(folder, "dashboard.log");
    const struct dashboard_options options = {.folder = folder, .port = -1};
    assert_int_equal(mkdir(folder, 0700), 0);
    for (enum strange what = 0; what < STRANGE_COUNT; what++) {
        struct error err = {0};
        put(log, what);
        must_refuse(dashboard_start(&options, &err), &err, log);
        assert_int_equal(file_remove_tree(log, NULL), 0);
    }
}

static int start(void **state)
{
    *state = rig_start();
    return 0;
}

static int end(void **state)
{
    rig_end(*state);
    return 0;
}
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(nobody),       WITH_RIG(token),         WITH_RIG(cookie),
        WITH_RIG(ticket),       WITH_RIG(patience),      WITH_RIG(files),
        WITH_RIG(strange_lock), WITH_RIG(strange_files), WITH_RIG(strange_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
