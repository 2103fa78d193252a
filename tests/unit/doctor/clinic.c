/* See clinic.h. */
#include "clinic.h"

#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct command cmd_doctor;

static const struct command *const list[] = {&cmd_doctor, NULL};
static const struct commands commands = {.list = list};

/* ---- the engine's process ---- */

/* The path of a request that is read to its end; false: the connection brought nothing. */
static bool read_path(FILE *from, char path[4096])
{
    char line[8192];
    if (!fgets(line, sizeof line, from) || sscanf(line, "%*s %4095s", path) != 1)
        return false;
    while (fgets(line, sizeof line, from) && line[0] != '\r')
        continue;
    return true;
}

static void say(int to, const struct saying *saying)
{
    if (saying->status)
        dprintf(to,
                "HTTP/1.1 %d x\r\nApi-Version: 1.41\r\nServer: Docker/20.10.24 (linux)\r\n"
                "Content-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                saying->status, strlen(saying->body), saying->body);
}

static _Noreturn void serve(int listener, const struct saying *sayings)
{
    static const struct saying nothing = {"", 404, "{\"message\":\"no such thing\"}"};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        char path[4096];
        int to = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        FILE *from = fdopen(to, "r");
        if (!from)
            _exit(1);
        if (read_path(from, path)) {
            const struct saying *row = sayings;
            while (row->path && !strstr(path, row->path))
                row++;
            say(to, row->path ? row : &nothing);
        }
        fclose(from);
    }
}

void clinic_engine(struct clinic *clinic, const struct saying *sayings)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/engine.sock", clinic->folder);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);

    fflush(stdout);
    clinic->engine = fork();
    if (clinic->engine == 0)
        serve(listener, sayings);
    close(listener);
}

/* ---- the place ---- */

int clinic_open(void **state)
{
    struct clinic *clinic = xcalloc(1, sizeof *clinic);
    cleanup_free char *pattern = xasprintf("/tmp/apphost-doctor-%.*s", 6, "XXXXXXXX");
    snprintf(clinic->folder, sizeof clinic->folder, "%s", pattern);
    if (!getcwd(clinic->before, sizeof clinic->before) || !mkdtemp(clinic->folder) || chdir(clinic->folder))
        return -1;

    clinic->root = xasprintf("%s/state/apphost", clinic->folder);
    strlist_addf(&clinic->environment, "XDG_STATE_HOME=%s/state", clinic->folder);
    strlist_addf(&clinic->environment, "XDG_RUNTIME_DIR=%s", clinic->folder);
    strlist_addf(&clinic->environment, "HOME=%s", clinic->folder);
    strlist_addf(&clinic->environment, "PATH=%s", clinic->folder);
    strlist_addf(&clinic->environment, "DOCKER_HOST=unix://%s/engine.sock", clinic->folder);
    strlist_add(&clinic->environment, "APPHOST_PUBLISHED_HOST=192.0.2.7");
    *state = clinic;
    return 0;
}

static void forget(struct clinic *clinic)
{
    if (clinic->doctor.has_engine)
        engine_once_close(&clinic->doctor.engine);
    arena_free(&clinic->doctor.arena);
    error_clear(&clinic->doctor.manifest);
    error_clear(&clinic->doctor.first);
    project_free(&clinic->context.project);
    args_free(&clinic->context.args);
    clinic->doctor = (struct doctor){.context = &clinic->context};
    clinic->context = (struct context){.environment = clinic->environment.items,
                                       .output = clinic->context.output,
                                       .dry_run = clinic->context.dry_run};
}

int clinic_close(void **state)
{
    struct clinic *clinic = *state;
    forget(clinic);
    if (clinic->engine > 0) {
        kill(clinic->engine, SIGKILL);
        waitpid(clinic->engine, NULL, 0);
    }
    int rc = chdir(clinic->before);
    file_remove_tree(clinic->folder, NULL);
    strlist_free(&clinic->environment);
    strbuf_free(&clinic->printed);
    free(clinic->root);
    free(clinic);
    return rc;
}

void clinic_manifest(struct clinic *clinic, const char *text)
{
    cleanup_free char *file = path_join(clinic->folder, "apphost.yaml");
    assert_int_equal(file_write_atomic(file, text, strlen(text), 0644, NULL), 0);
}

int clinic_session(struct clinic *clinic, const char *hash, bool is_held)
{
    cleanup_free char *prefix = identity_prefix("shop", hash), *folder = state_folder(clinic->root, prefix);
    cleanup_free char *manifest = path_join(clinic->folder, "elsewhere/apphost.yaml");
    struct state *state = state_open(folder, true, NULL);
    struct state_session record = {.id = (char *)"0123456789abcdef",
                                   .socket = (char *)"/nowhere",
                                   .manifest = manifest,
                                   .project = (char *)"shop",
                                   .hash = (char *)hash,
                                   .supervisor = getpid()};
    int lock = -1;

    assert_non_null(state);
    assert_int_equal(state_session_write(state, &record, NULL), 0);
    if (is_held)
        lock = state_lock(state, NULL);
    state_close(state);
    return lock;
}

/* ---- looking ---- */

static void come_in(struct clinic *clinic)
{
    static char *line[] = {(char *)"apphost", (char *)"doctor", NULL};
    cleanup_error struct error error = {0};
    forget(clinic);
    if (args_parse(&clinic->context.args, &commands, 2, line, clinic->environment.items, &error))
        fail_msg("%s", error.text);
}

void clinic_check(struct clinic *clinic, const char *const *categories)
{
    come_in(clinic);
    struct project_options options = context_project_options(&clinic->context);
    project_load(&clinic->context.project, &options, &clinic->doctor.manifest);

    for (; *categories; categories++) {
        bool is_known = false;
        for (const struct doctor_check *check = doctor_checks; check->category; check++) {
            if (strcmp(check->category, *categories) != 0)
                continue;
            check->run(&clinic->doctor);
            is_known = true;
        }
        assert_true(is_known);
    }
}

static bool is_like(const char *text, const char *wanted)
{
    size_t length = strlen(wanted);
    if (length && wanted[length - 1] == '*')
        return text && strncmp(text, wanted, length - 1) == 0;
    return str_eq(text, wanted);
}

static void compare(const struct doctor_finding *finding, const struct finding *wanted)
{
    static const char *const words[] = {"pass", "warning", "fail"};
    const char *message = finding->message, *fix = finding->fix;
    bool has_status = finding->status == wanted->status;
    bool has_message = !wanted->message || is_like(message, wanted->message);
    bool has_fix = !wanted->fix && !fix;

    if (wanted->fix && fix)
        has_fix = is_like(fix, wanted->fix);
    if (!has_status || !has_message || !has_fix)
        fail_msg("%s: \"%s\", fix \"%s\"; wanted: %s: \"%s\", fix \"%s\"", words[finding->status], message,
                 fix ? fix : "none", words[wanted->status], wanted->message ? wanted->message : "*",
                 wanted->fix ? wanted->fix : "none");
}

void clinic_finds(struct clinic *clinic, const struct finding *findings, size_t count)
{
    int counts[DOCTOR_STATUS_COUNT] = {0};
    assert_int_equal(clinic->doctor.finding_count, count);
    for (size_t i = 0; i < count; i++) {
        compare(&clinic->doctor.findings[i], &findings[i]);
        counts[findings[i].status]++;
    }
    assert_memory_equal(counts, clinic->doctor.counts, sizeof counts);
}

int clinic_run(struct clinic *clinic, struct error *err)
{
    cleanup_free char *file = path_join(clinic->folder, "printed");
    size_t length = 0;
    come_in(clinic);
    fflush(stdout);
    int before = dup(STDOUT_FILENO), to = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(to, STDOUT_FILENO);
    int rc = cmd_doctor.run(&clinic->context, err);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    close(to);

    cleanup_free char *text = file_read(file, 1 << 20, &length, NULL);
    assert_non_null(text);
    strbuf_truncate(&clinic->printed, 0);
    strbuf_add(&clinic->printed, text, length);
    return rc;
}
