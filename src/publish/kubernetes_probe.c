/* Probes. The startup probe bounds how long it may take to get ready, so that nobody ends a server that is
 * loading; ready is who answers PONG; alive is who answers anything. Others than servers of ours have no
 * liveness probe: what tells that they are stuck is theirs to know. */
#include "publish/kubernetes.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { READY_PERIOD_S = 5, ALIVE_PERIOD_S = 10, ALIVE_TIMEOUT_S = 5, ALIVE_FAILURES = 6 };

static void add_shell(cJSON *probe, const char *line)
{
    cJSON *command = json_add_array(json_add_object(probe, "exec"), "command");
    cJSON_AddItemToArray(command, cJSON_CreateString("sh"));
    cJSON_AddItemToArray(command, cJSON_CreateString("-c"));
    cJSON_AddItemToArray(command, cJSON_CreateString(line));
}

static void add_question(cJSON *probe, const struct deployment_service *s, const char *line)
{
    const struct deployment_check *check = &s->check;
    bool is_port = check->kind == DEPLOYMENT_CHECK_TCP || s->kind == MODEL_GARNET;
    if (is_port) {
        json_add_int(json_add_object(probe, "tcpSocket"), "port", check->port);
    } else if (check->kind == DEPLOYMENT_CHECK_HTTP) {
        cJSON *get = json_add_object(probe, "httpGet");
        json_add_string(get, "path", check->http_path);
        json_add_int(get, "port", check->port);
    } else if (check->kind == DEPLOYMENT_CHECK_PING) {
        add_shell(probe, line);
    } else {
        cJSON *command = json_add_array(json_add_object(probe, "exec"), "command");
        for (size_t i = 0; check->exec[i]; i++)
            cJSON_AddItemToArray(command, cJSON_CreateString(check->exec[i]));
    }
}

static void add_times(cJSON *probe, int64_t period, int64_t timeout, int64_t failures)
{
    json_add_int(probe, "periodSeconds", period);
    json_add_int(probe, "timeoutSeconds", timeout);
    json_add_int(probe, "failureThreshold", failures);
}

void kubernetes_add_probes(cJSON *container, const struct deployment_service *s)
{
    const struct deployment_check *check = &s->check;
    int64_t timeout = int64_max(check->timeout_ms / 1000, 1);
    if (check->kind == DEPLOYMENT_CHECK_NONE || check->kind == DEPLOYMENT_CHECK_IMAGE)
        return;
    cJSON *startup = json_add_object(container, "startupProbe");
    add_question(startup, s, check->shell);
    add_times(startup, 1, timeout, int64_max(check->start_ms / 1000, 1));
    cJSON *ready = json_add_object(container, "readinessProbe");
    add_question(ready, s, check->shell);
    add_times(ready, READY_PERIOD_S, timeout, 3);
    if (check->kind != DEPLOYMENT_CHECK_PING)
        return;
    cJSON *alive = json_add_object(container, "livenessProbe");
    add_question(alive, s, check->alive);
    add_times(alive, ALIVE_PERIOD_S, ALIVE_TIMEOUT_S, ALIVE_FAILURES);
}

/* ---- waiting for servers ---- */

static const char *password_file(const struct deployment_service *server)
{
    for (size_t i = 0; i < server->file_count; i++)
        if (server->files[i].is_check_only)
            return server->files[i].file;
    return NULL;
}

/* Of a set its nodes', one after the other. The caller frees. */
static char *hosts_of(const struct deployment_service *server)
{
    char *lower = kubernetes_name(server->name);
    if (!server->is_set)
        return lower;
    struct strbuf out = {0};
    for (int i = 0; i < server->replicas; i++)
        strbuf_addf(&out, "%s%s-%d.%s-headless", text_if(i > 0, " "), lower, i, lower);
    free(lower);
    return strbuf_take(&out);
}

static char *wait_line(const struct deployment_service *server)
{
    cleanup_free char *host = hosts_of(server);
    int port = server->check.port;
    if (server->kind == MODEL_GARNET)
        return xasprintf("until bash -c ':</dev/tcp/%s/%d'; do sleep 1; done", host, port);

    const char *program = "redis-cli", *tls = "";
    if (server->kind == MODEL_VALKEY)
        program = "valkey-cli";
    if (server->check.is_tls)
        tls = " --tls --insecure";
    if (server->is_set)
        return xasprintf(
            "for node in %s; do until [ \"$(%s -h $node -p %d ping)\" = PONG ]; do sleep 1; done; "
            "done",
            host, program, port);
    return xasprintf("until [ \"$(%s -h %s -p %d%s ping)\" = PONG ]; do sleep 1; done", program, host, port,
                     tls);
}

static void add_password(struct kubernetes *k, cJSON *container, const struct deployment_service *server)
{
    const char *file = password_file(server);
    if (!file || server->kind == MODEL_GARNET)
        return;
    cleanup_free char *secret = kubernetes_secret_name(k, server);
    cJSON *variable = cJSON_CreateObject();
    json_add_string(variable, "name", "REDISCLI_AUTH");
    cJSON *reference = json_add_object(json_add_object(variable, "valueFrom"), "secretKeyRef");
    json_add_string(reference, "name", secret);
    json_add_string(reference, "key", file);
    cJSON_AddItemToArray(json_add_array(container, "env"), variable);
}

static void add_wait(struct kubernetes *k, cJSON *pod, const struct deployment_service *server)
{
    cJSON *container = cJSON_CreateObject();
    cleanup_free char *lower = kubernetes_name(server->name);
    cleanup_free char *line = wait_line(server);
    publish_take_text(container, "name", xasprintf("wait-%.50s", lower));
    json_add_string(container, "image", server->image);
    cJSON *command = json_add_array(container, "command");
    cJSON_AddItemToArray(command, cJSON_CreateString("sh"));
    cJSON_AddItemToArray(command, cJSON_CreateString("-c"));
    cleanup_free char *safe = kubernetes_escaped(line);
    cJSON_AddItemToArray(command, cJSON_CreateString(safe));
    add_password(k, container, server);
    json_add_bool(json_add_object(container, "securityContext"), "allowPrivilegeEscalation", false);
    cJSON_AddItemToArray(publish_list(pod, "initContainers"), container);
}

void kubernetes_add_waits(struct kubernetes *k, cJSON *pod, const struct deployment_service *s)
{
    for (size_t i = 0; i < s->need_count; i++) {
        const struct deployment_need *need = &s->needs[i];
        const struct deployment_service *to = deployment_find(k->d, need->service);
        if (to->is_task)
            strlist_addf(&k->files->notes,
                         "%s starts beside the task %s: Kubernetes has no order, and %s has to try again "
                         "until it is done",
                         s->name, to->name, s->name);
        else if (to->is_server && need->until == PLAN_HEALTHY && need->required && !to->is_manual)
            add_wait(k, pod, to);
    }
}
