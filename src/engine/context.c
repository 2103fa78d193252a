/* Docker's contexts: contexts/meta/<sha256 of the name>/meta.json names the host, contexts/tls/<same>/docker/
 * holds the certificates. And the address as JSON, for the plan that goes to the supervisor. */
#include "engine/address.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/pick.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 1 << 20 };

char *address_config_folder(char *const *environment)
{
    const char *home = address_getenv(environment, "HOME");
    char *folder = address_trimmed(environment, "DOCKER_CONFIG");
    if (folder)
        return folder;
    return path_join(text_or(home, "/"), ".docker");
}

static cJSON *read_json(const char *path, struct error *err)
{
    size_t length;
    cleanup_error struct error problem = {0};
    cleanup_free char *text = file_read(path, FILE_LIMIT, &length, &problem);
    cJSON *document = NULL;
    if (text)
        document = json_parse(text, length, &problem);
    if (document)
        return document;
    if (problem.code == ERROR_NO_FILE)
        return NULL;
    error_set(err, ERROR_ENGINE, "cannot read %s: %s", path, problem.text);
    return NULL;
}

cJSON *address_read_config(char *const *environment, struct error *err)
{
    cleanup_free char *folder = address_config_folder(environment);
    cleanup_free char *path = path_join(folder, "config.json");
    if (access(path, R_OK) != 0) /* of another user (sudo with its HOME): as good as none */
        return NULL;
    return read_json(path, err);
}

int address_current_context(char *const *environment, char **name, struct error *err)
{
    cleanup_error struct error problem = {0};
    cleanup_json cJSON *config = address_read_config(environment, &problem);
    if (error_is_set(&problem)) {
        error_move(err, &problem);
        return -1;
    }
    const char *current = json_string(config, "currentContext", "");
    *name = NULL;
    if (*current)
        *name = xstrdup(current);
    return 0;
}

int address_from_context(char *const *environment, const char *name, const char *chosen_by,
                         struct engine_address *address, struct error *err)
{
    char hash[65];
    digest_sha256(name, strlen(name), hash);
    cleanup_free char *folder = address_config_folder(environment);
    cleanup_free char *meta_path = xasprintf("%s/contexts/meta/%s/meta.json", folder, hash);
    cleanup_free char *tls_folder = xasprintf("%s/contexts/tls/%s/docker", folder, hash);
    cleanup_free char *origin = xasprintf("context %s", name);
    cleanup_error struct error problem = {0};
    cleanup_json cJSON *meta = read_json(meta_path, &problem);
    const cJSON *endpoint = json_path(meta, "Endpoints.docker");
    const char *host = json_string(endpoint, "Host", NULL);
    if (error_is_set(&problem)) {
        error_move(err, &problem);
        return -1;
    }

    if (!host) {
        error_set(err, ERROR_ENGINE,
                  meta ? "context \"%s\" (%s) names no Docker endpoint"
                       : "context \"%s\" (%s) does not exist",
                  name, chosen_by);
        error_hint(err, "docker context ls shows the contexts");
        return -1;
    }
    address->skip_verify = json_bool(endpoint, "SkipTLSVerify", false);
    address_set_certificates(address, tls_folder);
    address->tls = address->ca_file || address->cert_file || address->skip_verify;
    return address_set_host(address, host, origin, err);
}

/* ---- JSON ---- */

/* A member that is a text of its own; any other does not compile. */
#define TEXT(member)                                                                                         \
    {                                                                                                        \
        .key = #member, .offset = offsetof(struct engine_address, member) +                                  \
                                  0 * sizeof(&((struct engine_address *)0)->member == (char **)0)            \
    }

static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    TEXT(host),      TEXT(origin),   TEXT(unix_path),      TEXT(url),      TEXT(ca_file),
    TEXT(cert_file), TEXT(key_file), TEXT(published_host), TEXT(override),
};

cJSON *engine_address_to_json(const struct engine_address *address)
{
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_add_string(json, texts[i].key, *(char *const *)((const char *)address + texts[i].offset));
    json_add_bool(json, "tls", address->tls);
    json_add_bool(json, "skip_verify", address->skip_verify);
    json_add_bool(json, "remote", address->remote);
    return json;
}

const char *engine_address_host(const cJSON *json)
{
    return json_string(json, "host", NULL);
}

void engine_address_copy(struct engine_address *to, const struct engine_address *from)
{
    *to = *from;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = *(char *const *)((const char *)from + texts[i].offset);
        *(char **)((char *)to + texts[i].offset) = xstrdup_null(text);
    }
}

int engine_address_from_json(const cJSON *json, struct engine_address *address, struct error *err)
{
    *address = (struct engine_address){0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *(char **)((char *)address + texts[i].offset) = xstrdup_null(json_string(json, texts[i].key, NULL));
    address->tls = json_bool(json, "tls", false);
    address->skip_verify = json_bool(json, "skip_verify", false);
    address->remote = json_bool(json, "remote", false);
    bool is_ssh = address->host && str_starts(address->host, "ssh://");
    if (address->unix_path || address->url || is_ssh)
        return 0;
    engine_address_free(address);
    return error_set(err, ERROR_PROTOCOL, "the engine's address is incomplete");
}
