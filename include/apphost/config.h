/*
 * apphost/config.h - layered configuration, as .NET has it.
 *
 * A configuration is a flat list of texts under keys such as "Aspire:StackExchange:Redis:DisableTracing";
 * keys ignore case, and a later layer replaces values of an earlier one. The usual layers, in order:
 * appsettings.json, appsettings.{ENV}.json (ENV from DOTNET_ENVIRONMENT, else ASPNETCORE_ENVIRONMENT, else
 * Production), environment variables
 * (`__` for `:`), command line.
 *
 * What the library reads there: the sections of clients and caches (apphost/host.h), of which entries of
 * apphost/hybrid.h have their defaults, too; Logging:LogLevel (apphost/telemetry.h); the OTEL_ variables.
 *
 * A configuration belongs to one thread while it is being filled; afterwards any thread may read it.
 */
#ifndef APPHOST_CONFIG_H
#define APPHOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <apphost/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct apphost_config;

struct apphost_config *apphost_config_new(void);
struct apphost_config *apphost_config_copy(const struct apphost_config *config);
void apphost_config_free(struct apphost_config *config);

/* The files and the environment as above; the files are looked for in `directory` (NULL: the working
   directory) and may be missing. `environment` replaces the name of the environment; NULL finds it. */
int apphost_config_add_defaults(struct apphost_config *config, const char *directory, const char *environment,
                                struct apphost_error *error);

/* JSON with comments and trailing commas. `source` is for error texts. Arrays have their indexes as keys. */
int apphost_config_add_json(struct apphost_config *config, const char *text, size_t len, const char *source,
                            struct apphost_error *error);
int apphost_config_add_json_file(struct apphost_config *config, const char *path, bool is_optional,
                                 struct apphost_error *error);

/* All variables, or those that begin with `prefix` (which is cut off). */
int apphost_config_add_environment(struct apphost_config *config, const char *prefix,
                                   struct apphost_error *error);

/* --key=value, --key value, /key=value, key=value; other arguments are skipped. argv[0] is not looked at. */
int apphost_config_add_arguments(struct apphost_config *config, int argc, char *const argv[],
                                 struct apphost_error *error);

int apphost_config_set(struct apphost_config *config, const char *key, const char *value,
                       struct apphost_error *error);

/* NULL when there is no such key. Lives until the key is set again. */
const char *apphost_config_get(const struct apphost_config *config, const char *key);

/* Calls `visit` for every key below `prefix` (with the rest of the key after "prefix:"), in no particular
 * order. */
typedef void (*apphost_config_fn)(void *user, const char *rest, const char *value);
void apphost_config_each(const struct apphost_config *config, const char *prefix, apphost_config_fn visit,
                         void *user);

#ifdef __cplusplus
}
#endif
#endif
