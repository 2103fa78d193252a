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
    const struct state_dashboard record = {
        .pid = getpid(),
        .port = web_port(dashboard->web),
        .otlp_port = telemetry_port(dashboard),
        .started_ms = dashboard->started_ms,
        .version = APPHOST_VERSION,
    };
    return state_dashboard_write(dashboard->folder, &record, err);
}

int dashboard_find(const char *folder, struct dashboard_record *record, struct error *err)
{
    struct state_dashboard found;
    if (home_check(folder, STATE_DASHBOARD_LOCK, err) || home_check(folder, STATE_DASHBOARD_RECORD, err))
        return -1;
    if (!state_dashboard_runs(folder) || !state_dashboard_read(folder, &found)) {
        error_set(err, ERROR_NOT_RUNNING, "no dashboard runs for this project");
        error_hint(err, "apphost dashboard starts it");
        return -1;
    }

    *record = (struct dashboard_record){
        .pid = (pid_t)found.pid,
        .port = found.port,
        .started_ms = found.started_ms,
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
