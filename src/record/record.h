/* Structures as JSON and back: one table of fields a struct, read by writer, reader and whoever wants only
 * what belongs to a specification.
 *
 * Happy path: a table of RECORD_FIELD() and its like, RECORD() over it, record_write() at one end,
 * record_read() at the other. What stands in more than one file is announced by RECORD_OF(). Zero, false,
 * NULL and empty values are not written, so a missing member reads as zero: both ends agree by construction.
 * A member of a wrong type is ERROR_PROTOCOL and named; unknown members are ignored. A row whose type does
 * not fit its member does not compile (tests/unit/record/wrong.c has one of each kind).
 *
 * Ownership: what is read lies in the caller's arena. */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/names.h"

#include <stddef.h>

enum record_type {
    FIELD_STRING,  /* const char * */
    FIELD_INT,     /* int */
    FIELD_INT64,   /* int64_t */
    FIELD_BOOL,    /* bool */
    FIELD_MAYBE,   /* struct record_maybe: written when it is known, zero or not */
    FIELD_NAME,    /* an enum by its name: names */
    FIELD_STRINGS, /* const char ** and a count */
    FIELD_ARGV,    /* NULL-terminated const char ** */
    FIELD_INTS,    /* int * and a count */
    FIELD_STRUCT,  /* embedded: sub */
    FIELD_ARRAY,   /* pointer and a count: sub */
    FIELD_CUSTOM,  /* whatever `custom` makes of it */
};

/* A number of which zero says something. */
struct record_maybe {
    bool is_known;
    int64_t value;
};

/* A value with a form of its own. */
struct record_custom {
    /* NULL: nothing is written. */
    cJSON *(*write)(const void *value, bool spec_only);
    bool (*read)(const cJSON *json, struct arena *arena, void *value);
};

/* Where lines for people go. */
struct record_teller {
    void (*line)(const char *label, const char *text, void *data);
    void *data;
    const void *context; /* for forms */
};

/* How a member is told to people, where its name and its type do not say it. */
struct record_form {
    const char *label; /* instead of the member's name */
    int group;         /* those of group 1 come after those of group 0; RECORD_HIDDEN: never */
    /* `count` of them; NULL: by the member's type. */
    void (*tell)(const void *member, size_t count, const char *label, const struct record_teller *to);
};
enum { RECORD_HIDDEN = -1 };

struct record_field {
    const char *name;
    enum record_type type;
    size_t offset, count_offset;
    const struct record *sub;
    const struct enum_names *names;
    const struct record_custom *custom;
    bool in_spec;                   /* part of the specification and its hash */
    bool always;                    /* numbers, truth, arrays: written when they are zero or empty, too */
    const struct record_form *form; /* NULL: told by name and type */
};
struct record {
    const struct record_field *fields;
    size_t count, size;
};

/* Offsets that compile only where the member is of this type; of names, only of an enum's size. */
#define RECORD_OFFSET(owner, member, type)                                                                   \
    (offsetof(owner, member) + 0 * sizeof(&((owner *)0)->member == (type *)0))
#define RECORD_OF_FIELD_STRING(owner, member) RECORD_OFFSET(owner, member, const char *)
#define RECORD_OF_FIELD_INT(owner, member) RECORD_OFFSET(owner, member, int)
#define RECORD_OF_FIELD_INT64(owner, member) RECORD_OFFSET(owner, member, int64_t)
#define RECORD_OF_FIELD_BOOL(owner, member) RECORD_OFFSET(owner, member, bool)
#define RECORD_OF_FIELD_MAYBE(owner, member) RECORD_OFFSET(owner, member, struct record_maybe)
#define RECORD_OF_FIELD_STRINGS(owner, member) RECORD_OFFSET(owner, member, const char **)
#define RECORD_OF_FIELD_ARGV(owner, member) RECORD_OFFSET(owner, member, const char **)
#define RECORD_OF_FIELD_INTS(owner, member) RECORD_OFFSET(owner, member, int *)
#define RECORD_OF_FIELD_NAME(owner, member)                                                                  \
    (offsetof(owner, member) + 0 * sizeof(char[sizeof(((owner *)0)->member) == sizeof(int) ? 1 : -1]))

/* Behind `spec` stands what else the row says, such as .form = &FORM. */
#define RECORD_FIELD(owner, member, kind, ...)                                                               \
    {                                                                                                        \
        .name = #member, .type = kind, .offset = RECORD_OF_##kind(owner, member), .in_spec = __VA_ARGS__     \
    }
#define RECORD_COUNTED(owner, member, counter, kind, ...)                                                    \
    {                                                                                                        \
        .name = #member, .type = kind, .offset = RECORD_OF_##kind(owner, member),                            \
        .count_offset = RECORD_OFFSET(owner, counter, size_t), .in_spec = __VA_ARGS__                        \
    }
/* `record`: the name that RECORD() gave to the record of the member's structures. */
#define RECORD_ARRAY(owner, member, counter, record, ...)                                                    \
    {                                                                                                        \
        .name = #member, .type = FIELD_ARRAY, .offset = RECORD_OFFSET(owner, member, record##_owner *),      \
        .count_offset = RECORD_OFFSET(owner, counter, size_t), .sub = &(record), .in_spec = __VA_ARGS__      \
    }
#define RECORD_NESTED(owner, member, record, ...)                                                            \
    {                                                                                                        \
        .name = #member, .type = FIELD_STRUCT, .offset = RECORD_OFFSET(owner, member, record##_owner),       \
        .sub = &(record), .in_spec = __VA_ARGS__                                                             \
    }
/* `list`: by NAMES(). */
#define RECORD_NAMED(owner, member, list, ...)                                                               \
    {                                                                                                        \
        .name = #member, .type = FIELD_NAME, .offset = RECORD_OF_FIELD_NAME(owner, member),                  \
        .names = &(list), .in_spec = __VA_ARGS__                                                             \
    }
/* Called otherwise than the member. */
#define RECORD_CALLED(text, owner, member, kind)                                                             \
    {                                                                                                        \
        .name = text, .type = kind, .offset = RECORD_OF_##kind(owner, member)                                \
    }
#define RECORD_ALWAYS(text, owner, member, kind)                                                             \
    {                                                                                                        \
        .name = text, .type = kind, .offset = RECORD_OF_##kind(owner, member), .always = true                \
    }
/* The form is of this type, and so is the member. */
#define RECORD_CUSTOM(text, owner, member, type_of, made)                                                    \
    {                                                                                                        \
        .name = text, .type = FIELD_CUSTOM, .offset = RECORD_OFFSET(owner, member, type_of), .custom = made  \
    }
/* static RECORD(NAME, struct OWNER, ROWS); its owner's type is remembered for rows that nest it. */
#define RECORD(name, owner, rows)                                                                            \
    const struct record name = {rows, sizeof(rows) / sizeof *(rows), sizeof(owner)};                         \
    typedef owner name##_owner
#define RECORD_OF(name, owner)                                                                               \
    extern const struct record name;                                                                         \
    typedef owner name##_owner

/* A form for what somebody else reads and writes: const cJSON *, which stays where it is. */
extern const struct record_custom record_borrowed;

/* The row of that name, or NULL. */
const struct record_field *record_find(const struct record *record, const char *name);
/* Every member that is something, one line or several; see struct record_form. */
void record_tell(const struct record *record, const void *from, const struct record_teller *to);
/* spec_only: fields that are in_spec. */
void record_write(const struct record *record, const void *from, bool spec_only, cJSON *into);
/* A document of its own, of all members. */
cJSON *record_to_json(const struct record *record, const void *from);
/* ERROR_PROTOCOL says what is wrong; of what it is, the caller adds. */
int record_read(const struct record *record, const cJSON *json, struct arena *arena, void *into,
                struct error *err);
/* The same into a structure that is emptied first; `what` it is stands before the error. */
int record_take(const struct record *record, const cJSON *json, struct arena *arena, void *into,
                const char *what, struct error *err);

#endif
