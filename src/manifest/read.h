/* Steps of a load. Internal to the room. */
#ifndef MANIFEST_READ_H
#define MANIFEST_READ_H

#include "manifest/root.h"

/* Refuses what no manifest holds (byte order marks, NULs, control characters, bytes that are not UTF-8), with
 * the place. */
int manifest_check_text(struct loader *l, const char *name, const char *text, size_t length);
/* Reads every declared resource into the model. */
void manifest_read_resources(struct loader *l, const struct manifest_root *top);

#endif
