/* What the writers of this room share. */
#ifndef PUBLISH_INTERNAL_H
#define PUBLISH_INTERNAL_H

#include "publish/publish.h"

/* ---- variables.c: an environment file that is only added to ---- */

struct variables {
    const struct deployment *d;
    struct strlist known; /* "NAME=value": what is there, then what is added */
    struct strbuf added;
};
/* Reads what is there; ERROR_MANIFEST at its line when it is no environment file. */
int variables_open(struct variables *v, const struct publish_files *files, const struct deployment *d,
                   struct error *err);
void variables_close(struct variables *v);
/* The variable that a secret is in, as a filter has it; added when it is not there. The caller frees. */
char *variables_secret(struct variables *v, const struct plan_part *part);
/* The same of a whole file, which may refer to variables of secrets. */
char *variables_file(struct variables *v, const struct deployment_file *file);
/* The name alone, of a secret as it is. The caller frees. */
char *variables_name(const struct deployment *d, const char *secret);
/* "NAME": where another value than `value` is, or none. */
const char *variables_get(const struct variables *v, const char *name);

/* ---- small choices ---- */

/* "SIGUSR1" */
const char *publish_signal(int number);
/* From folder to path, both absolute: "../api". The caller frees. */
char *publish_relative(const char *folder, const char *path);
/* The list, or the object, of that name in an object: made when it is not there yet. */
cJSON *publish_list(cJSON *object, const char *key);
cJSON *publish_object(cJSON *object, const char *key);
/* Adds a text that has been made, and frees it. */
void publish_take_text(cJSON *object, const char *key, char *text);

#endif
