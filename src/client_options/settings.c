/*
 * From configuration to settings and options, with .NET's precedence.
 *
 * Binding is strict where .NET's binder is: booleans are True and False in any case, numbers are numbers, and
 * a value that does not convert is an error that names its path. Unknown keys are ignored.
 */
#include "client_options/settings.h"
#include "client_base/pick.h"
#include "client_base/fail.h"
#include "client_base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct setting_row {
    const char *name;
    bool is_bool, fallback;
};

static const struct setting_row rows[SETTING_COUNT] = {
    [SETTING_CONNECTION_STRING] = {"ConnectionString", false, false},
    [SETTING_DISABLE_HEALTH_CHECKS] = {"DisableHealthChecks", true, false},
    [SETTING_DISABLE_TRACING] = {"DisableTracing", true, false},
    [SETTING_DISABLE_AUTO_ACTIVATION] = {"DisableAutoActivation", true, true},
    [SETTING_INSTANCE_NAME] = {"InstanceName", false, false},
};

void settings_fini(struct apphost_settings *settings)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        free(settings->values[i]);
    *settings = (struct apphost_settings){0};
}

static enum setting_id find(const char *key)
{
    int i = 0;

    while (i < SETTING_COUNT && strcasecmp(rows[i].name, key) != 0)
        i++;
    return (enum setting_id)i;
}

static bool is_strict_bool(const char *text)
{
    return strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0;
}

int apphost_settings_set(struct apphost_settings *settings, const char *key, const char *value,
                         struct apphost_error *error)
{
    if (!settings || !key)
        return fail_null(error, settings, "settings", "key");
    enum setting_id id = find(key);
    if (id == SETTING_COUNT)
        return fail_set(error, APPHOST_E_ARGUMENT, key, "there is no setting '%.60s'", key);
    char *copy = NULL;
    if (value)
        copy = text_trimmed(value, strlen(value));
    if (value && !copy)
        return fail_memory(error);
    if (copy && rows[id].is_bool && !is_strict_bool(copy)) {
        free(copy);
        return fail_set(error, APPHOST_E_ARGUMENT, key, "%s is True or False, not '%.100s'", rows[id].name,
                        value);
    }

    if (copy && !rows[id].is_bool) {
        free(copy);
        copy = strdup(value);
    }
    free(settings->values[id]);
    settings->values[id] = copy;
    return 0;
}

const char *apphost_settings_get(const struct apphost_settings *settings, const char *key)
{
    enum setting_id id = SETTING_COUNT;
    if (settings && key)
        id = find(key);

    if (id == SETTING_COUNT)
        return NULL;
    return settings->values[id];
}

const char *setting_text(const struct apphost_settings *settings, enum setting_id id)
{
    return settings->values[id];
}

bool setting_bool(const struct apphost_settings *settings, enum setting_id id)
{
    if (settings->values[id])
        return strcasecmp(settings->values[id], "true") == 0;
    return rows[id].fallback;
}

static int fail_convert(const char *path, const char *value, const char *type, struct apphost_error *error)
{
    return fail_set(error, APPHOST_E_CONFIG, path,
                    "Failed to convert configuration value '%.100s' at '%.150s' to type '%s'.", value, path,
                    type);
}

static int bind_settings(struct apphost_settings *settings, const struct apphost_config *config,
                         const char *section, struct apphost_error *error)
{
    char path[512];

    for (int i = 0; i < SETTING_COUNT; i++) {
        snprintf(path, sizeof(path), "%s:%s", section, rows[i].name);
        const char *value = apphost_config_get(config, path);

        if (value && apphost_settings_set(settings, rows[i].name, value, NULL) < 0)
            return fail_convert(path, value, "System.Boolean", error);
    }
    return 0;
}

int settings_load(struct apphost_settings *settings, const struct apphost_config *config, const char *name,
                  struct apphost_error *error)
{
    char path[512];

    if (bind_settings(settings, config, SETTINGS_SECTION, error) < 0)
        return -1;
    snprintf(path, sizeof(path), "%s:%s", SETTINGS_SECTION, name);
    if (bind_settings(settings, config, path, error) < 0)
        return -1;
    snprintf(path, sizeof(path), "ConnectionStrings:%s", name);
    const char *text = apphost_config_get(config, path);
    if (text)
        return apphost_settings_set(settings, rows[SETTING_CONNECTION_STRING].name, text, error);
    return 0;
}

/* ---- Options ---- */

static const char *type_name(enum option_type type)
{
    static const char *const names[] = {
        /* not all: the others are told in no schema */
        [OPTION_TEXT] = "System.String",
        [OPTION_SECRET] = "System.String",
        [OPTION_BOOL] = "System.Boolean",
        [OPTION_INT] = "System.Int32",
        [OPTION_VERSION] = "System.Version",
        [OPTION_PROXY] = "StackExchange.Redis.Proxy",
        [OPTION_SSL_PROTOCOLS] = "System.Security.Authentication.SslProtocols",
        [OPTION_PROTOCOL] = "StackExchange.Redis.RedisProtocol",
    };

    return names[type];
}

struct binding {
    struct apphost_options *options;
    const char *section;
    struct apphost_error *error;
    int rc;
};

static void bind_option(void *user, const char *rest, const char *value)
{
    struct binding *binding = user;
    enum option_id id = option_find_config(rest);
    char path[512];

    if (id == OPT_COUNT || binding->rc < 0)
        return;
    enum option_type type = option_rows[id].type;
    if (!*value && type != OPTION_TEXT && type != OPTION_SECRET) {
        option_unset(binding->options, id);
        return;
    }
    char *trimmed = text_trimmed(value, strlen(value));
    for (char *p = trimmed; p && *p && type == OPTION_SSL_PROTOCOLS; p++) {
        if (*p == ',')
            *p = '|';
    }
    bool is_whole = type == OPTION_TEXT || type == OPTION_SECRET;
    bool is_bad = !trimmed || (type == OPTION_BOOL && !is_strict_bool(trimmed)) ||
                  option_set_text(binding->options, id, rest, pick(is_whole, value, trimmed), NULL) < 0;
    free(trimmed);
    if (!is_bad)
        return;
    snprintf(path, sizeof(path), "%s:%s", binding->section, rest);
    binding->rc = fail_convert(path, value, type_name(type), binding->error);
}

static int bind_options(struct apphost_options *options, const struct apphost_config *config,
                        const char *section, struct apphost_error *error)
{
    struct binding binding = {options, section, error, 0};

    apphost_config_each(config, section, bind_option, &binding);
    return binding.rc;
}

/* {NAME}_{SUFFIX} as a host exports it: upper case, '_' for everything else, and before a leading digit. */
static const char *find_property(const struct apphost_config *config, const char *name, const char *suffix)
{
    char key[256];
    size_t len = 0;

    if (isdigit((unsigned char)name[0]))
        key[len++] = '_';
    for (const char *p = name; *p && len < sizeof(key) - 32; p++) {
        if (isalnum((unsigned char)*p))
            key[len++] = (char)toupper((unsigned char)*p);
        else
            key[len++] = '_';
    }
    snprintf(key + len, sizeof(key) - len, "_%s", suffix);
    return apphost_config_get(config, key);
}

static int apply_ca_file(struct apphost_options *options, const struct apphost_config *config,
                         const char *name, struct apphost_error *error)
{
    const char *path = find_property(config, name, "CA_FILE");

    if (path && *path)
        return apphost_options_set(options, "caFile", path, error);
    return 0;
}

struct apphost_options *settings_options(const struct apphost_settings *settings,
                                         const struct apphost_config *config, const char *name,
                                         struct apphost_error *error)
{
    const char *text = setting_text(settings, SETTING_CONNECTION_STRING);
    char section[512];

    if (!text)
        text = find_property(config, name, "URI");
    bool is_blank = !text || !text[strspn(text, " \t")];
    struct apphost_options *options;
    if (is_blank)
        options = apphost_options_new();
    else
        options = apphost_options_parse(text, APPHOST_PARSE_URI, error);
    if (!options) {
        if (is_blank)
            fail_memory(error);
        return NULL;
    }
    options->is_abort_default_false = true;
    snprintf(section, sizeof(section), "%s:%s:ConfigurationOptions", SETTINGS_SECTION, name);
    if (apply_ca_file(options, config, name, error) == 0 &&
        bind_options(options, config, SETTINGS_SECTION ":ConfigurationOptions", error) == 0 &&
        bind_options(options, config, section, error) == 0)
        return options;
    apphost_options_free(options);
    return NULL;
}

int settings_fail_endpoints(const char *name, struct apphost_error *error)
{
    return fail_set(
        error, APPHOST_E_CONFIG, "config",
        "No endpoints specified. Ensure a valid connection string was provided in 'ConnectionStrings:%.100s' "
        "or for the '%s:ConnectionString' configuration key.",
        name, SETTINGS_SECTION);
}
