/* What the project's dashboard has written: whether it runs, and where it takes telemetry. It holds its lock
 * for as long as it runs; the record is kept after it. */
#include "state/internal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "record/record.h"

#include <fcntl.h>
#include <string.h>
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

#define OWNER struct state_dashboard
static const struct record_field rows[] = {
    RECORD_CALLED("pid", OWNER, pid, FIELD_INT64),
    RECORD_CALLED("port", OWNER, port, FIELD_INT),
    RECORD_CALLED("otlpPort", OWNER, otlp_port, FIELD_INT),
    RECORD_CALLED("startedMs", OWNER, started_ms, FIELD_INT64),
    RECORD_CALLED("version", OWNER, version, FIELD_STRING),
};
static RECORD(dashboard_record, OWNER, rows);
#undef OWNER

int state_dashboard_write(const char *folder, const struct state_dashboard *dashboard, struct error *err)
{
    cleanup_free char *path = path_join(folder, STATE_DASHBOARD_RECORD);
    cleanup_json cJSON *json = record_to_json(&dashboard_record, dashboard);
    cleanup_free char *text = json_print(json);
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

static int as_port(int port)
{
    if (port > 0 && port <= UINT16_MAX)
        return port;
    return 0;
}

bool state_dashboard_read(const char *folder, struct state_dashboard *dashboard)
{
    cleanup_free char *path = path_join(folder, STATE_DASHBOARD_RECORD);
    size_t length = 0;
    cleanup_free char *text = file_read_own(path, FILE_LIMIT, &length, NULL);
    cleanup_json cJSON *json = NULL;
    struct arena arena = {0};

    *dashboard = (struct state_dashboard){0};
    if (text)
        json = json_parse(text, length, NULL);
    bool is_read = json && record_take(&dashboard_record, json, &arena, dashboard, "", NULL) == 0;
    dashboard->port = as_port(dashboard->port);
    dashboard->otlp_port = as_port(dashboard->otlp_port);
    dashboard->version = NULL;
    arena_free(&arena);
    return is_read;
}

int state_telemetry_port(const char *folder)
{
    struct state_dashboard dashboard = {0};
    if (state_dashboard_runs(folder))
        state_dashboard_read(folder, &dashboard);
    return dashboard.otlp_port;
}

static bool is_said(const struct strlist *environment)
{
    static const char *const said[] = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                                       "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
                                       "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_SDK_DISABLED"};
    const char *protocol = strlist_getenv(environment, "OTEL_EXPORTER_OTLP_PROTOCOL");
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (strlist_getenv(environment, said[i]))
            return true;
    return protocol && !str_starts(protocol, "http/");
}

/* Exporters wait for five seconds, and a minute for metrics, before they send: a page is looked at now. */
void state_telemetry_tell(const char *folder, struct strlist *environment)
{
    static const char *const delays[] = {"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY",
                                         "OTEL_METRIC_EXPORT_INTERVAL"};
    int port = 0;
    if (!is_said(environment))
        port = state_telemetry_port(folder);
    if (!port)
        return;

    strlist_addf(environment, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", port);
    if (!strlist_getenv(environment, "OTEL_EXPORTER_OTLP_PROTOCOL"))
        strlist_add(environment, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf");
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++)
        if (!strlist_getenv(environment, delays[i]))
            strlist_addf(environment, "%s=1000", delays[i]);
}
