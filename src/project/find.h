/* Which projects there are: what the state folders of this user tell.
 *
 * find_all() reads each folder's lock, session record and manifest once; the rest picks from that list, and
 * never chooses between two that answer to the same name. Failure: a root that cannot be read is an error,
 * never an empty list. Ownership: the list is the caller's; what is picked points into it. */
#ifndef PROJECT_FIND_H
#define PROJECT_FIND_H

#include "base/error.h"
#include "state/state.h"

/* How much of a project is there. */
enum find_rank {
    FIND_OVER, /* a state folder only */
    FIND_DEAD, /* a session record whose lock is free */
    FIND_RUNS, /* somebody holds the lock */
};

struct find_project {
    char *prefix;
    struct identity identity;
    char *manifest; /* of the last session, or NULL */
    enum find_rank rank;
    int64_t changed_ns; /* when something was last put into the folder or taken out: at a session's ends */
};
struct find_list {
    struct find_project *items;
    size_t count;
};

int find_all(const char *root, struct find_list *list, struct error *err);
void find_free(struct find_list *list);
#define cleanup_find __attribute__((cleanup(find_free)))

/* Of this hash: where a renamed project has several, the one with the most in it, else the last used. NULL:
 * none. */
const struct find_project *find_by_hash(const struct find_list *list, const char *hash);
/* The one whose manifest was in this folder or the nearest above, if it left a session. */
const struct find_project *find_by_folder(const struct find_list *list, const char *folder);
const struct find_project *find_by_prefix(const struct find_list *list, const char *prefix);
/* 1: *found; 0: nobody is called so; -1: several are, ERROR_USAGE with their folders. Whoever runs or died
 * comes before those that are over. */
int find_by_name(const struct find_list *list, const char *name, const struct find_project **found,
                 struct error *err);
/* ERROR_NOT_RUNNING: no project is called so, with those that run as the hint. */
int find_refuse_name(const struct find_list *list, const char *name, struct error *err);

#endif
