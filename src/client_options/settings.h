/* Inside the library: the settings of a client, and how configuration becomes settings and options. */
#ifndef CLIENT_OPTIONS_SETTINGS_H
#define CLIENT_OPTIONS_SETTINGS_H

#include "client_options/options.h"

#include <apphost/host.h>

#define SETTINGS_SECTION "Aspire:StackExchange:Redis"

enum setting_id {
    SETTING_CONNECTION_STRING,
    SETTING_DISABLE_HEALTH_CHECKS,
    SETTING_DISABLE_TRACING,
    SETTING_DISABLE_AUTO_ACTIVATION,
    SETTING_INSTANCE_NAME,
    SETTING_COUNT,
};

struct apphost_settings {
    char *values[SETTING_COUNT];
};

void settings_fini(struct apphost_settings *settings);
const char *setting_text(const struct apphost_settings *settings, enum setting_id id);
bool setting_bool(const struct apphost_settings *settings, enum setting_id id);

/* Sections, then ConnectionStrings:{name}. */
int settings_load(struct apphost_settings *settings, const struct apphost_config *config, const char *name,
                  struct apphost_error *error);

/* The connection string parsed, then both ConfigurationOptions sections. Endpoints may be missing: the caller
   asks its callback first. */
struct apphost_options *settings_options(const struct apphost_settings *settings,
                                         const struct apphost_config *config, const char *name,
                                         struct apphost_error *error);

/* The text for a client without endpoints: says which keys were looked at. */
int settings_fail_endpoints(const char *name, struct apphost_error *error);

#endif
