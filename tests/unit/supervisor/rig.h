/* What the tests of this room share: a state folder, real supervisors in it, and plans of host processes. */
#ifndef RIG_H
#define RIG_H

#include "supervisor/supervisor.h"

#include <sys/types.h>

#define RIG_PREFIX "shop-1a2b3c4d"

struct rig {
    char *root, *runtime, *pids; /* pids: a file to which children append theirs */
    char *environment[4];
    int lease_fd;
    bool detached;
    const char *log_dir;
    struct state_session session; /* of the supervisor that was started last */
};

struct answer {
    struct error error;
    cJSON *data;
    int transitions;
};

int rig_open(void **state);
int rig_close(void **state);

/* Starts one and reads its record. */
void rig_start(struct rig *rig, bool lease);
int rig_try_start(struct rig *rig, int *lease_fd, struct error *err);
/* One request on a connection of its own. */
void rig_call(struct rig *rig, const char *verb, cJSON *message, struct answer *answer);
void answer_free(struct answer *answer);
/* Watches until a record of this type comes; the caller deletes it. */
cJSON *rig_watch(struct rig *rig, cJSON *message, const char *type);
/* The fields of an `up` of one process per command (shell texts; PIDS is where they say who they are). */
cJSON *rig_up(struct rig *rig, const char *const *commands);
/* Waits until so many children have said who they are; pids has room for 8. */
void rig_children(struct rig *rig, pid_t *pids, int count);
void rig_until_gone(pid_t pid);
/* Waits until exactly so many of them live. */
void rig_until_left(const pid_t *pids, int count, int left);
/* Supervisor and guard are gone, the lock is free, there is no record: all within 10 s. */
void rig_until_over(struct rig *rig);
struct state *rig_state(struct rig *rig);
char *rig_log(struct rig *rig);

#endif
