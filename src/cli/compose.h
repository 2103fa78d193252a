/* `init --from`: the servers of a compose file as resources of ours. Inside cli/ only. */
#ifndef CLI_COMPOSE_H
#define CLI_COMPOSE_H

#include "base/error.h"
#include "base/str.h"

/* Appends `resources:` to out, and one line to notes for each thing that is not taken over. Redis and Valkey
 * images become servers, other images containers; services that are built are left out. */
int compose_convert(const char *path, struct strbuf *out, struct strbuf *notes, struct error *err);
/* A name of ours from any text: letters, digits and single hyphens, a letter first. The caller frees. */
char *compose_name(const char *text);

#endif
