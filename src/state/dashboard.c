/* What the project's dashboard has written: whether it runs, and where it takes telemetry. It holds its lock
 * for as long as it runs; the record is kept after it. */
#include "state/internal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <fcntl.h>
#include <unistd.h>

enum { FILE_LIMIT = 64 << 10 };

bool state_dashboard_runs(const char *folder)
{
    cleanup_free char *path = path_join(folder, STATE_DASHBOARD_LOCK);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = file_open_own(path, O_RDWR, NULL);
    if (fd < 0)
        return false;
    bool is_locked = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
    close(fd);
    return is_locked;
}

cJSON *state_dashboard_record(const char *folder)
{
    cleanup_free char *path = path_join(folder, STATE_DASHBOARD_RECORD);
    size_t length = 0;
    cleanup_free char *text = file_read_own(path, FILE_LIMIT, &length, NULL);
    if (!text)
        return NULL;
    return json_parse(text, length, NULL);
}

int state_telemetry_port(const char *folder)
{
    cleanup_json cJSON *record = NULL;
    if (state_dashboard_runs(folder))
        record = state_dashboard_record(folder);
    int64_t port = json_int(record, "otlpPort", 0);
    if (port > 0 && port < 65536)
        return (int)port;
    return 0;
}
