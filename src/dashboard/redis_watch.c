/* What a server does at the moment: asked every two seconds for as long as some page shows it, on a
 * connection that stays. Told to the stream as {"resource","timeMs","ops","hits","misses","memory",
 * "clients"}: hits and misses since the server began, ops a second between two looks; our own commands and
 * client are not counted.
 *
 * Happy path: the supervisor says where the server is, the connection opens, INFO is asked. Failures:
 * whatever ends it, the next look begins anew; nothing is told meanwhile. */
#include "dashboard/internal.h"

#include "base/mem.h"
#include "control/requests.h"
#include "redis/redis.h"
#include "redis_conn/redis_conn.h"

#include <stdlib.h>
#include <string.h>

enum { INTERVAL_MS = 2000, OUR_CLIENTS = 1 };

struct redis_watch {
    struct dashboard *dashboard;
    char *name;
    struct redis_conn *conn;
    struct timer timer;
    bool is_locating; /* the supervisor was asked, by this id */
    bool is_asked;    /* the server was */
    int64_t id;
    int64_t total, at_ms; /* commands at the last look; 0: there was none on this connection */
    int64_t ours;         /* of those since then: what pages asked */
    struct redis_watch *prev, *next;
};

/* ---- a look ---- */

/* "key:NUMBER" on a line of its own. */
static int64_t figure(const char *info, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = info; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (!strncmp(at, key, length) && at[length] == ':')
            return strtoll(at + length + 1, NULL, 10);
    }
    return 0;
}

static int64_t rate(struct redis_watch *watch, const char *info)
{
    int64_t total = figure(info, "total_commands_processed"), before = watch->total;
    int64_t now_ms = loop_now_ms(&watch->dashboard->loop), ms = now_ms - watch->at_ms;
    watch->total = total;
    watch->at_ms = now_ms;
    int64_t ours = watch->ours;
    watch->ours = 0;
    if (!before || total < before || ms <= 0)
        return figure(info, "instantaneous_ops_per_sec");
    int64_t others = total - before - ours;
    if (others < 0)
        return 0;
    return others * 1000 / ms;
}

static void on_info(const struct resp_reply *reply, void *data)
{
    struct redis_watch *watch = data;
    watch->is_asked = false;
    if (!reply || reply->type == RESP_ERROR || !reply->str)
        return;
    cleanup_json cJSON *point = cJSON_CreateObject();
    json_add_string(point, "resource", watch->name);
    json_add_int(point, "timeMs", home_now_ms());
    json_add_int(point, "ops", rate(watch, reply->str));
    json_add_int(point, "hits", figure(reply->str, "keyspace_hits"));
    json_add_int(point, "misses", figure(reply->str, "keyspace_misses"));
    json_add_int(point, "memory", figure(reply->str, "used_memory"));
    json_add_int(point, "clients", figure(reply->str, "connected_clients") - OUR_CLIENTS);
    feed_redis(watch->dashboard, watch->name, point);
}

static void look(struct redis_watch *watch)
{
    static const char *const words[] = {"INFO", NULL};
    if (watch->is_asked)
        return;
    watch->is_asked = !redis_conn_words(watch->conn, words, on_info, watch, NULL);
    watch->ours += watch->is_asked;
}

/* ---- the way there ---- */

static void close_way(struct redis_watch *watch)
{
    redis_conn_free(take_ptr(&watch->conn));
    watch->is_asked = false;
    watch->total = 0;
}

static void on_closed(const struct error *err, bool final, void *data)
{
    (void)err;
    (void) final;
    close_way(data);
}

static void open_way(struct redis_watch *watch, const struct redis_target *target, const char *ca_file)
{
    static const char *const name[] = {"CLIENT", "SETNAME", "apphost-dashboard", NULL};
    const struct redis_conn_options options = {
        .host = target->host,
        .port = target->port,
        .unix_path = target->unix_path,
        .username = target->user,
        .password = target->password,
        .tls = target->tls,
        .tls_name = target->tls_name,
        .ca_file = ca_file,
        .on_closed = on_closed,
        .data = watch,
    };

    watch->conn = redis_conn_open(&watch->dashboard->loop, &options);
    redis_conn_words(watch->conn, name, NULL, NULL, NULL);
    look(watch);
}

static void on_environment(const struct error *error, const cJSON *result, void *data)
{
    struct redis_watch *watch = data;
    struct redis_target target;
    const char *ca_file = NULL;
    watch->is_locating = false;
    if (error || !result)
        return;
    const char *kind = document_kind(link_resource(watch->dashboard, watch->name));
    bool is_ours = model_kind_info(model_find_kind(kind))->is_server;
    const struct redis_question which = {result, watch->name, is_ours};
    if (!redis_target_of(&target, &which, &ca_file))
        return;
    open_way(watch, &target, ca_file);
    redis_target_fini(&target);
}

static void locate(struct redis_watch *watch)
{
    struct supervisor_link *link = &watch->dashboard->link;
    const char *name = watch->name;
    const struct ask_resources ask = {.resources = &name, .resource_count = 1};
    struct control_request_handlers handlers = {.on_done = on_environment, .data = watch};
    if (watch->is_locating || !link->is_up || !link_resource(watch->dashboard, name))
        return;
    watch->is_locating = true;
    watch->id = control_request(link->connection, ask_name(ASK_ENV),
                                record_to_json(&ask_resources_record, &ask), &handlers);
}

static void on_timer(void *data)
{
    struct redis_watch *watch = data;
    timer_start(&watch->timer, INTERVAL_MS);
    if (watch->conn)
        look(watch);
    else
        locate(watch);
}

/* ---- whom ---- */

void redis_watch_own(struct dashboard *dashboard, const char *name, int commands)
{
    for (struct redis_watch *watch = dashboard->watches; watch; watch = watch->next)
        if (!strcmp(watch->name, name))
            watch->ours += commands;
}

static void watch_free(struct redis_watch *watch)
{
    struct dashboard *dashboard = watch->dashboard;
    timer_stop(&watch->timer);
    if (watch->is_locating && dashboard->link.connection)
        control_forget(dashboard->link.connection, watch->id);
    redis_conn_free(watch->conn);
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        dashboard->watches = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    free(watch->name);
    free(watch);
}

static void watch_begin(struct dashboard *dashboard, const char *name)
{
    struct redis_watch *watch = xcalloc(1, sizeof *watch);
    watch->dashboard = dashboard;
    watch->name = xstrdup(name);
    watch->next = dashboard->watches;
    if (watch->next)
        watch->next->prev = watch;
    dashboard->watches = watch;
    timer_init(&dashboard->loop, &watch->timer, on_timer, watch);
    timer_start(&watch->timer, 0);
}

void redis_watch_only(struct dashboard *dashboard, const struct strlist *names)
{
    cleanup_strlist struct strlist known = {0};
    for (struct redis_watch *watch = dashboard->watches, *next; watch; watch = next) {
        next = watch->next;
        if (strlist_has(names, watch->name))
            strlist_add(&known, watch->name);
        else
            watch_free(watch);
    }
    for (size_t i = 0; i < names->count; i++) {
        if (strlist_has(&known, names->items[i]))
            continue;
        strlist_add(&known, names->items[i]);
        watch_begin(dashboard, names->items[i]);
    }
}

void redis_watches_forget(struct dashboard *dashboard)
{
    for (struct redis_watch *watch = dashboard->watches; watch; watch = watch->next) {
        watch->is_locating = false;
        close_way(watch);
    }
}

void redis_watches_end(struct dashboard *dashboard)
{
    while (dashboard->watches)
        watch_free(dashboard->watches);
}
