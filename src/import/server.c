/* What a server of the Redis family is told by its command line, its image's variables and its redis.conf, as
 * `password`, `persistence` and `config`. See internal.h. */
#include "import/internal.h"

#include "base/file.h"
#include "base/pick.h"

#include <ctype.h>
#include <string.h>

enum { MAX_CONF = 256 * 1024 };

/* ---- directives ---- */

static bool is_in(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(list[i], name))
            return true;
    return false;
}

static bool is_apphosts(const char *name)
{
    static const char *const list[] = {"bind",    "dir",        "daemonize",  "protected-mode", "logfile",
                                       "pidfile", "supervised", "unixsocket", "unixsocketperm", "include"};
    return is_in(name, list, sizeof list / sizeof *list) || !strncasecmp(name, "tls-", 4);
}

static bool is_topologys(const char *name)
{
    static const char *const list[] = {"replicaof",
                                       "slaveof",
                                       "masterauth",
                                       "masteruser",
                                       "primaryauth",
                                       "primaryuser",
                                       "replica-read-only",
                                       "slave-read-only",
                                       "sentinel",
                                       "replica-announce-ip",
                                       "replica-announce-port",
                                       "slave-announce-ip",
                                       "slave-announce-port"};
    return is_in(name, list, sizeof list / sizeof *list) || !strncasecmp(name, "cluster-", 8);
}

/* Whether the server could split it as the rest of a line. */
static bool has_even_quotes(const char *value)
{
    char quote = '\0';
    for (const char *p = value; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (quote && *p == quote)
            quote = '\0';
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
    }
    return !quote && !strpbrk(value, "\r\n") && !strchr(value, '\\') && !strchr(value, '\'');
}

static bool is_directive_name(const char *name)
{
    return *name &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == strlen(name);
}

static void set_password(struct import *im, struct service *service, const struct yaml_node *at,
                         const char *value)
{
    struct server *server = &service->server;
    const char *now = manifest_document_expand(im->document, value);
    size_t length = 0;
    if (now)
        length = strlen(now);
    bool is_odd = length && (strpbrk(now, ",\r\n") || isspace((unsigned char)*now) ||
                             isspace((unsigned char)now[length - 1]) || length > 16384);

    if (is_odd) {
        piece_remark(im, service, at,
                     "password: a connection string could not hold it (commas, blanks at its ends); "
                     "one is generated");
        server->password = "";
    } else if (length) {
        server->password = arena_strdup(im->arena, value);
    } else if (strchr(value, '$')) {
        piece_remark(im, service, at,
                     "password: %s is not set now, and one is generated; when it is: password: %s", value,
                     value);
        server->password = "";
    }
}

static void set_save(struct import *im, struct service *service, const struct yaml_node *at,
                     const char *value)
{
    struct server *server = &service->server;
    struct word_list words = {0};
    words_split(im, &words, value);
    bool is_off = !words.count || !*words.items[0];
    if (server->has_save && !is_off) {
        piece_remark(im, service, at, "save %s: `persistence` has one rule, the first", value);
        return;
    }

    int64_t seconds, changes;
    server->is_save_off = is_off;
    server->has_save = true;
    if (is_off)
        return;
    if (words.count < 2 || !str_to_int64(words.items[0], 1, 1000000, &seconds) ||
        !str_to_int64(words.items[1], 1, 1000000000, &changes)) {
        server->has_save = false;
        piece_remark(im, service, at, "save %s: is no pair of seconds and changes", value);
        return;
    }
    server->interval = words.items[0];
    server->changes = words.items[1];
    if (words.count > 2)
        piece_remark(im, service, at, "save %s: `persistence` has one rule, the first", value);
}

static void add_config(struct import *im, struct service *service, const char *name, const char *value)
{
    struct server *server = &service->server;
    server->config = arena_grow(im->arena, server->config, server->config_count, server->config_count + 1,
                                sizeof *server->config);
    server->config[server->config_count++] = (struct setting){name, value};
}

static void take_other(struct import *im, struct service *service, const struct yaml_node *at,
                       const struct setting *setting)
{
    const char *name = setting->name, *value = setting->value;
    const char *now = manifest_document_expand(im->document, value);
    if (is_topologys(name)) {
        if (!service->server.is_topology)
            piece_remark(im, service, at, "%s %s: apphost tells that to the nodes of a topology alone", name,
                         value);
    } else if (is_apphosts(name)) {
        piece_remark(im, service, at, "%s %s: belongs to apphost", name, value);
    } else if (!strcmp(service->type, "garnet")) {
        piece_remark(im, service, at, "--%s %s: see `config` of a garnet in apphost.yaml(5)", name, value);
    } else if (now && is_directive_name(name) && has_even_quotes(now)) {
        add_config(im, service, name, value);
    } else {
        piece_remark(im, service, at, "%s %s: is no directive that can be taken over", name, value);
    }
}

/* What a shell in the container would have put in its place. */
static bool is_known_inside(const char *value)
{
    return str_starts(value, "$$") && value[2];
}

void server_directive(struct import *im, struct service *service, const struct yaml_node *at,
                      const char *name, const char *value)
{
    bool is_password =
        !strcasecmp(name, "requirepass") || (!strcmp(service->type, "garnet") && !strcmp(name, "password"));
    if (is_known_inside(value)) {
        piece_remark(im, service, at, "%s %s: is known in the container alone%s", name, value,
                     text_if(is_password, "; one is generated"));
        if (is_password)
            service->server.password = "";
        return;
    }

    if (is_password) {
        set_password(im, service, at, value);
    } else if (!strcasecmp(name, "save")) {
        set_save(im, service, at, value);
    } else if (!strcasecmp(name, "appendonly")) {
        const char *now = manifest_document_expand(im->document, value);
        service->server.is_append_only = now && !strcasecmp(now, "yes");
    } else if (!strcasecmp(name, "port")) {
        if (strcmp(value, "6379") != 0)
            piece_remark(im, service, at, "port %s: inside it is 6379; consumers are told the right one",
                         value);
    } else {
        take_other(im, service, at, &(struct setting){name, value});
    }
}

/* ---- redis.conf ---- */

static void take_line(struct import *im, struct service *service, const struct yaml_node *at, char *line)
{
    line += strspn(line, " \t");
    size_t length = strlen(line);
    while (length && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
    if (!length || *line == '#')
        return;
    size_t name = strcspn(line, " \t");
    char *value = line + name + strspn(line + name, " \t");
    line[name] = '\0';
    size_t size = strlen(value);
    bool is_quoted = size > 1 && *value == '"' && value[size - 1] == '"' && !memchr(value + 1, '"', size - 2);

    if (is_quoted && strcasecmp(line, "save") != 0) {
        value[size - 1] = '\0';
        value++;
    } else if (is_quoted && size == 2) {
        value = value + 2;
    }
    cleanup_strbuf struct strbuf escaped = {0};
    for (; *value; value++)
        strbuf_addf(&escaped, "%s%c", text_if(*value == '$', "$"), *value);
    const char *kept_name = arena_strdup(im->arena, line);
    server_directive(im, service, at, kept_name, arena_strdup(im->arena, strbuf_text(&escaped)));
}

static void read_conf(struct import *im, struct service *service, const struct yaml_node *at,
                      const char *path)
{
    const char *source = mount_file_at(im, service, path), *now = NULL;
    if (source)
        now = manifest_document_expand(im->document, source);
    cleanup_free char *text = NULL;
    if (now)
        text = file_read_text(now, MAX_CONF, NULL, NULL);
    if (!text || !str_is_utf8(text, strlen(text))) {
        piece_remark(im, service, at, "%s: its directives go under `config`; there is no such file now",
                     path);
        return;
    }

    piece_remark(im, service, at, "%s: what follows is from %s", path, now);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        take_line(im, service, at, line);
}

/* ---- the command line ---- */

/* "$$NAME" of a shell in the container: the variable that the service has. */
static const char *value_of(struct import *im, const struct service *service, const char *word)
{
    if (!str_starts(word, "$$"))
        return import_text(im, word);
    const char *name = word + 2 + (word[2] == '{');
    size_t length = strcspn(name, "}:");
    const char *known = arena_strndup(im->arena, name, length);
    const char *value = variable_value(service, known);
    if (value)
        return import_text(im, value);
    return import_text(im, word);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2];
}

static bool is_program(const char *word)
{
    const char *base = strrchr(word, '/');
    if (base)
        base++;
    else
        base = word;
    return str_ends(base, "-server") || !strcmp(base, "GarnetServer") ||
           !strcmp(base, "docker-entrypoint.sh") || !strcmp(base, "exec");
}

/* The words behind an option, up to the next; returns the index of that. */
static size_t take_option(struct import *im, struct service *service, const struct yaml_node *at, size_t i)
{
    const struct word_list *words = &service->words;
    cleanup_free char *option = xstrdup(words->items[i] + 2);
    cleanup_strbuf struct strbuf value = {0};
    char *equals = strpbrk(option, "= ");
    if (equals) {
        *equals = '\0';
        strbuf_adds(&value, equals + 1);
    }
    const char *name = arena_strdup(im->arena, option);
    for (i++; i < words->count && !is_option(words->items[i]); i++)
        strbuf_addf(&value, "%s%s", text_if(value.length, " "), value_of(im, service, words->items[i]));
    server_directive(im, service, at, name, arena_strdup(im->arena, strbuf_text(&value)));
    return i;
}

static void take_words(struct import *im, struct service *service, const struct yaml_node *at)
{
    const struct word_list *words = &service->words;
    size_t i = 0;
    while (i < words->count && is_program(words->items[i]))
        i++;

    while (i < words->count) {
        const char *word = words->items[i];
        if (is_option(word)) {
            i = take_option(im, service, at, i);
            continue;
        }
        if (str_ends(word, ".conf"))
            read_conf(im, service, at, word);
        else
            piece_remark(im, service, at, "command: `%s` is nothing that a server here can be told", word);
        i++;
    }
}

void server_command(struct import *im, struct service *service, const struct yaml_node *at)
{
    if (service->has_command)
        return;
    service->has_command = true;
    take_words(im, service, at);
}

/* ---- variables of images ---- */

enum image_variable { VARIABLE_PASSWORD, VARIABLE_AOF, VARIABLE_FLAGS, VARIABLE_PORT, VARIABLE_KNOWN };

static const struct {
    const char *name;
    enum image_variable kind;
} image_variables[] = {
    {"REDIS_PASSWORD", VARIABLE_PASSWORD},
    {"VALKEY_PASSWORD", VARIABLE_PASSWORD},
    {"REDIS_AOF_ENABLED", VARIABLE_AOF},
    {"VALKEY_AOF_ENABLED", VARIABLE_AOF},
    {"REDIS_EXTRA_FLAGS", VARIABLE_FLAGS},
    {"VALKEY_EXTRA_FLAGS", VARIABLE_FLAGS},
    {"REDIS_ARGS", VARIABLE_FLAGS},
    {"REDIS_PORT_NUMBER", VARIABLE_PORT},
    {"VALKEY_PORT_NUMBER", VARIABLE_PORT},
    {"ALLOW_EMPTY_PASSWORD", VARIABLE_KNOWN},
    {"REDIS_REPLICATION_MODE", VARIABLE_KNOWN},
    {"VALKEY_REPLICATION_MODE", VARIABLE_KNOWN},
    {"REDIS_MASTER_HOST", VARIABLE_KNOWN},
    {"REDIS_MASTER_PASSWORD", VARIABLE_KNOWN},
    {"VALKEY_PRIMARY_HOST", VARIABLE_KNOWN},
    {"VALKEY_PRIMARY_PASSWORD", VARIABLE_KNOWN},
    {"REDIS_NODES", VARIABLE_KNOWN},
    {"VALKEY_NODES", VARIABLE_KNOWN},
    {"REDISCLI_AUTH", VARIABLE_KNOWN},
    {"REDIS_CLUSTER_REPLICAS", VARIABLE_KNOWN},
    {"REDIS_CLUSTER_CREATOR", VARIABLE_KNOWN},
};

static bool is_bitnami(const struct service *service)
{
    return service->image && strstr(service->image, "bitnami");
}

static void take_flags(struct import *im, struct service *service, const struct yaml_node *at,
                       const char *value)
{
    struct word_list saved = service->words;
    service->words = (struct word_list){0};
    words_split(im, &service->words, value);
    take_words(im, service, at);
    service->words = saved;
}

/* False: it is a variable like others. */
static bool take_variable(struct import *im, struct service *service, const struct env_pair *variable)
{
    size_t count = sizeof image_variables / sizeof *image_variables, i = 0;
    while (i < count && strcmp(image_variables[i].name, variable->name) != 0)
        i++;
    bool is_flags = i < count && image_variables[i].kind == VARIABLE_FLAGS;
    if (i == count || !variable->value || (!is_bitnami(service) && !is_flags))
        return false;

    switch (image_variables[i].kind) {
    case VARIABLE_PASSWORD:
        set_password(im, service, variable->at, import_text(im, variable->value));
        break;
    case VARIABLE_AOF:
        server_directive(im, service, variable->at, "appendonly", variable->value);
        break;
    case VARIABLE_FLAGS:
        take_flags(im, service, variable->at, variable->value);
        break;
    case VARIABLE_PORT:
        server_directive(im, service, variable->at, "port", variable->value);
        break;
    case VARIABLE_KNOWN:
        break;
    }
    return true;
}

void server_variables(struct import *im, struct service *service, const struct yaml_node *at)
{
    (void)at;
    size_t kept = 0;
    for (size_t i = 0; i < service->variable_count; i++) {
        const struct env_pair variable = service->variables[i];
        cleanup_free char *shown = str_printable(variable.name);
        if (take_variable(im, service, &variable))
            continue;
        if (is_bitnami(service))
            piece_remark(im, service, variable.at, "environment: %s is read by Bitnami's image alone", shown);
        else
            service->variables[kept++] = variable;
    }
    service->variable_count = kept;
    variables_write(im, service);
}

/* ---- as fields ---- */

static void write_persistence(struct import *im, struct service *service)
{
    const struct server *server = &service->server;
    if (server->is_save_off && !server->is_append_only) {
        strbuf_adds(piece_value(service, "persistence"), "false");
        return;
    }
    if (server->is_save_off)
        piece_remark(im, service, service->at, "save \"\": with `append_only`, snapshots are made too");
    bool has_rule = server->has_save && server->interval;
    if (!has_rule && !server->is_append_only)
        return;

    struct strbuf *value = piece_value(service, "persistence");
    strbuf_addc(value, '{');
    if (has_rule)
        strbuf_addf(value, "interval: %ss, keys_changed_threshold: %s%s", server->interval, server->changes,
                    text_if(server->is_append_only, ", "));
    strbuf_addf(value, "%s}", text_if(server->is_append_only, "append_only: true"));
}

/* A directive that stands there several times is a list. */
static void write_setting(struct service *service, size_t index)
{
    const struct server *server = &service->server;
    const char *name = server->config[index].name;
    size_t count = 0, before = 0;
    for (size_t i = 0; i < server->config_count; i++) {
        bool is_same = !strcasecmp(server->config[i].name, name);
        count += is_same;
        before += is_same && i < index;
    }
    if (before)
        return;

    struct strbuf *body = piece_body(service, "config");
    strbuf_addf(body, "      %s: %s", name, text_if(count > 1, "["));
    for (size_t i = index, n = 0; i < server->config_count; i++) {
        if (strcasecmp(server->config[i].name, name) != 0)
            continue;
        strbuf_adds(body, text_if(n++, ", "));
        import_put_text(body, server->config[i].value);
    }
    strbuf_adds(body, text_pick(count > 1, "]\n", "\n"));
}

void server_finish(struct import *im, struct service *service)
{
    const struct server *server = &service->server;
    if (!server->password)
        strbuf_adds(piece_value(service, "password"),
                    "false  # as in compose; without this line one is generated");
    else if (*server->password)
        piece_text(service, "password", server->password);
    write_persistence(im, service);
    for (size_t i = 0; i < server->config_count; i++)
        write_setting(service, i);
}
