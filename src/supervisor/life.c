/* The supervisor's own process, from the fork to its exit code.
 *
 * Happy path: set up, listen, write the session record, say "ready" through the pipe, run the loop; somebody
 * asks for a `down` (or nobody holds the session any more, or a signal comes): everything stops,
 * supervisor_part(), the answer, supervisor_end(), exit 0 and the guard goes too. Failure before "ready": the
 * reason goes through the pipe, exit 0, because there is nothing to clean up. A down that fails, or that
 * nobody is left to hear of: exit 1, and the guard tries again with `apphost gc`. */
#include "supervisor/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/names.h"
#include "guard/guard.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MANY_FILES = 16384 };

/* One arena, freed memory back to the system: a supervisor lives for days beside what it runs. */
static void save_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

/* Each host process takes three descriptors. The bound is for those processes, which inherit the limit: some
 * walk through all of it. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= MANY_FILES)
        return;
    limit.rlim_cur = limit.rlim_max < MANY_FILES ? limit.rlim_max : MANY_FILES;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void say(int fd, const struct error *error)
{
    cleanup_json cJSON *json = error ? control_error_to_json(error) : cJSON_CreateObject();
    cleanup_free char *text = json_print(json);
    dprintf(fd, "%s\n", text);
    close(fd);
}

int supervisor_write_record(struct supervisor *s, struct error *err)
{
    const struct supervisor_options *options = s->options;
    bool has_engine = options->engine && options->engine->host;
    cleanup_json cJSON *engine = has_engine ? engine_address_to_json(options->engine) : cJSON_CreateObject();

    struct state_session record = {
        .id = (char *)s->session,
        .socket = s->socket,
        .supervisor = getpid(),
        .guard = s->guard,
        .manifest = (char *)options->manifest,
        .project = (char *)options->project,
        .hash = (char *)options->hash,
        .started_ns = s->started_ns,
        .detached = s->detached,
        .reached = s->has_reached,
        .engine = engine,
    };
    return state_session_write(s->state, &record, err);
}

/* ---- the end ---- */

static void on_part_closed(void *data)
{
    struct supervisor *s = data;
    if (--s->closing == 0)
        loop_stop(&s->loop);
}

static void on_orchestrator_closed(void *data)
{
    struct supervisor *s = data;
    s->orchestrator = NULL;
    if (s->engine)
        engine_close(take_ptr(&s->engine), on_part_closed, s);
    else
        on_part_closed(s);
}

void supervisor_part(struct supervisor *s)
{
    cleanup_error struct error err = {0};
    supervisor_tell_watchers(s); /* first: a command that the sweep ends has to know why */
    s->parted = true;
    if (!s->options->takes_down)                                /* else it has started nobody */
        guard_sweep(s->session, s->guard, SUPERVISOR_SWEEP_MS); /* what left its group, and its parents */
    if (state_session_remove(s->state, &err) < 0)
        log_error("%s", err.text);
}

void supervisor_end(struct supervisor *s, int exit_code)
{
    if (s->phase == PHASE_ENDING)
        return;
    log_info("session %s ends", s->session);
    s->phase = PHASE_ENDING;
    loop_unpost(&s->loop, &s->idle_turn);
    s->exit_code = exit_code;
    s->closing = 2;
    lease_fini(s);
    reach_fini(s);
    supervisor_drop_requests(s);
    supervisor_forget_usage(s);
    control_server_close(take_ptr(&s->server), on_part_closed, s);
    orchestrator_close(s->orchestrator, on_orchestrator_closed, s);
}

static void on_left(const struct error *error, const cJSON *report, void *data)
{
    struct supervisor *s = data;
    (void)report;
    s->is_leaving = false;
    if (!error) {
        supervisor_down_over(s, true);
        return;
    }
    log_error("could not take the session down: %s", error->text);
    if (s->options->takes_down)
        supervisor_end(s, 0);
    else
        supervisor_end(s, 1);
}

orchestrator_request supervisor_down(struct supervisor *s, const struct orchestrator_down *down,
                                     orchestrator_done_cb *done, void *data)
{
    if (!s->has_plan)
        supervisor_take_project(s->orchestrator, s->options->project, s->options->hash);
    s->has_plan = s->was_used = true;
    s->phase = PHASE_LEAVING;
    s->downs++;
    return orchestrator_down(s->orchestrator, down, done, data);
}

void supervisor_down_over(struct supervisor *s, bool is_down)
{
    s->is_down = s->is_down || is_down;
    if (--s->downs > 0)
        return;
    if (s->is_down)
        supervisor_part(s); /* first: who reads the answer may start another session at once */
    else
        s->phase = PHASE_RUNNING;
    supervisor_answer_downs(s);
    if (s->is_down || s->options->takes_down)
        supervisor_end(s, 0);
    else
        lease_look(s);
}

void supervisor_leave(struct supervisor *s, bool hurry)
{
    if (s->phase != PHASE_ENDING && !s->is_leaving) {
        struct orchestrator_down down = {0};
        s->is_leaving = true;
        supervisor_down(s, &down, on_left, s);
    }
    if (hurry && s->phase == PHASE_LEAVING)
        orchestrator_hurry(s->orchestrator, false);
}

/* Nothing runs. That is the end only when nobody holds the session: a command with nothing to start is served
 * as any other. */
static void on_idle(void *data)
{
    struct supervisor *s = data;
    bool is_over = s->was_used && orchestrator_is_idle(s->orchestrator) && !lease_is_held(s);
    if (s->phase != PHASE_RUNNING || !is_over)
        return;
    log_info("nothing runs, and nobody holds the session");
    supervisor_part(s);
    supervisor_end(s, 0);
}

void supervisor_look_idle(struct supervisor *s)
{
    loop_post(&s->loop, &s->idle_turn);
}

static void on_signal(int signum, void *data)
{
    struct supervisor *s = data;
    if (signum == SIGCONT) {
        reach_look(s);
        return;
    }
    if (getppid() != s->guard)
        log_warn("the guard (pid %ld) is gone: taking everything down", (long)s->guard);
    else
        log_info("%s: taking everything down", strsignal(signum));
    supervisor_leave(s, false);
}

/* ---- the beginning ---- */

static int listen_and_record(struct supervisor *s, struct error *err)
{
    struct control_handlers handlers = supervisor_handlers;
    handlers.data = s;
    s->server = control_listen(&s->loop, s->socket, &handlers, err);
    if (!s->server)
        return -1;
    if (supervisor_write_record(s, err) == 0)
        return 0;
    control_server_close(take_ptr(&s->server), NULL, NULL);
    return -1;
}

static int open_engine(struct supervisor *s, struct error *err)
{
    const struct supervisor_options *options = s->options;
    if (!options->engine || !options->engine->host)
        return 0;
    /* Where options->environment points our title stands by now; the environment itself was moved. */
    s->engine = engine_open(&s->loop, options->engine, environ, err);
    return s->engine ? 0 : -1;
}

static int find_logs(struct supervisor *s, struct error *err)
{
    const char *log_dir = s->options->log_dir;
    s->logs_folder = log_dir ? path_canonical(log_dir) : state_logs_folder(s->state);
    return file_mkdirs(s->logs_folder, 0700, err);
}

static int watch_signals(struct supervisor *s, struct error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCONT};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (loop_watch_signal(&s->loop, signals[i], on_signal, s, err) < 0)
            return -1;
    return 0;
}

/* Kept before anything is made there: whoever finds this session dead has to look. */
static void on_reached(void *data)
{
    struct supervisor *s = data;
    cleanup_error struct error error = {0};
    if (s->has_reached || s->parted)
        return;
    s->has_reached = true;
    if (supervisor_write_record(s, &error))
        log_warn("cannot keep that the engine was reached (tried again): %s", error.text);
}

static void start_orchestrator(struct supervisor *s, enum orchestrator_left left)
{
    struct orchestrator_services services = {
        .loop = &s->loop,
        .engine = s->engine,
        .state = s->state,
        .left = left,
        .session = s->session,
        .logs_folder = s->logs_folder,
        .processors = (int)sysconf(_SC_NPROCESSORS_ONLN),
        .ready_timeout_ms = SUPERVISOR_READY_MS,
        .on_transition = supervisor_broadcast,
        .on_moment = supervisor_note_moment,
        .on_reached = on_reached,
        .on_change = supervisor_tell_changes,
        .on_idle = on_idle,
        .data = s,
    };

    s->orchestrator = orchestrator_new(&services);
}

/* The order matters only at the end: once the record is written, commands may come. */
static int set_up(struct supervisor *s, enum orchestrator_left left, struct error *err)
{
    if (loop_init(&s->loop, err) < 0)
        return -1;
    turn_init(&s->idle_turn, on_idle, s);
    if (watch_signals(s, err) < 0 || find_logs(s, err) < 0 || open_engine(s, err) < 0)
        return -1;
    start_orchestrator(s, left);
    if (listen_and_record(s, err) == 0)
        return 0;
    s->closing = 1;
    orchestrator_close(s->orchestrator, on_orchestrator_closed, s);
    return -1;
}

static void run(struct supervisor *s, const struct birth *birth)
{
    cleanup_error struct error err = {0};
    if (set_up(s, birth->left, &err) < 0) {
        log_error("cannot start: %s", err.text);
        say(birth->ready_fd, &err);
        loop_run(&s->loop);
        return;
    }
    lease_init(s, birth->lease_fd);
    reach_init(s);
    say(birth->ready_fd, NULL);
    log_info("session %s of %s: pid %ld, guard %ld", s->session, s->options->prefix, (long)getpid(),
             (long)s->guard);
    if (getppid() != s->guard) /* it died before its death could be told */
        supervisor_leave(s, false);
    loop_run(&s->loop);
}

int supervisor_live(void *arg)
{
    const struct birth *birth = arg;
    struct supervisor *s = xcalloc(1, sizeof *s);
    cleanup_free char *title = xasprintf("apphost: %s", birth->options->project);
    save_memory();
    if (birth->options->forget)
        birth->options->forget(birth->options->forget_data);
    allow_many_files();
    guard_set_title(title);
    supervisor_log_to(birth->state);

    *s = (struct supervisor){
        .options = birth->options,
        .session = birth->session,
        .guard = getppid(),
        .starter = birth->starter,
        .socket = (char *)birth->socket,
        .state = birth->state,
        .detached = birth->options->detached,
        .has_reached = birth->left == LEFT_SOMETHING,
        .lease_fd = -1,
    };

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    s->history = history_new();
    s->started_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    run(s, birth);

    if (loop_fini(&s->loop) < 0)
        log_warn("the loop did not close clean");
    free(s->logs_folder);
    history_free(s->history);
    int exit_code = s->exit_code;
    free(s);
    return exit_code;
}
