/* The manifest: YAML files in, a checked model out, every problem at its position.
 *
 * manifest_load() finds nothing by itself but what it is told: see manifest_find() for discovery. Parsing
 * uses libyaml's events (never its document API) into a bounded tree with positions, merges overrides,
 * interpolates scalars, and walks one field table per kind. All problems of a run are collected; a YAML
 * syntax error is the only one that stops.
 *
 * Threads: none. Blocking reads of local files. */
#ifndef MANIFEST_MANIFEST_H
#define MANIFEST_MANIFEST_H

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "model/model.h"

struct manifest_options {
    struct strlist files;      /* -f, in order; "-" is standard input; empty: discovery from `directory` */
    struct strlist env_files;  /* --env-file; empty: .env beside the first manifest, when it is there */
    struct strlist profiles;   /* --profile / APPHOST_PROFILES; empty: the manifest's `profiles` */
    struct strlist parameters; /* --parameter "K=V", "K=@file", "K=-" */
    const char *directory;     /* -C, or NULL: the current one */
    const char *project_name;  /* -p, or NULL */
    char *const *environment;  /* "K=V", NULL-terminated */
};

/* A problem with the source line it stands on, for the caret. Warnings have is_warning set. */
struct manifest_problem {
    struct error error; /* code ERROR_MANIFEST, position, text, hint ("did you mean …") */
    bool is_warning;
    char *source_line;       /* printable, without newline, or NULL */
    int caret, caret_length; /* columns in source_line, from 0 */
};
struct manifest_problems {
    struct manifest_problem *items;
    size_t count, errors;
};
void manifest_problems_free(struct manifest_problems *problems);
/* Adds a problem found later (by the lowering) at its position; the source line is read again from the file.
 * Takes the error. */
void manifest_problems_add(struct manifest_problems *problems, struct error *error, bool is_warning);
/* "file:line:column: error: text", source line, caret, "  hint: …", for each, as the terminal shows it.
 * colour: ANSI. */
void manifest_problems_print(const struct manifest_problems *problems, bool colour, struct strbuf *out);
/* The same as a JSON array of {severity, file, line, column, message, hint}. */
cJSON *manifest_problems_to_json(const struct manifest_problems *problems);

/* The manifest of a directory: apphost.yaml or apphost.yml there or in a parent, up to $HOME or a folder with
 * .git. NULL with ERROR_MANIFEST that says where it looked and names `apphost init`. The caller frees. */
char *manifest_find(const char *directory, char *const *environment, struct error *err);
/* NULL when problems->errors > 0. Free with manifest_free(). */
struct model *manifest_load(const struct manifest_options *options, struct manifest_problems *problems);
void manifest_free(struct model *model);

/* Both are generated from the field tables. The caller frees. */
char *manifest_schema_json(void);
char *manifest_man_page(void);

#endif
