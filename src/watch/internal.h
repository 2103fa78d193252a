/* What watch.c and tree.c share. */
#ifndef WATCH_INTERNAL_H
#define WATCH_INTERNAL_H

#include "watch/globs.h"
#include "watch/watch.h"

#include <stdint.h>
#include <uthash.h>

/* A folder with an inotify watch of its own. */
struct watch_folder {
    int number; /* the kernel's */
    char *path; /* relative; "" is the top */
    UT_hash_handle hh;
};
/* A folder that is to be looked into. */
struct watch_visit {
    char *path;
    bool is_new; /* it came after the start: whatever is in it has changed */
    struct watch_visit *prev, *next;
};

struct watch {
    struct loop *loop;
    struct watch_options options; /* callbacks; strings are ours */
    char *folder;
    struct globs globs;
    int fd;
    uv_poll_t poll;
    bool is_polling, was_troubled;
    int64_t since_ns; /* wall clock: what is younger has changed */
    bool is_new;      /* the top was not there, or is another one: everything in it has changed */
    struct watch_folder *folders;
    struct watch_visit *visits;
    struct turn walk;
    struct timer retry; /* the top is not there, or everything has to be read again */

    struct timer settle;
    int64_t first_ms, last_ms; /* of the burst */
    char *path;                /* of the burst's first change; NULL: no burst */
    bool more;
};

/* ---- tree.c: which folders are watched ---- */
/* Begins with the top; what is there already does not count as changed unless it is young. */
void tree_start(struct watch *watch);
/* A folder appeared. */
void tree_add(struct watch *watch, const char *path);
/* A folder and what is below it have gone elsewhere; whether any of it was watched. */
bool tree_drop(struct watch *watch, const char *path);
/* The kernel has forgotten a folder. */
void tree_forget(struct watch *watch, struct watch_folder *folder);
struct watch_folder *tree_find(struct watch *watch, int number);
void tree_free(struct watch *watch);

/* ---- watch.c ---- */
void watch_note(struct watch *watch, const char *path);
/* Tells it once; a hint is added. */
void watch_trouble(struct watch *watch, const char *what, const char *limit);

#endif
