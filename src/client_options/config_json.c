/*
 * appsettings.json: JSON with comments and trailing commas, flattened into keys.
 *
 * Comments and trailing commas are blanked out first (outside strings), then cJSON parses. A key that appears
 * twice in one file, in whatever case and however nested, is an error as in .NET.
 */
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_base/text.h"

#include <apphost/config.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A layer is read under a key of its own; errors are shown without it. */
#define TOP "x"
enum { FILE_LIMIT = 4 * 1024 * 1024, DEPTH_LIMIT = 64, TOP_LEN = 2 };

/* ---- Comments and commas ---- */

/* The end of the string that begins at `p`. */
static char *skip_string(char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    if (*p)
        return p + 1;
    return p;
}

/* Blanks a comment at `p`; returns its end, or `p` when there is none. */
static char *blank_comment(char *p)
{
    char *end;

    if (p[0] != '/' || (p[1] != '/' && p[1] != '*'))
        return p;
    if (p[1] == '/') {
        end = strchr(p + 2, '\n');
    } else {
        end = strstr(p + 2, "*/");
        if (end)
            end += 2;
    }
    if (!end)
        end = p + strlen(p);
    for (; p < end; p++)
        if (*p != '\n')
            *p = ' ';
    return end;
}

static void blank_trailing_commas(char *text)
{
    char *comma = NULL;

    for (char *p = text; *p;) {
        if (*p == '"') {
            p = skip_string(p);
            comma = NULL;
            continue;
        }
        if (comma && (*p == '}' || *p == ']'))
            *comma = ' ';
        if (!strchr(" \t\r\n", *p)) {
            comma = NULL;
            if (*p == ',')
                comma = p;
        }
        p++;
    }
}

static void make_plain(char *text)
{
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        memset(text, ' ', 3);
    for (char *p = text; *p;) {
        char *end;
        if (*p == '"')
            end = skip_string(p);
        else
            end = blank_comment(p);

        if (end == p)
            p = p + 1;
        else
            p = end;
    }
    blank_trailing_commas(text);
}

/* ---- Flattening ---- */

struct flattening {
    struct apphost_config *layer;
    const char *source;
    struct apphost_error *error;
};

static int flatten(const struct flattening *to, const cJSON *value, const char *key, int depth);

static int flatten_children(const struct flattening *to, const cJSON *value, const char *key, int depth)
{
    const cJSON *child;
    int index = 0;

    if (depth == DEPTH_LIMIT)
        return fail_set(to->error, APPHOST_E_CONFIG, to->source, "%s: nested deeper than %d levels",
                        to->source, DEPTH_LIMIT);
    cJSON_ArrayForEach(child, value)
    {
        struct text path = {0};
        int rc;

        text_addf(&path, "%s%s", key, pick(*key, ":", ""));
        if (cJSON_IsArray(value))
            text_addf(&path, "%d", index++);
        else
            text_adds(&path, child->string);
        char *name = text_take(&path);
        if (name)
            rc = flatten(to, child, name, depth + 1);
        else
            rc = fail_memory(to->error);
        free(name);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* As few digits as still give the number. */
static void print_number(double number, char out[32])
{
    snprintf(out, 32, "%.15g", number);
    if (strtod(out, NULL) != number)
        snprintf(out, 32, "%.17g", number);
}

static int flatten(const struct flattening *to, const cJSON *value, const char *key, int depth)
{
    char number[32];
    const char *text = "";

    if ((cJSON_IsObject(value) || cJSON_IsArray(value)) && value->child)
        return flatten_children(to, value, key, depth);
    if (apphost_config_get(to->layer, key))
        return fail_set(to->error, APPHOST_E_CONFIG, key + TOP_LEN, "%s: A duplicate key '%.150s' was found.",
                        to->source, key + TOP_LEN);
    if (cJSON_IsString(value))
        text = value->valuestring;
    else if (cJSON_IsBool(value)) {
        text = "False";
        if (cJSON_IsTrue(value))
            text = "True";
    } else if (cJSON_IsNumber(value)) {
        print_number(value->valuedouble, number);
        text = number;
    }
    return apphost_config_set(to->layer, key, text, to->error);
}

struct merge {
    struct apphost_config *config;
    int rc;
};

static void merge_pair(void *user, const char *rest, const char *value)
{
    struct merge *merge = user;

    if (merge->rc == 0)
        merge->rc = apphost_config_set(merge->config, rest, value, NULL);
}

static const char *kind_of(const cJSON *root)
{
    if (cJSON_IsArray(root))
        return "Array";
    if (cJSON_IsString(root))
        return "String";
    return pick(cJSON_IsNumber(root), "Number", "Literal");
}

static int fail_parse(const char *source, const char *text, const char *at, struct apphost_error *error)
{
    int line = 1;

    for (const char *p = text; at && p < at && *p; p++)
        line += *p == '\n';
    return fail_set(error, APPHOST_E_CONFIG, source, "%.200s: Could not parse the JSON file. Near line %d.",
                    source, line);
}

/* The layer is made apart, under one top key, so that a duplicate is told from an override. */
static int add_parsed(struct apphost_config *config, const cJSON *root, const char *source,
                      struct apphost_error *error)
{
    struct flattening to = {apphost_config_new(), source, error};
    struct merge merge = {config, 0};
    int rc = 0;

    if (!cJSON_IsObject(root)) {
        apphost_config_free(to.layer);
        return fail_set(error, APPHOST_E_CONFIG, source,
                        "%.200s: Top-level JSON element must be an object. Instead, '%s' was found.", source,
                        kind_of(root));
    }
    if (!to.layer)
        rc = fail_memory(error);
    else if (root->child)
        rc = flatten(&to, root, TOP, 0);
    if (rc == 0)
        apphost_config_each(to.layer, TOP, merge_pair, &merge);
    apphost_config_free(to.layer);
    if (rc < 0)
        return -1;
    if (merge.rc < 0)
        return fail_memory(error);
    return 0;
}

int apphost_config_add_json(struct apphost_config *config, const char *text, size_t len, const char *source,
                            struct apphost_error *error)
{
    const char *end = NULL;

    if (!config || !text)
        return fail_null(error, config, "config", "text");
    if (!source)
        source = "JSON";
    char *copy = strndup(text, len);
    if (!copy)
        return fail_memory(error);
    if (strlen(copy) < len) {
        int bad = fail_parse(source, copy, copy + strlen(copy), error);
        free(copy);
        return bad;
    }
    make_plain(copy);
    cJSON *root = cJSON_ParseWithOpts(copy, &end, 1);
    int rc;
    if (root)
        rc = add_parsed(config, root, source, error);
    else
        rc = fail_parse(source, copy, end, error);
    cJSON_Delete(root);
    free(copy);
    return rc;
}

int apphost_config_add_json_file(struct apphost_config *config, const char *path, bool is_optional,
                                 struct apphost_error *error)
{
    char *text = NULL;
    size_t len = 0;

    if (!config || !path)
        return fail_null(error, config, "config", "path");
    if (text_read_file(path, FILE_LIMIT, &text, &len) < 0) {
        if (is_optional && (errno == ENOENT || errno == ENOTDIR))
            return 0;
        return fail_set(error, APPHOST_E_CONFIG, path, "cannot read '%.200s': %s", path, strerror(errno));
    }
    int rc = apphost_config_add_json(config, text, len, path, error);
    free(text);
    return rc;
}
