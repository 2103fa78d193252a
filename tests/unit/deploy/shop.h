/* A deployment made by hand: a server with data and a consumer of it, or with more; and a store for it. */
#ifndef TESTS_DEPLOY_SHOP_H
#define TESTS_DEPLOY_SHOP_H

#include "deploy/internal.h"

enum { SHOP_SERVICES = 6, SHOP_STORED = 8 };

struct shop {
    struct deployment d;
    struct deployment_service services[SHOP_SERVICES];
    struct deployment_secret secret;
    struct deployment_volume volume;
    struct deployment_file files[2];
    struct deployment_mount mount;
    struct plan_part parts[8];
    struct deployment_variable variables[2];
    struct plan_text command[2];
    struct deployment_need need;
    /* what is remembered */
    char *names[SHOP_STORED], *values[SHOP_STORED];
    struct deployment_store store;
};
/* cache: a server with a volume, a configuration and a password; api: needs it, has the password in a
 * variable. */
void shop_init(struct shop *shop);
void shop_fini(struct shop *shop);
struct deployment_service *shop_add(struct shop *shop, const char *name, const char *image);
#define SHOP_CACHE_IMAGE "registry.example/redis:7"
#define SHOP_API_IMAGE "registry.example/api:1"

#endif
