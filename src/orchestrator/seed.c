/* Row `seeded`: a server whose data set is empty is filled from files of commands, after it answers and
 * before anybody who depends on it starts.
 *
 * INFO keyspace tells whether there is any key; then the files, one after the other. It runs beside the
 * sensor and ends with it (sensor_stop calls what is told to it): an instance that goes takes its seeding
 * along. Failures: a file that does not parse or a command that the server refuses fails the node, positioned
 * at file and line. What was written until then is flushed: the data set was empty, and the next try finds it
 * so. Of a replication who is primary now is asked and written to; of a cluster all primaries are asked, and
 * the commands go to whom their keys belong. */
#include "orchestrator/internal.h"

#include "redis_data/redis_data.h"

#include <string.h>

struct seeding {
    struct redis_conn *conn;
    struct redis_data *operation;
    size_t next;  /* file */
    size_t asked; /* of a cluster: how far its other primaries are known to be empty */
    struct error error;
};

bool seed_is_met(const struct node *node)
{
    return !node->spec->run.seed_count || node->facts.seeded || node_is_over(node);
}

static void seed_stop(struct node *node)
{
    struct seeding *seeding = take_ptr(&node->seeding);
    if (!seeding)
        return;
    if (seeding->conn)
        redis_conn_free(seeding->conn);
    redis_data_cancel(seeding->operation);
    error_clear(&seeding->error);
    free(seeding);
}

static void fail(struct node *node, const struct error *err)
{
    cleanup_error struct error cause = {0};
    error_copy(&cause, err);
    cause.code = ERROR_RESOURCE;
    if (cause.source.file && !cause.source.column)
        cause.source.column = 1;
    error_wrap(&cause, "cannot seed %s", node->resource);
    sensor_stop(node); /* and with it this seeding */
    node_fail(node, &cause);
}

/* The other primaries of its cluster, too. */
static void add_others(const struct node *node, struct redis_data *operation)
{
    size_t at = 0;
    for (struct node *other; (other = forming_next_primary(node, &at));) {
        char *password;
        struct redis_conn_options server = server_access(other, &password);
        redis_data_also(operation, &server);
        server_forget(password);
    }
}

/* A file's content in, or (NULL) all out: of who is primary, which after a failover is another one. */
static void begin(struct node *node, const char *file, redis_data_done_cb *done)
{
    struct loop *loop = node->o->services.loop;
    struct node *primary = forming_writable(node);
    char *password;
    struct redis_conn_options server = server_access(primary, &password);
    if (file)
        node->seeding->operation = redis_data_seed(loop, &server, file, done, node);
    else
        node->seeding->operation = redis_data_flush(loop, &server, done, node);
    server_forget(password);
    add_others(primary, node->seeding->operation);
}

static void on_flushed(const struct error *error, const struct redis_data_result *result, void *data)
{
    struct node *node = data;
    (void)error, (void)result;
    node->seeding->operation = NULL;
    cleanup_error struct error cause = {0};
    error_move(&cause, &node->seeding->error);
    fail(node, &cause);
}

static void next_file(struct node *node);

static void on_file(const struct error *error, const struct redis_data_result *result, void *data)
{
    struct node *node = data;
    struct seeding *seeding = node->seeding;
    (void)result;
    seeding->operation = NULL;
    if (!error) {
        seeding->next++;
        next_file(node);
        return;
    }
    error_copy(&seeding->error, error);
    begin(node, NULL, on_flushed);
}

static void finish(struct node *node)
{
    seed_stop(node);
    facts_seed(node, true);
    node_wake(node);
}

static void next_file(struct node *node)
{
    struct seeding *seeding = node->seeding;
    const struct plan_run *run = &node->spec->run;
    if (seeding->next >= run->seed_count) {
        finish(node);
        return;
    }
    begin(node, run->seed[seeding->next], on_file);
}

static void ask(struct node *node, struct node *whom);

/* "# Keyspace", and a line "db0:keys=…" for each database that holds something. */
static void on_keyspace(const struct resp_reply *reply, void *data)
{
    struct node *node = data;
    if (!reply)
        return; /* on_lost follows */
    bool tells = reply->type != RESP_ERROR && reply->str;
    bool has_keys = tells && strstr(reply->str, "db");
    redis_conn_free(take_ptr(&node->seeding->conn));
    if (!tells) {
        cleanup_error struct error err = {0};
        error_set(&err, ERROR_RESOURCE, "it does not tell whether it is empty");
        fail(node, &err);
        return;
    }

    struct node *other = forming_next_primary(forming_writable(node), &node->seeding->asked);
    if (has_keys)
        finish(node);
    else if (other)
        ask(node, other);
    else
        next_file(node);
}

static void on_lost(const struct error *err, bool final, void *data)
{
    (void) final;
    fail(data, err);
}

static void ask(struct node *node, struct node *whom)
{
    static const char *const words[] = {"INFO", "keyspace", NULL};
    cleanup_error struct error err = {0};
    node->seeding->conn = server_open(whom, on_lost, node);
    if (redis_conn_words(node->seeding->conn, words, on_keyspace, node, &err) < 0)
        fail(node, &err);
}

void seed_start(struct node *node)
{
    if (node->seeding)
        return;
    node->beside[BESIDE_SEED] = seed_stop;
    node->seeding = xcalloc(1, sizeof *node->seeding);
    ask(node, forming_writable(node));
}
