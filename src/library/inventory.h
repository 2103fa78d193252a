/* Which libraries the program works with, and where they came from: for `version` and `doctor`.
 *
 * Those that are opened late are opened for it, so that what is said is what would be used. Nothing is
 * printed and nothing fails: a library that cannot be had is an entry that says why. */
#ifndef LIBRARY_INVENTORY_H
#define LIBRARY_INVENTORY_H

#include "library/library.h"
#include "base/json.h"
#include "base/mem.h"

enum library_how {
    LIBRARY_OPENED, /* `path` is the file */
    LIBRARY_LINKED, /* by the loader, or into the program */
    LIBRARY_WITHIN, /* of a program that has all within */
    LIBRARY_MISSING,
    LIBRARY_HOW_COUNT
};

/* What is not known is NULL. */
struct library_entry {
    const char *name;
    enum library_how how;
    const char *version, *path, *what_for;
    const char *error, *fix; /* of one that is missing: what, and what to do */
};

enum { LIBRARY_MOST = 12 };

struct library_inventory {
    struct library_entry items[LIBRARY_MOST];
    size_t count;
    struct arena arena; /* of their texts */
};
void library_inventory(struct library_inventory *inventory);
void library_inventory_free(struct library_inventory *inventory);
#define cleanup_inventory __attribute__((cleanup(library_inventory_free)))
/* [{"name","how","path"?,"version"?,"error"?,"fix"?,"for"?}]; the caller deletes. */
cJSON *library_inventory_json(const struct library_inventory *inventory);

#endif
