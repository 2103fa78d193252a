/* Field tables: one row for a field drives reading, error texts, the JSON Schema and the manual page.
 *
 * A `shape` is a kind of value (a duration, a port, an environment): what YAML it accepts, how it is
 * described, how it is read. A `field` is a name with a shape and a place in a struct. A `table` is a list of
 * fields with a base that it extends. Reading a map means looking up each key; unknown keys get "did you
 * mean", fields that are not given keep the default that the struct was initialised with. */
#ifndef MANIFEST_FIELD_H
#define MANIFEST_FIELD_H

#include "manifest/loader.h"

struct manifest_root;

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
typedef int shape_read(struct loader *l, const struct field *field, struct yaml_node *value, void *object);

struct shape {
    const char *words; /* "a duration such as 500ms, 10s or 1m30s": follows "must be" */
    unsigned accept;
    shape_read *read;
    const char *pattern;              /* of the text, for the schema, or NULL */
    const struct enum_names *choices; /* the only texts allowed, by value */
    size_t first_choice;              /* values below it cannot be written */
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

/* The shape and the place of a field: a member, a list and its counter, or the structure itself. A member of
 * another type than the shape makes does not compile (tests/wrong/manifest.c). */
#define FIELD_OFFSET(owner, member, type)                                                                    \
    (offsetof(owner, member) + 0 * sizeof(&((owner *)0)->member == (type *)0))
#define VALUE(makes, owner, member) .shape = &(makes), .offset = FIELD_OFFSET(owner, member, makes##_value)
#define LIST(makes, owner, member, counter)                                                                  \
    VALUE(makes, owner, member), .count_offset = FIELD_OFFSET(owner, counter, size_t)
#define WHOLE(makes, owner) .shape = &(makes), .offset = 0 * sizeof((owner *)0 == (makes##_value *)0)

struct table {
    const char *name; /* "redis", "endpoint": names the schema's definition */
    const char *help;
    const struct field *fields;
    size_t count;
    const struct table *base; /* its fields belong too */
    /* What concerns several fields of one map; after all were read. */
    void (*finish)(struct loader *l, struct yaml_node *map, void *object);
};

/* For lists whose items are compared with each other. */
enum { MANIFEST_MOST_ITEMS = 2000 };

#define FIELD_COUNT(fields) (sizeof(fields) / sizeof *(fields))

int manifest_read_table(struct loader *l, const struct table *table, struct yaml_node *map, void *object);
const struct field *manifest_find_field(const struct table *table, const char *name);
/* Calls for every field, the base's first. */
void manifest_each_field(const struct table *table, void (*visit)(const struct field *field, void *data),
                         void *data);
/* Reports "`name` must be …, not …". Returns -1. */
int manifest_bad_value(struct loader *l, const struct field *field, const struct yaml_node *value);
/* An int, within the field's bounds. */
int manifest_read_int64(struct loader *l, const struct field *field, const struct yaml_node *value,
                        int64_t *out);
int manifest_read_bool_value(struct loader *l, const struct field *field, const struct yaml_node *value,
                             bool *out);
/* Which of the field's choices it is; -1 after a problem, which names the nearest one. */
int manifest_read_choice(struct loader *l, const struct field *field, const struct yaml_node *value);
/* "true" for yes, on, y and the like in any case, "false" for their opposites, NULL for other texts. */
const char *manifest_meant_bool(const char *text);
/* Items of a list, or the value itself when it is a scalar: `count` of them through `at`. */
size_t manifest_item_count(const struct yaml_node *value);
struct yaml_node *manifest_item(struct yaml_node *value, size_t index);

/* A password as a server's field has it: text, {parameter: name}, or false. */
struct manifest_password {
    enum model_password kind;
    const char *text; /* or the parameter's name */
};
int manifest_read_password(struct loader *l, const struct field *field, struct yaml_node *value,
                           struct manifest_password *out);
/* shapes_redis.c: why a password cannot be used, or NULL. Never repeats it. */
const char *manifest_password_fault(const char *text);
/* hints.c: words that other tools use for ours. NULL when there is nothing to say. */
const char *manifest_foreign_word(const char *table, const char *word);

static inline void *manifest_slot(void *object, size_t offset)
{
    return (char *)object + offset;
}

/* Shapes of shapes_*.c, and the type of what each of them makes. Those of a whole structure read several of
 * its members, or look at others. */
#define SHAPE(name, type)                                                                                    \
    extern const struct shape name;                                                                          \
    typedef type name##_value
SHAPE(shape_bool, bool);
SHAPE(shape_text, const char *);
SHAPE(shape_late, struct model_text);
SHAPE(shape_port, int);
SHAPE(shape_number, int);
SHAPE(shape_number_64, int64_t);
SHAPE(shape_duration, int64_t); /* milliseconds */
SHAPE(shape_seconds, int64_t);
SHAPE(shape_size, int64_t);
SHAPE(shape_path, const char *);
SHAPE(shape_inner_path, const char *);
SHAPE(shape_texts, const char **);
SHAPE(shape_image, const char *);
SHAPE(shape_address, const char *);
SHAPE(shape_scheme, const char *);
SHAPE(shape_signal, int);
SHAPE(shape_exit_codes, int *);
SHAPE(shape_start, bool);
SHAPE(shape_lifetime, enum model_lifetime);
SHAPE(shape_pull, enum model_pull);
SHAPE(shape_network, bool);
SHAPE(shape_stdin, enum model_stdin);
SHAPE(shape_environment, struct model_resource);
SHAPE(shape_env_file, struct model_resource);
SHAPE(shape_variables_file, struct manifest_root);
SHAPE(shape_labels, struct model_pair *);
SHAPE(shape_words, struct model_text *);
SHAPE(shape_command, struct model_text *);
SHAPE(shape_shell, struct model_text *);
SHAPE(shape_globs, const char **);
SHAPE(shape_references, struct model_resource);
SHAPE(shape_wait_for, struct model_resource);
SHAPE(shape_endpoints, struct model_resource);
SHAPE(shape_container_endpoints, struct model_resource);
SHAPE(shape_ready, struct model_ready);
SHAPE(shape_server_ready, struct model_ready);
SHAPE(shape_restart, struct model_restart);
SHAPE(shape_stop, struct model_stop);
SHAPE(shape_password, struct model_resource);
SHAPE(shape_data_volume, struct model_resource);
SHAPE(shape_data_bind_mount, struct model_resource);
SHAPE(shape_persistence, struct model_resource);
SHAPE(shape_config, struct model_resource);
SHAPE(shape_tls, struct model_tls);
SHAPE(shape_insight, struct model_sidecar);
SHAPE(shape_commander, struct model_sidecar);
SHAPE(shape_seed, const char **);
SHAPE(shape_users, struct model_user *);
SHAPE(shape_replication, struct model_resource);
SHAPE(shape_cluster, struct model_resource);
SHAPE(shape_sentinel, struct model_resource);
SHAPE(shape_volumes, struct model_resource);
SHAPE(shape_bind_mounts, struct model_resource);
SHAPE(shape_tmpfs, const char **);
SHAPE(shape_extra_hosts, const char **);
SHAPE(shape_publish, struct model_resource);

extern const struct table manifest_table_password;
/* Tables of table_*.c */
extern const struct table table_manifest, table_parameter, table_redis, table_valkey, table_garnet,
    table_connection, table_process, table_container, table_external;

/* What may be written of a kind of resource. */
const struct table *manifest_kind_table(enum model_kind kind);

#endif
