/* The state folder: where it is, whose, which version, its lock over fork, the session record, remembered
 * values. */
#include "state/state.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char *root;

static int make_root(void **unused)
{
    (void)unused;
    char template[] = "/tmp/apphost-test-state-XX"
                      "XX"
                      "XX";
    root = xstrdup(mkdtemp(template));
    return 0;
}

static int remove_root(void **unused)
{
    (void)unused;
    int rc = file_remove_tree(root, NULL);
    free(root);
    return rc;
}

static struct state *open_state(void)
{
    cleanup_free char *folder = state_folder(root, "shop-1a2b3c4d");
    cleanup_error struct error err = {0};
    struct state *state = state_open(folder, true, &err);
    if (!state)
        fail_msg("%s", err.text);
    return state;
}

static void put_file(struct state *state, const char *name, const char *text)
{
    cleanup_free char *path = path_join(state_path(state), name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void expect_error(struct error *err, enum error_code code, const char *part)
{
    assert_int_equal(err->code, code);
    if (!strstr(err->text, part))
        fail_msg("\"%s\" does not say \"%s\"", err->text, part);
    error_clear(err);
}

static void finds_the_root(void **unused)
{
    (void)unused;
    static const struct {
        char *environment[3];
        const char *expected;
    } rows[] = {
        {{(char *)"XDG_STATE_HOME=/x", (char *)"HOME=/tmp/h", NULL}, "/x/apphost"},
        {{(char *)"XDG_STATE_HOME=relative", (char *)"HOME=/tmp/h", NULL}, "/tmp/h/.local/state/apphost"},
        {{(char *)"XDG_STATE_HOME=", (char *)"HOME=/tmp/h", NULL}, "/tmp/h/.local/state/apphost"},
        {{(char *)"HOME=/tmp/h/", NULL}, "/tmp/h/.local/state/apphost"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *found = state_root(rows[i].environment, NULL);
        assert_string_equal(found, rows[i].expected);
    }
    char *none[] = {NULL};
    cleanup_free char *from_users = state_root(none, NULL);
    assert_non_null(from_users);
}

/* Neither a home nor a name for the uid, a home that is not to be written, or somebody else's closed one: a
 * private folder in /tmp. Ours, or none. */
static void roots_without_a_home(void **unused)
{
    (void)unused;
    if (geteuid())
        skip();
    const uid_t other = 64000 + (uid_t)(getpid() % 1000);
    cleanup_free char *folder = xasprintf("/tmp/apphost-%ld", (long)other);
    cleanup_free char *expected = path_join(folder, "state");
    char closed[] = "/tmp/apphost-test-XXXXXX"; /* 0700, root's */
    assert_non_null(mkdtemp(closed));
    cleanup_free char *home = xasprintf("HOME=%s", closed);
    char *none[] = {NULL}, *read_only[] = {(char *)"HOME=/", NULL}, *shut[] = {home, NULL};
    char *const *const environments[] = {none, read_only, shut};

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(setresuid(other, other, 0), 0);
        char *found = state_root(environments[i], NULL);
        assert_int_equal(setresuid(0, 0, 0), 0);
        assert_string_equal(found, expected);
        free(found);
    }

    /* His own, closed by himself: that is where his state is. */
    cleanup_free char *own = path_join(closed, ".local/state/apphost");
    assert_int_equal(chown(closed, other, other), 0);
    assert_int_equal(chmod(closed, 0), 0);
    assert_int_equal(setresuid(other, other, 0), 0);
    char *found = state_root(shut, NULL);
    assert_int_equal(setresuid(0, 0, 0), 0);
    rmdir(closed);
    assert_string_equal(found, own);
    free(found);

    cleanup_error struct error err = {0};
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(setresuid(other, other, 0), 0);
    assert_null(state_root(none, &err));
    assert_int_equal(setresuid(0, 0, 0), 0);
    rmdir(folder);
    assert_int_equal(err.code, ERROR_OWNER);
    assert_non_null(strstr(err.text, folder));
    assert_non_null(strstr(err.hint, "XDG_STATE_HOME"));
}

static void makes_a_private_folder(void **unused)
{
    (void)unused;
    struct stat st;
    umask(022);
    struct state *state = open_state();
    assert_int_equal(stat(state_path(state), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    cleanup_free char *logs = state_logs_folder(state);
    assert_int_equal(stat(logs, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    chmod(state_path(state), 0755);
    state_close(state);
    state = open_state();
    assert_int_equal(stat(state_path(state), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    struct strlist prefixes = {0};
    assert_int_equal(state_list(root, &prefixes, NULL), 0);
    assert_int_equal(prefixes.count, 1);
    assert_string_equal(prefixes.items[0], "shop-1a2b3c4d");
    strlist_free(&prefixes);
    state_close(state);
}

static void missing_folder_is_nothing_running(void **unused)
{
    (void)unused;
    struct error err = {0};
    assert_null(state_open("/nonexistent/apphost", false, &err));
    expect_error(&err, ERROR_NOT_RUNNING, "there is no state in /nonexistent/apphost");
    struct strlist prefixes = {0};
    assert_int_equal(state_list("/nonexistent/apphost", &prefixes, NULL), 0);
    assert_int_equal(prefixes.count, 0);
}

static void other_version_is_refused(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    put_file(state, "version", "7\033[31m\n");
    struct error err = {0};
    assert_null(state_open(state_path(state), true, &err));
    assert_non_null(err.hint);
    assert_null(strchr(err.text, '\033'));
    expect_error(&err, ERROR_FAILED, "another version");
    state_close(state);
}

static void other_owner_is_refused(void **unused)
{
    (void)unused;
    if (geteuid() != 0)
        skip();
    struct state *state = open_state();
    assert_int_equal(chown(state_path(state), 65534, 65534), 0);
    struct error err = {0};
    assert_null(state_open(state_path(state), true, &err));
    expect_error(&err, ERROR_OWNER, "uid 65534");
    state_close(state);
}

static void lock_outlives_its_first_holder(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    assert_false(state_is_locked(state));
    int fd = state_lock(state, NULL);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(state_is_locked(state));
    struct error err = {0};
    assert_int_equal(state_lock(state, &err), -1);
    expect_error(&err, ERROR_OWNER, "holds the project's lock");
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) { /* holds the lock until the pipe ends */
        char c;
        close(pipes[1]);
        ssize_t n = read(pipes[0], &c, 1);
        _exit(n == 0 ? 0 : 1);
    }
    close(pipes[0]);
    close(fd);
    assert_true(state_is_locked(state));
    close(pipes[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(state_is_locked(state));
    state_close(state);
}

/* A record that was lost, or is broken: the lock knows whose it was, until the session's end. */
static void a_lost_session_is_recalled_by_its_lock(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    struct state_session back = {0};
    struct error err = {0};
    int lock = state_lock(state, NULL);
    assert_true(lock >= 0);
    assert_int_equal(state_session_recall(state, &back, &err), -1);
    expect_error(&err, ERROR_NOT_RUNNING, "no session");

    assert_int_equal(state_lock_name(lock, "00112233445566778899", NULL), 0);
    assert_int_equal(state_lock_name(lock, "8899aabbccddeeff", NULL), 0);
    close(lock);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(state_session_recall(state, &back, NULL), 0);
        assert_string_equal(back.id, "8899aabbccddeeff");
        assert_string_equal(back.socket, "");
        assert_string_equal(back.project, "shop");
        assert_null(back.engine);
        state_session_free(&back);
        put_file(state, "session.json", "{");
    }

    assert_int_equal(state_session_remove(state, NULL), 0);
    assert_int_equal(state_session_recall(state, &back, &err), -1);
    expect_error(&err, ERROR_NOT_RUNNING, "no session");
    state_close(state);
}

static void session_record_round_trip(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    struct state_session back = {0};
    struct error err = {0};
    assert_int_equal(state_session_read(state, &back, &err), -1);
    expect_error(&err, ERROR_NOT_RUNNING, "no session");
    cleanup_json cJSON *engine = cJSON_Parse("{\"host\":\"unix:///x\"}");
    struct state_session session = {.id = (char *)"0011223344556677",
                                    .socket = (char *)"/run/a.sock",
                                    .supervisor = 12,
                                    .guard = 11,
                                    .manifest = (char *)"/m/apphost.yaml",
                                    .project = (char *)"shop",
                                    .hash = (char *)"1a2b3c4d",
                                    .started_ns = 1790000000123456789,
                                    .detached = true,
                                    .engine = engine};
    assert_int_equal(state_session_write(state, &session, NULL), 0);
    assert_int_equal(state_session_read(state, &back, NULL), 0);
    assert_string_equal(back.id, session.id);
    assert_string_equal(back.socket, session.socket);
    assert_int_equal(back.supervisor, 12);
    assert_int_equal(back.guard, 11);
    assert_string_equal(back.manifest, session.manifest);
    assert_string_equal(back.project, "shop");
    assert_string_equal(back.hash, "1a2b3c4d");
    assert_true(back.started_ns == session.started_ns);
    assert_true(back.detached);
    assert_false(back.reached);
    assert_string_equal(json_string(back.engine, "host", ""), "unix:///x");
    state_session_free(&back);
    put_file(state, "session.json", "{\"id\":\"0011223344556677\",\"socket\":\"/run/a.sock\"}");
    assert_int_equal(state_session_read(state, &back, NULL), 0);
    assert_true(back.reached); /* one of another version does not say */
    state_session_free(&back);
    assert_int_equal(state_session_remove(state, NULL), 0);
    assert_int_equal(state_session_remove(state, NULL), 0);
    put_file(state, "session.json", "{\"id\":3}");
    assert_int_equal(state_session_read(state, &back, &err), -1);
    expect_error(&err, ERROR_FAILED, "broken");
    put_file(state, "session.json", "{");
    assert_int_equal(state_session_read(state, &back, &err), -1);
    expect_error(&err, ERROR_FAILED, "broken");
    state_close(state);
}

static void remembers(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    cleanup_json cJSON *spec = cJSON_Parse("{\"image\":\"redis:7\"}");
    assert_null(state_secret_get(state, "cache-password"));
    assert_int_equal(state_secret_set(state, "cache-password", "s3cret", NULL), 0);
    assert_int_equal(state_port_set(state, "container:cache/tcp", 6380, NULL), 0);
    assert_int_equal(state_task_set(state, "process:migrate", "key1", NULL), 0);
    assert_int_equal(state_spec_set(state, "container:cache", spec, NULL), 0);
    state_close(state);

    state = open_state();
    struct stat st;
    cleanup_free char *secrets = path_join(state_path(state), "secrets.json");
    assert_int_equal(stat(secrets, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(state_secret_get(state, "cache-password"), "s3cret");
    assert_int_equal(state_port_get(state, "container:cache/tcp"), 6380);
    assert_int_equal(state_port_get(state, "container:other/tcp"), 0);
    assert_string_equal(state_task_get(state, "process:migrate"), "key1");
    assert_string_equal(json_string(state_spec_get(state, "container:cache"), "image", ""), "redis:7");
    assert_int_equal(state_task_set(state, "process:migrate", NULL, NULL), 0);
    assert_null(state_task_get(state, "process:migrate"));
    state_close(state);
}

/* The first is as an earlier version wrote it, the second whole, the third is none of ours. */
static const char servers_text[] =
    "{\"process:old\":{\"pid\":12,\"startTicks\":\"18446744073709551615\",\"persistent\":true},"
    "\"process:cache\":{\"resource\":\"cache\",\"manifest\":\"/m\",\"session\":\"s\",\"pid\":13,"
    "\"startTicks\":\"7\",\"persistent\":false,\"ephemeral\":true,\"stopSignal\":2,\"stopTimeoutMs\":0,"
    "\"specHash\":\"h\",\"digest\":\"d\",\"ports\":\"p\",\"startedMs\":5,\"outputOffset\":9},"
    "\"process:bad\":{\"pid\":\"13\"}}";

static void expect_cache(const struct state_server *server)
{
    assert_string_equal(server->resource, "cache");
    assert_string_equal(server->manifest, "/m");
    assert_string_equal(server->session, "s");
    assert_int_equal(server->pid, 13);
    assert_int_equal(server->start_ticks, 7);
    assert_false(server->is_persistent);
    assert_true(server->is_ephemeral);
    assert_int_equal(server->stop_signal, SIGINT);
    assert_int_equal(server->stop_timeout_ms, 0);
    assert_string_equal(server->spec_hash, "h");
    assert_string_equal(server->digest, "d");
    assert_string_equal(server->ports, "p");
    assert_int_equal(server->started_ms, 5);
    assert_int_equal(server->output_offset, 9);
}

static void servers_are_records(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    struct state_servers servers;
    struct state_server server;
    struct arena arena = {0};
    put_file(state, "servers.json", servers_text);
    assert_int_equal(state_servers(state, &servers), 0);
    assert_int_equal(servers.count, 3);

    assert_string_equal(servers.items[0].node, "process:old");
    assert_true(servers.items[0].start_ticks == UINT64_MAX);
    assert_true(servers.items[0].is_persistent);
    assert_int_equal(servers.items[0].stop_signal, SIGTERM);
    assert_int_equal(servers.items[0].stop_timeout_ms, 10000);
    assert_int_equal(servers.items[0].output_offset, -1);
    expect_cache(&servers.items[1]);
    assert_string_equal(servers.items[2].node, "process:bad");
    assert_int_equal(servers.items[2].pid, 0);

    assert_int_equal(state_server_set(state, &servers.items[1], NULL), 0);
    assert_int_equal(state_server_forget(state, "process:old", NULL), 0);
    state_servers_free(&servers);
    state_close(state);

    state = open_state();
    assert_false(state_server_is_known(state, "process:old"));
    assert_false(state_server_get(state, "process:old", &arena, &server));
    assert_true(state_server_get(state, "process:cache", &arena, &server));
    expect_cache(&server);
    arena_free(&arena);
    state_close(state);
}

static void batch_is_one_write(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    cleanup_free char *ports = path_join(state_path(state), "ports.json");
    state_begin(state);
    assert_int_equal(state_port_set(state, "a/tcp", 1000, NULL), 0);
    assert_int_equal(state_port_set(state, "b/tcp", 1001, NULL), 0);
    assert_false(file_exists(ports));
    assert_int_equal(state_port_get(state, "a/tcp"), 1000);
    assert_int_equal(state_commit(state, NULL), 0);
    assert_true(file_exists(ports));
    unlink(ports); /* an unchanged value is not written again */
    assert_int_equal(state_port_set(state, "a/tcp", 1000, NULL), 0);
    assert_false(file_exists(ports));
    state_close(state);
}

static void broken_file_is_kept(void **unused)
{
    (void)unused;
    struct state *state = open_state();
    put_file(state, "secrets.json", "{\"cache-password\": \"hal");
    assert_null(state_secret_get(state, "cache-password"));
    struct error err = {0};
    assert_int_equal(state_secret_set(state, "cache-password", "new", &err), -1);
    assert_null(strstr(err.text, "hal"));
    expect_error(&err, ERROR_FAILED, "secrets.json is broken");
    cleanup_free char *path = path_join(state_path(state), "secrets.json");
    cleanup_free char *text = file_read(path, 1000, NULL, NULL);
    assert_string_equal(text, "{\"cache-password\": \"hal");
    state_close(state);
}

/* A real full file system, where we may mount one. */
static void full_disk_names_the_folder(void **unused)
{
    (void)unused;
    if (mount("none", root, "tmpfs", 0, "size=64k") < 0)
        skip();
    struct state *state = open_state();
    struct error err = {0};
    assert_int_equal(state_port_set(state, "a/tcp", 1000, NULL), 0);
    cleanup_free char *filler = path_join(root, "filler");
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    char block[4096] = {1};
    while (write(fd, block, sizeof block) == (ssize_t)sizeof block)
        ;
    close(fd);
    assert_int_equal(state_port_set(state, "a/tcp", 2000, &err), -1);
    assert_non_null(strstr(err.hint, state_path(state)));
    expect_error(&err, ERROR_SPACE, state_path(state));
    assert_int_equal(state_port_get(state, "a/tcp"), 1000);
    cleanup_free char *other = state_folder(root, "other-11111111");
    struct state *second = state_open(other, true, &err);
    assert_null(second);
    expect_error(&err, ERROR_SPACE, root);
    state_close(state);
    assert_int_equal(umount2(root, MNT_DETACH), 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        CASE(finds_the_root),
        CASE(roots_without_a_home),
        CASE(makes_a_private_folder),
        CASE(missing_folder_is_nothing_running),
        CASE(other_version_is_refused),
        CASE(other_owner_is_refused),
        CASE(lock_outlives_its_first_holder),
        CASE(a_lost_session_is_recalled_by_its_lock),
        CASE(session_record_round_trip),
        CASE(remembers),
        CASE(servers_are_records),
        CASE(batch_is_one_write),
        CASE(broken_file_is_kept),
        CASE(full_disk_names_the_folder),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
