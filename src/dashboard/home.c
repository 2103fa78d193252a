/* The dashboard's files in the project's state folder. See dashboard.h. */
#include "dashboard/internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_LIMIT = 64 << 10 };

int64_t home_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *home_path(const char *folder, const char *name)
{
    return path_join(folder, name);
}

/* A lock of the open file: it is free when the last process that has it open is gone, and not earlier. */
int home_lock(const char *folder, struct error *err)
{
    cleanup_free char *path = home_path(folder, STATE_DASHBOARD_LOCK);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = file_open_own(path, O_RDWR | O_CREAT, err);
    if (fd < 0)
        return -1;
    if (!fcntl(fd, F_OFD_SETLK, &lock))
        return fd;
    close(fd);
    return error_set(err, ERROR_OWNER, "the dashboard runs already");
}

int home_check(const char *folder, const char *name, struct error *err)
{
    cleanup_free char *path = home_path(folder, name);
    cleanup_error struct error why = {0};
    int fd = file_open_own(path, O_RDONLY, &why);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || why.code == ERROR_NO_FILE)
        return 0;
    error_move(err, &why);
    return -1;
}

int home_write_record(const struct dashboard *dashboard, struct error *err)
{
    cleanup_free char *path = home_path(dashboard->folder, STATE_DASHBOARD_RECORD);
    cleanup_json cJSON *json = cJSON_CreateObject();
    json_add_int(json, "pid", getpid());
    json_add_int(json, "port", web_port(dashboard->web));
    json_add_int(json, "otlpPort", telemetry_port(dashboard));
    json_add_int(json, "startedMs", dashboard->started_ms);
    json_add_string(json, "version", APPHOST_VERSION);
    cleanup_free char *text = json_print(json);
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

int home_last_port(const char *folder, const char *name)
{
    cleanup_json cJSON *json = state_dashboard_record(folder);
    int64_t port = json_int(json, name, 0);
    if (port > 0 && port < 65536)
        return (int)port;
    return 0;
}

int dashboard_find(const char *folder, struct dashboard_record *record, struct error *err)
{
    cleanup_json cJSON *json = NULL;
    if (home_check(folder, STATE_DASHBOARD_LOCK, err) || home_check(folder, STATE_DASHBOARD_RECORD, err))
        return -1;
    if (state_dashboard_runs(folder))
        json = state_dashboard_record(folder);
    if (!json) {
        error_set(err, ERROR_NOT_RUNNING, "no dashboard runs for this project");
        error_hint(err, "apphost dashboard starts it");
        return -1;
    }

    *record = (struct dashboard_record){
        .pid = (pid_t)json_int(json, "pid", 0),
        .port = (int)json_int(json, "port", 0),
        .started_ms = json_int(json, "startedMs", 0),
    };
    return 0;
}

static int make_token(const char *path, char out[WEB_TOKEN_SIZE], struct error *err)
{
    web_token_make(out);
    return file_write_atomic(path, out, strlen(out), 0600, err);
}

int home_token(const char *folder, bool is_made, char out[WEB_TOKEN_SIZE], struct error *err)
{
    cleanup_free char *path = home_path(folder, DASHBOARD_TOKEN);
    cleanup_error struct error why = {0};
    size_t length = 0;
    char *text = file_read_own(path, FILE_LIMIT, &length, &why);
    if (!text && why.code == ERROR_NO_FILE && is_made)
        return make_token(path, out, err);
    if (!text) {
        error_move(err, &why);
        return -1;
    }

    bool is_right = web_token_is(text);
    if (is_right)
        memcpy(out, text, WEB_TOKEN_SIZE);
    mem_wipe(text, length);
    cleanup_free_ptr(&text);
    if (is_right)
        return 0;
    error_set(err, ERROR_FAILED, "%s holds no token", path);
    error_hint(err, "delete it, and start the dashboard again: it makes another");
    return -1;
}
