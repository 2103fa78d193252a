/* Which project a command is about, and its manifest lowered to a plan.
 *
 * Two steps. project_identify() finds the project's state folder without reading the manifest's text: the
 * identity hashes the manifest's path, and session records tell manifests that are gone; so `ps`, `down` and
 * `logs` are quick, and work when the manifest is broken or deleted. project_load() reads, checks and lowers
 * the manifest; what `up` and `run` need.
 *
 * Ownership: the project owns everything in it; project_free(). */
#ifndef PROJECT_PROJECT_H
#define PROJECT_PROJECT_H

#include "base/error.h"
#include "args/args.h"
#include "engine/engine.h"
#include "manifest/manifest.h"
#include "plan/plan.h"
#include "state/state.h"

struct project {
    char *root;     /* of all state folders */
    char *manifest; /* canonical path; NULL: none was found, the project is known by its session */
    char *name;     /* NULL when neither a flag nor a state folder tells it */
    char hash[9];
    char own_hash[9];    /* what the path makes; another one than hash when that was adopted */
    char former_hash[9]; /* what the path made formerly, where that may have left something; else empty */
    bool is_former;      /* hash is that of data made under the former identity, which keeps it */
    bool is_unknown;     /* by its name nothing was found: only the engine may know of it */
    char *prefix;        /* "<name>-<hash>"; NULL: nothing is known of it here */
    struct engine_address engine;
    bool has_engine;
    bool is_native;            /* no container engine is wanted: nothing is resolved, nobody connected to */
    struct error engine_error; /* why there is none */
    struct model *model;
    struct plan *plan;
    struct manifest_problems problems;
};

/* What both steps take from the command line. */
struct project_options {
    const struct args *args;
    char *const *environment;
    const char *adopt;    /* `up --adopt HASH`, or NULL */
    bool is_elsewhere;    /* -p names what is found by its name alone: nobody here has to know it */
    bool may_be_unknown;  /* -p names what only the engine may know of: no error (`down`) */
    bool is_model_only;   /* no plan: what only this machine refuses is no problem */
    bool ignores_session; /* what is wanted is the folder's, also inside of another's session */
    const char *isolate;  /* `run --isolate N`: a project of its own beside the others; or NULL */
};

/* Inside of a session (project/nested.h) that one, unless the command line names a project.
 * ERROR_MANIFEST when there is neither a manifest nor a session that belongs to this folder. With -p: the
 * project of this folder if it is called so, else the one that is called so, wherever it is; ERROR_USAGE when
 * several are, ERROR_NOT_RUNNING when none is. */
int project_identify(struct project *project, const struct project_options *options, struct error *err);
/* Makes the project the one of this identity, which was found. */
void project_take(struct project *project, const struct identity *identity);
/* -1 with ERROR_MANIFEST and project->problems filled when the manifest has errors. Sets prefix, plan,
 * engine. */
int project_load(struct project *project, const struct project_options *options, struct error *err);
/* project->engine, once; -1 with ERROR_ENGINE, also on the native engine. */
int project_resolve_engine(struct project *project, const struct project_options *options, struct error *err);
/* Another hash for a project that was loaded: its plan is made again. */
int project_rehash(struct project *project, const struct project_options *options, const char *hash,
                   struct error *err);
/* -1 with ERROR_MANIFEST: how many errors project->problems has. */
int project_summarise(struct project *project, struct error *err);
void project_free(struct project *project);
/* Frees what was read from the manifest and made of it; the rest stays. */
void project_forget_manifest(struct project *project);

/* Checks names against the plan's resources: ERROR_NOT_RUNNING (no such resource) with a suggestion. */
int project_check_names(const struct project *project, const struct strlist *names, struct error *err);
/* The resources that `names` (empty: all) need, themselves included, in the manifest's order. */
void project_closure(const struct project *project, const struct strlist *names, struct strlist *out);
/* Folder of the project's state; the caller frees. NULL when prefix is. */
char *project_folder(const struct project *project);

#endif
