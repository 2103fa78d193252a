/* apphost port RES [ENDPOINT]: where it is reached from here. */
#include "session/context.h"
#include "ui/view.h"

#include "base/mem.h"

#include <inttypes.h>

static int no_such_endpoint(const cJSON *ports, const char *resource, const char *endpoint, struct error *err)
{
    cleanup_strbuf struct strbuf known = {0};
    const cJSON *port;
    cJSON_ArrayForEach(port, ports)
        strbuf_addf(&known, "%s%s", known.length ? ", " : "", json_string(port, "endpoint", "?"));
    cleanup_free char *shown = str_printable(endpoint ? endpoint : "");
    if (endpoint)
        error_set(err, ERROR_NOT_RUNNING, "%s has no endpoint called \"%s\"", resource, shown);
    else
        error_set(err, ERROR_NOT_RUNNING, "%s has no endpoint, or it is not running", resource);
    if (known.length)
        error_hint(err, "it has: %s", strbuf_text(&known));
    return -1;
}

static int run(struct context *context, struct error *err)
{
    const struct strlist *names = &context->args.names;
    const char *wanted = names->count > 1 ? names->items[1] : NULL;
    cleanup_json cJSON *view = NULL;
    if (client_call(&context->client, "view", NULL, ANSWER_LIMIT, &view, err))
        return -1;
    const cJSON *resource = view_find_one(view, names->items[0], &context->output);
    if (!resource)
        return view_unknown(view, names->items[0], err);
    const cJSON *port;
    cJSON_ArrayForEach(port, json_get(resource, "ports"))
    {
        int64_t number = json_int(port, "port", 0);
        if (!number || (wanted && !str_eq(wanted, json_string(port, "endpoint", ""))))
            continue;
        if (context->output.json)
            output_json(port);
        else
            printf("%s:%" PRId64 "\n", json_string(port, "host", "127.0.0.1"), number);
        return 0;
    }
    int64_t number = json_int(resource, "port", 0);
    if (wanted || !number)
        return no_such_endpoint(json_get(resource, "ports"), names->items[0], wanted, err);
    if (context->output.json)
        output_json(resource);
    else
        printf("%s:%" PRId64 "\n", json_string(resource, "host", "127.0.0.1"), number);
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
