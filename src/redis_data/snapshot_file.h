/* The format of a snapshot, both ways. Inside redis_data/ (and its tests) only.
 *
 *   head    "apphost redis snapshot 1\n"   the last digit is the format's version
 *           i64 created, ms since 1970; 32 bytes of text: the server's name and version, padded with NULs
 *   records 'D' u32 number                                    the keys that follow are of this database
 *           'F' u32 length, bytes                             FUNCTION DUMP
 *           'K' i64 expires, ms since 1970, 0: never; u32 length, key; u32 length, DUMP payload
 *   end     'E' u64 keys; 32 bytes: SHA-256 of everything before them
 *
 * Numbers are little endian. Each record but the end stands for exactly one command of a restore. */
#ifndef REDIS_DATA_SNAPSHOT_FILE_H
#define REDIS_DATA_SNAPSHOT_FILE_H

#include "redis_data/redis_data.h"

struct snapshot_record {
    char kind; /* 'D', 'F', 'K'; 'E' at the end */
    uint32_t database;
    int64_t expires_ms;
    const char *key, *payload; /* into the file */
    size_t key_length, payload_length;
};

/* ---- reading ---- */

struct snapshot_reader {
    const char *bytes; /* mapped, or whoever called snapshot_check()'s */
    size_t length;
    size_t records_at; /* where the first record begins */
    struct redis_data_info info;
    size_t databases;
};
/* Maps the file and checks all of it. ERROR_NO_FILE, ERROR_PROTOCOL. */
int snapshot_open(struct snapshot_reader *reader, const char *path, struct error *err);
void snapshot_close(struct snapshot_reader *reader);
/* The checks, over bytes in memory. trusting: leave the digest out (a fuzzer cannot guess it). */
int snapshot_check(struct snapshot_reader *reader, bool trusting, struct error *err);
/* The record at *at, which moves behind it. The file was checked. */
void snapshot_next(const struct snapshot_reader *reader, size_t *at, struct snapshot_record *record);

/* ---- writing ---- */

struct snapshot_writer;
/* Begins a temporary file beside path. server: its name and version. */
struct snapshot_writer *snapshot_create(const char *path, int64_t created_ms, const char *server,
                                        struct error *err);
/* Failures are kept and told by snapshot_finish(). */
void snapshot_put(struct snapshot_writer *writer, const struct snapshot_record *record);
/* Ends the file and renames it into place; *bytes gets its size. Frees the writer. */
int snapshot_finish(struct snapshot_writer *writer, int64_t *bytes, struct error *err);
/* Removes the temporary file. NULL is allowed. */
void snapshot_abandon(struct snapshot_writer *writer);

#endif
