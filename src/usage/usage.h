/* What trees of processes use: time of processors, memory, reading and writing of disks.
 *
 * One look at /proc serves all that are asked about: usage_look() with the first process of each; two looks
 * give shares, usage_share(). A process belongs to the nearest of the roots above it. Failure modes: what has
 * ended counts no more, and what it used went with it; what may not be read (disks, of another user's) is not
 * known, and zero where nothing runs. Ownership: the caller's arrays; nothing is kept. */
#ifndef USAGE_USAGE_H
#define USAGE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
    int64_t cpu_us;       /* of all processors, since each process began */
    int64_t memory_bytes; /* resident */
    bool has_disk;
    int64_t read_bytes, written_bytes; /* of disks */
    int processes;
};
/* usages[i]: of the tree below roots[i]; 0: of none. */
void usage_look(const pid_t *roots, struct usage *usages, size_t count);
/* Percent of one processor between two looks; a process that was replaced meanwhile has none. */
double usage_share(int64_t cpu_before_us, int64_t cpu_now_us, int64_t elapsed_ms);

#endif
