/* What the files of this room share: late values in JSON, and the table-driven codec. */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H

#include "plan/plan.h"

/* is_spec: as a specification has it, where a late host is settled. */
cJSON *plan_text_to_json(const struct plan_text *text, bool is_spec);
bool plan_text_from_json(const cJSON *json, struct arena *arena, struct plan_text *text);

/* ---- codec: one table of fields a struct, read by writer, reader and the specification ---- */
enum field_type {
    FIELD_STRING,
    FIELD_INT,
    FIELD_INT64,
    FIELD_BOOL,
    FIELD_NAME,    /* an enum by its name: names */
    FIELD_TEXT,    /* struct plan_text */
    FIELD_STRINGS, /* const char ** and a count */
    FIELD_ARGV,    /* NULL-terminated const char ** */
    FIELD_INTS,    /* int * and a count */
    FIELD_STRUCT,  /* embedded: sub */
    FIELD_ARRAY,   /* pointer and a count: sub */
};
struct field {
    const char *name;
    enum field_type type;
    size_t offset, count_offset;
    const struct record *sub;
    const char *const *names;
    int name_count;
    bool in_spec; /* part of the specification and its hash */
};
struct record {
    const struct field *fields;
    size_t count, size;
};
extern const struct record plan_record_node, plan_record_resource, plan_record_secret, plan_record_run;

/* Zero, false, NULL and empty values are left out. spec_only: fields that are in_spec. */
void codec_write(const struct record *record, const void *from, bool spec_only, cJSON *into);
int codec_read(const struct record *record, const cJSON *json, struct arena *arena, void *into,
               struct error *err);

#endif
