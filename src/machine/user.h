/* Whose processes we are, and which machine this is, told so that a namespace or a rebuilt image does not
 * change the answer. What cannot be told is left as it is, or NULL. */
#ifndef MACHINE_USER_H
#define MACHINE_USER_H

#include <stdbool.h>
#include <sys/types.h>

/* The user as the outside of our user namespace calls him: root of a rootless container is the one who
 * started it. Without a mapping (or outside of any): uid itself. */
uid_t machine_outer_uid(uid_t uid);
uid_t machine_outer_uid_in(const char *uid_map, uid_t uid); /* pure: lines "inside outside count" */
/* /etc/machine-id, where it is one that lasts: 32 hex digits that are not of this boot alone (systemd mounts
 * a passing one over the file where /etc cannot be written). NULL: none. The caller frees. */
char *machine_lasting_id(void);
/* We are in the first pid namespace, so /proc shows the processes of all. */
bool machine_sees_all_processes(void);

#endif
