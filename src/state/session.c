/* The session record: who runs, and where to reach him. Written once when a supervisor listens, removed when
 * it ends in order; a record whose lock is free tells of a session that died. Its number stands in the lock
 * file as well, which is enough to find what it left when the record was lost or never written. */
#include "state/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSION_FILE "session.json"
#define MANIFEST_FILE "manifest"

enum { ID_LIMIT = 64 };

/* Written once and kept: the session's record ends with it, but data outlives both. */
static int keep_manifest(struct state *state, const char *manifest, struct error *err)
{
    cleanup_free char *known = state_manifest(state->path), *path = state_file(state, MANIFEST_FILE);
    if (!manifest || str_eq(known, manifest))
        return 0;
    return file_write_atomic(path, manifest, strlen(manifest), 0600, err);
}

char *state_manifest(const char *folder)
{
    cleanup_free char *path = xasprintf("%s/" MANIFEST_FILE, folder);
    if (file_exists(path))
        return file_read_own(path, PATH_MAX, NULL, NULL);
    return NULL;
}

int state_session_write(struct state *state, const struct state_session *session, struct error *err)
{
    cleanup_json cJSON *json = cJSON_CreateObject();
    cleanup_free char *started = xasprintf("%" PRId64, session->started_ns); /* a double would round it */

    json_add_string(json, "id", session->id);
    json_add_string(json, "socket", session->socket);
    json_add_int(json, "supervisor", session->supervisor);
    json_add_int(json, "guard", session->guard);
    json_add_string(json, "manifest", session->manifest);
    json_add_string(json, "project", session->project);
    json_add_string(json, "hash", session->hash);
    json_add_string(json, "startedNs", started);
    json_add_bool(json, "detached", session->detached);
    json_add_bool(json, "reached", session->reached);
    if (session->engine)
        cJSON_AddItemToObject(json, "engine", cJSON_Duplicate(session->engine, true));
    if (keep_manifest(state, session->manifest, err) < 0)
        return -1;

    return state_write(state, SESSION_FILE, json, err);
}

/* ---- by the lock ---- */

int state_lock_name(int lock_fd, const char *session, struct error *err)
{
    ssize_t length = (ssize_t)strlen(session);
    if (pwrite(lock_fd, session, (size_t)length, 0) == length && ftruncate(lock_fd, length) == 0)
        return 0;
    return error_set(err, errno == ENOSPC || errno == EDQUOT ? ERROR_SPACE : ERROR_FAILED,
                     "cannot write the project's lock file: %s", strerror(errno));
}

int state_session_recall(struct state *state, struct state_session *session, struct error *err)
{
    cleanup_error struct error cause = {0};
    if (state_session_read(state, session, &cause) == 0)
        return 0;

    cleanup_free char *path = state_file(state, LOCK_FILE);
    char *id = NULL;
    if (file_exists(path))
        id = file_read_own(path, ID_LIMIT, NULL, NULL);
    cleanup_identity struct identity identity = {0};
    if (!id || !*id || !identity_parse(path_basename(state->path), &identity)) {
        free(id);
        error_move(err, &cause);
        return -1;
    }
    *session = (struct state_session){
        .id = id,
        .socket = xstrdup(""),
        .manifest = state_manifest(state->path),
        .project = take_ptr(&identity.name),
        .hash = xstrdup(identity.hash),
        .reached = true,
    };
    return 0;
}

static void forget_name(struct state *state)
{
    cleanup_free char *path = state_file(state, LOCK_FILE);
    if (truncate(path, 0) < 0 && errno != ENOENT)
        log_debug("cannot empty %s: %s", path, strerror(errno)); /* an old number finds nothing */
}

/* ---- the record ---- */

int state_session_read(struct state *state, struct state_session *session, struct error *err)
{
    struct error cause = {0};
    cleanup_json cJSON *json = state_read(state, SESSION_FILE, &cause);
    if (cause.code)
        return error_move(err, &cause), -1;
    if (!json)
        return error_set(err, ERROR_NOT_RUNNING, "there is no session in %s", state->path);
    const char *id = json_string(json, "id", NULL), *socket = json_string(json, "socket", NULL);
    if (!id || !socket) {
        error_set(err, ERROR_FAILED, "the session record %s/" SESSION_FILE " is broken: it names no session",
                  state->path);
        return error_hint(err, "remove the file, then run `apphost gc`"), -1;
    }

    const cJSON *engine = json_get(json, "engine");
    *session = (struct state_session){
        .id = xstrdup(id),
        .socket = xstrdup(socket),
        .supervisor = (pid_t)json_int(json, "supervisor", 0),
        .guard = (pid_t)json_int(json, "guard", 0),
        .manifest = xstrdup_null(json_string(json, "manifest", NULL)),
        .project = xstrdup_null(json_string(json, "project", NULL)),
        .hash = xstrdup_null(json_string(json, "hash", NULL)),
        .detached = json_bool(json, "detached", false),
        .reached = json_bool(json, "reached", true), /* one of an earlier version does not say */
        .engine = engine ? cJSON_Duplicate(engine, true) : NULL,
    };
    str_to_int64(json_string(json, "startedNs", "0"), 0, INT64_MAX, &session->started_ns);
    return 0;
}

int state_session_remove(struct state *state, struct error *err)
{
    cleanup_free char *path = state_file(state, SESSION_FILE);
    if (unlink(path) < 0 && errno != ENOENT)
        return error_set(err, ERROR_FAILED, "cannot remove %s: %s", path, strerror(errno));
    forget_name(state);
    return 0;
}

void state_session_free(struct state_session *session)
{
    free(session->id);
    free(session->socket);
    free(session->manifest);
    free(session->project);
    free(session->hash);
    cJSON_Delete(session->engine);
    *session = (struct state_session){0};
}
