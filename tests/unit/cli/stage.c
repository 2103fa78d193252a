/* See stage.h. */
#include "stage.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "cli/cli.h"
#include "logs/logs.h"
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char hello[] =
    ",\"data\":{\"project\":\"shop\",\"session\":\"0123456789abcdef\",\"version\":\"x\",\"pid\":1,"
    "\"detached\":true,\"ending\":false,\"logs\":\"/nowhere\"}";

const char stage_view[] =
    ",\"data\":{\"project\":\"shop\",\"hash\":\"0123abcd\",\"session\":\"0123456789abcdef\","
    "\"manifest\":\"/x/apphost.yaml\",\"engine\":{\"connected\":false,\"state\":\"waiting\"},"
    "\"resources\":["
    "{\"name\":\"cache\",\"kind\":\"redis\",\"node\":\"process:cache\",\"state\":\"ready\","
    "\"health\":\"healthy\",\"wanted\":true,\"lifetime\":\"session\",\"restarts\":0,\"timings\":{},"
    "\"display\":\"127.0.0.1:6380,password=***\",\"pid\":41,"
    "\"ports\":[{\"endpoint\":\"tcp\",\"scheme\":\"redis\",\"host\":\"127.0.0.1\",\"port\":6380}]},"
    "{\"name\":\"api\",\"kind\":\"process\",\"node\":\"process:api\",\"state\":\"ready\","
    "\"wanted\":true,\"lifetime\":\"session\",\"restarts\":0,\"timings\":{},"
    "\"display\":\"http://127.0.0.1:8080\",\"pid\":42,"
    "\"ports\":[{\"endpoint\":\"http\",\"scheme\":\"http\",\"host\":\"127.0.0.1\",\"port\":8080},"
    "{\"endpoint\":\"admin\",\"scheme\":\"http\",\"host\":\"127.0.0.1\",\"port\":8081}]},"
    "{\"name\":\"job\",\"kind\":\"process\",\"node\":\"process:job\",\"state\":\"failed\","
    "\"wanted\":true,\"lifetime\":\"session\",\"restarts\":0,\"timings\":{},\"ports\":[],\"exitCode\":3,"
    "\"error\":{\"code\":\"resource-failed\",\"message\":\"job ended with exit code 3\","
    "\"resource\":\"job\"}},"
    "{\"name\":\"hand\",\"kind\":\"process\",\"node\":\"process:hand\",\"state\":\"manual\","
    "\"wanted\":false,\"lifetime\":\"session\",\"restarts\":0,\"timings\":{},\"ports\":[]}],"
    "\"others\":[]}";

const char stage_silence[] = "";

static const char environment[] =
    ",\"data\":{\"CACHE_HOST\":{\"value\":\"127.0.0.1\",\"secret\":false,\"resource\":\"cache\"},"
    "\"CACHE_PASSWORD\":{\"value\":\"it's\",\"secret\":true,\"resource\":\"cache\"}}";

/* ---- the supervisor ---- */

static char *note(const struct stage *stage)
{
    return path_join(stage->folder, "asked");
}

/* What a request gets instead of its answer. False: the connection is to be closed. */
static bool misbehave(enum stage_deed deed, int to, const char *line)
{
    cleanup_json cJSON *request = json_parse(line, strlen(line), NULL);
    int id = (int)json_int(request, "id", 0);
    if (deed == DEED_DIES)
        raise(SIGKILL);
    if (deed == DEED_REFUSES)
        dprintf(to, "{\"id\":%d,\"type\":\"done\",\"error\":{\"code\":\"failed\",\"message\":\"no\"}}\n", id);
    if (deed == DEED_NONSENSE)
        dprintf(to, "{\"id\":%d,\"type\":\"done\",\"data\":\n", id);
    return deed != DEED_ENDS;
}

/* True: it was a down that succeeded. */
static bool reply(const struct stage *stage, int to, const char *line)
{
    cleanup_json cJSON *request = json_parse(line, strlen(line), NULL);
    const char *verb = json_string(request, "verb", ""), *rest = NULL, *records = NULL;
    int id = (int)json_int(request, "id", 0);
    static int asked[STAGE_ANSWERS];
    for (int i = 0; i < stage->answer_count; i++) {
        if (strcmp(stage->answers[i].verb, verb) != 0 || ++asked[i] < stage->answers[i].from)
            continue;
        rest = stage->answers[i].rest; /* the last one counts */
        records = stage->answers[i].records;
    }
    if ((!rest && strcmp(verb, "watch") == 0) || rest == stage_silence) /* a watch's is the session's end */
        return false;

    rest = text_or_empty(rest);
    if (records)
        dprintf(to, "{\"id\":%d,\"type\":\"transition\",%s}\n", id, records);
    dprintf(to, "{\"id\":%d,\"type\":\"done\",\"code\":0%s}\n", id, rest);
    return strcmp(verb, "down") == 0 && !strstr(rest, "\"error\"");
}

/* One request. False: no more of this connection. */
static bool serve_one(const struct stage *stage, int to, const char *line, int number)
{
    static const struct timespec a_while = {.tv_nsec = 20000000};
    bool is_it = number == stage->deed_at;
    if (is_it && stage->deed == DEED_LATE)
        nanosleep(&a_while, NULL);
    else if (is_it && stage->deed != DEED_NONE)
        return misbehave(stage->deed, to, line);
    if (reply(stage, to, line))
        _exit(0);
    return true;
}

/* The one that was told to take everything down is gone once it has said so. */
static void serve(const struct stage *stage, int to, int notes)
{
    static int number;
    char line[65536];
    FILE *from = fdopen(to, "r");
    bool goes_on = from != NULL;
    while (goes_on && fgets(line, sizeof line, from)) {
        if (write(notes, line, strlen(line)) < 0)
            _exit(1);
        goes_on = serve_one(stage, to, line, ++number);
    }
    if (from)
        fclose(from);
}

static char *folder_of(const struct stage *stage)
{
    return xasprintf("%s/state/apphost/shop-%s", stage->folder, stage->hash);
}

/* Its lock is what a supervisor is known by; its end is what ends a down. */
static void hold_lock(const struct stage *stage)
{
    cleanup_free char *folder = folder_of(stage);
    struct state *state = state_open(folder, false, NULL);
    if (!state || state_lock(state, NULL) < 0)
        _exit(1);
}

static _Noreturn void supervise(const struct stage *stage, int listener, int ready)
{
    cleanup_free char *path = note(stage);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    hold_lock(stage);
    int notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (write(ready, "", 1) != 1)
        _exit(1);
    for (;;) {
        int to = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (to >= 0)
            serve(stage, to, notes);
        else if (errno != EINTR)
            _exit(1);
    }
}

static void begin(struct stage *stage)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int ready[2];
    char byte;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", stage->folder);
    unlink(address.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(pipe(ready), 0);
    stage->supervisor = fork();
    if (stage->supervisor == 0)
        supervise(stage, listener, ready[1]);
    close(listener);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static void stop(struct stage *stage)
{
    if (stage->supervisor <= 0)
        return;
    kill(stage->supervisor, SIGKILL);
    waitpid(stage->supervisor, NULL, 0);
    stage->supervisor = 0;
}

static void add_answer(struct stage *stage, int from, const char *verb, const char *records, const char *rest)
{
    assert_true(stage->answer_count < STAGE_ANSWERS);
    stage->answers[stage->answer_count].verb = verb;
    stage->answers[stage->answer_count].records = records;
    stage->answers[stage->answer_count].from = from;
    stage->answers[stage->answer_count++].rest = rest;
    stop(stage);
    begin(stage);
}

void stage_answer(struct stage *stage, const char *verb, const char *records, const char *rest)
{
    add_answer(stage, 1, verb, records, rest);
}

void stage_answer_from(struct stage *stage, int n, const char *verb, const char *rest)
{
    add_answer(stage, n, verb, NULL, rest);
}

/* ---- the project ---- */

/* The session's record. The project is that of an
 * apphost.yaml in the working folder, should there be one. */
static void record_session(struct stage *stage)
{
    cleanup_free char *path = path_join(stage->folder, "apphost.yaml");
    const struct identity_source source = {.manifest = path, .name = ""};
    identity_hash(&source, stage->hash);
    cleanup_free char *folder = folder_of(stage);
    cleanup_free char *socket = path_join(stage->folder, "s"),
                      *manifest = path_join(stage->folder, "apphost.yaml");
    struct state *state = state_open(folder, true, NULL);
    struct state_session session = {.id = (char *)"0123456789abcdef",
                                    .socket = socket,
                                    .supervisor = getpid(),
                                    .guard = getpid(),
                                    .manifest = manifest,
                                    .project = (char *)"shop",
                                    .hash = stage->hash,
                                    .detached = true};
    assert_non_null(state);
    assert_int_equal(state_session_write(state, &session, NULL), 0);
    state_close(state);
}

int stage_open(void **state)
{
    struct stage *stage = xcalloc(1, sizeof *stage);
    *state = stage;
    snprintf(stage->folder, sizeof stage->folder, "/tmp/apphost-stage-%s%s",
             "XX"
             "X",
             "XX"
             "X");
    if (!getcwd(stage->before, sizeof stage->before) || !mkdtemp(stage->folder) || chdir(stage->folder) < 0)
        return -1;
    record_session(stage);
    stage_answer(stage, "hello", NULL, hello);
    stage_answer(stage, "view", NULL, stage_view);
    stage_answer(stage, "env", NULL, environment);
    return 0;
}

int stage_close(void **state)
{
    struct stage *stage = *state;
    stop(stage);
    int rc = chdir(stage->before);
    file_remove_tree(stage->folder, NULL);
    strbuf_free(&stage->out);
    strbuf_free(&stage->err);
    strbuf_free(&stage->asked);
    free(stage);
    return rc;
}

void stage_end(struct stage *stage)
{
    stop(stage);
}

void stage_file(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(name, text, strlen(text), 0644, NULL), 0);
}

void stage_program(const char *name, const char *script)
{
    cleanup_free char *path = path_join("bin", name), *text = xasprintf("#!/bin/sh\n%s", script);
    assert_int_equal(file_mkdirs("bin", 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0755, NULL), 0);
}

void stage_log(const struct stage *stage, const char *resource, const char *text)
{
    struct loop loop;
    cleanup_free char *folder = xasprintf("%s/state/apphost/shop-%s/logs", stage->folder, stage->hash);
    assert_int_equal(loop_init(&loop, NULL), 0);
    struct log_writer *writer = log_writer_new(&loop, folder, resource, 0, NULL);
    assert_non_null(writer);
    log_writer_add(writer, 1, text, strlen(text));
    log_writer_free(writer);
    assert_int_equal(loop_fini(&loop), 0);
}

/* ---- commands ---- */

static _Noreturn void play(const struct stage *stage, const char *const *words)
{
    char *line[32] = {(char *)"apphost", (char *)"-p", (char *)"shop"};
    int count = stage->is_plain ? 1 : 3;
    cleanup_free char *state = path_join(stage->folder, "state"), *out = path_join(stage->folder, "out"),
                      *err = path_join(stage->folder, "err"),
                      *path = xasprintf("%s/bin:/usr/bin:/bin", stage->folder);
    for (; *words; words++)
        line[count++] = (char *)*words;
    clearenv();
    setenv("XDG_STATE_HOME", state, 1);
    setenv("XDG_RUNTIME_DIR", stage->folder, 1);
    setenv("HOME", stage->folder, 1);
    setenv("PATH", path, 1);
    setenv("DOCKER_HOST", "unix:///nowhere/docker.sock", 1);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    dup2(open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    int code = cli_main(count, line);
    fflush(stdout);
    _exit(code);
}

static void collect(const struct stage *stage, const char *name, struct strbuf *into)
{
    cleanup_free char *path = path_join(stage->folder, name);
    size_t length = 0;
    cleanup_free char *text = file_read(path, 1 << 20, &length, NULL);
    strbuf_truncate(into, 0);
    strbuf_add(into, text ? text : "", length);
}

static pid_t begin_command(struct stage *stage, const char *const *words)
{
    cleanup_free char *notes = note(stage);
    unlink(notes);
    if (stage->supervisor > 0) { /* which has the old one open */
        stop(stage);
        begin(stage);
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        play(stage, words);
    return pid;
}

static void collect_all(struct stage *stage)
{
    collect(stage, "out", &stage->out);
    collect(stage, "err", &stage->err);
    collect(stage, "asked", &stage->asked);
}

int stage_run(struct stage *stage, const char *const *words)
{
    int status;
    pid_t pid = begin_command(stage, words);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    collect_all(stage);
    return WEXITSTATUS(status);
}

int stage_asked(const struct stage *stage)
{
    int count = 0;
    for (const char *at = strbuf_text(&stage->asked); (at = strchr(at, '\n')); at++)
        count++;
    return count;
}

/* Patient: a busy machine needs a while until the request is there, and the command ends by a signal. */
int stage_interrupt(struct stage *stage, const char *const *words)
{
    static const struct timespec pause = {.tv_nsec = 120000000}; /* more than one moment */
    pid_t pid = begin_command(stage, words);
    for (int i = 0; i < 1000; i++) {
        int status;
        if (waitpid(pid, &status, WNOHANG) == pid) {
            collect_all(stage);
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
        collect(stage, "asked", &stage->asked);
        if (stage_asked(stage) >= int_or(stage->interrupt_at, stage->deed_at))
            kill(pid, SIGINT);
        nanosleep(&pause, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    fail_msg("%s does not end when it is interrupted", words[0]);
    return -1;
}

void stage_runs(struct stage *stage, int code, const char *const *words)
{
    int got = stage_run(stage, words);
    if (got != code)
        fail_msg("%s: %d, wanted %d\n%s\n%s", words[0], got, code, strbuf_text(&stage->out),
                 strbuf_text(&stage->err));
}

static void holds(const struct strbuf *where, const char *text)
{
    if (!strstr(strbuf_text(where), text))
        fail_msg("wanted \"%s\" in:\n%s", text, strbuf_text(where));
}

void stage_prints(const struct stage *stage, const char *text)
{
    holds(&stage->out, text);
}

void stage_says(const struct stage *stage, const char *text)
{
    holds(&stage->err, text);
}

void stage_was_asked(const struct stage *stage, const char *text)
{
    holds(&stage->asked, text);
}
