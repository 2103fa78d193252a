/* Checks that a server's data and a container's mounts share. Internal to the room. */
#ifndef MANIFEST_MOUNT_H
#define MANIFEST_MOUNT_H

#include "manifest/loader.h"

int manifest_check_volume_name(struct loader *l, const struct yaml_node *node, const char *name);
/* Is there, is readable, and is a folder when it must be one. */
int manifest_check_bind_source(struct loader *l, const struct yaml_node *node, const char *path,
                               bool needs_folder);

#endif
