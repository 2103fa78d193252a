/* Shared by address.c and context.c: parts of the resolution. Not a front door. */
#ifndef ENGINE_ADDRESS_H
#define ENGINE_ADDRESS_H

#include "engine/internal.h"

/* The variable's value, or NULL when it is unset or empty. */
const char *address_getenv(char *const *environment, const char *name);
/* The same without the blanks around it, which come from files and copied lines and cannot be seen; the
 * caller frees. */
char *address_trimmed(char *const *environment, const char *name);
/* Fills host (trimmed), origin, and unix_path or url (address->tls says which scheme). */
int address_set_host(struct engine_address *address, const char *host, const char *origin, struct error *err);
/* 0 when something accepts at the unix socket, else errno. */
int address_try_connect(const char *path);
/* Those of ca.pem, cert.pem, key.pem that exist in the folder. */
void address_set_certificates(struct engine_address *address, const char *folder);

/* context.c */
/* DOCKER_CONFIG, or ~/.docker. The caller frees. */
char *address_config_folder(char *const *environment);
/* The configuration, or NULL: missing (no error) or malformed (error). */
cJSON *address_read_config(char *const *environment, struct error *err);
int address_current_context(char *const *environment, char **name, struct error *err);
int address_from_context(char *const *environment, const char *name, const char *chosen_by,
                         struct engine_address *address, struct error *err);

#endif
