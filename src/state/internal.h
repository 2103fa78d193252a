/* What the files of this room share: an open folder and its remembered documents. */
#ifndef STATE_INTERNAL_H
#define STATE_INTERNAL_H

#include "state/state.h"

enum state_table {
    STATE_SECRETS,
    STATE_PORTS,
    STATE_TASKS,
    STATE_SPECS,
    STATE_SERVERS,
    STATE_DEPLOYED,
    STATE_TABLE_COUNT
};

struct state_document {
    cJSON *root; /* an object; NULL until the first use */
    bool broken; /* the file is there but is none of ours */
    bool dirty;  /* changed since it was written */
};

struct state {
    char *path;
    bool batching;
    struct state_document documents[STATE_TABLE_COUNT];
};

#define LOCK_FILE "lock"

enum { STATE_FILE_LIMIT = 64 << 20 };

/* "<folder>/<name>"; the caller frees. */
char *state_file(const struct state *state, const char *name);
/* Writes a document as "<folder>/<name>", mode 0600. A full disk is ERROR_SPACE with the folder named. */
int state_write(const struct state *state, const char *name, const cJSON *document, struct error *err);
/* Reads "<folder>/<name>": NULL without an error when there is none. */
cJSON *state_read(const struct state *state, const char *name, struct error *err);
/* A remembered document, NULL when it cannot be read; and a member of it. Takes value, NULL: forget. */
const cJSON *state_table(struct state *state, enum state_table table);
int state_table_set(struct state *state, enum state_table table, const char *key, cJSON *value,
                    struct error *err);
/* Writes all documents that were read or changed. */
int state_write_all(struct state *state, struct error *err);
/* Frees the documents, overwriting secrets. */
void state_forget(struct state *state);

#endif
