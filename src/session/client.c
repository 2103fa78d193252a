/* Connecting to the supervisor, or starting it, and calling it. See client.h.
 *
 * A supervisor that is just ending refuses the connection, breaks it, or answers "not running" to hello: then
 * the whole approach is repeated, for some time. Whoever is to start something also waits for the end of a
 * down that is under way, which its stop times bound. Starting forks, so the loop exists only while there is
 * a connection. */
#include "session/await.h"
#include "project/owner.h"

#include "base/mem.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 10, SILENCE_MS = 30000, ENDING_MS = 600000, HELLO_TIMEOUT_MS = 10000, ONE_MOMENT_MS = 100 };

static void pause_ms(int ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* ---- calls ---- */

static void on_record(const cJSON *record, void *data)
{
    struct client_call *call = data;
    if (call->on_record)
        call->on_record(record, call->data);
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

void client_begin(struct client *client, struct client_call *call, const char *verb, cJSON *message)
{
    struct control_request_handlers handlers = {.on_record = on_record, .on_done = on_done, .data = call};
    call->done = false;
    call->id = control_request(client->connection, verb, message, &handlers);
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
              client->project ? client->project : "the project", pid, client->folder ? client->folder : "?",
              what);
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

int client_call(struct client *client, const char *verb, cJSON *message, struct limit limit, cJSON **result,
                struct error *err)
{
    struct client_call call = {0};
    cleanup_error struct error why = {0};
    struct wait wait = {.fact = &call.done, .what = "the supervisor's answer", .limit = limit};

    client_begin(client, &call, verb, message);
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

cJSON *client_names(const struct strlist *names)
{
    cJSON *message = cJSON_CreateObject();
    json_add_strings(message, "resources", names);
    return message;
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

static int say_hello(struct client *client, const struct client_options *options, struct error *err)
{
    cleanup_json cJSON *answer = NULL;
    cJSON *message = cJSON_CreateObject();
    json_add_int(message, "protocol", 1);
    json_add_string(message, "version", APPHOST_VERSION);
    json_add_bool(message, "lease", options->lease && !client->is_fresh);
    if (client_call(client, "hello", message, limit_or(options->timeout_ms, LIMIT_MS(HELLO_TIMEOUT_MS)),
                    &answer, err))
        return -1;
    client->owner = json_int(answer, "owner", 0);
    client->is_detached = json_bool(answer, "detached", false);
    client->is_ending = json_bool(answer, "ending", false);
    const char *logs = json_string(answer, "logs", NULL);
    if (logs)
        client->logs_folder = xstrdup(logs);
    return 0;
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

static int start_one(struct client *client, const struct client_options *options, struct error *err)
{
    int answer = supervisor_start(options->start, options->lease ? &client->lease_fd : NULL, err);
    if (answer == 0)
        client->is_fresh = true;
    return answer;
}

/* Before anything is claimed, or said not to run. */
static bool is_elsewhere(const struct client_options *options, struct error *err)
{
    cleanup_identity struct identity identity = {0};
    return identity_parse(options->prefix, &identity) && owner_check(options->state_root, identity.hash, err);
}

static int connect_or_start(struct client *client, const struct client_options *options, struct error *err)
{
    cleanup_error struct error why = {0};
    int answer = try_connect(client, options, &why);
    if (answer >= 0)
        return answer;
    if (why.code == ERROR_NOT_RUNNING && !client->is_fresh && is_elsewhere(options, err))
        return -1;
    if (why.code == ERROR_NOT_RUNNING && options->start && !client->is_fresh) {
        answer = start_one(client, options, err);
        return answer < 0 ? -1 : 1;
    }
    error_move(err, &why);
    return -1;
}

int client_open(struct client *client, const struct client_options *options, struct error *err)
{
    *client = (struct client){.lease_fd = -1};
    signal(SIGPIPE, SIG_IGN);
    int64_t begin_ms = loop_clock_ms();
    for (int64_t heard_ms = begin_ms; loop_clock_ms() - heard_ms < SILENCE_MS;) {
        bool was_fresh = client->is_fresh;
        int answer = connect_or_start(client, options, err);
        if (answer <= 0)
            return answer;
        if (client->is_ending && loop_clock_ms() - begin_ms < ENDING_MS)
            heard_ms = loop_clock_ms();
        if (client->is_fresh == was_fresh)
            pause_ms(RETRY_MS);
    }
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
    _exit(128 + signum);
}

void client_interrupt(struct client *client, int signum)
{
    on_signal(signum, client);
}

int client_watch_signals(struct client *client, struct error *err)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (loop_watch_signal(&client->loop, signals[i], on_signal, client, err))
            return -1;
    hangup_watch(&client->hangup, &client->loop, on_signal, client);
    return 0;
}
