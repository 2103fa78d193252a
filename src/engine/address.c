/* Which engine: --context, --host, DOCKER_HOST, DOCKER_CONTEXT, the configuration's current context,
 * well-known sockets; the first that says something decides. Follows the Docker command line (docker/cli,
 * opts/hosts.go and cli/context).
 *
 * Of the well-known sockets the first that accepts a connection wins; when none does, the first that exists
 * is taken, so that its user learns what is wrong with it (no permission, engine down) and not that there is
 * no engine. */
#include "engine/address.h"
#include "machine/socket.h"

#include "base/file.h"
#include "base/ours.h"
#include "base/pick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char default_socket[] = "/var/run/docker.sock";

const char *address_getenv(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; environment && environment[i]; i++)
        if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=') {
            if (environment[i][length + 1])
                return environment[i] + length + 1;
            return NULL;
        }
    return NULL;
}

static char *trim(const char *text)
{
    static const char blanks[] = " \t\r\n";
    const char *start = text + strspn(text, blanks);
    size_t length = strlen(start);
    while (length && strchr(blanks, start[length - 1]))
        length--;
    if (length)
        return xstrndup(start, length);
    return NULL;
}

char *address_trimmed(char *const *environment, const char *name)
{
    const char *value = address_getenv(environment, name);
    if (value)
        return trim(value);
    return NULL;
}

void engine_address_free(struct engine_address *address)
{
    free(address->host);
    free(address->origin);
    free(address->unix_path);
    free(address->url);
    free(address->ca_file);
    free(address->cert_file);
    free(address->key_file);
    free(address->published_host);
    free(address->override);
    *address = (struct engine_address){0};
}

/* ---- hosts ---- */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || str_starts(host, "127.") || strcmp(host, "::1") == 0;
}

/* "host", "host:port", "[v6]:port", perhaps with a slash at the end: host and port are cut out of text. */
static bool split_host_port(char *text, char **host, int64_t *port)
{
    size_t length = strlen(text);
    if (length && text[length - 1] == '/')
        text[--length] = '\0';
    char *end;
    if (*text == '[')
        end = strchr(text, ']');
    else
        end = text + strcspn(text, ":");
    if (!end)
        return false;

    if (*text == '[')
        *host = text + 1;
    else
        *host = text;
    if (*end == ']')
        *end++ = '\0';
    if (*end == '\0')
        return true;
    if (*end != ':')
        return false;
    *end = '\0';
    return str_to_int64(end + 1, 1, 65535, port);
}

static int set_tcp(const char *rest, struct engine_address *address, struct error *err)
{
    cleanup_free char *text = xstrdup(rest);
    char *host = text;
    int64_t port = 2375;
    if (address->tls)
        port = 2376;
    if (!split_host_port(text, &host, &port) || strpbrk(host, "/@ \t?#%"))
        return error_set(err, ERROR_ENGINE, "%s: \"%s\" is no engine address (tcp://host:port)",
                         address->origin, address->host);

    const char *name = host, *scheme = "http";
    if (!*name)
        name = "localhost";
    if (address->tls)
        scheme = "https";
    bool is_v6 = strchr(name, ':') != NULL;
    address->url =
        xasprintf("%s://%s%s%s:%d", scheme, text_if(is_v6, "["), name, text_if(is_v6, "]"), (int)port);
    address->remote = !is_loopback(name);
    address->published_host = xstrdup(address->remote ? name : "127.0.0.1");
    return 0;
}

static int set_ssh(struct engine_address *address, struct error *err)
{
    struct ssh_target target;
    if (!ssh_target_parse(address->host, &target)) {
        const char *at = strchr(address->host, '@'), *colon = strchr(address->host + 6, ':');
        bool has_password = at && colon && colon < at;
        return error_set(err, ERROR_ENGINE,
                         "%s: \"%s\" is no engine address (ssh://[user@]host[:port][/path])", address->origin,
                         has_password ? "ssh://…" : address->host);
    }
    address->published_host = take_ptr(&target.host);
    address->remote = true;
    address->tls = false;
    ssh_target_free(&target);
    return 0;
}

static int set_unsupported(struct engine_address *address, struct error *err)
{
    error_set(err, ERROR_ENGINE, "%s: \"%s\" is no engine address", address->origin, address->host);
    error_hint(err, "use unix:///path/to.sock, tcp://host:port or ssh://user@host");
    return -1;
}

int address_set_host(struct engine_address *address, const char *given, const char *origin, struct error *err)
{
    address->host = trim(given);
    address->origin = xstrdup(origin);
    if (!address->host)
        return error_set(err, ERROR_ENGINE, "%s: the engine's address is empty", origin);

    const char *host = address->host, *scheme = strstr(host, "://");
    if (str_starts(host, "unix://")) {
        address->unix_path = xstrdup(host[7] ? host + 7 : default_socket);
        if (address->unix_path[0] == '/')
            return 0;
    }
    if (str_starts(host, "ssh://"))
        return set_ssh(address, err);
    if (str_starts(host, "https://"))
        address->tls = true;
    if (str_starts(host, "tcp://") || str_starts(host, "http://") || str_starts(host, "https://"))
        return set_tcp(scheme + 3, address, err);
    if (!scheme && strchr(host, ':') && host[0] != '/')
        return set_tcp(host, address, err);

    return set_unsupported(address, err);
}

/* ---- TLS from the environment ---- */

void address_set_certificates(struct engine_address *address, const char *folder)
{
    const struct {
        const char *name;
        char **slot;
    } files[] = {
        {"ca.pem", &address->ca_file}, {"cert.pem", &address->cert_file}, {"key.pem", &address->key_file}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cleanup_free char *path = path_join(folder, files[i].name);
        if (file_exists(path))
            *files[i].slot = take_ptr(&path);
    }
}

static int set_from_environment(struct engine_address *address, char *const *environment, const char *host,
                                const char *origin, struct error *err)
{
    bool verify = address_getenv(environment, "DOCKER_TLS_VERIFY") != NULL; /* even "0" */
    bool is_unix = str_starts(host + strspn(host, " \t\r\n"), "unix://");
    if (!is_unix && (verify || address_getenv(environment, "DOCKER_TLS"))) {
        cleanup_free char *config = address_config_folder(environment);
        cleanup_free char *folder = address_trimmed(environment, "DOCKER_CERT_PATH");
        address->tls = true;
        address->skip_verify = !verify;
        address_set_certificates(address, text_or(folder, config));
    }
    return address_set_host(address, host, origin, err);
}

/* ---- well-known sockets ---- */

static void add_below(struct strlist *paths, const char *folder, const char *name)
{
    if (folder)
        strlist_take(paths, path_join(folder, name));
}

static void well_known(struct strlist *paths, char *const *environment)
{
    static const char *const in_home[] = {".docker/run/docker.sock",     ".docker/desktop/docker.sock",
                                          ".colima/default/docker.sock", ".colima/docker.sock",
                                          ".orbstack/run/docker.sock",   ".rd/docker.sock"};
    const char *runtime = address_getenv(environment, "XDG_RUNTIME_DIR"),
               *home = address_getenv(environment, "HOME");
    strlist_add(paths, default_socket);
    add_below(paths, runtime, "docker.sock");
    strlist_addf(paths, "/run/user/%d/docker.sock", (int)getuid());
    for (size_t i = 0; i < sizeof in_home / sizeof *in_home; i++)
        add_below(paths, home, in_home[i]);
    strlist_add(paths, "/run/podman/podman.sock");
    add_below(paths, runtime, "podman/podman.sock");
    strlist_addf(paths, "/run/user/%d/podman/podman.sock", (int)getuid());
}

int address_try_connect(const char *path)
{
    int fd = machine_connect(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || fd == -EAGAIN ? 0 : -fd;
}

static int probe_sockets(char *const *environment, struct engine_address *address, struct error *err)
{
    cleanup_strlist struct strlist paths = {0};
    well_known(&paths, environment);
    const char *found = NULL;
    for (size_t i = 0; i < paths.count; i++) {
        int rc = address_try_connect(paths.items[i]);
        if (rc == 0) {
            found = paths.items[i];
            break;
        }
        if (!found && (rc == EACCES || rc == ECONNREFUSED))
            found = paths.items[i];
    }

    if (!found) {
        error_set(err, ERROR_ENGINE,
                  "no container engine found: DOCKER_HOST is not set, no context is chosen, and none "
                  "of the well-known sockets exists (%s, …)",
                  default_socket);
        error_hint(err, "install and start Docker or Podman, or set DOCKER_HOST");
        return -1;
    }

    cleanup_free char *host = xasprintf("unix://%s", found);
    return address_set_host(address, host, "well-known socket", err);
}

/* ---- the order ---- */

static int resolve(char *const *environment, const char *host_flag, const char *context_flag,
                   struct engine_address *address, struct error *err)
{
    cleanup_free char *host = address_trimmed(environment, "DOCKER_HOST");
    cleanup_free char *context = address_trimmed(environment, "DOCKER_CONTEXT");
    if (context_flag && strcmp(context_flag, "default") != 0)
        return address_from_context(environment, context_flag, "--context", address, err);
    if (!context_flag && host_flag)
        return set_from_environment(address, environment, host_flag, "--host", err);
    if (host)
        return set_from_environment(address, environment, host, "DOCKER_HOST", err);
    if (context_flag)
        return probe_sockets(environment, address, err);
    if (context) {
        if (strcmp(context, "default") == 0)
            return probe_sockets(environment, address, err);
        return address_from_context(environment, context, "DOCKER_CONTEXT", address, err);
    }

    cleanup_free char *current = NULL;
    if (address_current_context(environment, &current, err) < 0)
        return -1;
    if (current && strcmp(current, "default") != 0)
        return address_from_context(environment, current, "currentContext", address, err);
    return probe_sockets(environment, address, err);
}

int engine_resolve(char *const *environment, const char *host_flag, const char *context_flag,
                   struct engine_address *address, struct error *err)
{
    static const char *const overrides[] = {VARIABLE_PUBLISHED_HOST, "TESTCONTAINERS_HOST_OVERRIDE"};
    *address = (struct engine_address){0};
    for (size_t i = 0; i < sizeof overrides / sizeof *overrides && !address->override; i++)
        address->override = address_trimmed(environment, overrides[i]);
    if (resolve(environment, host_flag, context_flag, address, err) == 0)
        return 0;
    engine_address_free(address);
    return -1;
}
