/* apphost port RES [ENDPOINT]: where it is reached from here. */
#include "session/context.h"
#include "ui/view.h"

#include "base/mem.h"
#include "base/pick.h"

#include <inttypes.h>

static int no_such_endpoint(const struct view_resource *resource, const char *name, const char *endpoint,
                            struct error *err)
{
    cleanup_strbuf struct strbuf known = {0};
    cleanup_free char *shown = str_printable(text_or_empty(endpoint));
    for (size_t i = 0; i < resource->port_count; i++)
        strbuf_addf(&known, "%s%s", text_if(i > 0, ", "), text_or(resource->ports[i].endpoint, "?"));

    if (endpoint)
        error_set(err, ERROR_NOT_RUNNING, "%s has no endpoint called \"%s\"", name, shown);
    else
        error_set(err, ERROR_NOT_RUNNING, "%s has no endpoint, or it is not running", name);
    if (known.length)
        error_hint(err, "it has: %s", strbuf_text(&known));
    return -1;
}

static void print(const struct context *context, const cJSON *json, const char *host, int64_t port)
{
    if (context->output.json)
        output_json(json);
    else
        printf("%s:%" PRId64 "\n", text_or(host, "127.0.0.1"), port);
}

/* The first one without a name. */
static const struct view_port *find_port(const struct view_resource *resource, const char *wanted)
{
    for (size_t i = 0; i < resource->port_count; i++) {
        const struct view_port *port = &resource->ports[i];
        if (port->port && (!wanted || str_eq(wanted, port->endpoint)))
            return port;
    }
    return NULL;
}

static int run(struct context *context, struct error *err)
{
    const struct strlist *names = &context->args.names;
    const char *wanted = NULL;
    if (names->count > 1)
        wanted = names->items[1];
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    const struct view_resource *resource = view_find_one(view, names->items[0], &context->output);
    if (!resource)
        return view_unknown(view, names->items[0], err);

    const struct view_port *port = find_port(resource, wanted);
    if (port)
        print(context, port->json, port->host, port->port);
    else if (wanted || !resource->port)
        return no_such_endpoint(resource, names->items[0], wanted, err);
    else
        print(context, resource->json, resource->host, resource->port);
    return 0;
}

const struct command cmd_port = {
    .name = "port",
    .summary = "print where a resource is reached",
    .usage = "RES [ENDPOINT]",
    .description = "Prints HOST:PORT of a resource's first endpoint, or of the one that is named.",
    .examples = "apphost port cache\n"
                "curl \"http://$(apphost port api http)/health\"\n",
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = NAMES_RESOURCES,
    .second = NAMES_ENDPOINTS,
    .least = 1,
    .most = 2,
    .run = run,
};
