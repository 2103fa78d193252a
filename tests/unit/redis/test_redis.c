/* Starting servers: configuration text, quoting, the shell line, versions in image names. */
#include "redis/redis.h"

#include "base/ours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void expect_conf(const struct model_redis *redis, const char *part, bool there)
{
    struct strbuf out = {0};
    redis_conf_text(redis, &out);
    if ((strstr(strbuf_text(&out), part) != NULL) != there)
        fail_msg("\"%s\" %s in:\n%s", part, there ? "is missing" : "should not be", strbuf_text(&out));
    strbuf_free(&out);
}

static void persistence_follows_writable_data(void **state)
{
    (void)state;
    struct model_mount data = {.is_volume = true, .target = "/data"};
    struct model_redis redis = {0};
    expect_conf(&redis, "save \"\"\n", true);
    redis.data = &data;
    expect_conf(&redis, "save 60 1\n", true);
    expect_conf(&redis, "dir /data\n", true);
    redis.persistence.given = true;
    redis.persistence.interval_s = 10;
    redis.persistence.keys_changed = 2;
    redis.persistence.append_only = true;
    expect_conf(&redis, "save 10 2\nappendonly yes\n", true);
    redis.persistence.off = true;
    expect_conf(&redis, "save \"\"\n", true);
    redis.persistence.given = false;
    data.read_only = true;
    expect_conf(&redis, "save \"\"\n", true);
}

static void directives_come_last_as_given(void **state)
{
    (void)state;
    struct model_pair config[] = {{"maxmemory", "64mb", {0}}, {"maxmemory-policy", "allkeys-lru", {0}}};
    struct model_redis redis = {.config = config, .config_count = 2};
    expect_conf(&redis, "maxmemory 64mb\nmaxmemory-policy allkeys-lru\n", true);
    expect_conf(&redis, "requirepass", false);
}

static void versions_are_read_from_tags(void **state)
{
    (void)state;
    assert_int_equal(redis_image_major("docker.io/library/redis:8.6"), 8);
    assert_int_equal(redis_image_major("localhost:5000/redis:7.4-alpine"), 7);
    assert_int_equal(redis_image_major("localhost:5000/redis"), 0);
    assert_int_equal(redis_image_major("redis:latest"), 0);
}

static void the_entrypoint_can_be_bypassed(void **state)
{
    (void)state;
    char *with = redis_launch_line(&(struct redis_launch){MODEL_REDIS, false, false, false}),
         *without = redis_launch_line(&(struct redis_launch){MODEL_VALKEY, true, false, false});
    assert_non_null(strstr(with, "docker-entrypoint.sh redis-server -"));
    assert_null(strstr(without, "docker-entrypoint.sh"));
    assert_non_null(strstr(without, "exec valkey-server -"));
    free(with);
    free(without);
    char *sentinel = redis_launch_line(&(struct redis_launch){MODEL_VALKEY, true, false, true});
    assert_non_null(strstr(sentinel, "umask 077\nprintf '%s' \"$conf\" >" REDIS_SENTINEL_FILE "\n"));
    assert_non_null(strstr(sentinel, "exec valkey-server " REDIS_SENTINEL_FILE " --sentinel\n"));
    free(sentinel);
}

/* Runs the launch line itself, with a stand-in server that copies what it reads. */
static void the_shell_line_passes_the_text_unchanged(void **state)
{
    (void)state;
    static const char text[] = "requirepass \"a b,c:#x$HOME`id`\\\\ 'q' *\"\nAPPHOST_EN\n--x";
    char folder[] = "/tmp/launch-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *server = NULL, *command = NULL;
    assert_true(asprintf(&server, "%s/redis-server", folder) > 0);
    FILE *file = fopen(server, "w");
    fputs("#!/bin/sh\n[ -z \"$APPHOST_REDIS_CONF\" ] || echo LEAK\ncat\n", file);
    fclose(file);
    assert_true(asprintf(&command, "chmod 755 %s", server) > 0);
    assert_int_equal(system(command), 0);
    char *line = redis_launch_line(&(struct redis_launch){MODEL_REDIS, false, false, false}), *path = NULL,
         out[256] = "";
    assert_true(asprintf(&path, "%s:/usr/bin:/bin", folder) > 0);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[1], 1);
        setenv("PATH", path, 1);
        setenv(VARIABLE_REDIS_CONF, text, 1);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(99);
    }
    close(pipes[1]);
    size_t length = 0;
    ssize_t n;
    while (length < sizeof out - 1 && (n = read(pipes[0], out + length, sizeof out - 1 - length)) > 0)
        length += (size_t)n;
    int status;
    waitpid(pid, &status, 0);
    close(pipes[0]);
    unlink(server);
    rmdir(folder);
    free(line);
    free(path);
    free(server);
    free(command);
    assert_int_equal(status, 0);
    out[strlen(out) - 1] = '\0'; /* the newline of the here document */
    assert_string_equal(out, text);
}

static void quoting_keeps_odd_passwords(void **state)
{
    (void)state;
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"plain", "\"plain\""},           {"a b", "\"a b\""},     {"q\"q", "\"q\\\"q\""},
        {"b\\s", "\"b\\\\s\""},           {"#x$H*", "\"#x$H*\""}, {"l\nb", "\"l\\x0ab\""},
        {"gr\xc3\xbc", "\"gr\xc3\xbc\""}, {"--x", "\"--x\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *quoted = redis_conf_quote(cases[i].text);
        assert_string_equal(quoted, cases[i].quoted);
        free(quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(persistence_follows_writable_data),
        cmocka_unit_test(directives_come_last_as_given),
        cmocka_unit_test(versions_are_read_from_tags),
        cmocka_unit_test(the_entrypoint_can_be_bypassed),
        cmocka_unit_test(the_shell_line_passes_the_text_unchanged),
        cmocka_unit_test(quoting_keeps_odd_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
