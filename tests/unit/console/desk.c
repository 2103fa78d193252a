/* See desk.h. */
#include "desk.h"
#include "server.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 400, PAUSE_US = 25000 };

/* A new server takes connections once it has loaded: the fact is its answer. */
static void wait_for_server(struct desk *desk)
{
    for (int i = 0; i < TRIES; i++) {
        if (desk_execute(desk, "PING") == 0)
            return;
        redis_link_close(&desk->shell.link);
        usleep(PAUSE_US);
    }
    fail_msg("redis-server does not answer: %s", desk->error.text);
}

int desk_open(void **state)
{
    struct desk *desk = xcalloc(1, sizeof *desk);
    struct context *context = &desk->context;
    *state = desk;
    desk->output = desk->input = -1;
    context->client.lease_fd = -1;
    context->output.progress = PROGRESS_PLAIN;
    snprintf(desk->folder, sizeof desk->folder, "/tmp/apphost-desk-%s%s",
             "XX"
             "X",
             "XX"
             "X");
    if (!mkdtemp(desk->folder) || client_open_alone(&context->client, &desk->error))
        return -1;
    context->project.root = xstrdup(desk->folder);
    context->project.prefix = xstrdup("shop-0123abcd");
    desk->port = free_port();
    desk->redis = redis_start(desk->port, (const char *const[]){"--requirepass", "p w", NULL});
    desk->shell.link =
        (struct redis_link){.context = context, .resource = xstrdup("cache"), .asked = xstrdup("cache")};
    desk->shell.link.server = (struct redis_conn_options){
        .host = xstrdup("127.0.0.1"), .port = desk->port, .password = xstrdup("p w")};
    desk->shell.form = REDIS_FORM_RAW;
    wait_for_server(desk);
    return 0;
}

int desk_close(void **state)
{
    struct desk *desk = *state;
    redis_link_fini(&desk->shell.link);
    redis_kill(desk->redis);
    client_close(&desk->context.client);
    project_free(&desk->context.project);
    redis_data_words_free(&desk->words);
    error_clear(&desk->error);
    strbuf_free(&desk->printed);
    int rc = file_remove_tree(desk->folder, NULL);
    free(desk);
    return rc;
}

/* ---- standard input and output ---- */

static int scratch(const struct desk *desk, const char *name)
{
    cleanup_free char *path = path_join(desk->folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

void desk_type(struct desk *desk, const char *text, size_t length)
{
    int fd = scratch(desk, "typed");
    assert_int_equal(write(fd, text, length), length);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    desk->input = dup(STDIN_FILENO);
    dup2(fd, STDIN_FILENO);
    close(fd);
}

void desk_catch(struct desk *desk)
{
    int fd = scratch(desk, "printed");
    fflush(stdout);
    desk->output = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    close(fd);
}

const char *desk_listen(struct desk *desk)
{
    char bytes[4096];
    ssize_t n;
    fflush(stdout);
    int fd = dup(STDOUT_FILENO);
    dup2(desk->output, STDOUT_FILENO);
    close(desk->output);
    if (desk->input >= 0) {
        dup2(desk->input, STDIN_FILENO);
        close(desk->input);
        desk->input = -1;
    }
    strbuf_truncate(&desk->printed, 0);
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        strbuf_add(&desk->printed, bytes, (size_t)n);
    close(fd);
    return strbuf_text(&desk->printed);
}

/* ---- commands ---- */

int desk_execute(struct desk *desk, const char *line)
{
    error_clear(&desk->error);
    assert_int_equal(redis_data_split(&desk->words, line, strlen(line), &desk->error), 0);
    desk_catch(desk);
    int rc = redis_shell_execute(&desk->shell, &desk->words, &desk->error);
    desk_listen(desk);
    return rc;
}

void desk_prints(struct desk *desk, const char *line, const char *wanted)
{
    int rc = desk_execute(desk, line);
    if (rc)
        fail_msg("%s: %d, %s", line, rc, desk->error.text);
    assert_string_equal(strbuf_text(&desk->printed), wanted);
}
