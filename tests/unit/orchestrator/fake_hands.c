/* Processes and probes for virtual time: see fake.h. */
#include "fake.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { PROBE_MS = 5, STOP_MS = 3 };

static struct fake *world;

void fake_hooks_world(struct fake *fake)
{
    world = fake;
}

struct fake_process {
    struct process_options options;
    struct timer timer;
    struct process_exit how;
    bool stubborn;
    int pid;
    struct fake_process *prev, *next;
};

static void end_process(void *data)
{
    struct fake_process *process = data;
    struct process_exit how = process->how;
    process->options.on_exit(&how, process->options.data); /* frees it */
}

static struct process *spawn(struct loop *loop, const struct process_options *options, struct error *err)
{
    const char *script = options->argv[2] ? options->argv[2] : "";
    if (!strcmp(script, "missing")) {
        error_set(err, ERROR_NOT_FOUND, "cannot start missing: no such command");
        return NULL;
    }
    struct fake_process *process = xcalloc(1, sizeof *process);
    process->options = *options;
    process->pid = 1000 + ++world->spawned;
    process->stubborn = !strcmp(script, "stubborn");
    timer_init(loop, &process->timer, end_process, process);
    int code = 0, after_ms = 0;
    if (sscanf(script, "exit %d after %d", &code, &after_ms) == 2) {
        process->how.code = code;
        timer_start(&process->timer, after_ms);
    }
    world->live_processes++;
    DL_APPEND(world->processes, process);
    return (struct process *)process;
}

static pid_t pid_of(const struct process *process)
{
    return ((const struct fake_process *)process)->pid;
}

static void stop(struct process *handle, int signal, int64_t timeout_ms)
{
    struct fake_process *process = (struct fake_process *)handle;
    bool kills = signal == SIGKILL || process->stubborn;
    process->how = (struct process_exit){-1, kills ? SIGKILL : signal};
    timer_start(&process->timer, signal == SIGKILL ? 0 : process->stubborn ? timeout_ms : STOP_MS);
}

static int send_signal(struct process *process, int signal, struct error *err)
{
    (void)process, (void)signal, (void)err;
    return 0;
}

static void free_process(struct process *handle)
{
    struct fake_process *process = (struct fake_process *)handle;
    timer_stop(&process->timer);
    DL_DELETE(world->processes, process);
    world->live_processes--;
    free(process);
}

/* ---- probes ---- */

struct fake_probe {
    struct timer timer;
    enum probe_kind kind;
    char *host;
    int port;
    char *password;
    enum probe_state state;
    probe_change_cb *on_change;
    void *data;
    struct error last;
};

static const struct fake_container *listener(int port)
{
    const struct fake_container *container;
    DL_FOREACH(world->containers, container)
    {
        for (int i = 0; container->running && i < container->port_count; i++) {
            if (container->ports[i] == port)
                return container;
        }
    }
    return NULL;
}

static bool knows_password(const struct fake_container *container, const char *password)
{
    cleanup_free char *wanted = xasprintf("requirepass %s\n", password ? password : "");
    cleanup_free char *quoted = xasprintf("requirepass \"%s\"\n", password ? password : "");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(container->body, "Env"))
    {
        if (strstr(entry->valuestring, wanted) || strstr(entry->valuestring, quoted))
            return true;
    }
    return !password;
}

static void look(void *data)
{
    struct fake_probe *probe = data;
    bool is_elsewhere = world->published_at && strcmp(probe->host, world->published_at) != 0;
    bool is_squatted = is_elsewhere && world->has_squatters && probe->kind != PROBE_PING;
    const struct fake_container *container = NULL;
    if (!is_elsewhere)
        container = listener(probe->port);
    bool up = !world->deaf && (container || is_squatted);
    bool wrong = container && !knows_password(container, probe->password);
    enum probe_state state = up && !wrong                   ? PROBE_READY
                             : probe->state == PROBE_TRYING ? PROBE_TRYING
                                                            : PROBE_LOST;
    timer_start(&probe->timer, PROBE_MS);
    error_clear(&probe->last);
    if (wrong)
        error_set(&probe->last, ERROR_RESOURCE, "WRONGPASS the password is not right");
    else if (!up)
        error_set(&probe->last, ERROR_RESOURCE, "connection refused");
    if (state == probe->state && !wrong)
        return;
    probe->state = state;
    probe->on_change(state, probe->last.code ? &probe->last : NULL, wrong, probe->data);
}

static struct probe *start(struct loop *loop, const struct probe_options *options, probe_change_cb *on_change,
                           void *data)
{
    struct fake_probe *probe = xcalloc(1, sizeof *probe);
    probe->kind = options->kind;
    probe->host = xstrdup_null(options->host);
    probe->port = options->port;
    probe->password = xstrdup_null(options->password);
    probe->on_change = on_change;
    probe->data = data;
    timer_init(loop, &probe->timer, look, probe);
    timer_start(&probe->timer, 1);
    return (struct probe *)probe;
}

static const struct error *last_error(const struct probe *handle)
{
    const struct fake_probe *probe = (const struct fake_probe *)handle;
    return probe->last.code ? &probe->last : NULL;
}

static void free_probe(struct probe *handle)
{
    struct fake_probe *probe = (struct fake_probe *)handle;
    timer_stop(&probe->timer);
    error_clear(&probe->last);
    free(probe->password);
    free(probe->host);
    free(probe);
}

static bool port_free(const char *address, int port)
{
    (void)address;
    return !world->taken[port] && !listener(port);
}

static bool lacks_address(const char *address)
{
    (void)address;
    return world->is_elsewhere;
}

/* ---- watched files ---- */

struct fake_watch {
    struct watch_options options;
    struct fake_watch *prev, *next;
};

static struct watch *watch(struct loop *loop, const struct watch_options *options)
{
    (void)loop;
    struct fake_watch *made = xcalloc(1, sizeof *made);
    made->options = *options;
    DL_APPEND(world->watches, made);
    return (struct watch *)made;
}

static void free_watch(struct watch *handle)
{
    struct fake_watch *freed = (struct fake_watch *)handle;
    DL_DELETE(world->watches, freed);
    free(freed);
}

int fake_change(struct fake *fake, const char *path)
{
    struct fake_watch *one, *next;
    int count = 0;
    DL_FOREACH_SAFE(fake->watches, one, next)
    {
        count++;
        one->options.on_change(path, false, loop_now_ms(fake->loop), one->options.data);
    }
    return count;
}

const struct orchestrator_hooks fake_hooks = {
    .spawn = spawn,
    .pid = pid_of,
    .stop = stop,
    .signal = send_signal,
    .free = free_process,
    .probe = start,
    .probe_error = last_error,
    .probe_free = free_probe,
    .port_is_free = port_free,
    .lacks_address = lacks_address,
    .watch = watch,
    .watch_free = free_watch,
};
