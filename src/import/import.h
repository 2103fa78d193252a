/* Manifests made of what people have: compose files.
 *
 * What has a counterpart becomes a field, everything else a comment at its place with the reason; nothing is
 * lost in silence. The result is a manifest that our own reader accepts. Files are read with the reader of
 * manifests (manifest/document.h); nothing is written. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/error.h"
#include "base/str.h"

#include <stddef.h>

struct import_request {
    const struct strlist *files; /* in order: later ones are laid over earlier ones */
    char *const *environment;    /* "K=V", NULL-terminated; of ${NAME} where a value decides. NULL: none */
    const char *name;            /* of the project, where the files give none */
};

/* What became of it, for a summary. */
struct import_result {
    size_t resources; /* that the manifest has */
    size_t remarks;   /* comments: what has no counterpart, or is something else here */
    size_t sketches;  /* resources that are comments, because they have to be built */
};

/* Appends a manifest to `out`, from `name:` on. -1 with ERROR_MANIFEST at the place in the compose file. */
int import_compose(const struct import_request *request, struct strbuf *out, struct import_result *result,
                   struct error *err);
/* A name of ours from any text: letters, digits and single hyphens, a letter first. The caller frees. */
char *import_name(const char *text);

#endif
