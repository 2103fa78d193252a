/* Connecting to the supervisor, or starting it, and calling it. See client.h.
 *
 * A supervisor that is just ending refuses the connection, breaks it, or answers "not running" to hello: then
 * the whole approach is repeated, for some time. Whoever is to start something also waits for the end of a
 * down that is under way, or of a guard's clean-up, which stop times bound. Starting forks, so the loop
 * exists only while there is a connection. */
#include "session/await.h"
#include "project/owner.h"

#include "base/mem.h"
#include "base/pause.h"
#include "base/pick.h"
#include "base/signals.h"
#include "base/stall.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RETRY_MS = 10,
    SILENCE_MS = 30000,
    ENDING_MS = 600000,
    HELLO_TIMEOUT_MS = 10000,
    ONE_MOMENT_MS = 100,
    RECALL_MS = 2000
};

/* ---- calls ---- */

static void on_record(const cJSON *record, void *data)
{
    const struct client_call *call = data;
    struct arena arena = {0};
    struct transition transition;

    if (call->on_news)
        call->on_news(record, call->data);
    if (call->on_record && !transition_read(record, &arena, &transition))
        call->on_record(&transition, call->data);
    arena_free(&arena);
}

static void on_done(const struct error *error, const cJSON *result, void *data)
{
    struct client_call *call = data;
    call->done = true;
    if (error)
        error_copy(&call->error, error);
    if (result)
        call->result = cJSON_Duplicate(result, 1);
}

void client_begin(struct client *client, struct client_call *call, enum ask ask, cJSON *message)
{
    struct control_request_handlers handlers = {.on_record = on_record, .on_done = on_done, .data = call};
    call->done = false;
    call->id = control_request(client->connection, ask_name(ask), message, &handlers);
}

void client_end(struct client *client, struct client_call *call)
{
    if (call->id && !call->done && client->connection)
        control_forget(client->connection, call->id);
    error_clear(&call->error);
    cJSON_Delete(call->result);
    *call = (struct client_call){0};
}

/* Whoever reads this has to find it by himself: which process, which folder. */
int client_refuse_silence(const struct client *client, const char *what, struct error *err)
{
    long pid = (long)client->supervisor;
    error_set(err, ERROR_OWNER, "the supervisor of %s (pid %ld, state in %s) does not answer%s",
              text_or(client->project, "the project"), pid, text_or(client->folder, "?"), what);
    error_hint(err,
               "`apphost down` tells it by a signal; if it stays like this: kill -9 %ld, its guard cleans up",
               pid);
    return -1;
}

/* Late is a supervisor that does not answer. */
static int explain_silence(const struct client *client, struct error *why, struct error *err)
{
    if (why->code == ERROR_TIMEOUT)
        return client_refuse_silence(client, "", err);
    error_move(err, why);
    return -1;
}

int client_call(struct client *client, enum ask ask, cJSON *message, struct limit limit, cJSON **result,
                struct error *err)
{
    struct client_call call = {0};
    cleanup_error struct error why = {0};
    struct wait wait = {.fact = &call.done, .what = "the supervisor's answer", .limit = limit};

    client_begin(client, &call, ask, message);
    int failed = await(client, &wait, &why);
    if (failed == AWAIT_INTERRUPTED)
        failed = await_interrupted(err);
    else if (failed)
        failed = explain_silence(client, &why, err);
    else if (error_is_set(&call.error))
        failed = -1;
    error_copy(err, &call.error);

    if (result)
        *result = take_ptr(&call.result);
    client_end(client, &call);
    return failed;
}

int client_view(struct client *client, struct limit limit, struct view **view, struct error *err)
{
    cJSON *json = NULL;

    if (client_call(client, ASK_VIEW, NULL, limit, &json, err)) {
        cJSON_Delete(json);
        return -1;
    }
    *view = view_read(json, err);
    if (*view)
        return 0;
    return -1;
}

int client_exec_info(struct client *client, const char *resource, struct client_exec *info, struct error *err)
{
    const struct ask_resources ask = {.resource = resource};
    cJSON *message = record_to_json(&ask_resources_record, &ask);

    if (client_call(client, ASK_EXEC_INFO, message, ANSWER_LIMIT, &info->json, err))
        return -1;
    return record_read(&answer_exec_record, info->json, &info->arena, &info->answer, err);
}

void client_exec_free(struct client_exec *info)
{
    cJSON_Delete(info->json);
    arena_free(&info->arena);
}

struct ask_resources client_names(const struct strlist *names)
{
    return (struct ask_resources){.resources = (const char **)names->items, .resource_count = names->count};
}

/* ---- connecting ---- */

static void disconnect(struct client *client)
{
    if (client->connection)
        control_close(client->connection);
    client->connection = NULL;
    hangup_end(&client->hangup);
    audience_end(&client->audience);
    if (client->has_loop)
        loop_fini(&client->loop);
    client->has_loop = false;
    state_session_free(&client->session);
}

/* Who it is, for words that outlive the connection. */
static void note_supervisor(struct client *client, const struct client_options *options)
{
    free(client->project);
    free(client->folder);
    client->supervisor = client->session.supervisor;
    client->project = xstrdup_null(client->session.project);
    client->folder = state_folder(options->state_root, options->prefix);
}

/* Its socket may have been taken away: asked once, it makes another. */
static void nudge(struct client *client, const struct client_options *options)
{
    if (!client->is_nudged)
        supervisor_signal(options->state_root, options->prefix, client->supervisor, SIGCONT);
    client->is_nudged = true;
}

static void take_hello(struct client *client, const struct answer_hello *hello)
{
    client->owner = hello->owner;
    client->is_detached = hello->is_detached;
    client->is_ending = hello->is_ending;
    if (hello->logs)
        client->logs_folder = xstrdup(hello->logs);
}

static int say_hello(struct client *client, const struct client_options *options, struct error *err)
{
    cleanup_json cJSON *answer = NULL;
    struct limit limit = limit_or(options->timeout_ms, LIMIT_MS(HELLO_TIMEOUT_MS));
    const struct ask_hello ask = {
        .protocol = 1, .version = APPHOST_VERSION, .lease = options->lease && !client->is_fresh};
    struct answer_hello hello = {0};
    struct arena arena = {0};

    int failed = client_call(client, ASK_HELLO, record_to_json(&ask_hello_record, &ask), limit, &answer, err);
    if (!failed)
        failed = record_read(&answer_hello_record, answer, &arena, &hello, err);
    if (!failed)
        take_hello(client, &hello);
    arena_free(&arena);
    return failed;
}

/* 0: connected; 1: try again; -1: an error. */
static int try_connect(struct client *client, const struct client_options *options, struct error *err)
{
    cleanup_error struct error why = {0};

    if (supervisor_find(options->state_root, options->prefix, &client->session, &why)) {
        error_move(err, &why);
        return -1;
    }
    note_supervisor(client, options);
    if (loop_init(&client->loop, err))
        return -1;
    client->has_loop = true;
    client->connection = supervisor_connect(&client->loop, &client->session, &why);
    client->is_ending = false;
    bool is_told = client->connection && !say_hello(client, options, &why);
    if (is_told && !(client->is_ending && options->start))
        return 0;

    bool is_broken = client->connection && control_is_broken(client->connection);
    disconnect(client);
    if (why.code == ERROR_NOT_RUNNING)
        nudge(client, options);
    if (is_told || is_broken || why.code == ERROR_NOT_RUNNING) {
        return 1;
    }
    error_move(err, &why);
    return -1;
}

/* 1: one listens, ours or that of somebody who was quicker. */
static int start_one(struct client *client, const struct client_options *options, struct error *err)
{
    int *lease_fd = NULL;
    if (options->lease)
        lease_fd = &client->lease_fd;
    int answer = supervisor_start(options->start, lease_fd, err);
    if (answer < 0)
        return -1;
    client->is_fresh = answer == 0;
    if (options->is_alone && !client->is_fresh)
        return error_set(err, ERROR_NOT_RUNNING, "another session has begun");
    return 1;
}

/* Before anything is claimed, or said not to run. */
static bool is_elsewhere(const struct client_options *options, struct error *err)
{
    cleanup_identity struct identity identity = {0};
    return identity_parse(options->prefix, &identity) && owner_check(options->state_root, identity.hash, err);
}

/* Its folder was taken away: it is about to be there again. */
static bool is_recalled(struct client *client, const struct client_options *options)
{
    cleanup_identity struct identity identity = {0};
    if (!client->recall_end_ms)
        client->recall_end_ms = loop_clock_ms() + RECALL_MS;
    if (loop_clock_ms() > client->recall_end_ms || !identity_parse(options->prefix, &identity))
        return false;
    cleanup_free char *prefix = owner_recall(options->state_root, identity.hash);
    return prefix != NULL;
}

static int connect_or_start(struct client *client, const struct client_options *options, struct error *err)
{
    cleanup_error struct error why = {0};
    int answer = try_connect(client, options, &why);
    if (answer >= 0)
        return answer;
    bool may_be_hidden = why.code == ERROR_NOT_RUNNING && !client->is_fresh;
    if (may_be_hidden && is_recalled(client, options))
        return 1;
    if (may_be_hidden && is_elsewhere(options, err))
        return -1;
    if (why.code == ERROR_NOT_RUNNING && options->start && !client->is_fresh)
        return start_one(client, options, err);
    error_move(err, &why);
    return -1;
}

/* Is somebody at work who will have ended some time? */
static bool is_under_way(const struct client *client, const struct client_options *options,
                         struct cleaning_wait *cleaning)
{
    if (client->folder)
        cleaning_look(cleaning, client->folder, options->on_guard, options->guard_data);
    return client->is_ending || cleaning->guard;
}

int client_open(struct client *client, const struct client_options *options, struct error *err)
{
    *client = (struct client){.lease_fd = -1};
    signal(SIGPIPE, SIG_IGN);
    if (options->starts_first && start_one(client, options, err) < 0)
        return -1;

    struct cleaning_wait cleaning = {0};
    int64_t begin_ms = loop_clock_ms();
    for (int64_t heard_ms = begin_ms; loop_clock_ms() - heard_ms < SILENCE_MS;) {
        bool was_fresh = client->is_fresh;
        int answer = connect_or_start(client, options, err);
        if (answer <= 0)
            return answer;
        if (is_under_way(client, options, &cleaning) && loop_clock_ms() - begin_ms < ENDING_MS)
            heard_ms = loop_clock_ms();
        if (cleaning.guard && !options->on_guard)
            return cleaning_refuse(cleaning.guard, client->project, err);
        if (client->is_fresh == was_fresh)
            pause_ms(RETRY_MS);
    }
    if (cleaning.guard)
        return cleaning_refuse_late(cleaning.guard, client->project, client->folder, err);
    return client_refuse_silence(client, ", and another cannot be started", err);
}

int client_open_alone(struct client *client, struct error *err)
{
    *client = (struct client){.lease_fd = -1};
    signal(SIGPIPE, SIG_IGN);
    if (loop_init(&client->loop, err))
        return -1;
    client->has_loop = true;
    return 0;
}

void client_close(struct client *client)
{
    disconnect(client);
    free(client->logs_folder);
    client->logs_folder = NULL;
    cleanup_free_ptr(&client->project);
    cleanup_free_ptr(&client->folder);
    client->supervisor = 0;
    if (client->lease_fd > 0)
        close(client->lease_fd);
    client->lease_fd = -1;
}

/* ---- signals ---- */

static void on_signal(int signum, void *data)
{
    struct client *client = data;
    int64_t now_ms = loop_clock_ms();
    if (client->interrupts && signum == client->signum && now_ms - client->interrupted_ms < ONE_MOMENT_MS)
        return;
    client->signum = signum;
    client->interrupted_ms = now_ms;
    if (client->on_interrupt)
        client->on_interrupt(signum, client->interrupt_data);
    if (++client->interrupts < 3)
        return;
    if (client->before_leaving)
        client->before_leaving(client->leaving_data);
    _exit(signals_exit_code(signum));
}

void client_interrupt(struct client *client, int signum)
{
    on_signal(signum, client);
}

int client_watch_signals(struct client *client, struct error *err)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (loop_watch_signal(&client->loop, signals[i], on_signal, client, err))
            return -1;
        stall_note(signals[i]);
    }
    stall_guard();
    hangup_watch(&client->hangup, &client->loop, on_signal, client);
    return 0;
}
