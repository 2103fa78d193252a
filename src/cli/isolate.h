/* `run --isolate N` and `run --matrix image=A,B`: the command N times at once, each with servers of its own.
 * Inside cli/ only.
 *
 * isolate_begin() forks a worker each (nothing is opened by then): a worker goes on as an ordinary `run` of a
 * project with an identity of its own, the parent only passes on what they print, a prefix before each line,
 * and waits. One worker is no fork: the terminal and standard output stay its own.
 *
 * The identity is a slot: the lowest number that no other isolated run of this manifest holds at the moment,
 * so two runs at once do not meet, and the state folders do not grow without end. Slots are locks on bytes of
 * one file; they end with the processes that hold them.
 *
 * What a worker's project has of the manifest: project/worker.h. */
#ifndef CLI_ISOLATE_H
#define CLI_ISOLATE_H

#include "session/context.h"

enum { ISOLATE_MOST = 256 };

struct isolate_worker {
    int number, count;       /* 1..count; count 0: `run` without --isolate */
    char slot[16];           /* identity: project_options.isolate */
    const char **variants;   /* of --matrix: "redis:7.2", count of them; NULL: --isolate */
    bool is_sequential;      /* one after the other */
    bool is_forked;          /* in a worker that has a parent */
    int part;                /* in a worker: a file without a name, for its part of the report */
    int parts[ISOLATE_MOST]; /* in the parent: those of all, open until it ends; -1: there is none */
};

/* In each worker: 0 and *worker; the environment has APPHOST_WORKER (from 1), APPHOST_WORKER_INDEX (from 0)
 * and APPHOST_WORKERS. In the parent, once all have ended: 1 and *code, the highest exit code. -1: no worker
 * was started. */
int isolate_begin(struct context *context, struct isolate_worker *worker, int *code, struct error *err);
/* What belongs to the parent: frees. */
void isolate_end(struct isolate_worker *worker);
/* A file or folder that each worker has for itself: "report.json" becomes "report-2.json" where there are
 * several. NULL stays NULL; the caller frees. */
char *isolate_path(const struct isolate_worker *worker, const char *path);

#endif
