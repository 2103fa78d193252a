/* The tables that kinds of resources are built from. Internal to the room. */
#ifndef MANIFEST_TABLES_H
#define MANIFEST_TABLES_H

#include "manifest/field.h"

/* common: every resource; running: what has a life; hosted: what an engine runs. Each extends the one before.
 */
extern const struct table table_common, table_running, table_hosted;

/* Garnet's own rules, after those of all servers. */
void manifest_finish_garnet(struct loader *l, struct node *map, void *object);

#endif
