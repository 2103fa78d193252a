/* What each service is: a server, a container, something that has to be built; and who belongs to whom:
 * replicas, sentinels and nodes of a cluster to one server, Commander and Insight to the server that they
 * show. See internal.h. */
#include "import/internal.h"

#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- images ---- */

/* "redis" of docker.io/library/redis:7@sha256:…; in the arena. */
static const char *base_name(struct import *im, const char *image)
{
    const char *base = strrchr(image, '/');
    if (base)
        base++;
    else
        base = image;
    return arena_strndup(im->arena, base, strcspn(base, ":@"));
}

static bool is_image(struct import *im, const struct service *service, const char *prefix)
{
    return service->image && str_starts(base_name(im, service->image), prefix);
}

static const char *type_of(const char *base)
{
    static const char *const types[][2] = {{"redis", "redis"},           {"valkey", "valkey"},
                                           {"garnet", "garnet"},         {"redis-cluster", "redis"},
                                           {"valkey-cluster", "valkey"}, {"redis-sentinel", "redis"},
                                           {"valkey-sentinel", "valkey"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(base, types[i][0]))
            return types[i][1];
    return NULL;
}

/* ---- words ---- */

static bool has_word(const struct service *service, const char *word)
{
    for (size_t i = 0; i < service->words.count; i++)
        if (!strcmp(service->words.items[i], word) || str_ends(service->words.items[i], word))
            return true;
    return false;
}

static const char *word_after(const struct service *service, const char *word)
{
    for (size_t i = 0; i + 1 < service->words.count; i++)
        if (!strcmp(service->words.items[i], word))
            return service->words.items[i + 1];
    return NULL;
}

static void read_words(struct import *im, struct service *service)
{
    words_of(im, &service->words, manifest_get(service->fields, "entrypoint"));
    words_of(im, &service->words, manifest_get(service->fields, "command"));
    words_unshell(im, &service->words);
}

/* A command of a server's image that runs no server. */
static bool is_client(const struct service *service)
{
    return (has_word(service, "redis-cli") || has_word(service, "valkey-cli")) &&
           !has_word(service, "-server");
}

static int copies_of(struct import *im, const struct service *service)
{
    const struct yaml_node *deploy = manifest_get(service->fields, "deploy");
    const struct yaml_node *count = manifest_get(service->fields, "scale");
    if (!count && deploy)
        count = manifest_get(deploy, "replicas");
    int64_t number = 1;
    const char *text = NULL;
    if (count && count->kind == NODE_SCALAR)
        text = manifest_document_expand(im->document, import_text(im, count->text));
    if (text && str_to_int64(text, 1, 50, &number))
        return (int)number;
    return 1;
}

/* ---- one by one ---- */

static void classify(struct import *im, struct service *service)
{
    const struct yaml_node *image = manifest_get(service->fields, "image");
    bool is_built =
        manifest_get(service->fields, "build") || !image || image->kind != NODE_SCALAR || !*image->text;
    service->kind = SERVICE_CONTAINER;

    if (is_built) {
        service->kind = SERVICE_PROCESS;
        return;
    }
    service->image = manifest_document_expand(im->document, import_text_or(im, image->text, "latest"));
    service->image = text_or(service->image, image->text);
    service->type = type_of(base_name(im, service->image));
    if (!service->type)
        return;
    read_words(im, service);
    if (!is_client(service))
        service->kind = SERVICE_SERVER;
}

/* ---- topologies ---- */

static void belongs(struct import *im, struct service *service, struct service *whole, const char *what)
{
    service->kind = SERVICE_MEMBER;
    service->whole = whole;
    service->why = arena_printf(im->arena, "is %s of %s, and set up as that is", what, whole->name);
    whole->server.is_topology = true;
}

static bool is_sentinel(struct import *im, const struct service *service)
{
    return is_image(im, service, "redis-sentinel") || is_image(im, service, "valkey-sentinel") ||
           has_word(service, "-sentinel");
}

static const char *variable_of(const struct service *service, const char *one, const char *other)
{
    const char *value = variable_value(service, one);
    if (value)
        return value;
    return variable_value(service, other);
}

/* Of whom it is a replica; NULL: it is none. */
static struct service *primary_of(struct import *im, const struct service *service)
{
    const char *host = word_after(service, "--replicaof");
    if (!host)
        host = word_after(service, "--slaveof");
    const char *mode = variable_of(service, "REDIS_REPLICATION_MODE", "VALKEY_REPLICATION_MODE");
    bool is_replica = mode && (!strcmp(mode, "slave") || !strcmp(mode, "replica"));
    if (!host && is_replica)
        host = variable_of(service, "REDIS_MASTER_HOST", "VALKEY_PRIMARY_HOST");
    if (!host)
        return NULL;
    cleanup_free char *name = xstrndup(host, strcspn(host, " "));
    struct service *primary = import_find(im, name);
    if (primary && primary != service && primary->kind == SERVICE_SERVER)
        return primary;
    return NULL;
}

static void find_replicas(struct import *im)
{
    for (size_t i = 0; i < im->count; i++) {
        struct service *service = &im->services[i], *primary;
        if (service->kind != SERVICE_SERVER || is_sentinel(im, service) || service->server.is_topology)
            continue;
        primary = primary_of(im, service);
        if (!primary || is_sentinel(im, primary))
            continue;
        primary->server.replicas += copies_of(im, service);
        belongs(im, service, primary, "a replica");
    }
}

/* The server that sentinels watch: the one they name, else one with replicas, else any. */
static struct service *watched_by(struct import *im, const struct service *sentinel)
{
    const char *host = variable_of(sentinel, "REDIS_MASTER_HOST", "VALKEY_PRIMARY_HOST");
    struct service *found = NULL;
    if (host)
        found = import_stand_in(import_find(im, host));
    if (found && found->kind == SERVICE_SERVER && found != sentinel)
        return found;
    found = NULL;
    for (size_t i = 0; i < im->count; i++) {
        struct service *service = &im->services[i];
        bool is_server = service->kind == SERVICE_SERVER && !is_sentinel(im, service);
        if (is_server && (!found || (service->server.replicas && !found->server.replicas)))
            found = service;
    }
    return found;
}

static void take_sentinel(struct import *im, struct service *sentinel, struct service *whole)
{
    struct server *server = &whole->server;
    const char *quorum = variable_of(sentinel, "REDIS_SENTINEL_QUORUM", "VALKEY_SENTINEL_QUORUM");
    const char *name = variable_of(sentinel, "REDIS_MASTER_SET", "VALKEY_PRIMARY_SET");
    int64_t number;
    server->sentinels += copies_of(im, sentinel);
    if (quorum && str_to_int64(quorum, 1, 9, &number))
        server->quorum = (int)number;
    cleanup_free char *clean = import_name(text_or_empty(name));
    if (name && !strcmp(clean, name))
        server->primary_name = arena_strdup(im->arena, clean);
    belongs(im, sentinel, whole, "a sentinel");
}

static void find_sentinels(struct import *im)
{
    for (size_t i = 0; i < im->count; i++) {
        struct service *service = &im->services[i], *whole = NULL;
        bool is_one = service->kind == SERVICE_SERVER && is_sentinel(im, service);
        if (is_one)
            whole = watched_by(im, service);
        if (whole)
            take_sentinel(im, service, whole);
    }
}

static bool is_cluster_node(struct import *im, const struct service *service)
{
    if (service->kind != SERVICE_SERVER)
        return false;
    const char *enabled = word_after(service, "--cluster-enabled");
    return (enabled && !strcmp(enabled, "yes")) || is_image(im, service, "redis-cluster") ||
           is_image(im, service, "valkey-cluster");
}

/* How many replicas a shard gets: what forms the cluster says so. */
static int replicas_of_shards(struct import *im)
{
    int64_t number = 0;
    for (size_t i = 0; i < im->count; i++) {
        const struct service *service = &im->services[i];
        const char *said = word_after(service, "--cluster-replicas");
        if (!said)
            said = variable_of(service, "REDIS_CLUSTER_REPLICAS", "VALKEY_CLUSTER_REPLICAS");
        if (said && str_to_int64(said, 0, 9, &number))
            return (int)number;
    }
    return 0;
}

static void find_cluster(struct import *im)
{
    struct service *whole = NULL;
    for (size_t i = 0; i < im->count; i++) {
        struct service *service = &im->services[i];
        if (!is_cluster_node(im, service))
            continue;
        if (!whole) {
            whole = service;
            whole->server.is_topology = whole->server.is_cluster = true;
            whole->server.replicas = replicas_of_shards(im);
        } else {
            belongs(im, service, whole, "a node of the cluster");
        }
        whole->server.nodes += copies_of(im, service);
    }

    for (size_t i = 0; whole && i < im->count; i++) {
        struct service *service = &im->services[i];
        bool forms = service->type && service->kind == SERVICE_CONTAINER && has_word(service, "--cluster") &&
                     has_word(service, "create");
        if (!forms)
            continue;
        belongs(im, service, whole, "what formed the cluster");
        service->why = "is not needed: apphost forms the cluster itself";
    }
}

/* ---- sidecars ---- */

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool names_it(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
        if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[length]))
            return true;
    return false;
}

/* The server that a tool shows: the one that its variables name, else the first. */
static struct service *shown_by(struct import *im, const struct service *tool)
{
    struct service *first = NULL;
    for (size_t i = 0; i < im->count; i++) {
        struct service *server = &im->services[i];
        const struct yaml_node *mode = manifest_get(server->fields, "network_mode");
        if (server->kind != SERVICE_SERVER ||
            (mode && mode->kind == NODE_SCALAR && !strcmp(mode->text, "host")))
            continue;
        if (!first)
            first = server;
        for (size_t j = 0; j < tool->variable_count; j++)
            if (tool->variables[j].value && names_it(tool->variables[j].value, server->key))
                return server;
    }
    return first;
}

static void find_sidecars(struct import *im)
{
    for (size_t i = 0; i < im->count; i++) {
        struct service *tool = &im->services[i];
        bool is_commander = is_image(im, tool, "redis-commander"),
             is_insight = is_image(im, tool, "redisinsight");
        if (tool->kind != SERVICE_CONTAINER || (!is_commander && !is_insight))
            continue;

        struct service *server = shown_by(im, tool), **place = NULL;
        if (server && is_commander)
            place = &server->server.commander;
        else if (server)
            place = &server->server.insight;
        if (!place || *place)
            continue;
        *place = tool;
        tool->kind = SERVICE_SIDECAR;
        tool->whole = server;
        tool->why = arena_printf(im->arena, "is `%s` of %s", text_pick(is_commander, "commander", "insight"),
                                 server->name);
    }
}

/* ---- as fields ---- */

enum { MOST_SENTINELS = 9, MOST_REPLICAS = 8, MOST_SHARDS = 16 };

static void write_sentinel(struct service *service)
{
    const struct server *server = &service->server;
    int sentinels = int_min(server->sentinels, MOST_SENTINELS);
    struct strbuf *value = piece_value(service, "sentinel");
    strbuf_addf(value, "{replicas: %d, sentinels: %d", int_max(int_min(server->replicas, MOST_REPLICAS), 1),
                sentinels);
    if (server->quorum)
        strbuf_addf(value, ", quorum: %d", int_min(server->quorum, sentinels));
    if (server->primary_name)
        strbuf_addf(value, ", primary_name: %s", server->primary_name);
    strbuf_addc(value, '}');
}

static void write_cluster(struct service *service)
{
    const struct server *server = &service->server;
    int replicas = int_min(server->replicas, MOST_REPLICAS / 2);
    int shards = int_max(server->nodes / (1 + replicas), 1);
    strbuf_addf(piece_value(service, "cluster"), "{shards: %d, replicas: %d}", int_min(shards, MOST_SHARDS),
                replicas);
}

void family_write_topology(struct service *service)
{
    const struct server *server = &service->server;
    if (server->is_cluster)
        write_cluster(service);
    else if (server->sentinels)
        write_sentinel(service);
    else if (server->replicas)
        strbuf_addf(piece_value(service, "replication"), "{replicas: %d}",
                    int_min(server->replicas, MOST_REPLICAS));
}

static void write_sidecar(struct import *im, struct service *server, const char *field, struct service *tool)
{
    const struct yaml_node *image = manifest_get(tool->fields, "image"), *volumes;
    bool is_insight = !strcmp(field, "insight"), is_old = strstr(tool->image, ":1.") != NULL;
    bool is_latest = str_ends(tool->image, ":latest") || !strchr(base_name(im, tool->image), ':');
    struct strbuf *value = piece_value(server, field);
    strbuf_addf(value, "{name: %s", tool->name);
    for (size_t i = 0; i < tool->port_count; i++)
        if (tool->ports[i].host) {
            strbuf_adds(value, ", host_port: ");
            import_put_text(value, tool->ports[i].host);
            break;
        }

    is_latest = is_latest && !strrchr(text_or(strrchr(tool->image, '/'), tool->image), ':');
    if (!is_latest && !(is_insight && is_old)) {
        strbuf_adds(value, ", image: ");
        import_put_text(value, import_text_or(im, image->text, "latest"));
    }
    volumes = manifest_get(tool->fields, "volumes");
    if (is_insight && volumes && volumes->kind == NODE_LIST && volumes->count)
        strbuf_adds(value, ", data_volume: true");
    strbuf_addc(value, '}');
}

void family_write_sidecars(struct import *im, struct service *server)
{
    if (server->server.commander)
        write_sidecar(im, server, "commander", server->server.commander);
    if (server->server.insight)
        write_sidecar(im, server, "insight", server->server.insight);
}

static bool is_understood(const struct service *service, const char *field)
{
    static const char *const both[] = {"image",   "depends_on", "environment", "restart", "command",
                                       "volumes", "networks",   "healthcheck", "links"};
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        if (!strcmp(field, both[i]))
            return true;
    return service->kind == SERVICE_SIDECAR && !strcmp(field, "ports");
}

/* What of a sidecar's or a member's own settings has no place any more. */
void family_remark(struct import *im, struct service *service)
{
    const struct yaml_node *map = service->fields;
    bool is_sidecar = service->kind == SERVICE_SIDECAR;
    if (is_sidecar && is_image(im, service, "redisinsight") && strstr(service->image, ":1."))
        piece_remark(im, service, service->at, "image: %s: version 2 takes its place", service->image);
    for (size_t i = 0; is_sidecar && i < service->variable_count; i++)
        if (!strstr(service->variables[i].name, "HOST") && !strstr(service->variables[i].name, "PORT"))
            piece_remark(im, service, service->variables[i].at, "environment: %s: is left out with it",
                         service->variables[i].name);
    for (size_t i = 0; i < map->count; i++) {
        if (is_understood(service, map->keys[i]->text))
            continue;
        cleanup_free char *shown = import_flow(map->items[i]);
        piece_remark(im, service, map->keys[i], "%s: %s: is left out with it", map->keys[i]->text, shown);
    }
}

void family_classify(struct import *im)
{
    for (size_t i = 0; i < im->count; i++)
        classify(im, &im->services[i]);
    find_replicas(im);
    find_sentinels(im);
    find_cluster(im);
    find_sidecars(im);
}
