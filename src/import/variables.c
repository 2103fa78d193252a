/* `environment`, and the addresses of other services in it: a URI that is a variable of its own becomes a
 * reference with `env`, other addresses become late values. See internal.h. */
#include "import/internal.h"

#include "base/pick.h"

#include <ctype.h>
#include <string.h>

/* ---- the list ---- */

static struct env_pair *find(const struct service *service, const char *name)
{
    for (size_t i = 0; i < service->variable_count; i++)
        if (!strcmp(service->variables[i].name, name))
            return &service->variables[i];
    return NULL;
}

const char *variable_value(const struct service *service, const char *name)
{
    const struct env_pair *variable = find(service, name);
    if (variable)
        return variable->value;
    return NULL;
}

static void set(struct service *service, struct env_pair variable)
{
    struct env_pair *known = find(service, variable.name);
    if (known)
        *known = variable;
    else
        service->variables[service->variable_count++] = variable;
}

static struct env_pair pair_of(struct import *im, const struct yaml_node *item)
{
    size_t length = strcspn(item->text, "=");
    struct env_pair variable = {.name = arena_strndup(im->arena, item->text, length), .at = item};
    if (item->text[length])
        variable.value = item->text + length + 1;
    return variable;
}

static bool is_variable_name(const char *name)
{
    bool is_good = *name != '\0';
    for (const char *p = name; *p; p++)
        is_good = is_good && *p != '=' && !isspace((unsigned char)*p) && !iscntrl((unsigned char)*p);
    return is_good && str_is_utf8(name, strlen(name));
}

void variables_list(struct import *im, struct service *service)
{
    const struct yaml_node *value = manifest_get(service->fields, "environment");
    service->holding = "environment";
    size_t count = 0;
    if (value)
        count = value->count;
    service->variables = arena_alloc(im->arena, (count + 1) * sizeof *service->variables);

    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *item = value->items[i];
        struct env_pair variable = {.at = item};
        if (item->kind == NODE_SCALAR && value->kind == NODE_LIST)
            variable = pair_of(im, item);
        else if (value->kind == NODE_MAP)
            variable.name = value->keys[i]->text;
        if (item->kind == NODE_SCALAR && value->kind == NODE_MAP && !manifest_is_null(item))
            variable.value = item->text;
        bool is_good = variable.name && item->kind == NODE_SCALAR && is_variable_name(variable.name);
        if (is_good)
            set(service, variable);
        else
            piece_remark(im, service, item, "environment: this is no variable");
    }
    service->holding = NULL;
}

/* ---- addresses in a text ---- */

struct address_scan {
    struct import *im;
    struct service *service;
    struct strbuf out;
    bool is_host; /* a name alone is meant as one */
    int port;     /* that goes with it, 0: unknown */
    bool found, is_stuck;
    struct service *target; /* the last one found */
};

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* The word at p, when it is the name of a service. */
static struct service *service_at(struct address_scan *scan, const char *start, const char *p, size_t *length)
{
    bool is_inside = p > start && (is_name_char(p[-1]) || (p[-1] == '{' && p - 1 > start && p[-2] == '$') ||
                                   (p[-1] == '$'));
    *length = 0;
    while (is_name_char(p[*length]))
        ++*length;
    if (is_inside || !*length)
        return NULL;
    cleanup_free char *word = xstrndup(p, *length);
    return import_find(scan->im, word);
}

static int known_port(const struct service *service)
{
    static const struct {
        const char *image;
        int port;
    } known[] = {{"postgres", 5432},      {"postgis", 5432},    {"timescaledb", 5432}, {"mysql", 3306},
                 {"mariadb", 3306},       {"mongo", 27017},     {"rabbitmq", 5672},    {"memcached", 11211},
                 {"elasticsearch", 9200}, {"opensearch", 9200}, {"nats", 4222},        {"minio", 9000},
                 {"kafka", 9092},         {"zookeeper", 2181},  {"mailhog", 1025},     {"mailpit", 1025},
                 {"nginx", 80},           {"httpd", 80},        {"traefik", 80},       {"caddy", 80}};
    const char *base = strrchr(text_or_empty(service->image), '/');
    base = text_or(base, text_or_empty(service->image));

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(base, known[i].image))
            return known[i].port;
    if (service->port_count)
        return service->ports[0].target;
    return 0;
}

/* ":6379" behind the name: its port, and how long that is. */
static int port_behind(const char *p, size_t *length)
{
    int64_t port;
    *length = 0;
    if (*p != ':')
        return 0;
    size_t digits = strspn(p + 1, "0123456789");
    cleanup_free char *text = xstrndup(p + 1, digits);
    if (!str_to_int64(text, 1, 65535, &port))
        return 0;
    *length = digits + 1;
    return (int)port;
}

/* Where "redis://user:secret@" begins in what was put out so far; its length when there is none. */
static size_t scheme_start(const struct strbuf *out)
{
    static const char *const schemes[] = {"redis://", "rediss://", "valkey://"};
    const char *text = strbuf_text(out), *last = NULL;
    size_t length = 0;
    for (const char *at = strstr(text, "://"); at; at = strstr(at + 3, "://"))
        last = at;
    for (size_t i = 0; last && i < sizeof schemes / sizeof *schemes; i++) {
        size_t size = strlen(schemes[i]);
        const char *from = last + 3 - size;
        bool is_scheme = from >= text && !strncmp(from, schemes[i], size) &&
                         (from == text || !isalnum((unsigned char)from[-1]));
        if (is_scheme)
            length = size;
    }
    if (!length)
        return out->length;

    const char *info = last + 3, *end = text + out->length;
    bool is_empty = info == end;
    bool has_user = end > info && end[-1] == '@' && !memchr(info, ' ', (size_t)(end - info));
    if (is_empty || has_user)
        return (size_t)(info - text) - length;
    return out->length;
}

static void put_server(struct address_scan *scan, const struct service *target, int port)
{
    size_t start = scheme_start(&scan->out);
    if (start < scan->out.length) {
        strbuf_truncate(&scan->out, start);
        strbuf_addf(&scan->out, "${%s.uri}", target->name);
        return;
    }
    strbuf_addf(&scan->out, "${%s.host}", target->name);
    if (port)
        strbuf_addf(&scan->out, ":${%s.port}", target->name);
}

static bool put_container(struct address_scan *scan, struct service *target, int port)
{
    bool has_port = port != 0;
    const char *before = strbuf_text(&scan->out);
    if (!port && str_ends(before, "http://"))
        port = 80;
    if (!port)
        port = int_or(scan->port, known_port(target));
    if (!port)
        return false;
    const struct port *endpoint = port_need(scan->im, target, port);
    if (!endpoint)
        return false;
    strbuf_addf(&scan->out, "${%s.%s.host}", target->name, endpoint->name);
    if (has_port || str_ends(before, "://${"))
        strbuf_addf(&scan->out, ":${%s.%s.port}", target->name, endpoint->name);
    return true;
}

/* A service's name at p that stands for its address. Returns how long it is; 0: it does not. */
static size_t take_address(struct address_scan *scan, const char *start, const char *p)
{
    size_t length, behind;
    struct service *named = service_at(scan, start, p, &length);
    if (!named)
        return 0;
    int port = port_behind(p + length, &behind);
    bool is_url = p > start && (p[-1] == '@' || (p - start > 2 && !strncmp(p - 3, "://", 3)));
    bool is_alone = p == start && !p[length];
    if (!port && !is_url && !(is_alone && scan->is_host))
        return 0;

    struct service *target = import_stand_in(named);
    bool is_odd =
        named->kind == SERVICE_MEMBER || (target && target->kind == SERVICE_SERVER && port == 26379);
    if (!target || is_odd || target == scan->service || !link_is_steady(scan->service, target) ||
        !link_may(scan->im, scan->service, target)) {
        scan->is_stuck = named != scan->service;
        return 0;
    }

    bool is_put = true;
    if (target->kind == SERVICE_SERVER)
        put_server(scan, target, port);
    else
        is_put = put_container(scan, target, port);
    scan->is_stuck = scan->is_stuck || !is_put;
    if (!is_put)
        return 0;
    scan->found = true;
    scan->target = target;
    return length + behind;
}

static void run(struct address_scan *scan, const char *text)
{
    for (const char *p = text; *p;) {
        size_t length = take_address(scan, text, p);
        if (!length)
            strbuf_addc(&scan->out, *p);
        p += size_max(length, 1);
    }
}

const char *variable_address(struct import *im, struct service *service, const char *text)
{
    struct address_scan scan = {.im = im, .service = service};
    run(&scan, import_text(im, text));
    const char *result = NULL;
    if (scan.found)
        result = arena_strdup(im->arena, strbuf_text(&scan.out));
    strbuf_free(&scan.out);
    return result;
}

/* ---- a list of nodes ---- */

/* "a:26379,b:26379", all of one topology: what stands for it, or NULL. */
static const char *list_of_nodes(struct import *im, struct service *service, const char *text)
{
    struct service *whole = NULL;
    bool is_sentinels = true;
    size_t members = 0;
    for (const char *p = text; *p;) {
        size_t size = strcspn(p, ","), name = strcspn(p, ":,");
        cleanup_free char *host = xstrndup(p + strspn(p, " "), name - size_min(name, strspn(p, " ")));
        struct service *named = import_find(im, host);
        struct service *target = import_stand_in(named);
        if (!target || target->kind != SERVICE_SERVER || (whole && target != whole) ||
            !target->server.is_topology)
            return NULL;
        if (p[name] != ':')
            return NULL;
        whole = target;
        members += named->kind == SERVICE_MEMBER;
        is_sentinels = is_sentinels && target->server.sentinels && str_starts(p + name, ":26379");
        p += size + (p[size] == ',');
    }

    if (!whole || !members || !link_may(im, service, whole))
        return NULL;
    return arena_printf(im->arena, "${%s.%s}", whole->name, text_pick(is_sentinels, "sentinels", "nodes"));
}

/* ---- one variable ---- */

static bool ends_with_any(const char *name, const char *const *endings, size_t count)
{
    cleanup_free char *lower = str_lower(name);
    for (size_t i = 0; i < count; i++)
        if (str_ends(lower, endings[i]))
            return true;
    return false;
}

static bool is_host_name(const char *name)
{
    static const char *const endings[] = {"host",  "hostname", "server",   "addr", "address",
                                          "hosts", "servers",  "endpoint", "nodes"};
    return ends_with_any(name, endings, sizeof endings / sizeof *endings);
}

/* Names whose value is a word such as "redis", and no host. */
static bool is_word_name(const char *name)
{
    static const char *const endings[] = {
        "driver",   "connection", "store",    "type",     "backend",     "engine", "client",
        "adapter",  "cache",      "queue",    "db",       "database",    "name",   "user",
        "username", "scheme",     "provider", "password", "broadcaster", "mode",   "kind"};
    return ends_with_any(name, endings, sizeof endings / sizeof *endings);
}

/* "DB_HOST" → the value of "DB_PORT", "REDIS_PORT" → that of "REDIS_HOST". */
static const char *sibling(const struct service *service, const char *name, const char *from, const char *to)
{
    size_t length = strlen(name), cut = strlen(from);
    if (length < cut || strcasecmp(name + length - cut, from) != 0)
        return NULL;
    const char *end = to;
    cleanup_free char *lower = str_lower(to);
    if (islower((unsigned char)name[length - 1]))
        end = lower;
    cleanup_free char *other = xasprintf("%.*s%s", (int)(length - cut), name, end);
    return variable_value(service, other);
}

static int sibling_port(struct import *im, const struct service *service, const char *name)
{
    const char *text = sibling(service, name, "HOST", "PORT");
    int64_t port;
    if (text)
        text = manifest_document_expand(im->document, import_text(im, text));
    if (text && str_to_int64(text, 1, 65535, &port))
        return (int)port;
    return 0;
}

/* The port of a host that stands in the variable beside. */
static bool take_port(struct import *im, struct service *service, struct env_pair *variable)
{
    const char *host = sibling(service, variable->name, "PORT", "HOST");
    struct service *target = NULL;
    if (host)
        target = import_stand_in(import_find(im, host));
    int64_t port;
    const char *now = manifest_document_expand(im->document, import_text(im, variable->value));
    bool is_port = now && str_to_int64(now, 1, 65535, &port);
    if (!target || !is_port || target == service || port == 26379 || !link_is_steady(service, target) ||
        !link_may(im, service, target))
        return false;
    if (target->kind == SERVICE_SERVER) {
        variable->text = arena_printf(im->arena, "${%s.port}", target->name);
        return true;
    }

    const struct port *endpoint = port_need(im, target, (int)port);
    if (endpoint)
        variable->text = arena_printf(im->arena, "${%s.%s.port}", target->name, endpoint->name);
    return endpoint != NULL;
}

/* A variable that is the server's URI and nothing else. */
static bool take_uri(struct import *im, struct service *service, struct env_pair *variable,
                     const struct address_scan *scan)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    cleanup_free char *whole = xasprintf("${%s.uri}", scan->target->name);
    bool is_uri = !strcmp(strbuf_text(&scan->out), whole) && !isdigit((unsigned char)*variable->name) &&
                  strspn(variable->name, allowed) == strlen(variable->name);
    if (!is_uri)
        return false;
    for (size_t i = 0; i < service->link_count; i++)
        if (service->links[i].target == scan->target && service->links[i].env)
            return false;
    link_add(im, service, (struct need){.target = scan->target, .env = variable->name});
    return true;
}

static void resolve(struct import *im, struct service *service, struct env_pair *variable)
{
    const char *name = variable->name;
    variable->text = import_text(im, variable->value);
    const char *nodes = list_of_nodes(im, service, variable->value);
    if (nodes)
        variable->text = nodes;
    if (nodes || take_port(im, service, variable))
        return;

    struct address_scan scan = {.im = im, .service = service, .is_host = is_host_name(name)};
    scan.port = sibling_port(im, service, name);
    run(&scan, variable->text);
    struct service *named = import_find(im, variable->value);
    bool is_open = named && named != service && !scan.found && !is_word_name(name);
    if (scan.is_stuck || is_open)
        variable->remark = "is kept as it is; if an address is meant, write ${NAME.host} and ${NAME.port}";
    if (scan.found && take_uri(im, service, variable, &scan))
        variable->text = NULL;
    else if (scan.found)
        variable->text = arena_strdup(im->arena, strbuf_text(&scan.out));
    strbuf_free(&scan.out);
}

void variables_resolve(struct import *im, struct service *service)
{
    for (size_t i = 0; i < service->variable_count; i++)
        if (service->variables[i].value)
            resolve(im, service, &service->variables[i]);
}

/* ---- as fields ---- */

static void write_one(struct import *im, struct service *service, const struct env_pair *variable)
{
    struct strbuf *body = piece_body(service, "environment");
    bool is_reference = variable->value && !variable->text;
    if (is_reference)
        return;

    if (variable->remark) {
        cleanup_strbuf struct strbuf text = {0};
        import_put_place(&text, variable->at);
        cleanup_free char *shown = str_printable(variable->name);
        strbuf_addf(&text, "%s %s", shown, variable->remark);
        import_put_comment(body, 6, strbuf_text(&text));
        im->result->remarks++;
    }
    strbuf_adds(body, "      ");
    import_put_text(body, variable->name);
    strbuf_addc(body, ':');
    if (variable->value) {
        strbuf_addc(body, ' ');
        import_put_text(body, variable->text);
    }
    strbuf_addc(body, '\n');
}

void variables_write(struct import *im, struct service *service)
{
    for (size_t i = 0; i < service->variable_count; i++)
        write_one(im, service, &service->variables[i]);
}
