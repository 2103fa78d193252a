/* Image references: "redis", "ghcr.io/a/b:1", "localhost:5000/x@sha256:…" into registry, path, tag and
 * digest. */
#ifndef BASE_IMAGE_H
#define BASE_IMAGE_H

#include "base/error.h"

#include <stdbool.h>

struct image_reference {
    char *registry; /* "docker.io", "localhost:5000" */
    char *path;     /* "library/redis" */
    char *tag;      /* or NULL with a digest */
    char *digest;   /* "sha256:…" or NULL */
    bool is_id;     /* "sha256:<64 hex>" alone: a local image */
};
/* -1 with ERROR_MANIFEST. Free what it filled. */
int image_reference_parse(const char *text, struct image_reference *reference, struct error *err);
void image_reference_free(struct image_reference *reference);
/* In full; a hub name is below `prefix` (NULL: none), without "library/" when strip_library. The caller
 * frees. */
char *image_reference_text(const struct image_reference *reference, const char *prefix, bool strip_library);
/* Why a text is no reference, or NULL. */
const char *image_reference_fault(const char *text);

#endif
