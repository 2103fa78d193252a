/* A project's folder that was moved has a new identity, and so new volumes: its data stays behind under the
 * old one. Here it is found again, by the labels of volumes and in the state folders of the native engine,
 * and the old identity can be taken over. Another user has another identity, too: whoever becomes root with
 * sudo is told whose data it is that he does not see.
 *
 * adopt_look() runs at the first `up` of an identity on this machine. `up --adopt HASH` makes the project use
 * that hash from then on: state_root/adopted.json maps the hash of the path to it, and project_identify() and
 * project_load() ask adopt_hash(). So passwords, ports and persistent servers come along. */
#ifndef PROJECT_ADOPT_H
#define PROJECT_ADOPT_H

#include "project/project.h"
#include "ui/output.h"

/* Replaces the hash of a path by the one that was adopted for it, if any: then true. */
bool adopt_hash(const char *root, char hash[9]);
/* Before a session starts: a project whose data or kept containers were made under its former identity stays
 * with that, from now on by adopted.json; said once. */
int adopt_former(struct project *project, const struct project_options *options, const struct output *output,
                 struct error *err);
/* Is it the first time that this identity is used here? Before the supervisor makes its folder. */
bool adopt_is_first(const struct project *project);
/* Warns about data of a project of this name whose manifest is gone, or is this one (a machine that got
 * another id), and about what another user has of this manifest. Trouble with the engine is not reported:
 * what follows has it too. */
void adopt_look(const struct project *project, char *const *environment, const struct output *output);
/* `up --adopt HASH`, before anything is converged: ERROR_USAGE, ERROR_OWNER (something runs under the path's
 * own hash), ERROR_NOT_RUNNING (no such data). Without the option: 0. */
int adopt_take(const struct project *project, const struct project_options *options, struct error *err);

/* The manifest, or the folder of one from standard input, is there; or may be. */
bool adopt_is_there(const char *manifest);

/* Names of the volumes, kept containers and folders that an identity has. Asks the engine, where the project
 * has one. */
int adopt_list(const struct project *project, char *const *environment, const char *hash, struct strlist *out,
               struct error *err);

#endif
