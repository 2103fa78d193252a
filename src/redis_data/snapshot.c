/* Making a snapshot.
 *
 * Asked first, in one go: pause the writers, who the server is, its functions, which databases hold keys, and
 * whether it knows PEXPIRETIME (Redis 7; before, PTTL and our clock do). Then database by database: SCAN, and
 * for each key of its answer the expiry and DUMP, followed by the next SCAN, so that the server never waits
 * for us. What one SCAN found is kept until its last DUMP has come. A key that ended in between is left out.
 *
 * The pause is renewed with each SCAN and ends with us at the latest: a killed command blocks writers for
 * seconds. */
#include "base/mem.h"
#include "base/pick.h"
#include "redis_data/operation.h"
#include "redis_data/snapshot_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATABASES = 16384 };
#define PAUSE_MS "2000"
#define SCAN_COUNT "500"

struct snapshot {
    struct redis_data base;
    char *path, *server;
    struct snapshot_writer *file;
    struct strlist databases; /* their numbers */
    size_t next_database;
    uint32_t database; /* the one being read */
    bool has_database; /* the file says that it is the first one: a cluster has no other */
    char cursor[24];
    struct redis_data_words keys; /* of one SCAN: words.text holds them */
    size_t next_key;
    int64_t expires_ms;
    bool has_expire_time;
};

static void fini(struct redis_data *operation)
{
    struct snapshot *snapshot = (struct snapshot *)operation;
    snapshot_abandon(snapshot->file);
    redis_data_words_free(&snapshot->keys);
    strlist_free(&snapshot->databases);
    free(snapshot->path);
    free(snapshot->server);
}

static bool fail_on_error(struct snapshot *snapshot, const struct resp_reply *reply, const char *what)
{
    struct error err = {0};
    if (reply->type != RESP_ERROR)
        return false;
    operation_answer(reply, &err);
    error_wrap(&err, "cannot %s", what);
    operation_fail(&snapshot->base, &err);
    return true;
}

static void pause_writers(struct snapshot *snapshot)
{
    operation_words(&snapshot->base, (const char *const[]){"CLIENT", "PAUSE", PAUSE_MS, "WRITE", NULL}, NULL);
}

/* ---- the end ---- */

static void on_keyspace(const struct resp_reply *reply, void *data);

static void on_unpaused(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    struct error err = {0};
    if (operation_is_over(&snapshot->base, reply)) /* where there is no pause, an error answers: no matter */
        return;
    if (operation_next(&snapshot->base)) {
        strlist_free(&snapshot->databases);
        snapshot->next_database = 0;
        pause_writers(snapshot);
        operation_words(&snapshot->base, (const char *const[]){"INFO", "keyspace", NULL}, on_keyspace);
        return;
    }
    if (snapshot_finish(take_ptr(&snapshot->file), &snapshot->base.result.bytes, &err))
        operation_fail(&snapshot->base, &err);
    else
        operation_end(&snapshot->base);
}

/* ---- keys ---- */

static void on_scan(const struct resp_reply *reply, void *data);

static void send_scan(struct snapshot *snapshot)
{
    pause_writers(snapshot);
    operation_words(&snapshot->base,
                    (const char *const[]){"SCAN", snapshot->cursor, "COUNT", SCAN_COUNT, NULL}, on_scan);
}

/* All of the database before has come by now. */
static void on_selected(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    if (operation_is_over(&snapshot->base, reply) || fail_on_error(snapshot, reply, "select a database"))
        return;
    struct snapshot_record record = {.kind = 'D', .database = snapshot->database};
    if (snapshot->has_database && !snapshot->database)
        return;
    snapshot->has_database |= !snapshot->database;
    snapshot_put(snapshot->file, &record);
    snapshot->base.result.databases++;
}

static void next_database(struct snapshot *snapshot)
{
    if (snapshot->next_database == snapshot->databases.count) {
        operation_words(&snapshot->base, (const char *const[]){"CLIENT", "UNPAUSE", NULL}, on_unpaused);
        return;
    }
    const char *number = snapshot->databases.items[snapshot->next_database++];
    snapshot->database = (uint32_t)strtoul(number, NULL, 10);
    snprintf(snapshot->cursor, sizeof snapshot->cursor, "0");
    operation_words(&snapshot->base, (const char *const[]){"SELECT", number, NULL}, on_selected);
    send_scan(snapshot);
}

static void on_expiry(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    int64_t now_ms = loop_wall_ns(snapshot->base.loop) / 1000000;
    if (operation_is_over(&snapshot->base, reply) || fail_on_error(snapshot, reply, "ask for an expiry"))
        return;
    if (reply->integer < 0)
        snapshot->expires_ms = 0;
    else
        snapshot->expires_ms = reply->integer;
    if (!snapshot->has_expire_time && snapshot->expires_ms)
        snapshot->expires_ms += now_ms;
}

static void on_dump(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    if (operation_is_over(&snapshot->base, reply) || fail_on_error(snapshot, reply, "dump a key"))
        return;
    size_t i = snapshot->next_key++;
    if (reply->type != RESP_STRING)
        return;
    struct snapshot_record record = {.kind = 'K',
                                     .expires_ms = snapshot->expires_ms,
                                     .key = strbuf_text(&snapshot->keys.text) + snapshot->keys.starts[i],
                                     .key_length = snapshot->keys.lengths[i],
                                     .payload = reply->str,
                                     .payload_length = reply->len};
    snapshot_put(snapshot->file, &record);
    snapshot->base.result.keys++;
}

static void send_key(struct snapshot *snapshot, const struct resp_reply *key)
{
    const char *ask_expiry = "PTTL";
    if (snapshot->has_expire_time)
        ask_expiry = "PEXPIRETIME";
    const size_t lengths[] = {strlen(ask_expiry), key->len}, dump_lengths[] = {4, key->len};
    struct redis_command expiry = {.count = 2,
                                   .arguments = (const char *const[]){ask_expiry, key->str},
                                   .lengths = lengths,
                                   .on_reply = on_expiry};
    struct redis_command dump = {.count = 2,
                                 .arguments = (const char *const[]){"DUMP", key->str},
                                 .lengths = dump_lengths,
                                 .on_reply = on_dump};
    operation_send(&snapshot->base, &expiry);
    operation_send(&snapshot->base, &dump);
}

static void keep_key(struct redis_data_words *keys, const struct resp_reply *key)
{
    if (keys->count == keys->capacity) {
        keys->capacity = grown(keys->capacity, 512);
        keys->starts = xreallocarray(keys->starts, keys->capacity, sizeof *keys->starts);
        keys->lengths = xreallocarray(keys->lengths, keys->capacity, sizeof *keys->lengths);
    }
    keys->starts[keys->count] = keys->text.length;
    keys->lengths[keys->count++] = key->len;
    strbuf_add(&keys->text, key->str, key->len);
}

static bool is_scan(const struct resp_reply *reply)
{
    if (reply->type != RESP_ARRAY || reply->count != 2 || reply->elements[0].type != RESP_STRING ||
        reply->elements[0].len >= sizeof((struct snapshot *)0)->cursor)
        return false;
    const struct resp_reply *keys = &reply->elements[1];
    for (size_t i = 0; i < keys->count; i++)
        if (keys->elements[i].type != RESP_STRING)
            return false;
    return true;
}

static void on_scan(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    struct error err = {0};
    if (operation_is_over(&snapshot->base, reply) || fail_on_error(snapshot, reply, "list the keys"))
        return;
    if (!is_scan(reply)) {
        error_set(&err, ERROR_PROTOCOL, "the answer to SCAN is none");
        operation_fail(&snapshot->base, &err);
        return;
    }

    const struct resp_reply *keys = &reply->elements[1];
    snapshot->keys.count = snapshot->next_key = 0;
    snapshot->keys.text.limit = SIZE_MAX / 2; /* one SCAN's keys: the protocol's own limits hold */
    strbuf_truncate(&snapshot->keys.text, 0);
    for (size_t i = 0; i < keys->count; i++) {
        keep_key(&snapshot->keys, &keys->elements[i]);
        send_key(snapshot, &keys->elements[i]);
    }
    snprintf(snapshot->cursor, sizeof snapshot->cursor, "%s", reply->elements[0].str);
    if (strcmp(snapshot->cursor, "0") != 0)
        send_scan(snapshot);
    else
        next_database(snapshot);
}

/* ---- the beginning ---- */

/* The value of "name:value\r\n" in an INFO text; the caller frees. */
static char *info_value(const char *info, const char *name)
{
    cleanup_free char *start = xasprintf("\n%s:", name);
    const char *found = strstr(info, start);
    if (!found)
        return NULL;
    found += strlen(start);
    return xstrndup(found, strcspn(found, "\r\n"));
}

/* Measured with 2.2.8: DUMP of a hash, a list or a set is no value, as if the key had ended. */
static void refuse_garnet(struct snapshot *snapshot)
{
    struct error err = {0};
    error_set(&err, ERROR_FAILED, "%s cannot be kept: it dumps strings only", snapshot->server);
    error_hint(&err, "`--flush --seed FILE` brings it to a known state");
    operation_fail(&snapshot->base, &err);
}

static void on_info(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    if (operation_is_over(&snapshot->base, reply) || !reply->str)
        return;
    cleanup_free char *valkey = info_value(reply->str, "valkey_version");
    cleanup_free char *redis = info_value(reply->str, "redis_version");
    cleanup_free char *garnet = info_value(reply->str, "garnet_version");
    const char *family = "redis", *version = text_or(redis, "of unknown version");
    if (garnet) {
        family = "garnet";
        version = garnet;
    }
    if (valkey) {
        family = "valkey";
        version = valkey;
    }

    free(snapshot->server);
    snapshot->server = xasprintf("%s %s", family, version);
    if (garnet)
        refuse_garnet(snapshot);
}

static void on_expire_time(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    if (!operation_is_over(&snapshot->base, reply))
        snapshot->has_expire_time = reply->type == RESP_INTEGER;
}

/* Asked after INFO: the server's name is known, the file begins here. */
static void on_functions(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    struct error err = {0};
    if (operation_is_over(&snapshot->base, reply))
        return;
    int64_t now_ms = loop_wall_ns(snapshot->base.loop) / 1000000;
    snapshot->file = snapshot_create(snapshot->path, now_ms, text_or_empty(snapshot->server), &err);
    if (!snapshot->file) {
        operation_fail(&snapshot->base, &err);
        return;
    }
    struct snapshot_record record = {.kind = 'F', .payload = reply->str, .payload_length = reply->len};
    if (reply->type == RESP_STRING)
        snapshot_put(snapshot->file, &record);
}

static void on_keyspace(const struct resp_reply *reply, void *data)
{
    struct snapshot *snapshot = data;
    if (operation_is_over(&snapshot->base, reply) || fail_on_error(snapshot, reply, "list the databases"))
        return;
    for (const char *at = reply->str;
         at && (at = strstr(at, "\ndb")) && snapshot->databases.count < DATABASES; at += 3) {
        size_t digits = strspn(at + 3, "0123456789");
        if (digits && digits < 10 && at[3 + digits] == ':')
            strlist_take(&snapshot->databases, xstrndup(at + 3, digits));
    }
    next_database(snapshot);
}

struct redis_data *redis_data_snapshot(struct loop *loop, const struct redis_conn_options *server,
                                       const char *file, redis_data_done_cb *done, void *data)
{
    struct snapshot *snapshot = xcalloc(1, sizeof *snapshot);
    struct redis_data *base = &snapshot->base;
    base->fini = fini;
    snapshot->path = xstrdup(file);
    operation_start(base, loop, server, done, data);
    pause_writers(snapshot);
    operation_words(base, (const char *const[]){"INFO", "server", NULL}, on_info);
    operation_words(base, (const char *const[]){"PEXPIRETIME", "apphost:none", NULL}, on_expire_time);
    operation_words(base, (const char *const[]){"FUNCTION", "DUMP", NULL}, on_functions);
    operation_words(base, (const char *const[]){"INFO", "keyspace", NULL}, on_keyspace);
    return base;
}
