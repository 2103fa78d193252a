/* The data of a Redis server as a whole: empty it, fill it from a file of commands, keep it under a file
 * name, bring it back. What a test suite does between its tests.
 *
 * Each redis_data_… start function opens a connection of its own, does one thing and ends: `done` runs once,
 * in a later turn, with the error or with what was counted, and the operation is freed after it.
 * redis_data_cancel() frees it earlier, without `done`. There is no deadline in here: whoever started it has
 * one.
 *
 * Happy path of a snapshot: writers pause, SCAN over every database, PEXPIRETIME and DUMP of each key in a
 * pipeline, the records go to a temporary file, which is renamed at the end. Of a restore: the whole file is
 * checked, one key is restored on trial, only then FLUSHALL, and RESTORE … ABSTTL in a pipeline of bounded
 * size. Failures: no connection, the server answers an error, the file is damaged, foreign or unreadable, a
 * full disk. A failed snapshot leaves the old file. A restore that fails before FLUSHALL has changed nothing,
 * and its text says so.
 *
 * Promise: no callback before the start function returned, and none after a cancel. Everything on the loop's
 * thread. Files are read and written blocking. Error texts hold key names and the server's words, never the
 * password. */
#ifndef REDIS_DATA_REDIS_DATA_H
#define REDIS_DATA_REDIS_DATA_H

#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"
#include "redis_conn/redis_conn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- commands as text ---- */

/* One command's words. Zero-initialise and use again for each; they point into the input or into `text`, and
 * hold until the next call. */
struct redis_data_words {
    const char **arguments;
    size_t *lengths;
    size_t count;
    size_t capacity;
    struct strbuf text;
    size_t *starts;
};
void redis_data_words_free(struct redis_data_words *words);

/* Splits a line as redis-cli does: blanks separate; "…" knows \n \r \t \b \a \xHH and \ before any other
 * character; '…' knows \' only; a closing quote ends its word. Source: sdssplitargs() of Redis, src/sds.c. -1
 * with ERROR_USAGE. */
int redis_data_split(struct redis_data_words *words, const char *line, size_t length, struct error *err);

/* The next command in a stream of bytes, as a line of text or as a RESP array of bulk strings.
 * 1: *used bytes are consumed; no words means a blank line or a comment (its first character is #). 0: more
 * bytes are needed (never when is_end). -1: nonsense, with ERROR_USAGE. Limits: those of the protocol, a line
 * has 64 MiB. */
int redis_data_read_command(struct redis_data_words *words, const char *bytes, size_t length, bool is_end,
                            size_t *used, struct error *err);

/* Commands that turn a connection into something that does not answer one by one: SUBSCRIBE, MONITOR, SYNC, …
 */
bool redis_data_is_stream(const struct redis_data_words *words);

/* ---- operations ---- */

struct redis_data;

struct redis_data_result {
    size_t keys;      /* snapshot, restore */
    size_t databases; /* that hold keys: snapshot, restore */
    size_t commands;  /* seed */
    int64_t bytes;    /* of the file */
};
/* error NULL: it worked. result is never NULL: how far it came. */
typedef void redis_data_done_cb(const struct error *error, const struct redis_data_result *result,
                                void *data);

/* `server` is copied; its callbacks and limits are ours to set. */
struct redis_data *redis_data_flush(struct loop *loop, const struct redis_conn_options *server,
                                    redis_data_done_cb *done, void *data);
/* Executes the commands of a file one after the other; the first error stops, positioned at file and line.
 * Nothing is executed when the file does not parse or holds a command that redis_data_is_stream(). At most
 * 256 MiB. */
struct redis_data *redis_data_seed(struct loop *loop, const struct redis_conn_options *server,
                                   const char *file, redis_data_done_cb *done, void *data);
/* All databases and functions into a file of mode 0600. It is one moment's state where the server can pause
 * writers. */
struct redis_data *redis_data_snapshot(struct loop *loop, const struct redis_conn_options *server,
                                       const char *file, redis_data_done_cb *done, void *data);
/* Replaces everything that the server holds. */
struct redis_data *redis_data_restore(struct loop *loop, const struct redis_conn_options *server,
                                      const char *file, redis_data_done_cb *done, void *data);
/* Before the loop's next turn: the data is spread over this server, too, as that of a cluster is over its
 * primaries. Each is emptied; a file's commands go where the servers say that they belong (those without a
 * key to the last one that had one); all of them make one snapshot, each shard of its own moment; and of a
 * snapshot each takes what is its own. */
void redis_data_also(struct redis_data *operation, const struct redis_conn_options *server);
/* NULL is allowed. A cancelled restore leaves the server half filled; a cancelled snapshot leaves no file. */
void redis_data_cancel(struct redis_data *operation);

/* ---- snapshot files ---- */

struct redis_data_info {
    int64_t created_ms; /* since 1970 */
    size_t keys;
    int64_t bytes;
    char server[32]; /* "redis 7.0.15"; "" when it did not say */
};
/* Reads head and end of a snapshot, does not check what is between. ERROR_NO_FILE, ERROR_PROTOCOL (no
 * snapshot). */
int redis_data_info(const char *file, struct redis_data_info *info, struct error *err);

#endif
