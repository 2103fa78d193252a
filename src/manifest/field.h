/* Field tables: one row for a field drives reading, error texts, the JSON Schema and the manual page.
 *
 * A `shape` is a kind of value (a duration, a port, an environment): what YAML it accepts, how it is
 * described, how it is read. A `field` is a name with a shape and a place in a struct. A `table` is a list of
 * fields with a base that it extends. Reading a map means looking up each key; unknown keys get "did you
 * mean", fields that are not given keep the default that the struct was initialised with. */
#ifndef MANIFEST_FIELD_H
#define MANIFEST_FIELD_H

#include "manifest/loader.h"

enum accept {
    ACCEPT_BOOL = 1,
    ACCEPT_INT = 2,
    ACCEPT_TEXT = 4,
    ACCEPT_LIST = 8,
    ACCEPT_TABLE = 16, /* a map with the fields of `table` */
    ACCEPT_MAP = 32,   /* a map from free names to `item` */
    ACCEPT_SCALAR = ACCEPT_BOOL | ACCEPT_INT | ACCEPT_TEXT,
    ACCEPT_NULL = 64, /* null is a value of its own, not "left out" */
};

struct field;
struct table;
/* Reads a value into *object. The value's YAML kind is one that the shape accepts. -1 after a problem. */
typedef int shape_read(struct loader *l, const struct field *field, struct node *value, void *object);

struct shape {
    const char *words; /* "a duration such as 500ms, 10s or 1m30s": follows "must be" */
    unsigned accept;
    shape_read *read;
    const char *pattern;        /* of the text, for the schema, or NULL */
    const char *const *choices; /* NULL-terminated: the only texts allowed; their index is the value */
    const struct table *table;
    const struct shape *item; /* of lists and free maps */
    size_t most;              /* items of those; 0: as many as a file can hold */
};

struct field {
    const char *name;
    const struct shape *shape;
    size_t offset, count_offset; /* in the object; count: lists only */
    int64_t min, max;            /* of numbers, when max is not 0 */
    const char *fallback;        /* default, for the manual page; NULL: none */
    const char *help;
};

struct table {
    const char *name; /* "redis", "endpoint": names the schema's definition */
    const char *help;
    const struct field *fields;
    size_t count;
    const struct table *base; /* its fields belong too */
    /* What concerns several fields of one map; after all were read. */
    void (*finish)(struct loader *l, struct node *map, void *object);
};

/* For lists whose items are compared with each other. */
enum { MANIFEST_MOST_ITEMS = 2000 };

#define FIELD_COUNT(fields) (sizeof(fields) / sizeof *(fields))

int manifest_read_table(struct loader *l, const struct table *table, struct node *map, void *object);
const struct field *manifest_find_field(const struct table *table, const char *name);
/* Calls for every field, the base's first. */
void manifest_each_field(const struct table *table, void (*visit)(const struct field *field, void *data),
                         void *data);
/* Reports "`name` must be …, not …". Returns -1. */
int manifest_bad_value(struct loader *l, const struct field *field, const struct node *value);
/* An int, within the field's bounds. */
int manifest_read_int64(struct loader *l, const struct field *field, const struct node *value, int64_t *out);
int manifest_read_bool_value(struct loader *l, const struct field *field, const struct node *value,
                             bool *out);
/* "true" for yes, on, y and the like in any case, "false" for their opposites, NULL for other texts. */
const char *manifest_meant_bool(const char *text);
/* Items of a list, or the value itself when it is a scalar: `count` of them through `at`. */
size_t manifest_item_count(const struct node *value);
struct node *manifest_item(struct node *value, size_t index);

/* shapes_redis.c: why a password cannot be used, or NULL. Never repeats it. */
const char *manifest_password_fault(const char *text);
/* hints.c: words that other tools use for ours. NULL when there is nothing to say. */
const char *manifest_foreign_word(const char *table, const char *word);

static inline void *manifest_slot(void *object, size_t offset)
{
    return (char *)object + offset;
}

/* Shapes of shapes_*.c */
extern const struct shape shape_bool, shape_text, shape_late, shape_port, shape_number, shape_number_64,
    shape_duration, shape_seconds, shape_size, shape_path, shape_inner_path, shape_texts, shape_image,
    shape_address, shape_signal, shape_exit_codes, shape_start, shape_lifetime, shape_pull, shape_network,
    shape_stdin;
extern const struct shape shape_environment, shape_env_file, shape_variables_file, shape_labels;
extern const struct shape shape_words, shape_command, shape_shell, shape_globs;
extern const struct shape shape_references, shape_wait_for, shape_endpoints, shape_container_endpoints,
    shape_ready, shape_server_ready, shape_restart, shape_stop;
extern const struct shape shape_password, shape_data_volume, shape_data_bind_mount, shape_persistence,
    shape_config;
extern const struct shape shape_tls, shape_insight, shape_commander, shape_seed;
extern const struct shape shape_volumes, shape_bind_mounts, shape_tmpfs, shape_extra_hosts;

/* Tables of table_*.c */
extern const struct table table_manifest, table_parameter, table_redis, table_valkey, table_garnet,
    table_connection, table_process, table_container;

/* What may be written of a kind of resource. */
const struct table *manifest_kind_table(enum model_kind kind);

#endif
