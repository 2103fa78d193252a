/* What the kernel says about the place that we run in: which container this is, and where a folder lies when
 * it is looked at from outside.
 *
 * Happy path: the mounts of our own namespace (/proc/self/mountinfo) name the container that they were made
 * for, because every engine mounts its own /etc/hostname, /etc/resolv.conf and /etc/hosts there. Failure
 * modes: what cannot be told is NULL, never a guess; a host name, a file that images carry, an interface
 * are no evidence. Such an id only chooses what to *ask*: an engine that does not know it did not make us.
 * Ownership: results are the caller's. The functions that end in _in are pure, over a given text. */
#ifndef MACHINE_SELF_H
#define MACHINE_SELF_H

#include <stdbool.h>

/* The id of the container that we run in (64 hex digits), or NULL. Docker: …/containers/<id>/hostname;
 * Podman: …/overlay-containers/<id>/userdata/hostname, or …/containers/<id>/…; else the last 64 hex digits of
 * a path of /proc/self/cgroup (cgroup v1, or v2 without a namespace of its own). */
char *machine_container_id(void);
char *machine_container_id_in(const char *mountinfo, const char *cgroup);

/* How a path is seen by whoever made the mount that holds it. */
struct machine_outside {
    char *path;   /* the mount's root field and what is left of the path; NULL: mountinfo could not be read */
    char *point;  /* where the mount stands here */
    char *type;   /* "ext4", "overlay", "tmpfs", "9p" … */
    char *device; /* "254:0": tells file systems apart */
    bool is_bind; /* a part of a file system stands here; false: all of it, such as a container's own root */
};
/* Fills for an absolute, canonical path. Known: `path` is the path inside of the file system `device`. Not
 * known: where the other side has that file system mounted; when that is its root, `path` is what it sees (a
 * bind mount of /home/u/shop where /home is no mount of its own), otherwise the mount point there, or the
 * name of a subvolume (btrfs: /@home), is missing or too much. The engine's own word is Mounts[].Source of
 * our container. Outside of a container the answer says nothing that is of use. */
void machine_outside(const char *path, struct machine_outside *outside);
void machine_outside_in(const char *mountinfo, const char *path, struct machine_outside *outside);
void machine_outside_free(struct machine_outside *outside);
/* `path` of the above, of what a container was given by a bind mount; NULL for all else. */
char *machine_bound_from(const char *path);

#endif
