/* Private to room logs: one resource's files as one stream of records, for reading.
 *
 * feed_open() takes the rotated file and the current one; feed_fill() gives record after record. Files are
 * queued by feed_look() as the writer begins them: a file that is open can be read to its end however often
 * the writer rotates meanwhile, so a slow reader misses nothing until FEED_FILES are waiting; then a record
 * says that lines are missing. Missing files are fine: they are looked for again.
 *
 * Ownership: a feed owns descriptors and one buffer, which grows to the largest record. */
#ifndef LOGS_FEED_H
#define LOGS_FEED_H

#include "logs/record.h"

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { FEED_FILES = 16 }; /* 256 MiB of the default size */

struct feed_file {
    int fd;
    ino_t inode;
    int64_t offset;   /* of the next byte to parse */
    int64_t end;      /* read no further; -1: no bound */
    bool is_complete; /* its end was seen after the next one had begun */
    bool has_gap;     /* files before it were not read */
};

struct feed {
    char *name, *path, *old_path;
    int64_t spill;                      /* address of a memory file, or 0: a file of the folder */
    struct feed_file files[FEED_FILES]; /* oldest first; the first one is being read */
    int file_count;
    char *buffer;
    size_t start, length, capacity; /* unparsed bytes: buffer[start..length) */
    int64_t since_ns;
    bool follows;
    bool is_at_end; /* nothing more for now: set by feed_fill(), cleared by who knows better */
    bool has_record;
    struct log_record record; /* points into buffer */
    size_t text_at;           /* the part of its text that was delivered */
};

struct feed *feed_new(const char *folder, const char *name, bool follows, int64_t since_ns);
/* What the disk did not take of it: one more feed of the same name; NULL where there is no such thing. */
struct feed *feed_new_spill(const struct feed *feed);
void feed_free(struct feed *feed);
/* Opens what is there and goes to the beginning. */
void feed_open(struct feed *feed);
/* Queues a file that the writer has begun since. Cheap; to be called when files of the folder come and go. */
void feed_look(struct feed *feed);
/* True with feed->record set, or false at the end (is_at_end). */
bool feed_fill(struct feed *feed);
/* The last `count` lines (those that match grep, unless NULL) from what is there: goes to their record and
 * returns how many lines there are from that point, maybe more than count. After feed_open(). */
int64_t feed_seek_tail(struct feed *feed, int64_t count, const regex_t *grep);
/* Whether one line matches; NULL matches all. */
bool feed_matches(const regex_t *grep, const char *text, size_t length);

#endif
