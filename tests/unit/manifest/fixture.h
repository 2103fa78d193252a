/* What the tests of the manifest room share: a folder of its own for each test, and loading a text as a
 * manifest there. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "manifest/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct fixture {
    char folder[64]; /* current folder of the test */
    char before[4096];
    struct manifest_options options;
    struct strlist environment; /* NAME=value; empty at first */
    struct manifest_problems problems;
    struct model *model;
    struct strbuf printed; /* the problems, as shown */
};

/* cmocka's setup and teardown; *state is the fixture. */
int fixture_open(void **state);
int fixture_close(void **state);
void fixture_write(const char *name, const char *text);
/* Forgets what was loaded before, loads what the options say, prints the problems. */
struct model *fixture_reload(struct fixture *f);
/* Writes the text as apphost.yaml and loads it. The model is NULL when it has errors. */
struct model *fixture_load(struct fixture *f, const char *text);
/* The same, and fails the test with the problems when there are errors. */
struct model *fixture_good(struct fixture *f, const char *text);
/* Loads a text with errors and fails the test unless the printed problems contain `wanted`. */
void fixture_bad(struct fixture *f, const char *text, const char *wanted);
/* A text put together, references as <resource.get>. Valid until the next call. */
const char *fixture_text(const struct model_text *text);
/* The value of a variable of a resource as fixture_text() shows it, or NULL. */
const char *fixture_variable(const struct model_resource *resource, const char *name);

#endif
