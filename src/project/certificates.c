/* Making and reading certificates for a plan; see certificates.h. The names of a development certificate are
 * those that a server is reached by: its own on the project's network, this machine's loopback, the engine's
 * host. */
#include "project/certificates.h"
#include "base/file.h"
#include "base/mem.h"
#include "certs/certs.h"
#include "engine/once.h"

#include <stdlib.h>
#include <string.h>

enum { PEM_LIMIT = 256 * 1024 };

char *certificates_folder(const struct project *project)
{
    return path_join(project->root, "certs");
}

static void give(struct project *project, const char *resource, const char *what, const char *value)
{
    cleanup_free char *name = xasprintf("%s-tls-%s", resource, what);
    plan_give_secret(project->plan, name, value);
}

struct filling {
    struct project *project;
    char *const *environment;
    bool asked;
    struct engine_where where; /* asked: of the engine's published ports */
};

/* Asks once. Nothing where the engine does not answer: whoever starts something will say so. */
static void find_places(struct filling *filling)
{
    const struct project *project = filling->project;
    struct engine_once once;
    bool may_ask = project->has_engine && !filling->asked;
    filling->asked = true;
    if (!may_ask || engine_once_open(&once, &project->engine, filling->environment, NULL))
        return;
    engine_find_where(once.engine, engine_once_done, &once);
    if (engine_once_wait(&once, NULL) == 0)
        filling->where = once.where;
    engine_once_close(&once);
}

static int ensure_ca(const struct project *project, char **ca_file, struct error *err)
{
    cleanup_free char *folder = certificates_folder(project);
    return certs_ensure_ca(folder, ca_file, err);
}

static int make_pair(struct filling *filling, const struct model_resource *resource, struct certs_pair *pair,
                     char **ca_file, struct error *err)
{
    const char *name = resource->name, *bound = resource->redis.bind_address;
    const char *hosts[5 + ENGINE_PLACES] = {name, "localhost", "127.0.0.1", "::1"};
    const struct project *project = filling->project;
    const struct engine_where *where = &filling->where;
    size_t count = 4;
    find_places(filling);
    for (int i = 0; i < where->count; i++)
        if (strcmp(where->places[i].host, "127.0.0.1") != 0)
            hosts[count++] = where->places[i].host;

    if (bound && strcmp(bound, "127.0.0.1") != 0)
        hosts[count++] = bound;
    cleanup_free char *folder = certificates_folder(project);
    cleanup_free char *file = xasprintf("%s-%s", project->prefix, name);
    if (certs_ensure_ca(folder, ca_file, err) < 0)
        return -1;

    return certs_server(folder, file, hosts, count, pair, err);
}

/* Its certificate is made where the addresses are known that it has to name. */
static bool is_issued_late(const struct project *project, const char *resource)
{
    cleanup_free char *name = xasprintf("%s-tls-cert", resource);
    const struct plan_secret *cert = plan_find_secret(project->plan, name);
    return cert && cert->issued;
}

static int fill_one(struct filling *filling, const struct model_resource *resource, struct error *err)
{
    struct project *project = filling->project;
    const struct model_tls *tls = &resource->redis.tls;
    struct certs_pair pair = {0};
    cleanup_free char *ca_file = xstrdup_null(tls->ca);
    int rc;
    if (tls->cert)
        rc = certs_load(tls->cert, tls->key, &pair, err);
    else if (is_issued_late(project, resource->name))
        rc = ensure_ca(project, &ca_file, err);
    else
        rc = make_pair(filling, resource, &pair, &ca_file, err);
    if (rc < 0)
        return rc;
    if (pair.cert) {
        give(project, resource->name, "cert", pair.cert);
        give(project, resource->name, "key", pair.key);
    }
    certs_pair_free(&pair);
    if (!ca_file)
        return 0;

    cleanup_free char *ca = file_read(ca_file, PEM_LIMIT, NULL, err);
    if (ca)
        give(project, resource->name, "ca", ca);
    if (ca)
        return 0;
    return -1;
}

int certificates_fill(struct project *project, char *const *environment, struct error *err)
{
    const struct model *model = project->model;
    struct filling filling = {.project = project, .environment = environment};

    for (size_t i = 0; model && i < model->resource_count; i++) {
        const struct model_resource *resource = &model->resources[i];
        if (resource->inactive || !model_is_server(resource->kind) || !resource->redis.tls.on)
            continue;
        if (fill_one(&filling, resource, err) == 0)
            continue;
        const struct model_pos *pos;
        if (resource->redis.tls.pos.line)
            pos = &resource->redis.tls.pos;
        else
            pos = &resource->pos;
        /* The user's own files are part of what the manifest says; a full disk below the state is not. */
        if (err && resource->redis.tls.cert)
            err->code = ERROR_MANIFEST;
        error_at(err, pos->file, pos->line, pos->column);
        error_resource(err, resource->name);
        return -1;
    }

    return 0;
}
