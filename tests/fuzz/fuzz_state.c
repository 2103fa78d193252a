/* room: state */
/* Any bytes in the files of a state folder; the first byte says in which. Opening and reading end in values
 * or in errors, what is broken is never replaced, and an intact folder takes a value and gives it back. */
#include "state/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"version",    "session.json", "manifest",   "secrets.json",
                                    "ports.json", "tasks.json",   "specs.json", "servers.json"};
enum { NAME_COUNT = sizeof names / sizeof *names };

static char folder[] = "/tmp/apphost-fuzz-XX"
                       "XX"
                       "XX";

static void remove_folder(void)
{
    file_remove_tree(folder, NULL);
}

static void make_folder(void)
{
    static bool is_ready;
    if (!is_ready && (!mkdtemp(folder) || atexit(remove_folder)))
        abort();
    is_ready = true;
    log_setup(LOG_ERROR, NULL, NULL);
}

static void read_session(struct state *state)
{
    struct state_session session = {0};
    cleanup_error struct error err = {0};
    if (state_session_read(state, &session, &err) < 0) {
        if (!err.text || !*err.text)
            abort();
        return;
    }
    if (!session.id || !session.socket)
        abort();
    state_session_free(&session);
}

static void read_values(struct state *state)
{
    int port = state_port_get(state, "container:cache/redis");
    if (port < 0 || port > 65535)
        abort();
    state_secret_get(state, "cache");
    state_task_get(state, "process:migrate");
    cJSON_Delete(cJSON_Duplicate(state_spec_get(state, "container:cache"), true));
    struct state_servers servers;
    state_servers(state, &servers);
    state_servers_free(&servers);
}

static void write_value(struct state *state)
{
    if (state_secret_set(state, "fuzz", "value", NULL) < 0)
        return;
    const char *kept = state_secret_get(state, "fuzz");
    if (!kept || strcmp(kept, "value") != 0)
        abort();
}

/* A document that could not be read stays as it is, whatever is set afterwards. */
static void check_kept(const char *path, const uint8_t *data, size_t size)
{
    size_t length = 0;
    cleanup_free char *now = file_read(path, STATE_FILE_LIMIT, &length, NULL);
    cJSON *was = json_parse((const char *)data, size, NULL);
    bool is_ours = cJSON_IsObject(was);
    cJSON_Delete(was);
    if (!is_ours && (!now || length != size || memcmp(now, data, size) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    make_folder();
    struct state *state = state_open(folder, true, NULL);
    if (!state)
        abort();
    const char *name = names[*data % NAME_COUNT];
    cleanup_free char *path = path_join(folder, name);
    state_close(state);
    if (file_write_atomic(path, data + 1, size - 1, 0600, NULL) < 0)
        abort();
    state = state_open(folder, true, NULL);
    if (state) {
        read_session(state);
        read_values(state);
        write_value(state);
        if (strcmp(name, "secrets.json") == 0)
            check_kept(path, data + 1, size - 1);
    }
    state_close(state);
    free(state_manifest(folder));
    remove_folder();
    return 0;
}
