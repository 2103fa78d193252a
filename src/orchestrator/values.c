/* Late values: ports and secrets put into the texts of a specification, and the keyed digest of the result.
 *
 * The digest is what restarts dependants: it covers what a node is started with (arguments, its environment,
 * its probe's password), but not the environment that a process inherits, or each terminal would restart
 * everything. It is computed again only when some port or secret has changed since (values_serial).
 *
 * Of servers that are one the plan names the first node where a primary is meant. After a failover who asks,
 * and a process that starts then, is told the one that is primary now; the digest stays with the plan's, so
 * that another role alone restarts nobody. */
#include "orchestrator/internal.h"

#include "base/digest.h"
#include "base/ours.h"

#include <string.h>

static int lookup_port(const char *id, const char *endpoint, void *data)
{
    const struct node *node = node_find(data, id);
    if (!node)
        return 0;
    return port_of(node, endpoint);
}

static const char *lookup_secret(const char *name, void *data)
{
    return secret_value(data, name);
}

static const char *lookup_host(void *data)
{
    return place_in_text(data);
}

static const char *lookup_gateway(void *data)
{
    return place_gateway(data);
}

struct plan_lookup values_lookup(struct orchestrator *o)
{
    return (struct plan_lookup){lookup_port, lookup_secret, o, lookup_host, lookup_gateway};
}

static int lookup_present_port(const char *id, const char *endpoint, void *data)
{
    struct node *node = node_find(data, id);
    if (!node)
        return 0;
    return port_of(present_node(node), endpoint);
}

struct plan_lookup values_lookup_present(struct orchestrator *o)
{
    struct plan_lookup lookup = values_lookup(o);
    lookup.port = lookup_present_port;
    return lookup;
}

struct plan_lookup values_lookup_for(const struct node *node)
{
    bool is_member = node->spec->run.topology.kind; /* which has its own address, whatever its role */
    if (node->kind->is_child && !is_member)
        return values_lookup_present(node->o);
    return values_lookup(node->o);
}

char *values_resolve(struct orchestrator *o, const struct plan_text *text)
{
    const struct plan_lookup lookup = values_lookup(o);
    const char *missing = NULL;
    return plan_resolve(text, &lookup, &missing);
}

char *values_resolve_given(struct orchestrator *o, const struct plan_text *text)
{
    if (!text->count)
        return NULL;
    return values_resolve(o, text);
}

bool values_list(const struct node *node, const struct plan_text *texts, size_t count, struct strlist *out)
{
    const struct plan_lookup lookup = values_lookup_for(node);
    for (size_t i = 0; i < count; i++) {
        const char *missing = NULL;
        char *text = plan_resolve(&texts[i], &lookup, &missing);
        if (!text)
            return false;
        strlist_take(out, text);
    }
    return true;
}

static bool add_variables(struct node *node, struct strlist *out)
{
    const struct plan_run *run = &node->spec->run;
    const struct plan_lookup lookup = values_lookup_for(node);
    for (size_t i = 0; i < run->environment_count; i++) {
        const char *missing = NULL;
        cleanup_free char *value = plan_resolve(&run->environment[i].value, &lookup, &missing);
        if (!value)
            return false;
        strlist_setenv(out, run->environment[i].name, value);
        mem_wipe(value, strlen(value));
    }
    return true;
}

/* Where telemetry goes. It is no part of what a process is known by: it is started with it, and not started
 * anew for it. */
static void add_telemetry(struct node *node, struct strlist *out)
{
    if (node->kind->is_child && !native_is_server(node) && node->o->services.state)
        state_telemetry_tell(state_path(node->o->services.state), out);
}

bool values_environment(struct node *node, struct strlist *out)
{
    const struct plan *plan = node->origin->plan;
    bool inherits = node->kind->is_child;
    for (char **entry = plan->environment; inherits && entry && *entry; entry++)
        strlist_add(out, *entry);
    if (!add_variables(node, out))
        return false;
    if (inherits) {
        /* A native server that outlives the session is none of those that are swept at its end. */
        bool outlives = native_is_server(node) && node->spec->run.persistent;
        strlist_setenv(out, VARIABLE_SESSION, text_if(!outlives, node->o->services.session));
        strlist_setenv(out, VARIABLE_PROJECT, plan->project);
        strlist_setenv(out, VARIABLE_RESOURCE, text_or_empty(node->resource));
        add_telemetry(node, out);
    }
    return true;
}

/* Appends a resolved text and a separator; notes what is missing. */
static bool add_text(struct node *node, const struct plan_text *text, struct strbuf *out)
{
    const struct plan_lookup lookup = values_lookup(node->o);
    cleanup_free char *value = plan_resolve(text, &lookup, &node->missing);
    if (!value)
        return false;
    strbuf_add(out, value, strlen(value) + 1);
    mem_wipe(value, strlen(value));
    return true;
}

static bool add_texts(struct node *node, const struct plan_text *texts, size_t count, struct strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!add_text(node, &texts[i], out))
            return false;
    }
    return true;
}

static bool add_everything(struct node *node, struct strbuf *out)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < node->port_count; i++) {
        node->missing = node->ports[i].endpoint;
        if (!node->ports[i].host_port)
            return false;
    }

    node->missing = NULL;
    place_add(node, out);
    for (size_t i = 0; i < run->environment_count; i++) {
        strbuf_adds(out, run->environment[i].name);
        if (!add_text(node, &run->environment[i].value, out))
            return false;
    }

    return add_texts(node, run->entrypoint, run->entrypoint_count, out) &&
           add_texts(node, run->command, run->command_count, out) &&
           add_text(node, &run->ready.password, out) && add_text(node, &run->input, out) &&
           add_text(node, &node->spec->value, out) && add_text(node, &node->spec->check.password, out);
}

const char *values_digest(struct node *node)
{
    struct orchestrator *o = node->o;
    if (node->values_serial == o->values_serial && node->digest)
        return node->digest;

    struct strbuf text = {0};
    free(node->digest);
    node->digest = NULL;
    if (add_everything(node, &text)) {
        char hex[65];
        digest_hmac(o->digest_key, strlen(o->digest_key), strbuf_text(&text), text.length, hex);
        node->digest = xstrndup(hex, 32);
        node->values_serial = o->values_serial;
    }

    if (text.data)
        mem_wipe(text.data, text.length);
    strbuf_free(&text);
    return node->digest;
}

const char *values_known_digest(const struct node *node)
{
    if (node->values_serial != node->o->values_serial)
        return NULL;
    return node->digest;
}

/* The value of a variable in a container's environment, or NULL. */
static const char *value_in(const cJSON *environment, const char *name)
{
    const cJSON *entry;
    size_t length = strlen(name);
    cJSON_ArrayForEach(entry, environment)
    {
        const char *text = cJSON_GetStringValue(entry);
        if (text && strncmp(text, name, length) == 0 && text[length] == '=')
            return text + length + 1;
    }
    return NULL;
}

bool values_match(struct node *node, const cJSON *environment)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < run->environment_count; i++) {
        cleanup_free char *ours = values_resolve(node->o, &run->environment[i].value);
        bool same = !ours || str_eq(value_in(environment, run->environment[i].name), ours);
        if (ours)
            mem_wipe(ours, strlen(ours));
        if (!same)
            return false;
    }
    return true;
}

static void fail_all(struct orchestrator *o, const struct error *err)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        bool needs = node->want == WANT_UP && node->spec && !node_is_alive(node) && !node->doing;
        if (needs && node->kind->runs)
            node_fail(node, err);
    }
}

void values_settle(struct orchestrator *o)
{
    cleanup_error struct error err = {0};
    uint64_t before = o->values_serial;

    state_begin(o->services.state);
    secrets_digest_key(o);
    int rc = ports_settle(o, &err);
    if (rc == 0)
        rc = secrets_settle(o, &err);
    cleanup_error struct error commit = {0};
    if (state_commit(o->services.state, &commit) < 0 && rc == 0) {
        rc = -1;
        error_move(&err, &commit);
    }

    if (rc < 0)
        fail_all(o, &err);
    if (o->values_serial != before)
        orchestrator_wake_all(o);
}
