/* See redis_link.h. */
#include "console/redis_link.h"

#include "base/mem.h"
#include "base/pick.h"
#include "control/variables.h"
#include "model/model.h"
#include "session/await.h"
#include "ui/view.h"
#include "redis/redis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- where it is ---- */

static void wipe_and_free(const char *text)
{
    if (text)
        mem_wipe((char *)text, strlen(text));
    free((char *)text);
}

static void forget_server(struct redis_conn_options *server)
{
    wipe_and_free(server->password);
    const char *texts[] = {server->host, server->unix_path, server->username, server->ca_file,
                           server->tls_name};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free((char *)texts[i]);
    *server = (struct redis_conn_options){0};
}

static int refuse_string(const struct redis_link *link, const cJSON *environment, struct error *err)
{
    cleanup_free char *name = xasprintf("ConnectionStrings__%s", link->resource);
    struct answer_variable variable;
    if (answer_variable_find(environment, name, &variable) && *variable.value)
        return error_set(err, ERROR_USAGE, "the connection string of %s names no Redis server",
                         link->resource);
    return error_set(err, ERROR_USAGE, "%s is no Redis server, and has no connection string", link->resource);
}

/* A server of the project: its properties. A connection string's: of a server that may be anywhere. */
static int read_target(struct redis_link *link, const cJSON *environment, struct error *err)
{
    struct redis_target target;
    const char *ca_file = NULL;
    const struct redis_question question = {environment, link->resource, !link->is_foreign};
    if (!redis_target_of(&target, &question, &ca_file)) {
        if (link->is_foreign)
            return refuse_string(link, environment, err);
        return 0;
    }

    link->server.host = take_ptr(&target.host);
    link->server.port = target.port;
    link->server.unix_path = take_ptr(&target.unix_path);
    link->server.username = take_ptr(&target.user);
    link->server.password = take_ptr(&target.password);
    link->server.tls = target.tls;
    link->server.tls_name = take_ptr(&target.tls_name);
    link->server.ca_file = xstrdup_null(ca_file);
    if (!link->database)
        link->database = target.database;
    redis_target_fini(&target);
    return 0;
}

static int find_server(struct redis_link *link, struct error *err)
{
    cleanup_json cJSON *environment = NULL;
    struct strlist names = {.items = &link->resource, .count = 1};
    const char *authorities = args_value(&link->context->args, "cacert");
    int rc = 0;
    const struct ask_resources request = client_names(&names);
    if (client_call(&link->context->client, ASK_ENV, record_to_json(&ask_resources_record, &request),
                    ANSWER_LIMIT, &environment, err))
        return -1;
    forget_server(&link->server);
    rc = read_target(link, environment, err);

    answer_variables_wipe(environment);
    if (rc == 0 && !link->server.host && !link->server.unix_path)
        rc = error_set(err, ERROR_NOT_RUNNING, "%s has no address", link->resource);
    if (rc == 0 && authorities) {
        free((char *)link->server.ca_file);
        link->server.ca_file = xstrdup(authorities);
    }

    return rc;
}

/* Of a topology who is primary now; of a cluster one of them. */
static const struct view_resource *find_resource(const struct view *view, const char *name)
{
    const struct view_resource *found = view_find(view, name);
    if (!found || !found->topology || str_eq(found->name, name))
        return found;
    for (size_t i = 0; i < view->resource_count; i++)
        if (str_eq(view->resources[i].replica_of, name) && str_eq(view->resources[i].role, "primary"))
            return &view->resources[i];
    return found;
}

int redis_link_init(struct redis_link *link, struct context *context, const char *resource, struct error *err)
{
    cleanup_view struct view *view = NULL;
    *link = (struct redis_link){.context = context};
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    const struct view_resource *found = find_resource(view, resource);
    if (!found)
        return view_unknown(view, resource, err);

    const char *kind = text_or_empty(found->kind);
    link->resource = xstrdup(text_or(found->name, resource));
    link->asked = xstrdup(resource);
    link->is_cluster = str_eq(found->topology, "cluster");
    const struct model_kind_info *info = model_kind_info(model_find_kind(kind));
    /* What has a connection string without being a server of ours. */
    link->is_foreign = !info->is_server && (info->has_string || info->may_have_string);
    if (!info->is_server && !link->is_foreign)
        return error_set(err, ERROR_USAGE, "%s is no Redis server: it is of type %s", link->resource, kind);
    return find_server(link, err);
}

void redis_link_fini(struct redis_link *link)
{
    redis_link_close(link);
    forget_server(&link->server);
    free(take_ptr(&link->resource));
    free(take_ptr(&link->asked));
    free(take_ptr(&link->elsewhere.host));
}

/* ---- the connection ---- */

static void on_closed(const struct error *err, bool final, void *data)
{
    struct redis_link *link = data;
    (void) final;
    link->is_lost = true;
    error_clear(&link->failure);
    error_copy(&link->failure, err);
}

static void on_push(const struct resp_reply *reply, void *data)
{
    struct redis_link *link = data;
    if (link->on_push)
        link->on_push(reply, link->push_data);
}

void redis_link_close(struct redis_link *link)
{
    redis_conn_free(link->conn);
    link->conn = NULL;
    link->is_lost = false;
    error_clear(&link->failure);
}

struct link_selection {
    bool is_answered;
    struct error refusal;
};

static void on_selected(const struct resp_reply *reply, void *data)
{
    struct link_selection *selection = data;
    if (!reply)
        return; /* on_closed follows */
    selection->is_answered = true;
    if (reply->type == RESP_ERROR)
        redis_link_answer(reply, &selection->refusal);
}

/* Before anything is said to it: what is meant for one database must not end up in another. */
static int select_database(struct redis_link *link, struct error *err)
{
    struct link_selection selection = {0};
    cleanup_free char *number = xasprintf("%lld", (long long)link->database);
    const char *const words[] = {"SELECT", number, NULL};
    if (redis_conn_words(link->conn, words, on_selected, &selection, err))
        return -1;

    int code = redis_link_await(link, &selection.is_answered, NULL, NULL, err);
    if (code == 0 && !error_is_set(&selection.refusal))
        return 0;
    if (code > 0)
        await_interrupted(err);
    if (code == 0)
        error_move(err, &selection.refusal);
    if (code == 0 && link->is_cluster)
        error_hint(err, "a cluster has database 0 alone (Valkey 9: as many as `cluster-databases` says)");
    redis_link_close(link);
    return -1;
}

int redis_link_open(struct redis_link *link, struct error *err)
{
    bool was_there = link->conn != NULL;
    if (was_there)
        loop_catch_up(&link->context->client.loop);
    bool was_sent_on = link->was_sent_on;
    link->was_sent_on = false;
    if (was_there && !link->is_lost)
        return 0;
    if (was_there && was_sent_on) {
        error_copy(err, &link->failure);
        redis_link_close(link);
        return -1;
    }
    redis_link_close(link);
    if (was_there && find_server(link, err))
        return -1;

    link->server.on_closed = on_closed;
    link->server.on_push = on_push;
    link->server.push_unasked = true;
    link->server.data = link;
    link->conn = redis_conn_open(&link->context->client.loop, &link->server);
    if (!link->database)
        return 0;
    return select_database(link, err);
}

static void judge(void *data)
{
    struct redis_link *link = data;
    if (link->await_judge)
        link->await_judge(link->await_data);
    link->await_over = link->is_lost || *link->await_fact;
}

int redis_link_await(struct redis_link *link, const bool *fact, loop_cb *more, void *data, struct error *err)
{
    struct wait wait = {
        .fact = &link->await_over,
        .what = "the answer of the server",
        .limit = FOREVER, /* BLPOP, MONITOR: as long as the user likes */
        .judge = judge,
        .data = link,
    };

    link->await_fact = fact;
    link->await_judge = more;
    link->await_data = data;
    link->await_over = false;
    int answer = await(&link->context->client, &wait, err);
    if (answer || *fact)
        return answer;
    error_copy(err, &link->failure);
    if (link->is_foreign && link->server.tls && !link->server.ca_file &&
        link->failure.detail == DETAIL_NOT_TRUSTED)
        error_hint(err, "--cacert FILE names the authority that signed it");
    return -1;
}

struct link_question {
    redis_reply_cb *on_reply;
    void *data;
    bool is_answered;
};

static void on_reply(const struct resp_reply *reply, void *data)
{
    struct link_question *question = data;
    if (!reply)
        return;
    question->is_answered = true;
    question->on_reply(reply, question->data);
}

int redis_link_ask(struct redis_link *link, const struct redis_data_words *words, redis_reply_cb *on_answer,
                   void *data, struct error *err)
{
    struct link_question question = {.on_reply = on_answer, .data = data};
    struct redis_command command = {.count = words->count,
                                    .arguments = words->arguments,
                                    .lengths = words->lengths,
                                    .on_reply = on_reply,
                                    .data = &question};
    if (redis_link_open(link, err) || redis_conn_command(link->conn, &command, err))
        return -1;
    int rc = redis_link_await(link, &question.is_answered, NULL, NULL, err);
    if (!question.is_answered) /* the question goes out of scope */
        redis_link_close(link);
    if (question.is_answered)
        return 0;
    return rc;
}

int redis_link_answer(const struct resp_reply *reply, struct error *err)
{
    cleanup_free char *shown = str_printable(reply->str ? reply->str : resp_type_name(reply->type));
    return error_set(err, ERROR_FAILED, "%s", shown);
}

/* ---- standard input ---- */

ssize_t redis_read_input(struct client *client, char *bytes, size_t size)
{
    ssize_t n = -1;
    int rc = 0;

    while (n < 0 && !rc) {
        rc = await_input(client, STDIN_FILENO);
        if (!rc)
            n = read(STDIN_FILENO, bytes, size);
        if (n < 0 && !rc && errno != EINTR && errno != EAGAIN)
            rc = -1;
    }
    if (rc == AWAIT_INTERRUPTED)
        return REDIS_INPUT_INTERRUPTED;
    if (rc)
        return REDIS_INPUT_BROKEN;
    return n;
}
