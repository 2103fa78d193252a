/* The local web page of a project: a process of its own, beside the supervisor and never in its way.
 *
 * dashboard_start() makes the process where none runs; it listens on loopback, finds the project's supervisor
 * whenever there is one, and asks it what any command could ask, without a lease. It outlives sessions:
 * between two of them the page says that nothing runs, and logs of the last one can be read. dashboard_stop()
 * ends it.
 *
 * Files in the project's state folder, all 0600:
 *   dashboard.lock    held while it runs: free means dead
 *   dashboard.json    {"pid","port","otlpPort","startedMs","version"}; kept after it, so that the next one
 * has the same ports dashboard.token   what the page is opened with; lasts until it is deleted dashboard.log
 * what it had to say
 *
 * Failure modes: a port that is taken is ERROR_PORT where it was asked for, else another is chosen. A session
 * that dies, hangs or ends leaves the page up. Ownership: options are borrowed during the call. */
#ifndef DASHBOARD_DASHBOARD_H
#define DASHBOARD_DASHBOARD_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dashboard_options {
    const char *folder;    /* of the project's state: ROOT/NAME-HASH */
    int port;              /* -1: the one that it had, else any */
    struct strlist guests; /* --allow-host */
    char *const *environment;
};

/* Blocking. 0: it listens; 1: one does already; -1. */
int dashboard_start(const struct dashboard_options *options, struct error *err);
/* In the new process: serves until a signal ends it. What becomes of the start is written to ready_fd. */
int dashboard_serve(const struct dashboard_options *options, int ready_fd, struct error *err);

struct dashboard_record {
    pid_t pid;
    int port;
    int64_t started_ms;
};
/* ERROR_NOT_RUNNING: there is none. ERROR_OWNER: a file of it is a link, a pipe, or another user's. */
int dashboard_find(const char *folder, struct dashboard_record *record, struct error *err);
/* Ends it, and waits until it is gone. ERROR_NOT_RUNNING: there is none. */
int dashboard_stop(const char *folder, struct error *err);

/* Where a browser finds it. With the lasting token; or (is_once) with one that is good for half a minute and
 * one login. The caller wipes and frees. */
char *dashboard_url(const char *folder, bool is_once, struct error *err);
/* "http://NAME.localhost:PORT/", without any. The caller frees. */
char *dashboard_address(const char *folder, int port);

#endif
