/* Files that are no manifests. See document.h.
 *
 * A document is a load without its model: the loader's files, variables and problems. Of the problems the
 * first one is told, as an error at its position. */
#include "manifest/document.h"
#include "base/file.h"
#include "base/pick.h"
#include "manifest/loader.h"
#include "manifest/read.h"

#include <stdlib.h>

struct manifest_document {
    struct model model;
    struct manifest_options options;
    struct manifest_problems problems;
    struct loader loader;
};

struct manifest_document *manifest_document_new(char *const *environment)
{
    struct manifest_document *document = xcalloc(1, sizeof *document);
    document->options.environment = environment;
    document->loader = (struct loader){.model = &document->model,
                                       .arena = &document->model.arena,
                                       .options = &document->options,
                                       .problems = &document->problems};
    manifest_load_environment(&document->loader);
    return document;
}

void manifest_document_free(struct manifest_document *document)
{
    if (!document)
        return;
    HASH_CLEAR(hh, document->loader.variables);
    manifest_free_sources(&document->loader);
    manifest_problems_free(&document->problems);
    free(document->loader.uses);
    model_free(&document->model);
    free(document);
}

struct arena *manifest_document_arena(struct manifest_document *document)
{
    return document->loader.arena;
}

/* The first problem as an error; all are forgotten. */
static int take_problem(struct manifest_document *document, const char *path, struct error *err)
{
    struct manifest_problems *problems = &document->problems;
    if (problems->count)
        error_move(err, &problems->items[0].error);
    else
        error_set(err, ERROR_MANIFEST, "%s is empty", path);
    manifest_problems_free(problems);
    return -1;
}

struct yaml_node *manifest_document_read(struct manifest_document *document, const char *path,
                                         struct error *err)
{
    struct loader *l = &document->loader;
    size_t length;
    char *text = file_read_text(path, NODE_MAX_BYTES, &length, err);
    if (!text)
        return NULL;

    const char *name = manifest_add_source(l, path, text, length)->name;
    struct yaml_node *root = NULL;
    if (manifest_check_text(l, name, text, length) == 0)
        root = manifest_parse_yaml(l, name, text, length);
    if (root && root->kind != NODE_MAP)
        manifest_problem(l, root, "this is no map: nothing here has a name");
    if (root && !document->problems.errors)
        return root;
    take_problem(document, path, err);
    return NULL;
}

int manifest_document_variables(struct manifest_document *document, const char *path, struct error *err)
{
    if (manifest_load_env_file(&document->loader, path, NULL) == 0)
        return 0;
    return take_problem(document, path, err);
}

const char *manifest_document_expand(struct manifest_document *document, const char *text)
{
    const struct yaml_node node = {.kind = NODE_SCALAR, .text = text};
    const char *value = manifest_final(&document->loader, &node);
    manifest_problems_free(&document->problems);
    return value;
}
