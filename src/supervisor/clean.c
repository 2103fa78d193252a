/* `apphost gc --session ID`: the guard takes down what its session left that died.
 *
 * Commands start a supervisor for that (session/heal.c); this is what remains when one has died. The guard
 * hands its lock over by descriptor; else the lock is taken, so that no new session starts while its names
 * are being taken away. Processes are swept by their environment, the rest is an orchestrator
 * with everything wanted gone. The record is removed last: whatever fails on the way can be tried again. */
#include "supervisor/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "control/view.h"
#include "guard/guard.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLEAN_MS = 600000 };

struct cleaning {
    struct loop loop;
    struct engine *engine;
    struct orchestrator *orchestrator;
    struct strlist *removed;
    struct timer alarm;
    struct error error;
    bool is_done;
};

/* The descriptor that the guard left open for us, if it is this project's lock. */
static int inherited_lock(const struct state *state)
{
    const char *text = getenv(VARIABLE_LOCK);
    cleanup_free char *path = path_join(state_path(state), "lock");
    struct stat ours, file;
    int64_t fd;
    if (!text || !str_to_int64(text, 3, 65535, &fd))
        return -1;
    unsetenv(VARIABLE_LOCK);
    if (fstat((int)fd, &ours) < 0 || stat(path, &file) < 0)
        return -1;
    if (ours.st_ino != file.st_ino || ours.st_dev != file.st_dev)
        return -1;
    fd_set_cloexec((int)fd, true);
    return (int)fd;
}

void supervisor_take_project(struct orchestrator *o, const char *project, const char *hash)
{
    char *none[] = {NULL};
    struct plan_context context = {.project = project, .project_hash = hash, .environment = none};
    struct orchestrator_apply apply = {.plan = plan_empty(&context), .names_only = true};
    if (project && hash)
        orchestrator_apply(o, &apply, NULL, NULL);
    else
        plan_free(apply.plan);
}

static void on_closed(void *data)
{
    struct cleaning *cleaning = data;
    if (cleaning->engine)
        engine_close(take_ptr(&cleaning->engine), on_closed, cleaning);
    else
        loop_stop(&cleaning->loop);
}

static void on_down(const struct error *error, const cJSON *report, void *data)
{
    struct cleaning *cleaning = data;
    cleanup_view_down struct view_down *down = view_down_copy(report);
    for (size_t i = 0; i < down->removed_count; i++) {
        const struct view_object *item = &down->removed[i];
        strlist_addf(cleaning->removed, "%s %s", text_or(item->kind, "object"),
                     text_or(item->name, text_or_empty(item->resource)));
    }
    if (error)
        error_copy(&cleaning->error, error);
    cleaning->is_done = true;
    timer_stop(&cleaning->alarm);
    orchestrator_close(cleaning->orchestrator, on_closed, cleaning);
}

/* Each row of what goes has its limit, and each stop its time; this is for their sum. */
static void on_late(void *data)
{
    struct cleaning *cleaning = data;
    error_set(&cleaning->error, ERROR_TIMEOUT, "cleaning up took longer than %d minutes", CLEAN_MS / 60000);
    error_hint(&cleaning->error, "apphost gc tries again");
    cleaning->is_done = true;
    orchestrator_close(cleaning->orchestrator, on_closed, cleaning);
}

static int take_down(struct cleaning *cleaning, struct state *state, const struct state_session *record,
                     const struct engine_address *address, char *const *environment)
{
    struct orchestrator_down down = {0};
    if (loop_init(&cleaning->loop, &cleaning->error) < 0)
        return -1;

    cleaning->engine = engine_open(&cleaning->loop, address, environment, &cleaning->error);

    if (cleaning->engine) {
        struct orchestrator_services services = {
            .loop = &cleaning->loop,
            .engine = cleaning->engine,
            .state = state,
            .left = record->reached ? LEFT_SOMETHING : LEFT_NOTHING,
            .session = record->id,
            .processors = (int)sysconf(_SC_NPROCESSORS_ONLN),
            .ready_timeout_ms = SUPERVISOR_READY_MS,
        };
        cleaning->orchestrator = orchestrator_new(&services);
        supervisor_take_project(cleaning->orchestrator, record->project, record->hash);
        timer_init(&cleaning->loop, &cleaning->alarm, on_late, cleaning);
        timer_start(&cleaning->alarm, CLEAN_MS);
        orchestrator_down(cleaning->orchestrator, &down, on_down, cleaning);
        loop_run(&cleaning->loop);
    }

    loop_fini(&cleaning->loop);
    if (!cleaning->is_done)
        error_set(&cleaning->error, ERROR_FAILED, "cleaning up ended too early");
    if (error_is_set(&cleaning->error))
        return -1;
    return 0;
}

static int clean_engine(struct state *state, const struct state_session *record,
                        const struct engine_address *given, char *const *environment,
                        struct cleaning *cleaning)
{
    struct engine_address own = {0};
    const struct engine_address *address = NULL;
    if (given && given->host)
        address = given;
    if (!address && engine_address_host(record->engine)) {
        if (engine_address_from_json(record->engine, &own, &cleaning->error) < 0)
            return -1;
        address = &own;
    }
    int rc = 0;
    if (address)
        rc = take_down(cleaning, state, record, address, environment);
    engine_address_free(&own);
    return rc;
}

void supervisor_sweep_dead(struct state *state, const struct state_session *dead, struct strlist *removed)
{
    int found = guard_sweep(dead->id, 0, SUPERVISOR_SWEEP_MS);
    if (found)
        log_debug("swept %d processes of the dead session %s", found, dead->id);
    if (found && removed)
        strlist_addf(removed, "%d %s", found, text_pick(found == 1, "process", "processes"));
    supervisor_stop_servers(state, removed);
}

int supervisor_forget_dead(struct state *state, const struct state_session *dead, char *const *environment,
                           struct error *err)
{
    cleanup_free char *usual = NULL;
    if (*dead->socket)
        usual = xstrdup(dead->socket);
    else
        usual = control_socket_path(environment, dead->id, NULL);
    if (usual)
        unlink(usual);
    return state_session_remove(state, err);
}

static int clean_locked(struct state *state, const struct state_session *record,
                        const struct engine_address *engine, char *const *environment,
                        struct cleaning *cleaning)
{
    supervisor_sweep_dead(state, record, cleaning->removed);
    if (supervisor_check_servers(state, &cleaning->error) < 0)
        return -1;
    if (clean_engine(state, record, engine, environment, cleaning) < 0)
        return -1;
    return supervisor_forget_dead(state, record, environment, &cleaning->error);
}

int supervisor_clean(const char *folder, const char *session, const struct engine_address *engine,
                     char *const *environment, struct strlist *removed, struct error *err)
{
    struct state *state = state_open(folder, false, err);
    if (!state)
        return -1;

    struct cleaning cleaning = {.removed = removed};
    struct state_session record = {0};
    int rc = -1, lock = inherited_lock(state);
    if (lock < 0)
        lock = state_lock(state, err);
    if (lock >= 0)
        rc = state_session_recall(state, &record, err);
    if (rc == 0 && !str_eq(record.id, session))
        rc = error_set(err, ERROR_NOT_RUNNING, "there is no session %s in %s", session, folder);
    if (rc == 0) {
        rc = clean_locked(state, &record, engine, environment, &cleaning);
        error_move(err, &cleaning.error);
    }

    if (lock >= 0)
        close(lock);
    state_session_free(&record);
    state_close(state);
    return rc;
}
