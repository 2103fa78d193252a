/* A project's state folder: lock, session record, secrets, ports.
 *
 *   $XDG_STATE_HOME/apphost/<project>-<hash8>/
 *     lock           F_OFD_SETLK, inherited by guard and supervisor: free means dead; holds the session's id
 *     version        format of the folder; another one is an error that says what to do
 *     session.json   who runs: see struct state_session
 *     manifest       path of the last session's manifest, kept after it
 *     secrets.json   0600: remembered generated values
 *     deployed.json  0600: the same of other engines, and what was deployed there
 *     ports.json     remembered chosen ports
 *     tasks.json     completed tasks: node id → key
 *     specs.json     node id → specification at its creation (for --explain)
 *     servers.json   node id → the running server of the native engine: pid, start, ports, hashes
 *     volumes/       data of the native engine's servers; scratch/ of those that keep none
 *     servers/       what persistent native servers write, before it becomes part of logs/
 *     logs/          output of resources of the last session (room logs/)
 *     supervisor.log what the supervisor and the guard had to say
 *
 * The folder is 0700. Writes are atomic; a full disk is ERROR_SPACE naming the folder and loses nothing.
 * Files that are broken or of another version are errors, never silently replaced. Blocking, small files. */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- identity.c: who a project is ---- */

/* What an identity is made of, apart from what the machine tells. */
struct identity_source {
    const char *manifest; /* its path; FOLDER/- for standard input */
    const char *name;     /* what tells apart those of one path, or NULL */
    const char *override; /* replaces everything else, or NULL */
};
void identity_hash(const struct identity_source *source, char hash[9]);
/* As it was when a number of the pid namespace was a part of it; as far as that can be known, which is
 * outside of containers. False: it was the same. */
bool identity_former_hash(const struct identity_source *source, char hash[9]);

/* "<name>-<hash8>", the name of a state folder and the beginning of the names of the engine's objects. */
struct identity {
    char *name;
    char hash[9];
};
bool identity_is_hash(const char *text);
char *identity_prefix(const char *name, const char *hash);          /* the caller frees */
bool identity_parse(const char *prefix, struct identity *identity); /* false: it is none */
void identity_free(struct identity *identity);
#define cleanup_identity __attribute__((cleanup(identity_free)))

/* ---- state.c: the folder ---- */

struct state;

/* "$XDG_STATE_HOME/apphost" or "~/.local/state/apphost"; where there is no home that may be written,
 * "/tmp/apphost-UID/state", private (ERROR_OWNER: somebody else made it). environment "K=V" list. The caller
 * frees. */
char *state_root(char *const *environment, struct error *err);
/* Folder of a project below the root. The caller frees. */
char *state_folder(const char *root, const char *prefix);
/* Lists the projects' prefixes below the root (folders with a version file). */
int state_list(const char *root, struct strlist *prefixes, struct error *err);

/* Opens (create: makes) the folder, checks version and owner. ERROR_NOT_RUNNING when there is none (and not
 * create), ERROR_OWNER when it is another user's, ERROR_FAILED when another version wrote it, ERROR_SPACE on
 * a full disk. */
struct state *state_open(const char *folder, bool create, struct error *err);
void state_close(struct state *state); /* does not release the lock that others inherited */
/* The folder was taken away under us: makes it again, with what is remembered of it. The lock is not ours any
 * more: state_lock(). */
int state_restore(struct state *state, struct error *err);
const char *state_path(const struct state *state);
char *state_logs_folder(const struct state *state); /* created 0700 on state_open(create); the caller frees */

/* Takes the lock without waiting: the descriptor (close-on-exec; pass it on to keep the lock), or -1 with
 * ERROR_OWNER when somebody holds it. */
int state_lock(struct state *state, struct error *err);
/* Has the process this state's lock file open? Its owner has, and nobody who was given the pid later. */
bool state_is_owner(const struct state *state, pid_t pid);
/* Somebody holds the lock. */
bool state_is_locked(struct state *state);

struct state_session {
    char *id;     /* 16 hex digits, the first half of them the identity's hash */
    char *socket; /* path of the control socket */
    pid_t supervisor, guard;
    char *manifest, *project, *hash;
    int64_t started_ns;
    bool detached;
    bool reached;  /* the engine has answered: from then on something may have been left there */
    cJSON *engine; /* address, as JSON; without a host: the session has none */
};
/* Where the manifest of the last session was, of a folder that nobody needs to have opened; NULL when nothing
 * tells. The caller frees. */
char *state_manifest(const char *folder);
int state_session_write(struct state *state, const struct state_session *session, struct error *err);
/* 0 and *session filled; -1 with ERROR_NOT_RUNNING when there is none. */
int state_session_read(struct state *state, struct state_session *session, struct error *err);
int state_session_remove(struct state *state, struct error *err);
/* Writes the session's number into the lock that it holds. */
int state_lock_name(int lock_fd, const char *session, struct error *err);
/* state_session_read() for a session that is known to be dead: one whose record was lost is known by its
 * lock's number, without supervisor, guard and engine, as one that has reached it, and with an empty socket.
 */
int state_session_recall(struct state *state, struct state_session *session, struct error *err);
void state_session_free(struct state_session *session);

/* ---- dashboard.c: what the project's dashboard has written ---- */
#define STATE_DASHBOARD_LOCK "dashboard.lock"
#define STATE_DASHBOARD_RECORD "dashboard.json"
bool state_dashboard_runs(const char *folder);
/* What it writes at its start. */
struct state_dashboard {
    int64_t pid, started_ms;
    int port, otlp_port; /* of loopback; 0: none */
    const char *version; /* of the program; not read */
};
int state_dashboard_write(const char *folder, const struct state_dashboard *dashboard, struct error *err);
/* Of the one that runs, or of the last one; false: there was none. */
bool state_dashboard_read(const char *folder, struct state_dashboard *dashboard);
/* The port of loopback at which it takes telemetry; 0: none runs, or it takes none. */
int state_telemetry_port(const char *folder);
/* Adds to a program's environment where that is, and that it shall not wait long, while it is taken and the
 * environment says nothing else. */
void state_telemetry_tell(const char *folder, struct strlist *environment);

/* Remembered values, read at the first use: get of a broken file finds nothing and warns, set refuses to
 * replace it. get returns a borrowed text (valid until the next set) or NULL. set writes through at once. */
const char *state_secret_get(struct state *state, const char *name);
int state_secret_set(struct state *state, const char *name, const char *value, struct error *err);
int state_port_get(struct state *state, const char *key); /* 0: none. key: "node/endpoint" */
int state_port_set(struct state *state, const char *key, int port, struct error *err);
const char *state_task_get(struct state *state, const char *node);
int state_task_set(struct state *state, const char *node, const char *key,
                   struct error *err); /* key NULL: forget */
const cJSON *state_spec_get(struct state *state, const char *node);
int state_spec_set(struct state *state, const char *node, const cJSON *spec,
                   struct error *err); /* NULL: forget */
/* What commands remember of other engines: values of secrets there, and whatever tells what was deployed. The
 * supervisor never looks at it. */
const char *state_deployed_get(struct state *state, const char *key);
int state_deployed_set(struct state *state, const char *key, const char *value,
                       struct error *err); /* NULL: forget */

/* ---- servers.c: native servers that run, as whoever comes after their session knows them ---- */

struct state_server {
    const char *node;     /* its id */
    const char *resource; /* the user's name; or NULL */
    const char *manifest, *session;
    int64_t pid;
    uint64_t start_ticks; /* with the pid: this process, and no later one */
    bool is_persistent, is_ephemeral;
    int stop_signal;
    int64_t stop_timeout_ms;
    const char *spec_hash, *digest, *ports;
    int64_t started_ms;    /* since 1970 */
    int64_t output_offset; /* how far its output was read; -1: all of it */
};
struct state_servers {
    struct state_server *items;
    size_t count;
    struct arena arena; /* of their texts */
};
/* All of them; -1 when they cannot be read. */
int state_servers(struct state *state, struct state_servers *servers);
void state_servers_free(struct state_servers *servers);
#define cleanup_servers __attribute__((cleanup(state_servers_free)))
bool state_server_is_known(struct state *state, const char *node);
bool state_server_get(struct state *state, const char *node, struct arena *arena,
                      struct state_server *server);
int state_server_set(struct state *state, const struct state_server *server, struct error *err);
int state_server_forget(struct state *state, const char *node, struct error *err);

/* ---- several as one ---- */

/* Several set calls as one write: between begin and commit nothing is written. */
void state_begin(struct state *state);
int state_commit(struct state *state, struct error *err);

#endif
