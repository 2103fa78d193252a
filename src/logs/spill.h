/* Private to room logs: where the lines go that the disk does not take.
 *
 * A file in memory of the writer's process, with records like any other. Whoever follows the log finds it
 * through the log's first record, which can be rewritten on a full disk, and reads it as one more file of
 * that resource: what is lost to the log is not lost to who looks on. It holds SPILL_MAX; then the next one
 * takes its place under the same descriptor, and a reader finishes the one that it has open. */
#ifndef LOGS_SPILL_H
#define LOGS_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { SPILL_MAX = 16 << 20 };

struct log_spill {
    int fd; /* -1: nothing was spilt */
    int64_t size, number;
};

/* Whole records. False when there is no memory either. */
bool log_spill_write(struct log_spill *spill, const char *resource, const struct iovec *pieces, int count);
void log_spill_close(struct log_spill *spill);
/* How the first record of a log says where it is: never 0. */
int64_t log_spill_address(const struct log_spill *spill);
/* The path to read it at; NULL when there is none (any more) of this resource. The caller frees. */
char *log_spill_path(int64_t address, const char *resource);

#endif
