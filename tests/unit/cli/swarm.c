/* See swarm.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* In a process of its own there is no test that could fail: it is gone, and the command says so. */
#undef fail
#define fail() _exit(1)
#include "../deploy/fake_swarm.c"
#undef fail

#include "swarm.h"

#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BODY_LIMIT = 1 << 20, BAD_GATEWAY = 502, NO_MANAGER = 503 };

/* ---- the process ---- */

struct request {
    char method[16], target[4096];
    char *body;
};

/* False: the connection brought nothing. */
static bool read_request(FILE *from, struct request *request)
{
    char line[8192];
    size_t length = 0;
    if (!fgets(line, sizeof line, from) || sscanf(line, "%15s %4095s", request->method, request->target) != 2)
        return false;
    while (fgets(line, sizeof line, from) && line[0] != '\r')
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            length = strtoul(line + 15, NULL, 10);
    if (length > BODY_LIMIT)
        return false;
    request->body = xcalloc(length + 1, 1);
    return fread(request->body, 1, length, from) == length;
}

static void respond(int to, const struct question *q)
{
    const char *text = q->answer ? q->answer : "";
    dprintf(to,
            "HTTP/1.1 %d x\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n"
            "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
            q->status, strlen(text), text);
}

static void handle(struct fake_swarm *fake, int to, const struct request *request, int notes)
{
    const char *path = request->target;
    if (str_starts(path, "/v1."))
        path = strchr(path + 1, '/');
    if (!path)
        return;
    cleanup_free char *plain = xstrndup(path, strcspn(path, "?"));
    cleanup_json cJSON *body = json_parse(request->body, strlen(request->body), NULL);
    struct question q = {.fake = fake,
                         .method = request->method,
                         .path = plain,
                         .query = path + strlen(plain),
                         .body = body,
                         .status = BAD_GATEWAY};

    dprintf(notes, "%s %s\n", request->method, plain);
    if (strcmp(plain, "/_ping") == 0)
        say_text(&q, "OK");
    else
        answer(&q);
    respond(to, &q);
    free(q.answer);
}

static _Noreturn void serve(struct fake_swarm *fake, int listener, int notes)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        struct request request = {.body = NULL};
        int to = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        FILE *from = to >= 0 ? fdopen(to, "r") : NULL;
        if (!from)
            _exit(1);
        if (read_request(from, &request))
            handle(fake, to, &request, notes);
        free(request.body);
        fclose(from);
    }
}

/* ---- the test's side ---- */

static void begin(struct swarm *swarm, const char *folder, struct fake_swarm *fake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *swarm = (struct swarm){.notes = path_join(folder, "swarm-notes")};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/swarm", folder);
    swarm->host = xasprintf("unix://%s", address.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int notes = open(swarm->notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);

    fflush(stdout);
    swarm->process = fork();
    if (swarm->process == 0)
        serve(fake, listener, notes);
    close(listener);
    close(notes);
    fake_fini(fake);
}

void swarm_start(struct swarm *swarm, const char *folder, const char *const *images)
{
    struct fake_swarm fake;
    fake_init(&fake);
    for (; *images; images++)
        strlist_add(&fake.images, *images);
    begin(swarm, folder, &fake);
}

void swarm_start_without(struct swarm *swarm, const char *folder)
{
    struct fake_swarm fake;
    fake_init(&fake);
    fake.no_swarm = NO_MANAGER;
    begin(swarm, folder, &fake);
}

void swarm_stop(struct swarm *swarm)
{
    if (swarm->process > 0) {
        kill(swarm->process, SIGKILL);
        waitpid(swarm->process, NULL, 0);
    }
    free(swarm->host);
    free(swarm->notes);
    strbuf_free(&swarm->text);
    *swarm = (struct swarm){0};
}

int swarm_count(struct swarm *swarm, const char *text)
{
    int count = 0;
    size_t length = 0;
    cleanup_free char *notes = file_read(swarm->notes, BODY_LIMIT, &length, NULL);
    strbuf_truncate(&swarm->text, 0);
    strbuf_add(&swarm->text, notes ? notes : "", length);
    for (const char *at = strbuf_text(&swarm->text); (at = strstr(at, text)); at++)
        count++;
    return count;
}

void swarm_forget(struct swarm *swarm)
{
    assert_int_equal(truncate(swarm->notes, 0), 0);
}
