/* What the running resources use, as of now. Two answers give shares of a processor (usage/usage.h).
 *
 *   usage     {}; {"timeMs","clockMs","resources":[{"name","replicaOf"?,"node","pid","cpuUs","memoryBytes",
 *             "processes","readBytes"?,"writtenBytes"?}]}
 *             of everything that has a process on this machine: containers of a remote engine have none.
 *             clockMs: a clock that nobody sets back, for what lies between two answers. pid: a resource that
 *             has another one meanwhile began anew. Bytes of disks where they may be read.
 *
 * Ownership as in view.h. */
#ifndef CONTROL_USAGE_H
#define CONTROL_USAGE_H

#include "record/record.h"

struct view_usage {
    const char *name, *replica_of, *node;
    int64_t pid, cpu_us, memory_bytes, processes;
    struct record_maybe read_bytes, written_bytes;
};
struct view_usages {
    int64_t time_ms, clock_ms;
    struct view_usage *resources;
    size_t resource_count;

    cJSON *json; /* what it was read from, or NULL */
    struct arena arena;
};
cJSON *view_usages_to_json(const struct view_usages *usages);
/* Takes the document. NULL, with ERROR_PROTOCOL, when it is none. */
struct view_usages *view_usages_read(cJSON *json, struct error *err);
void view_usages_free(struct view_usages *usages);

#endif
