/* Private to room logs: the file that a writer appends to: opened, numbered, rotated, never left with half a
 * record.
 *
 * Files: "<resource>.log" and, one rotation older, "<resource>.log.1". Ownership: paths and the descriptor.
 */
#ifndef LOGS_FILE_H
#define LOGS_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct log_file {
    char *path, *old_path;
    int fd; /* -1: could not be opened again */
    int64_t size, max_bytes;
    int64_t number; /* counts the rotations */
};

/* Creates it with mode 0600 or goes on with what is there. max_bytes 0: 16 MiB. After a failure it has to be
 * closed, too. */
int log_file_open(struct log_file *file, const char *folder, const char *resource, int64_t max_bytes,
                  struct error *err);
void log_file_close(struct log_file *file);
/* Appends whole records, `length` bytes in all; rotates before that when they would not fit. All or nothing:
 * when the disk is full, the file is cut back. False with errno. */
bool log_file_write(struct log_file *file, const struct iovec *pieces, int count, size_t length);
/* Rewrites the first record, which takes no room: where the lines are that the disk did not take, 0: nowhere.
 * Readers wake up by it. */
void log_file_point(struct log_file *file, int64_t spill);

#endif
