/* YAML files that are no manifests (compose files, for one), read by the same reader: trees with positions,
 * the variables of ${NAME}, and what is wrong with them.
 *
 * A document owns its trees: everything lives until manifest_document_free(). Blocking reads of local files.
 */
#ifndef MANIFEST_DOCUMENT_H
#define MANIFEST_DOCUMENT_H

#include "base/error.h"
#include "base/mem.h"
#include "manifest/node.h"

struct manifest_document;

/* `environment`: "K=V", NULL-terminated, or NULL for none; borrowed. */
struct manifest_document *manifest_document_new(char *const *environment);
void manifest_document_free(struct manifest_document *document);
/* What lives as long as the document. */
struct arena *manifest_document_arena(struct manifest_document *document);
/* Reads a file that is a map. NULL with ERROR_MANIFEST at the first problem's position. */
struct yaml_node *manifest_document_read(struct manifest_document *document, const char *path,
                                         struct error *err);
/* Takes the variables of a file in; those of the environment win. -1 with ERROR_MANIFEST. */
int manifest_document_variables(struct manifest_document *document, const char *path, struct error *err);
/* The text with its variables replaced, or NULL where that fails (one is required, or the text is broken). */
const char *manifest_document_expand(struct manifest_document *document, const char *text);

#endif
