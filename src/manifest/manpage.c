/* apphost.yaml(5), from the field tables. man(7) macros. */
#include "manifest/root.h"
#include "manifest/tables.h"

#include <string.h>

enum { MAX_TABLES = 64 };

struct page {
    struct strbuf out;
    const struct table *nested[MAX_TABLES]; /* found on the way, described at the end */
    size_t nested_count;
};

/* Text for roff: backslashes, hyphens, and `code` in bold. */
static void put(struct page *page, const char *text)
{
    bool is_bold = false;
    for (const char *p = text; *p; p++) {
        if (*p == '`') {
            strbuf_adds(&page->out, is_bold ? "\\fR" : "\\fB");
            is_bold = !is_bold;
        } else if (*p == '\\' || *p == '-') {
            strbuf_adds(&page->out, *p == '-' ? "\\-" : "\\e");
        } else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n')) {
            strbuf_addf(&page->out, "\\&%c", *p);
        } else {
            strbuf_addc(&page->out, *p);
        }
    }
}

static void section(struct page *page, const char *title)
{
    strbuf_addf(&page->out, ".SH \"%s\"\n", title);
}

static void paragraph(struct page *page, const char *text)
{
    strbuf_adds(&page->out, ".PP\n");
    put(page, text);
    strbuf_addc(&page->out, '\n');
}

static void remember(struct page *page, const struct shape *shape)
{
    if (!shape)
        return;
    remember(page, shape->item);
    const struct table *table = shape->table;
    for (size_t i = 0; i < page->nested_count; i++)
        if (page->nested[i] == table)
            return;
    if (table && table != &table_parameter && page->nested_count < MAX_TABLES)
        page->nested[page->nested_count++] = table;
}

static void describe_field(struct page *page, const struct field *field)
{
    strbuf_adds(&page->out, ".TP\n\\fB");
    put(page, field->name);
    strbuf_adds(&page->out, "\\fR: ");
    put(page, field->shape->words);
    strbuf_addc(&page->out, '\n');
    put(page, field->help);
    if (field->fallback) {
        strbuf_adds(&page->out, " Default: ");
        put(page, field->fallback);
        strbuf_addc(&page->out, '.');
    }
    strbuf_addc(&page->out, '\n');
    remember(page, field->shape);
}

static void describe_table(struct page *page, const struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        describe_field(page, &table->fields[i]);
}

static const struct {
    const char *title, *text;
    const struct table *table;
} chapters[] = {
    {"TOP LEVEL", "Keys that start with `x-` are left alone.", &table_manifest},
    {"PARAMETERS",
     "A value is looked for in this order: `--parameter`, the environment's `Parameters__NAME` or "
     "`APPHOST_PARAM_NAME`, the same in `.env`, the remembered value, `default`, a generated one. "
     "Processes do not inherit these variables, nor those that steer `apphost` itself (`APPHOST_FILE` and "
     "the like): "
     "what one needs stands in its `environment`. A call of `apphost` from a process means the session that "
     "the process belongs to.",
     &table_parameter},
    {"EVERY RESOURCE", "A resource without more to say may be written as its type alone: `cache: redis`.",
     &table_common},
    {"WHAT RUNS", "Fields that redis, valkey, garnet, process and container have as well:", &table_running},
    {"WHAT AN ENGINE RUNS", "Fields that redis, valkey, garnet and container have as well:", &table_hosted},
    {"REDIS", "A Redis server.", &table_redis},
    {"VALKEY", "A Valkey server: the fields of redis, and", &table_valkey},
    {"GARNET", "A Garnet server: the fields of redis, and", &table_garnet},
    {"CONNECTION-STRING", "A server that exists already: nothing is started.", &table_connection},
    {"PROCESS", "A program of this machine.", &table_process},
    {"CONTAINER", "Any other image.", &table_container},
    {"EXTERNAL",
     "A service of HTTP or TCP that others run: nothing is started. Consumers get "
     "`services__NAME__SCHEME__0`, "
     "`NAME_URL`, `NAME_HOST` and `NAME_PORT`.",
     &table_external},
};

static void describe_chapters(struct page *page)
{
    for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++) {
        section(page, chapters[i].title);
        paragraph(page, chapters[i].text);
        describe_table(page, chapters[i].table);
        if (chapters[i].table == &table_redis)
            describe_table(page, table_redis.base);
    }
}

static void describe_nested(struct page *page)
{
    section(page, "MAPS INSIDE OF FIELDS");
    for (size_t i = 0; i < page->nested_count; i++) {
        const struct table *table = page->nested[i];
        strbuf_adds(&page->out, ".SS \"");
        put(page, table->name);
        strbuf_adds(&page->out, "\"\n");
        for (const struct table *t = table; t; t = t->base)
            describe_table(page, t);
    }
}

static const char introduction[] = "`apphost.yaml` says what an application is made of: servers, processes, "
                                   "containers, and who refers to whom. "
                                   "`apphost`(1) looks for it in the current folder and its parents, up to "
                                   "the home folder or a folder with `.git`. "
                                   "An `apphost.override.yaml` beside it is merged over it: maps merge, "
                                   "lists and scalars replace, null deletes.";

static const char example[] =
    ".PP\n.nf\nname: shop\nresources:\n  cache:\n    type: redis\n    data_volume: true\n"
    "  api:\n    type: process\n    command: [node, server.js]\n    references: [cache]\n"
    "    endpoints:\n      http: {env: PORT}\n.fi\n";

static const char *const values[] = {
    "Durations are written `500ms`, `10s`, `1m30s`, `2h`, `00:05:00`; a bare number is seconds. Sizes are "
    "written `64m`. "
    "Booleans are `true` and `false` only. Relative paths belong to the file they stand in; `~` is the home "
    "folder.",
    "`${VAR}`, `${VAR:-default}`, `${VAR-default}`, `${VAR:?message}`, `${VAR?message}`, `${VAR:+other}` and "
    "`${VAR+other}` are replaced from the environment, then from `.env`; they may be nested. `$$` is a "
    "dollar sign.",
    "`${cache.host}`, `.port`, `.password`, `.uri`, `.connection_string`, `.ca_file`, `.nodes`, "
    "`.sentinels`, `.sentinel_name` of a server, "
    "`${api.http.url}`, "
    "`.host`, `.port` of an endpoint, and `${parameters.NAME}` are references. They are resolved for each "
    "consumer.",
    "Names have 1 to 63 ASCII letters, digits and hyphens; they start with a letter, do not end with a "
    "hyphen, and have no "
    "two hyphens in a row. They are unique without regard to case.",
};

static const char *const variables[] = {
    "A consumer that lists `cache` under `references` gets `ConnectionStrings__cache`, `CACHE_HOST`, "
    "`CACHE_PORT`, "
    "`CACHE_PASSWORD`, `CACHE_URI` and `CACHE_URL`; for endpoints of `api`, `services__api__http__0` and "
    "`API_HTTP`. "
    "`user` gives the credentials of one of the server's `users`, and `CACHE_USERNAME`. "
    "`as` renames all of them, `env` names one more variable that holds the URI. Two references "
    "that name one variable are an error; `environment` replaces what references give.",
    "Of `cluster`, `replication` and `sentinel` also `CACHE_NODES`, the addresses of all nodes with data; "
    "of `sentinel` `CACHE_SENTINELS` and `CACHE_SENTINEL_NAME`, and `ConnectionStrings__cache` has the "
    "sentinels and `serviceName`. Their nodes are published on the gateway of the project's network, at the "
    "same port inside and outside: an address that the host and containers reach alike, and other machines "
    "only where they route to it. A gateway that is not this machine's own (a rootless engine, one in a "
    "virtual machine) is an error. With the native engine it is 127.0.0.1, with an engine on another machine "
    "that machine's (of a cluster an address, not a name).",
    "A URI is `redis://default:PASSWORD@HOST:PORT`, `rediss` with TLS, every special character "
    "percent-encoded: what `redis-cli -u` and the client libraries take. Redis before version 6 knows no "
    "users: theirs has none.",
};

char *manifest_man_page(void)
{
    struct page page = {.nested_count = 0};

    strbuf_addf(&page.out, ".TH APPHOST.YAML 5 \"\" \"apphost %s\"\n.nh\n", APPHOST_VERSION);
    section(&page, "NAME");
    strbuf_adds(&page.out, "apphost.yaml \\- the manifest of an application\n");
    section(&page, "DESCRIPTION");
    paragraph(&page, introduction);
    section(&page, "EXAMPLE");
    strbuf_adds(&page.out, example);
    section(&page, "VALUES");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        paragraph(&page, values[i]);

    describe_chapters(&page);
    describe_nested(&page);

    section(&page, "ENVIRONMENT OF CONSUMERS");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        paragraph(&page, variables[i]);
    section(&page, "SEE ALSO");
    strbuf_adds(&page.out, ".BR apphost (1)\n");
    return strbuf_take(&page.out);
}
