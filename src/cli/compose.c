/* Reading just enough of a compose file. See compose.h.
 *
 * libyaml's events become cJSON, with bounds on depth and number; aliases and anchors are not followed
 * (compose files that use them keep their fields under the first name). Then each service is looked at:
 * image, ports, depends_on. */
#include "cli/compose.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pick.h"
#include "record/record.h"

#include <ctype.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 32, MAX_NODES = 20000, MAX_BYTES = 1 << 20 };

struct reader {
    yaml_parser_t parser;
    int nodes;
    struct error *err;
    const char *path;
};

static int next_event(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    error_set(reader->err, ERROR_MANIFEST, "cannot read this YAML: %s",
              text_or(reader->parser.problem, "it is broken"));
    error_at(reader->err, reader->path, (int)reader->parser.problem_mark.line + 1,
             (int)reader->parser.problem_mark.column + 1);
    return -1;
}

static cJSON *read_node(struct reader *reader, yaml_event_t *event, int depth);

/* Until the closing event; mappings take a key before each value. */
static int fill(struct reader *reader, cJSON *container, bool is_map, int depth)
{
    for (;;) {
        yaml_event_t event;
        cleanup_free char *key = NULL;
        if (next_event(reader, &event))
            return -1;

        bool is_end = event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT;
        if (is_map && !is_end) {
            if (event.type == YAML_SCALAR_EVENT)
                key = xstrdup((const char *)event.data.scalar.value);
            else
                key = xstrdup("?");
            bool is_scalar = event.type == YAML_SCALAR_EVENT;
            yaml_event_delete(&event);
            if (!is_scalar)
                return error_set(reader->err, ERROR_MANIFEST, "%s has a key that is not plain text",
                                 reader->path);
            if (next_event(reader, &event))
                return -1;
        }

        if (is_end) {
            yaml_event_delete(&event);
            return 0;
        }

        cJSON *value = read_node(reader, &event, depth + 1);
        if (!value)
            return -1;
        if (is_map)
            cJSON_AddItemToObject(container, key, value);
        else
            cJSON_AddItemToArray(container, value);
    }
}

static cJSON *read_container(struct reader *reader, bool is_map, int depth)
{
    cJSON *container;
    if (is_map)
        container = cJSON_CreateObject();
    else
        container = cJSON_CreateArray();
    if (!fill(reader, container, is_map, depth))
        return container;
    cJSON_Delete(container);
    return NULL;
}

static cJSON *read_node(struct reader *reader, yaml_event_t *event, int depth)
{
    yaml_event_type_t type = event->type;
    cJSON *value = NULL;
    if (depth > MAX_DEPTH || ++reader->nodes > MAX_NODES)
        error_set(reader->err, ERROR_MANIFEST, "%s is too deep or too large", reader->path);
    else if (type == YAML_SCALAR_EVENT)
        value = cJSON_CreateString((const char *)event->data.scalar.value);
    else if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
        value = read_container(reader, type == YAML_MAPPING_START_EVENT, depth);
    else
        value = cJSON_CreateNull();
    yaml_event_delete(event);
    return value;
}

static cJSON *read_yaml(const char *path, struct error *err)
{
    size_t length;
    cleanup_free char *text = file_read_text(path, MAX_BYTES, &length, err);
    struct reader reader = {.err = err, .path = path};
    cJSON *document = NULL;
    if (!text || !yaml_parser_initialize(&reader.parser))
        return NULL;

    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    for (;;) {
        yaml_event_t event;
        if (next_event(&reader, &event))
            break;
        bool is_start = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
        if (!is_start) {
            document = read_node(&reader, &event, 0);
            break;
        }
        yaml_event_delete(&event);
    }

    yaml_parser_delete(&reader.parser);
    return document;
}

char *compose_name(const char *text)
{
    cleanup_strbuf struct strbuf name = {0};
    for (; *text && name.length < 63; text++) {
        if (isalnum((unsigned char)*text) && (name.length || isalpha((unsigned char)*text)))
            strbuf_addc(&name, *text);
        else if (name.length && name.data[name.length - 1] != '-')
            strbuf_addc(&name, '-');
    }
    while (name.length && name.data[name.length - 1] == '-')
        strbuf_truncate(&name, name.length - 1);
    if (name.length)
        return strbuf_take(&name);
    return xstrdup("app");
}

/* "redis" for docker.io/library/redis:7 and bitnami/redis, "valkey" alike; NULL for other images. */
static const char *server_of(const char *image)
{
    const char *base = strrchr(image, '/');
    if (base)
        base = base + 1;
    else
        base = image;
    size_t length = strcspn(base, ":@");
    if (length == 5 && !strncmp(base, "redis", 5))
        return "redis";
    if (length == 6 && !strncmp(base, "valkey", 6))
        return "valkey";
    return NULL;
}

/* The host and container ports of "6379", "6380:6379", "127.0.0.1:6380:6379/tcp". */
static void split_port(const char *text, int64_t *host, int64_t *target)
{
    cleanup_free char *copy = xstrndup(text, strcspn(text, "/"));
    char *last = strrchr(copy, ':');
    *host = 0;
    str_to_int64(last ? last + 1 : copy, 1, 65535, target);
    if (!last)
        return;
    *last = '\0';
    const char *before = strrchr(copy, ':');
    str_to_int64(before ? before + 1 : copy, 1, 65535, host);
}

static void add_quoted(struct strbuf *out, const char *text)
{
    strbuf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            strbuf_addc(out, '\\');
        if ((unsigned char)*text >= ' ')
            strbuf_addc(out, *text);
    }
    strbuf_addc(out, '"');
}

/* A service, as far as it is taken over; borrowed from the document. */
struct compose_service {
    const cJSON *image, *ports, *depends_on;
};

#define ROW(owner, member) RECORD_CUSTOM(#member, struct owner, member, const cJSON *, &record_borrowed)
static const struct record_field service_rows[] = {ROW(compose_service, image), ROW(compose_service, ports),
                                                   ROW(compose_service, depends_on)};
static RECORD(service_record, struct compose_service, service_rows);

struct compose_file {
    const cJSON *services;
};
static const struct record_field file_rows[] = {ROW(compose_file, services)};
static RECORD(file_record, struct compose_file, file_rows);
#undef ROW

static struct compose_service read_service(const cJSON *json)
{
    struct compose_service service = {0};
    record_read(&service_record, json, NULL, &service, NULL);
    return service;
}

static void add_ports(const cJSON *ports, bool is_server, struct strbuf *out)
{
    const cJSON *item;
    int count = 0;

    cJSON_ArrayForEach(item, ports)
    {
        int64_t host = 0, target = 0;
        if (cJSON_IsString(item))
            split_port(item->valuestring, &host, &target);
        if (is_server && host && !count++)
            strbuf_addf(out, "    host_port: %d\n", (int)host);
        if (is_server || !target)
            continue;
        strbuf_addf(out, "%s      port-%d: {target_port: %d", text_if(!(count++), "    endpoints:\n"),
                    (int)target, (int)target);
        if (host)
            strbuf_addf(out, ", host_port: %d", (int)host);
        strbuf_adds(out, "}\n");
    }
}

/* A list of names, or a table by name. */
static const char *needed_name(const cJSON *needs, const cJSON *item)
{
    if (!cJSON_IsArray(needs))
        return item->string;
    if (cJSON_IsString(item))
        return item->valuestring;
    return "";
}

static void add_waits(const cJSON *services, const cJSON *needs, struct strbuf *out)
{
    const cJSON *item;
    int count = 0;
    cJSON_ArrayForEach(item, needs)
    {
        const char *other = needed_name(needs, item);
        if (!cJSON_IsString(read_service(json_get(services, other)).image))
            continue;
        cleanup_free char *name = compose_name(other);
        strbuf_addf(out, "%s%s", count++ ? ", " : "    wait_for: [", name);
    }
    if (count)
        strbuf_adds(out, "]\n");
}

static void note_rest(const cJSON *service, const char *name, bool is_server, struct strbuf *notes)
{
    static const char *const taken[] = {"image", "ports", "depends_on", "container_name", "restart"};
    const cJSON *field;
    cJSON_ArrayForEach(field, service)
    {
        bool is_taken = false;
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
            is_taken |= !strcmp(field->string, taken[i]);
        if (is_taken)
            continue;
        cleanup_free char *shown = str_printable(field->string);
        strbuf_addf(notes, "apphost: %s: %s is not taken over%s\n", name, shown,
                    text_if(is_server && !strcmp(shown, "volumes"), "; data_volume: true keeps data"));
    }
}

static void convert_service(const cJSON *services, const cJSON *json, struct strbuf *out,
                            struct strbuf *notes)
{
    cleanup_free char *name = compose_name(json->string);
    const struct compose_service service = read_service(json);
    const char *image = cJSON_GetStringValue(service.image);
    if (!image) {
        strbuf_addf(notes, "apphost: %s has no image and is left out; what you develop is best a process\n",
                    name);
        return;
    }

    const char *server = server_of(image);
    strbuf_addf(out, "  %s:\n    type: %s\n    image: ", name, text_or(server, "container"));
    add_quoted(out, image);
    strbuf_addc(out, '\n');
    add_ports(service.ports, server != NULL, out);
    if (!server)
        add_waits(services, service.depends_on, out);
    note_rest(json, name, server != NULL, notes);
}

int compose_convert(const char *path, struct strbuf *out, struct strbuf *notes, struct error *err)
{
    cleanup_json cJSON *document = read_yaml(path, err);
    struct compose_file file = {0};
    const cJSON *service;
    if (!document)
        return -1;
    record_read(&file_record, document, NULL, &file, NULL);
    const cJSON *services = file.services;
    if (!cJSON_IsObject(services))
        return error_set(err, ERROR_MANIFEST, "%s has no services", path);
    strbuf_adds(out, json_count(services) || services->child ? "resources:\n" : "resources: {}\n");
    cJSON_ArrayForEach(service, services) convert_service(services, service, out, notes);
    return 0;
}
