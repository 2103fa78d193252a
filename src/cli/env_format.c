/* The formats of `apphost env`: one row each. See env_format.h. */
#include "cli/env_format.h"
#include "control/variables.h"

#include "base/digest.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>

static bool is_shell_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

/* Readers of .env files know dots and hyphens as well. */
static bool is_dotenv_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
            return false;
    return true;
}

static bool is_any_name(const char *name)
{
    return *name != '\0';
}

static void add_shell(struct strbuf *out, const char *name, const char *value)
{
    strbuf_addf(out, "export %s='", name);
    for (; *value; value++)
        if (*value == '\'')
            strbuf_adds(out, "'\\''");
        else
            strbuf_addc(out, *value);
    strbuf_adds(out, "'\n");
}

/* Single quotes are literal for every reader; what they cannot hold goes into double quotes with escapes. */
static void add_dotenv(struct strbuf *out, const char *name, const char *value)
{
    if (!strpbrk(value, "'\n\r\\")) {
        strbuf_addf(out, "%s='%s'\n", name, value);
        return;
    }

    strbuf_addf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n')
            strbuf_adds(out, "\\n");
        else if (*value == '\r')
            strbuf_adds(out, "\\r");
        else if (strchr("\"\\$", *value))
            strbuf_addf(out, "\\%c", *value);
        else
            strbuf_addc(out, *value);
    }
    strbuf_adds(out, "\"\n");
}

/* The delimiter must not occur in the value, and cannot be guessed by who made the value. */
static void add_github(struct strbuf *out, const char *name, const char *value)
{
    if (!strpbrk(value, "\r\n")) {
        strbuf_addf(out, "%s=%s\n", name, value);
        return;
    }
    char end[17];
    digest_random_text(end, 16, "abcdefghijklmnopqrstuvwxyz0123456789");
    strbuf_addf(out, "%s<<END_%s\n%s\nEND_%s\n", name, end, value, end);
}

/* PowerShell takes typographic single quotes for quotes: U+2018 to U+201B. */
static void add_powershell(struct strbuf *out, const char *name, const char *value)
{
    strbuf_addf(out, is_shell_name(name) ? "$env:%s = '" : "${env:%s} = '", name);
    for (; *value; value++) {
        if (*value == '\'')
            strbuf_addc(out, '\'');
        if (!strncmp(value, "\342\200", 2) && (unsigned char)value[2] >= 0x98 &&
            (unsigned char)value[2] <= 0x9b)
            strbuf_add(out, value, 3);
        strbuf_addc(out, *value);
    }
    strbuf_adds(out, "'\n");
}

static const struct format {
    const char *name;
    const char *reader; /* who cannot hold a name */
    bool (*holds)(const char *name);
    void (*add)(struct strbuf *out, const char *name, const char *value);
} formats[] = {
    {"shell", "a shell", is_shell_name, add_shell},
    {"dotenv", "a .env file", is_dotenv_name, add_dotenv},
    {"github", "GitHub", is_any_name, add_github},
    {"powershell", "PowerShell", is_any_name, add_powershell},
};

static void add_json(const cJSON *environment, struct strbuf *out)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    struct answer_variable variable;
    const cJSON *at = NULL;
    while (answer_variable_next(environment, &at, &variable))
        json_add_string(document, variable.name, variable.value);
    cleanup_free char *text = json_print(document);
    strbuf_addf(out, "%s\n", text);
}

void env_format(const cJSON *environment, const char *format, struct strbuf *out)
{
    const struct format *row = formats;
    if (!strcmp(format, "json")) {
        add_json(environment, out);
        return;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, format))
            row = &formats[i];

    struct answer_variable variable;
    const cJSON *at = NULL;
    while (answer_variable_next(environment, &at, &variable)) {
        if (row->holds(variable.name))
            row->add(out, variable.name, variable.value);
        else
            strbuf_addf(out, "# %s: left out, %s cannot hold this name\n", variable.name, row->reader);
    }
}

static void add_mask(struct strbuf *out, const char *line, size_t length)
{
    strbuf_adds(out, "::add-mask::");
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '%' || line[i] == '\r')
            strbuf_addf(out, "%%%02X", (unsigned char)line[i]);
        else
            strbuf_addc(out, line[i]);
    }
    strbuf_addc(out, '\n');
}

void env_format_masks(const cJSON *environment, struct strbuf *out)
{
    struct answer_variable variable;
    const cJSON *next = NULL;
    while (answer_variable_next(environment, &next, &variable)) {
        if (!variable.is_secret)
            continue;
        for (const char *at = variable.value; *at;) {
            size_t length = strcspn(at, "\n");
            if (length)
                add_mask(out, at, length);
            at += length + (at[length] == '\n');
        }
    }
}
