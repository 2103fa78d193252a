/* Private to room logs: how records lie in a file.
 *
 * A record is a head of 16 bytes, the text, and its length once more, so that a file can be read from either
 * end:
 *
 *     "\x1e" "L" "1"   magic
 *     kind             stream (1 or 2) plus RECORD_PARTIAL when the text does not end a line
 *     length           of the text, 4 bytes
 *     time             nanoseconds since 1970, 8 bytes
 *     text             whole lines with their newlines; the last one without when it is partial
 *     length           again
 *
 * A file begins with a record of kind RECORD_FILE, whose text is the file's number: the writer counts up with
 * every rotation, so that a reader knows when it has missed one. In place of a time it has the address of
 * what the disk did not take, or 0.
 *
 * One record holds all lines that came in one piece, so writing needs no work per line. Numbers are in the
 * machine's byte order: files never leave it. Pure functions on memory; any bytes are safe to parse. */
#ifndef LOGS_RECORD_H
#define LOGS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECORD_HEAD = 16,
    RECORD_FOOT = 4,
    RECORD_PARTIAL = 0x10,
    RECORD_FILE = 3, /* a "stream" that is none */
    RECORD_FILE_SIZE = RECORD_HEAD + 8 + RECORD_FOOT,
    RECORD_TEXT_MAX = 256 * 1024,
    RECORD_MAX = RECORD_HEAD + RECORD_TEXT_MAX + RECORD_FOOT,
};

struct log_record {
    int stream;
    bool partial;
    int64_t time_ns;
    const char *text;
    size_t length; /* of the text */
    size_t size;   /* of the whole record */
};

void record_write_head(char out[RECORD_HEAD], const struct log_record *record);
void record_write_foot(char out[RECORD_FOOT], size_t length);
/* The record that starts at `bytes`: 1 found, 0 more bytes are needed, -1 there is none. */
int record_parse(const char *bytes, size_t length, struct log_record *record);
/* What a head says, without the text. */
bool record_parse_head(const char head[RECORD_HEAD], struct log_record *record);
/* The record that ends at bytes[length): same results; 0: more bytes before `bytes` are needed. */
int record_parse_back(const char *bytes, size_t length, struct log_record *record);
/* After a record_parse() of -1: bytes to skip until a record may start (at least 1, at most length). */
size_t record_resync(const char *bytes, size_t length);
/* The record at the beginning of a file, and its number (0 when it has none). */
void record_write_file(char out[RECORD_FILE_SIZE], int64_t number, int64_t spill);
int64_t record_read_file(int fd);
/* Where the lines are that the disk did not take: log_spill_address(), or 0. */
int64_t record_read_spill(int fd);
/* How many lines are in it: a partial one counts. */
int64_t record_count_lines(const struct log_record *record);
int64_t record_count_newlines(const char *text, size_t length);

#endif
