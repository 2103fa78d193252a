/* The environment file beside a compose file: what is there stays, what is missing is added.
 *
 * One variable a secret. Where a secret stands in a text in another form (percent-encoded, inside of JSON)
 * and that form differs, it is a variable of its own, since compose cannot encode. A server's configuration
 * is a variable that refers to the password's, as long as the password needs no quoting: then whoever changes
 * the password changes one line. What is there under the name of a configuration and has another text gets a
 * number. */
#include "publish/internal.h"
#include "base/dotenv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ENV_FILE ".env"

/* ---- names ---- */

static char *upper_name(const char *name)
{
    char *out = xasprintf("%s%s", text_if(isdigit((unsigned char)*name), "_"), name);
    for (char *p = out; *p; p++) {
        if (isalnum((unsigned char)*p))
            *p = (char)toupper((unsigned char)*p);
        else
            *p = '_';
    }
    return out;
}

/* Two secrets may come to one name: those of parameters are longer then. */
char *variables_name(const struct deployment *d, const char *secret)
{
    static const char parameters[] = "parameters.";
    if (!str_starts(secret, parameters))
        return upper_name(secret);

    char *plain = upper_name(secret + strlen(parameters));
    for (size_t i = 0; i < d->secret_count; i++) {
        cleanup_free char *other = upper_name(d->secrets[i].name);
        if (strcmp(other, plain) != 0)
            continue;
        free(plain);
        return upper_name(secret);
    }
    return plain;
}

/* ---- what is there ---- */

static void collect(const char *name, const char *value, int line, void *data)
{
    struct variables *v = data;
    (void)line;
    if (value)
        strlist_setenv(&v->known, name, value);
}

int variables_open(struct variables *v, const struct publish_files *files, const struct deployment *d,
                   struct error *err)
{
    *v = (struct variables){.d = d};
    char *text = publish_read(files, ENV_FILE);
    cleanup_free char *path = path_join(files->folder, ENV_FILE);
    int rc = 0;
    if (text) {
        rc = dotenv_read(path, text, collect, v, err);
        mem_wipe(text, strlen(text));
    }
    free(text);
    return rc;
}

void variables_close(struct variables *v)
{
    for (size_t i = 0; i < v->known.count; i++)
        mem_wipe(v->known.items[i], strlen(v->known.items[i]));
    strlist_free(&v->known);
    if (v->added.data)
        mem_wipe(v->added.data, v->added.length);
    strbuf_free(&v->added);
}

const char *variables_get(const struct variables *v, const char *name)
{
    return strlist_getenv(&v->known, name);
}

/* ---- adding ---- */

/* Inside of double quotes; a dollar of ours is a reference, others are not. */
static void add_quoted(struct strbuf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (strchr("\"\\$", *p))
            strbuf_addc(out, '\\');
        strbuf_addc(out, *p);
    }
}

static void add_line(struct variables *v, const char *name, const char *quoted, const char *value)
{
    if (!v->added.length)
        strbuf_adds(&v->added, "# added by apphost publish\n");
    strbuf_addf(&v->added, "%s=\"%s\"\n", name, quoted);
    strlist_setenv(&v->known, name, value);
}

static char *resolve_part(const struct deployment *d, const struct plan_part *part)
{
    struct plan_part one = *part;
    const struct plan_text text = {&one, 1};
    return deployment_text(d, &text);
}

static char *plain_variable(struct variables *v, const char *secret)
{
    char *name = variables_name(v->d, secret);
    const char *value = deployment_find_secret(v->d, secret)->value;
    cleanup_strbuf struct strbuf quoted = {0};
    if (variables_get(v, name))
        return name;
    add_quoted(&quoted, value);
    add_line(v, name, strbuf_text(&quoted), value);
    return name;
}

/* The first of NAME, NAME_2, … that is free, or has this value. */
static char *numbered(const struct variables *v, const char *name, const char *value)
{
    char *out = xstrdup(name);
    for (int i = 2; variables_get(v, out) && strcmp(variables_get(v, out), value) != 0; i++) {
        free(out);
        out = xasprintf("%s_%d", name, i);
    }
    return out;
}

char *variables_secret(struct variables *v, const struct plan_part *part)
{
    static const char *const suffixes[PLAN_FILTER_COUNT] = {[PLAN_FILTER_NONE] = "",
                                                            [PLAN_FILTER_URI] = "_URI",
                                                            [PLAN_FILTER_REDIS_CONF] = "_CONF",
                                                            [PLAN_FILTER_JSON] = "_JSON",
                                                            [PLAN_FILTER_BASE64] = "_BASE64"};
    char *name = plain_variable(v, part->text);
    char *value = resolve_part(v->d, part);
    cleanup_strbuf struct strbuf quoted = {0};
    bool is_same = strcmp(value, deployment_find_secret(v->d, part->text)->value) == 0;

    if (!is_same) {
        cleanup_free char *other = xasprintf("%s%s", name, suffixes[part->filter]);
        free(name);
        name = numbered(v, other, value);
        add_quoted(&quoted, value);
        if (!variables_get(v, name))
            add_line(v, name, strbuf_text(&quoted), value);
    }
    mem_wipe(value, strlen(value));
    free(value);
    return name;
}

/* ---- whole files ---- */

static bool needs_no_quoting(const char *value)
{
    return value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")] == '\0';
}

static bool is_reference(const struct variables *v, const struct plan_part *part)
{
    bool is_plain = part->kind == PLAN_SECRET && part->filter != PLAN_FILTER_BASE64;
    return is_plain && needs_no_quoting(deployment_find_secret(v->d, part->text)->value);
}

/* quoted: as it stands in the file. value: as it is read without expanding. */
static void add_reference(struct variables *v, const struct plan_part *part, struct strbuf *quoted,
                          struct strbuf *value)
{
    cleanup_free char *name = plain_variable(v, part->text);
    bool is_conf = part->filter == PLAN_FILTER_REDIS_CONF;
    strbuf_addf(quoted, "%s${%s}%s", text_if(is_conf, "\\\""), name, text_if(is_conf, "\\\""));
    strbuf_addf(value, "%s${%s}%s", text_if(is_conf, "\""), name, text_if(is_conf, "\""));
}

char *variables_file(struct variables *v, const struct deployment_file *file)
{
    struct strbuf quoted = {0}, value = {0};
    const struct plan_text *text = &file->text;
    bool is_secret_itself = text->count == 1 && text->parts[0].kind == PLAN_SECRET;
    if (is_secret_itself && text->parts[0].filter == PLAN_FILTER_NONE)
        return plain_variable(v, text->parts[0].text);

    for (size_t i = 0; i < text->count; i++) {
        if (is_reference(v, &text->parts[i])) {
            add_reference(v, &text->parts[i], &quoted, &value);
            continue;
        }
        char *part = resolve_part(v->d, &text->parts[i]);
        add_quoted(&quoted, part);
        strbuf_adds(&value, part);
        mem_wipe(part, strlen(part));
        free(part);
    }

    cleanup_free char *base = upper_name(file->name);
    char *name = numbered(v, base, strbuf_text(&value));
    if (!variables_get(v, name))
        add_line(v, name, strbuf_text(&quoted), strbuf_text(&value));
    mem_wipe(quoted.data, quoted.length);
    mem_wipe(value.data, value.length);
    strbuf_free(&quoted);
    strbuf_free(&value);
    return name;
}

int publish_take_compose(struct publish_files *files, struct deployment *d, struct error *err)
{
    struct variables v;
    int rc = variables_open(&v, files, d, err);
    for (size_t i = 0; rc == 0 && i < d->secret_count; i++) {
        const char *secret = d->secrets[i].name;
        cleanup_free char *name = variables_name(d, secret);
        const char *value = variables_get(&v, name);
        if (!value)
            continue;

        if (!*value) {
            rc = error_set(err, ERROR_FAILED, "%s/" ENV_FILE " has no value for %s", files->folder, name);
            error_hint(err, "give it one, or take the line out: then one is added");
        } else if (!deployment_take(d, secret, value)) {
            strlist_addf(&files->notes,
                         ENV_FILE " has another value for %s than the manifest: it is kept, change it there",
                         name);
            deployment_put(d, secret, value);
        }
    }
    variables_close(&v);
    return rc;
}
