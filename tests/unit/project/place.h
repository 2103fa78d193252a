/* A place of its own for tests of the project room: a home for state, two folders with a manifest each, a
 * command line that is parsed as the program's, and state folders as sessions leave them. */
#ifndef PLACE_H
#define PLACE_H

#include "base/file.h"
#include "base/mem.h"
#include "project/project.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct place {
    char folder[64], before[4096];
    char *root; /* of all state */
    struct strlist environment;
    struct args args;
    struct project_options options;
    struct project project;
    struct error error;
};

int place_open(void **state); /* in FOLDER/shop, which has an apphost.yaml */
int place_close(void **state);

/* Writes FOLDER/NAME/apphost.yaml. */
void place_manifest(struct place *place, const char *name, const char *text);
/* Changes to FOLDER/NAME. */
void place_enter(struct place *place, const char *name);
/* What follows "apphost ps"; a list that ends with NULL. Forgets the project of before. */
void place_say(struct place *place, const char *const *words);
/* project_identify(), project_load(): their result, with place->error. */
int place_identify(struct place *place, const char *const *words);
int place_load(struct place *place, const char *const *words);

enum place_session { PLACE_OVER, PLACE_DEAD, PLACE_RUNS };
/* The state folder NAME-HASH as such a session leaves it. The lock's descriptor, or -1: it is not held. */
int place_state(struct place *place, const char *name, const char *hash, const char *manifest,
                enum place_session session);

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_WORDS ((const char *const[]){NULL})

#endif
