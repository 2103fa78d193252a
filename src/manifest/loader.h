/* What one manifest_load() carries through the room: the model that it fills, the problems it has found, the
 * variables it interpolates with, and the names that are declared.
 *
 * Nothing here outlives the load but the model and the problems. Functions that return int give −1 after they
 * reported a problem; the caller goes on with the next field, so that one run names everything that is wrong.
 */
#ifndef MANIFEST_LOADER_H
#define MANIFEST_LOADER_H

#include "manifest/manifest.h"
#include "manifest/node.h"

#include <uthash.h>

/* A file that was read: kept for the source lines of problems. */
struct source_text {
    const char *name;   /* as shown */
    const char *folder; /* absolute: what its relative paths start from */
    char *text;         /* owned */
    size_t length;
    uint32_t *lines; /* where each line starts; owned */
    size_t line_count;
};

/* A variable for interpolation. The environment comes first and is never replaced by a file. */
struct variable {
    const char *name, *value;
    bool from_file;
    UT_hash_handle hh;
};

/* A declared resource or parameter, by exact name. */
struct declared {
    const char *name;
    struct yaml_node *key, *value;
    size_t index;          /* into model->resources or model->parameters */
    struct declared *twin; /* first one with this name in another case, for the message */
    UT_hash_handle hh;
    UT_hash_handle hh_folded;
    const char *folded; /* lower case */
};

/* A ${resource.…} that was read, checked when all resources are known. */
struct late_use {
    size_t consumer; /* index of the resource that holds it */
    struct model_part part;
    int length; /* columns, for the caret */
};

/* A sidecar as all requests together want it: what it claims of names, ports and volumes. */
enum { SIDECAR_KINDS = 2 };
struct sidecar_claim {
    const struct model_resource *owner; /* the first server that asks */
    const char *name;                   /* NULL: nobody asks */
    int port;                           /* 0: chosen */
    const struct model_mount *data;     /* or NULL */
    const struct yaml_node *name_at, *port_at, *data_at;
};

struct loader {
    struct model *model;
    struct arena *arena; /* the model's */
    const struct manifest_options *options;
    struct manifest_problems *problems;
    size_t hidden_problems; /* beyond the limit */
    bool last_was_new;      /* a hint belongs to the problem that was just added */
    struct source_text *sources;
    size_t source_count;
    struct variable *variables;
    struct declared *resources, *resources_folded;
    struct declared *parameters, *parameters_folded;
    struct late_use *uses;
    size_t use_count;
    struct sidecar_claim sidecars[SIDECAR_KINDS]; /* filled by manifest_check_sidecars() */
    size_t current;                               /* resource being read, for late uses */
    const char *folder; /* of the file whose paths are being read: see manifest_path() */
};

/* Reports an error at a node, with a caret under it. Returns -1. */
int manifest_problem(struct loader *l, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same at a bare position; `length` columns are marked. */
int manifest_problem_at(struct loader *l, struct model_pos pos, int length, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void manifest_warning(struct loader *l, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The hint of the problem that was just reported. */
void manifest_hint(struct loader *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "did you mean `x`?" when a candidate is near; else the fallback sentence, when there is one. */
void manifest_hint_nearest(struct loader *l, const char *text, const char *const *names, size_t count,
                           const char *fallback);
/* Takes the source line off the problem that was just reported: it may show a secret. */
void manifest_hide_source(struct loader *l);
/* Sorts by position, says how many were left out. */
void manifest_problems_finish(struct loader *l);

/* Registers a file's content (taken over) and returns it. */
struct source_text *manifest_add_source(struct loader *l, const char *name, char *text, size_t length);
void manifest_free_sources(struct loader *l);
/* Start of a line (from 1) of a registered file and its length, or NULL. */
const char *manifest_source_line(const struct loader *l, const char *name, int line, size_t *length);

/* variables.c: fills l->variables from the environment, then from the .env files. */
void manifest_load_environment(struct loader *l);
int manifest_load_env_file(struct loader *l, const char *path, const struct yaml_node *node);
const char *manifest_variable(const struct loader *l, const char *name);
/* Only from the environment, or only from the files. */
const char *manifest_variable_of(const struct loader *l, const char *name, bool from_file);
/* The manifest's own `env_file`: more files of variables. */
void manifest_read_variable_files(struct loader *l, struct yaml_node *value);

/* interpolate.c. A text that may hold references; the value is empty after a problem (returns -1). */
int manifest_text(struct loader *l, const struct yaml_node *node, struct model_text *out);
/* A text that must be final now. NULL after a problem. Lives in the arena. */
const char *manifest_final(struct loader *l, const struct yaml_node *node);

/* names.c: what may stand as a resource's, parameter's, endpoint's or project's name. `what`: "resource". */
int manifest_check_name(struct loader *l, const struct yaml_node *node, const char *what, const char *name);
/* Sanitised to the rules for names: for a project that is called after its folder. The caller frees. */
char *manifest_name_of_folder(const char *folder);
struct declared *manifest_declared(struct declared *table, const char *name);
/* Reads `map`'s keys into the tables, reporting bad and duplicate names. */
void manifest_declare(struct loader *l, struct yaml_node *map, const char *what, struct declared **table,
                      struct declared **folded);
void manifest_forget(struct declared **table, struct declared **folded);
/* Adds a "did you mean" of the declared names of a table. */
void manifest_hint_declared(struct loader *l, struct declared *table, const char *name, const char *fallback);

/* Absolute form of a path that stands in the manifest, "~" expanded. In the arena. */
const char *manifest_path(struct loader *l, const struct yaml_node *node, const char *path);

/* parameters.c: reads and values the declared parameters. */
void manifest_read_parameters(struct loader *l);

/* check_*.c: everything that concerns several resources; after all of them are read. */
void manifest_check_references(struct loader *l);
/* Before manifest_check_shared(), which looks at what sidecars claim. */
void manifest_check_sidecars(struct loader *l);
void manifest_check_shared(struct loader *l);
void manifest_check_replicas(struct loader *l);
void manifest_check_cycles(struct loader *l);

#endif
