/* Bringing a snapshot back.
 *
 * Two cursors run over the same checked file: `sent` and `acked`. Each record is one command, so the distance
 * between the cursors is what is under way, and `acked` knows which key a reply belongs to. RESTORE of one
 * key under a name of our own comes first: a server that cannot read this snapshot's payloads (older than the
 * one that made it, a module that is missing, no permission) says so before anything is flushed.
 *
 * A cluster's servers get all keys one after the other, and each says of those that are not its own that they
 * belong elsewhere: who has which is theirs to know. */
#include "base/digest.h"
#include "base/mem.h"
#include "base/pick.h"
#include "redis_data/operation.h"
#include "redis_data/snapshot_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WINDOW = 2 * 1024 * 1024, SHOWN_KEY = 100, MOST_TRIALS = 1000 };

struct restore {
    struct redis_data base;
    struct snapshot_reader file;
    size_t sent, acked;
    bool is_flushed;
    int trials; /* until a key is this server's */
};

static void fini(struct redis_data *operation)
{
    snapshot_close(&((struct restore *)operation)->file);
}

/* ---- commands ---- */

static void send_key(struct restore *restore, const struct snapshot_record *record, redis_reply_cb *on_reply)
{
    char expires[24];
    snprintf(expires, sizeof expires, "%" PRId64, record->expires_ms);
    const char *arguments[] = {"RESTORE", record->key, expires, record->payload, "REPLACE", "ABSTTL"};
    const size_t lengths[] = {
        7, record->key_length, (size_t)snprintf(NULL, 0, "%s", expires), record->payload_length, 7, 6};
    struct redis_command command = {
        .count = 6, .arguments = arguments, .lengths = lengths, .on_reply = on_reply};
    operation_send(&restore->base, &command);
}

static void send_functions(struct restore *restore, const struct snapshot_record *record,
                           redis_reply_cb *on_reply)
{
    const char *arguments[] = {"FUNCTION", "RESTORE", record->payload, "FLUSH"};
    const size_t lengths[] = {8, 7, record->payload_length, 5};
    struct redis_command command = {
        .count = 4, .arguments = arguments, .lengths = lengths, .on_reply = on_reply};
    operation_send(&restore->base, &command);
}

static void send_database(struct restore *restore, const struct snapshot_record *record,
                          redis_reply_cb *on_reply)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, record->database);
    operation_words(&restore->base, (const char *const[]){"SELECT", number, NULL}, on_reply);
}

static void send_record(struct restore *restore, const struct snapshot_record *record,
                        redis_reply_cb *on_reply)
{
    if (record->kind == 'K')
        send_key(restore, record, on_reply);
    else if (record->kind == 'F')
        send_functions(restore, record, on_reply);
    else
        send_database(restore, record, on_reply);
}

/* ---- the stream ---- */

static void on_record(const struct resp_reply *reply, void *data);
static void begin(struct restore *restore);

static void finish(struct restore *restore)
{
    struct error err = {0};
    size_t taken = restore->base.result.keys, all = restore->file.info.keys;
    if (operation_next(&restore->base)) {
        restore->sent = restore->acked = restore->file.records_at;
        restore->trials = 0;
        begin(restore);
    } else if (taken < all) {
        error_set(&err, ERROR_FAILED, "%zu of %zu keys were taken by no server", all - taken, all);
        operation_fail(&restore->base, &err);
    } else {
        operation_end(&restore->base);
    }
}

static void pump(struct restore *restore)
{
    struct snapshot_record record;
    while (!restore->base.ended && restore->sent - restore->acked < WINDOW) {
        size_t at = restore->sent;
        snapshot_next(&restore->file, &at, &record);
        if (record.kind == 'E')
            break;
        restore->sent = at;
        send_record(restore, &record, on_record);
    }
    snapshot_next(&restore->file, &(size_t){restore->acked}, &record);
    if (record.kind == 'E' && !restore->base.ended)
        finish(restore);
}

static void fail_record(struct restore *restore, const struct snapshot_record *record,
                        const struct resp_reply *reply)
{
    struct error err = {0};
    cleanup_free char *start = xstrndup(text_or_empty(record->key), size_min(record->key_length, SHOWN_KEY));
    cleanup_free char *key = str_printable(start);
    operation_answer(reply, &err);
    if (record->kind == 'K')
        error_wrap(&err, "cannot restore the key \"%s\"", key);
    else
        error_wrap(&err, "cannot restore %s", record->kind == 'F' ? "the functions" : "a database");
    error_hint(&err, "the server now holds %zu of %zu keys", restore->base.result.keys,
               restore->file.info.keys);
    operation_fail(&restore->base, &err);
}

static void on_record(const struct resp_reply *reply, void *data)
{
    struct restore *restore = data;
    struct snapshot_record record;
    if (operation_is_over(&restore->base, reply))
        return;
    snapshot_next(&restore->file, &restore->acked, &record);
    bool is_elsewhere = resp_reply_is_error(reply, "MOVED");
    if (reply->type == RESP_ERROR && !is_elsewhere) {
        fail_record(restore, &record, reply);
        return;
    }
    restore->base.result.keys += record.kind == 'K' && !is_elsewhere;
    /* Refill in halves: one large write costs less than many small ones. */
    if (restore->sent - restore->acked <= WINDOW / 2)
        pump(restore);
}

/* ---- the beginning ---- */

static void on_flushed(const struct resp_reply *reply, void *data)
{
    struct restore *restore = data;
    struct error err = {0};
    if (operation_is_over(&restore->base, reply))
        return;
    if (reply->type == RESP_ERROR) {
        operation_answer(reply, &err);
        operation_fail(&restore->base, &err);
        return;
    }
    restore->is_flushed = true;
    pump(restore);
}

static void on_trial(const struct resp_reply *reply, void *data)
{
    struct restore *restore = data;
    struct error err = {0};
    if (operation_is_over(&restore->base, reply))
        return;
    bool is_elsewhere = resp_reply_is_error(reply, "MOVED");
    if (is_elsewhere && restore->trials++ < MOST_TRIALS) {
        begin(restore);
        return;
    }

    if (reply->type != RESP_ERROR || is_elsewhere) {
        operation_words(&restore->base, (const char *const[]){"FLUSHALL", NULL}, on_flushed);
        return;
    }
    operation_answer(reply, &err);
    error_wrap(&err, "the server does not take this snapshot (made by %s)", restore->file.info.server);
    if (!restore->is_flushed)
        error_hint(&err, "nothing was changed");
    operation_fail(&restore->base, &err);
}

static bool find_key(const struct restore *restore, struct snapshot_record *record)
{
    size_t at = restore->file.records_at;
    do {
        snapshot_next(&restore->file, &at, record);
    } while (record->kind != 'K' && record->kind != 'E');
    return record->kind == 'K';
}

static void begin(struct restore *restore)
{
    struct snapshot_record record;
    char name[48] = "apphost:trial:";
    digest_random_text(name + 14, 24, "0123456789abcdef");
    if (!find_key(restore, &record)) {
        operation_words(&restore->base, (const char *const[]){"FLUSHALL", NULL}, on_flushed);
        return;
    }
    record.key = name;
    record.key_length = 14 + 24;
    record.expires_ms = 0;
    send_key(restore, &record, on_trial);
}

struct redis_data *redis_data_restore(struct loop *loop, const struct redis_conn_options *server,
                                      const char *file, redis_data_done_cb *done, void *data)
{
    struct restore *restore = xcalloc(1, sizeof *restore);
    struct error err = {0};
    restore->base.fini = fini;
    operation_start(&restore->base, loop, server, done, data);
    if (snapshot_open(&restore->file, file, &err)) {
        error_hint(&err, "nothing was changed");
        operation_fail(&restore->base, &err);
        return &restore->base;
    }
    restore->sent = restore->acked = restore->file.records_at;
    restore->base.result.bytes = restore->file.info.bytes;
    restore->base.result.databases = restore->file.databases;
    begin(restore);
    return &restore->base;
}
