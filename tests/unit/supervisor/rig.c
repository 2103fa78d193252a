/* See rig.h. The test program stands in for apphost itself: the guard executes it as `gc --session ID` (see
 * main). */
#include "rig.h"
#include "base/file.h"
#include "base/mem.h"
#include "orchestrator/orchestrator.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { WAIT_MS = 30000 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

int rig_open(void **state)
{
    struct rig *rig = xcalloc(1, sizeof *rig);
    char template[] = "/tmp/apphost-test-sup-XX"
                      "XX"
                      "XX";
    char *folder = mkdtemp(template);
    rig->root = xasprintf("%s/apphost", folder);
    rig->runtime = xstrdup(folder);
    rig->pids = xasprintf("%s/pids", folder);
    rig->environment[0] = xasprintf("XDG_STATE_HOME=%s", folder);
    rig->environment[1] = xasprintf("XDG_RUNTIME_DIR=%s", folder);
    rig->environment[2] = xasprintf("PATH=/usr/bin:/bin");
    rig->lease_fd = -1;
    setenv("XDG_STATE_HOME", folder, 1); /* for gc */
    *state = rig;
    return 0;
}

static int remove_one(pid_t pid)
{
    return pid > 0 ? kill(pid, SIGKILL) : 0;
}

int rig_close(void **state)
{
    struct rig *rig = *state;
    if (rig->session.id) { /* a test that failed may leave them */
        remove_one(rig->session.guard);
        remove_one(rig->session.supervisor);
    }
    if (rig->lease_fd >= 0)
        close(rig->lease_fd);
    state_session_free(&rig->session);
    int rc = file_remove_tree(rig->runtime, NULL);
    for (int i = 0; i < 3; i++)
        free(rig->environment[i]);
    free(rig->root);
    free(rig->runtime);
    free(rig->pids);
    free(rig);
    return rc;
}

int rig_try_start(struct rig *rig, int *lease_fd, struct error *err)
{
    struct supervisor_options options = {
        .state_root = rig->root,
        .prefix = RIG_PREFIX,
        .project = "shop",
        .hash = "1a2b3c4d",
        .manifest = "/nowhere/apphost.yaml",
        .environment = rig->environment,
        .log_dir = rig->log_dir,
        .detached = rig->detached,
    };
    return supervisor_start(&options, lease_fd, err);
}

void rig_start(struct rig *rig, bool lease)
{
    cleanup_error struct error err = {0};
    rig->detached = !lease;
    if (rig_try_start(rig, lease ? &rig->lease_fd : NULL, &err) != 0) {
        cleanup_free char *log = rig_log(rig);
        fail_msg("%s; %s", err.text, log);
    }
    state_session_free(&rig->session);
    if (supervisor_find(rig->root, RIG_PREFIX, &rig->session, &err) < 0)
        fail_msg("%s", err.text);
}

/* ---- requests ---- */

struct call {
    struct answer *answer;
    bool done;
};

static void on_record(const cJSON *record, void *data)
{
    struct call *call = data;
    assert_string_equal(json_string(record, "type", ""), "transition");
    call->answer->transitions++;
}

static void on_done(const struct error *error, const cJSON *result, void *data)
{
    struct call *call = data;
    call->done = true;
    if (error)
        error_copy(&call->answer->error, error);
    call->answer->data = result ? cJSON_Duplicate(result, true) : NULL;
}

void rig_call(struct rig *rig, const char *verb, cJSON *message, struct answer *answer)
{
    struct loop loop;
    struct call call = {.answer = answer};
    cleanup_error struct error err = {0};
    *answer = (struct answer){0};
    assert_int_equal(loop_init(&loop, NULL), 0);
    struct control_connection *connection = supervisor_connect(&loop, &rig->session, &err);
    if (!connection)
        fail_msg("%s", err.text);
    control_request(connection, verb, message, &(struct control_request_handlers){on_record, on_done, &call});
    int64_t deadline = now_ms() + WAIT_MS;
    while (!call.done && now_ms() < deadline)
        loop_run_once(&loop);
    control_close(connection);
    assert_int_equal(loop_fini(&loop), 0);
    if (!call.done)
        fail_msg("%s was not answered", verb);
}

struct follower {
    const char *type;
    cJSON *found;
};

static void on_news(const cJSON *record, void *data)
{
    struct follower *follower = data;
    if (!follower->found && str_eq(json_string(record, "type", ""), follower->type))
        follower->found = cJSON_Duplicate(record, true);
}

static void on_end_of_news(const struct error *error, const cJSON *result, void *data)
{
    (void)error, (void)result, (void)data;
}

cJSON *rig_watch(struct rig *rig, cJSON *message, const char *type)
{
    struct loop loop;
    struct follower follower = {.type = type};
    const struct control_request_handlers handlers = {on_news, on_end_of_news, &follower};
    assert_int_equal(loop_init(&loop, NULL), 0);
    struct control_connection *connection = supervisor_connect(&loop, &rig->session, NULL);
    assert_non_null(connection);
    control_request(connection, "watch", message, &handlers);
    int64_t deadline = now_ms() + WAIT_MS;
    while (!follower.found && now_ms() < deadline)
        loop_run_once(&loop);
    control_close(connection);
    assert_int_equal(loop_fini(&loop), 0);
    if (!follower.found)
        fail_msg("no %s came", type);
    return follower.found;
}

void answer_free(struct answer *answer)
{
    error_clear(&answer->error);
    cJSON_Delete(answer->data);
}

/* ---- plans ---- */

static struct plan_text text_of(struct plan *plan, const char *text)
{
    struct plan_text made = {arena_alloc(&plan->arena, sizeof *made.parts), 1};
    made.parts[0].text = arena_strdup(&plan->arena, text);
    return made;
}

static void add_process(struct plan *plan, const char *name, const char *command)
{
    const char *const words[] = {"sh", "-c", command};
    struct plan_node *node = &plan->nodes[plan->node_count++];
    node->id = arena_printf(&plan->arena, "process:%s", name);
    node->kind = PLAN_PROCESS;
    node->name = node->resource = name;
    node->spec_hash = arena_printf(&plan->arena, "%016zx", strlen(command));
    node->run.command = arena_alloc(&plan->arena, 3 * sizeof *node->run.command);
    node->run.command_count = 3;
    for (int i = 0; i < 3; i++)
        node->run.command[i] = text_of(plan, words[i]);
    node->run.stop_signal = SIGTERM;
    node->run.stop_timeout_ms = 1000;
    plan->resources[plan->resource_count++] =
        (struct plan_resource){.name = name, .kind = MODEL_PROCESS, .node = node->id};
}

cJSON *rig_up(struct rig *rig, const char *const *commands)
{
    struct plan *plan = xcalloc(1, sizeof *plan);
    struct arena *arena = &plan->arena;
    plan->project = "shop";
    plan->project_hash = "1a2b3c4d";
    plan->prefix = RIG_PREFIX;
    plan->folder = "/tmp";
    plan->manifest_file = "/nowhere/apphost.yaml";
    plan->engine_kind = "docker";
    plan->environment = arena_alloc(arena, 3 * sizeof(char *));
    plan->environment[0] = rig->environment[2];
    plan->environment[1] = arena_printf(arena, "PIDS=%s", rig->pids);
    plan->nodes = arena_alloc(arena, 8 * sizeof *plan->nodes);
    plan->resources = arena_alloc(arena, 8 * sizeof *plan->resources);
    for (int i = 0; commands[i]; i++)
        add_process(plan, arena_printf(arena, "p%d", i), commands[i]);
    cJSON *message = cJSON_CreateObject();
    cJSON_AddItemToObject(message, "plan", plan_to_json(plan, true));
    json_add_bool(message, "replace", true);
    plan_free(plan);
    return message;
}

/* ---- waiting ---- */

void rig_children(struct rig *rig, pid_t *pids, int count)
{
    int found = 0;
    for (int64_t deadline = now_ms() + WAIT_MS; found < count; pause_a_little()) {
        FILE *file = fopen(rig->pids, "re");
        for (found = 0; file && found < 8 && fscanf(file, "%d", &pids[found]) == 1;)
            found++;
        if (file)
            fclose(file);
        if (now_ms() > deadline)
            fail_msg("%d of %d children said who they are", found, count);
    }
}

static bool is_alive(pid_t pid)
{
    cleanup_free char *path = xasprintf("/proc/%ld/stat", (long)pid);
    cleanup_free char *text = file_read(path, 4096, NULL, NULL);
    const char *state = text ? strrchr(text, ')') : NULL;
    return state && state[2] != 'Z' && state[2] != 'X';
}

void rig_until_gone(pid_t pid)
{
    for (int64_t deadline = now_ms() + WAIT_MS; is_alive(pid); pause_a_little())
        if (now_ms() > deadline)
            fail_msg("process %ld is still there", (long)pid);
}

void rig_until_left(const pid_t *pids, int count, int left)
{
    int alive = 0;
    for (int64_t deadline = now_ms() + WAIT_MS;; pause_a_little()) {
        alive = 0;
        for (int i = 0; i < count; i++)
            alive += is_alive(pids[i]);
        if (alive <= left)
            break;
        if (now_ms() > deadline)
            fail_msg("%d of %d processes are still there", alive, count);
    }
    assert_int_equal(alive, left);
}

struct state *rig_state(struct rig *rig)
{
    cleanup_free char *folder = state_folder(rig->root, RIG_PREFIX);
    cleanup_error struct error err = {0};
    struct state *state = state_open(folder, false, &err);
    if (!state)
        fail_msg("%s", err.text);
    return state;
}

char *rig_log(struct rig *rig)
{
    cleanup_free char *path = xasprintf("%s/" RIG_PREFIX "/supervisor.log", rig->root);
    char *text = file_read(path, 1 << 20, NULL, NULL);
    return text ? text : xstrdup("");
}

void rig_until_over(struct rig *rig)
{
    struct state_session none = {0};
    rig_until_gone(rig->session.supervisor);
    rig_until_gone(rig->session.guard);
    struct state *state = rig_state(rig);
    for (int64_t deadline = now_ms() + WAIT_MS; state_is_locked(state); pause_a_little())
        if (now_ms() > deadline)
            fail_msg("the lock is still held");
    assert_int_equal(state_session_read(state, &none, NULL), -1);
    assert_false(file_exists(rig->session.socket));
    state_close(state);
    cleanup_free char *log = rig_log(rig);
    if (strstr(log, "did not close clean") || strstr(log, "ERROR:") || strstr(log, "runtime error"))
        fail_msg("%s", log);
}
