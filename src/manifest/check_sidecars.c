/* Redis Insight and Redis Commander across servers: one each serves all of them.
 *
 * Every server may ask for them, with options; what the requests say together must be one sidecar. A
 * contradiction is a problem at the later request's option, a name that something else has already is one at
 * the request that gives it. What is merged from requests without contradictions is the lowering's. */
#include "manifest/loader.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

struct sidecar_request {
    const struct model_resource *server;
    const struct model_sidecar *wish;
    const struct yaml_node *at; /* what stands behind `insight` or `commander` */
};

struct sidecar_option {
    const char *name, *other_name; /* fields of the manifest that say it */
    /* The value in words for comparing and showing, NULL: not given. In the arena. */
    const char *(*say)(struct loader *l, const struct sidecar_request *request);
};

static const char *say_name(struct loader *l, const struct sidecar_request *request)
{
    (void)l;
    return request->wish->name;
}

static const char *say_image(struct loader *l, const struct sidecar_request *request)
{
    (void)l;
    return request->wish->image;
}

static const char *say_port(struct loader *l, const struct sidecar_request *request)
{
    if (request->wish->host_port)
        return arena_printf(l->arena, "%d", request->wish->host_port);
    return NULL;
}

static const char *say_data(struct loader *l, const struct sidecar_request *request)
{
    (void)l;
    const struct model_mount *data = request->wish->data;
    if (!data)
        return NULL;
    return text_or(data->source, "true");
}

static const char *say_eula(struct loader *l, const struct sidecar_request *request)
{
    (void)l;
    if (!manifest_get(request->at, "accept_eula"))
        return NULL;
    if (request->wish->accept_eula)
        return "true";
    return "false";
}

enum option_index { OPTION_NAME, OPTION_IMAGE, OPTION_PORT, OPTION_DATA, OPTION_EULA, OPTION_COUNT };

static const struct sidecar_option options[OPTION_COUNT] = {
    [OPTION_NAME] = {"name", NULL, say_name},
    [OPTION_IMAGE] = {"image", NULL, say_image},
    [OPTION_PORT] = {"host_port", NULL, say_port},
    [OPTION_DATA] = {"data_volume", "data_bind_mount", say_data},
    [OPTION_EULA] = {"accept_eula", NULL, say_eula},
};

/* Where an option stands, else where the request does. */
static const struct yaml_node *find_option(const struct sidecar_request *request,
                                           const struct sidecar_option *option)
{
    const struct yaml_node *node = manifest_get(request->at, option->name);
    if (!node && option->other_name)
        node = manifest_get(request->at, option->other_name);
    if (node)
        return node;
    return request->at;
}

static const struct yaml_node *find_said(const struct sidecar_request said[OPTION_COUNT],
                                         enum option_index which)
{
    if (said[which].wish)
        return find_option(&said[which], &options[which]);
    return NULL;
}

/* Compares one request with what earlier ones have said, and remembers what is new. */
static void compare(struct loader *l, const char *field, const struct sidecar_request *request,
                    struct sidecar_request said[OPTION_COUNT])
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *mine = options[i].say(l, request);
        const char *theirs = NULL;
        if (said[i].wish)
            theirs = options[i].say(l, &said[i]);
        if (mine && !theirs)
            said[i] = *request;
        if (!mine || !theirs || strcmp(mine, theirs) == 0)
            continue;
        manifest_problem(l, find_option(request, &options[i]),
                         "`%s` serves all servers: `%s` is %s for `%s`, and %s for `%s`", field,
                         options[i].name, mine, request->server->name, theirs, said[i].server->name);
        manifest_hint(l, "see line %d; say it once, or twice the same",
                      find_option(&said[i], &options[i])->pos.line);
    }
}

static void check_name(struct loader *l, const char *name, const struct yaml_node *at)
{
    struct declared *taken = NULL;
    cleanup_free char *folded = str_lower(name);
    HASH_FIND(hh_folded, l->resources_folded, folded, strlen(folded), taken);
    if (!taken)
        return;
    manifest_problem(l, at, "the sidecar's name `%s` is that of the resource `%s`", name, taken->name);
    manifest_hint(l, "the resource is in line %d; give the sidecar another `name`", taken->key->pos.line);
}

struct family {
    const char *field, *name;
    const struct model_sidecar *(*of)(const struct model_redis *redis);
};

static const struct model_sidecar *insight_of(const struct model_redis *redis)
{
    return &redis->insight;
}

static const struct model_sidecar *commander_of(const struct model_redis *redis)
{
    return &redis->commander;
}

static const struct family families[SIDECAR_KINDS] = {
    {"insight", "redisinsight", insight_of},
    {"commander", "rediscommander", commander_of},
};

/* The next request from `*entry` on, which moves behind it. */
static bool next_request(struct loader *l, const struct family *family, struct declared **entry,
                         struct sidecar_request *out)
{
    while (*entry) {
        struct declared *here = *entry;
        const struct model_resource *server = &l->model->resources[here->index];
        *entry = here->hh.next;
        if (server->inactive || server->manual || !model_is_server(server->kind) ||
            server->redis.host_network || here->value->kind != NODE_MAP)
            continue;
        *out = (struct sidecar_request){server, family->of(&server->redis),
                                        manifest_get(here->value, family->field)};
        if (out->wish->on && out->at)
            return true;
    }
    return false;
}

/* What the requests of one kind come to; out->name stays NULL where nobody asks. */
static void settle(struct loader *l, const struct family *family, struct sidecar_claim *out)
{
    struct sidecar_request request, first = {0}, said[OPTION_COUNT] = {0};

    for (struct declared *entry = l->resources; next_request(l, family, &entry, &request);) {
        if (!first.wish)
            first = request;
        compare(l, family->field, &request, said);
    }
    if (!first.wish)
        return;
    out->owner = first.server;
    if (said[OPTION_NAME].wish)
        out->name = said[OPTION_NAME].wish->name;
    else
        out->name = family->name;

    out->name_at = find_said(said, OPTION_NAME);
    if (!out->name_at)
        out->name_at = first.at;
    out->port = 0;
    if (said[OPTION_PORT].wish)
        out->port = said[OPTION_PORT].wish->host_port;
    out->port_at = find_said(said, OPTION_PORT);
    out->data = NULL;
    if (said[OPTION_DATA].wish)
        out->data = said[OPTION_DATA].wish->data;
    out->data_at = find_said(said, OPTION_DATA);
}

void manifest_check_sidecars(struct loader *l)
{
    for (size_t i = 0; i < SIDECAR_KINDS; i++) {
        struct sidecar_claim *claim = &l->sidecars[i];
        settle(l, &families[i], claim);
        if (claim->name)
            check_name(l, claim->name, claim->name_at);
    }
    const struct sidecar_claim *insight = &l->sidecars[0], *commander = &l->sidecars[1];
    if (insight->name && commander->name && strcasecmp(insight->name, commander->name) == 0)
        manifest_problem(l, commander->name_at, "`insight` and `commander` would both be called `%s`",
                         commander->name);
}
