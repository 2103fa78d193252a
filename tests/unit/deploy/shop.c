/* See shop.h. */
#include "shop.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *get(const char *name, void *data)
{
    struct shop *shop = data;
    for (int i = 0; i < SHOP_STORED; i++)
        if (shop->names[i] && str_eq(shop->names[i], name))
            return shop->values[i];
    return NULL;
}

static int set(const char *name, const char *value, void *data, struct error *err)
{
    struct shop *shop = data;
    for (int i = 0; i < SHOP_STORED; i++) {
        if (shop->names[i] && !str_eq(shop->names[i], name))
            continue;
        free(shop->names[i]);
        free(shop->values[i]);
        shop->names[i] = xstrdup(name);
        shop->values[i] = xstrdup(value);
        return 0;
    }
    return error_set(err, ERROR_SPACE, "the store is full");
}

static struct plan_text text_of(struct plan_part *part, enum plan_part_kind kind, const char *text)
{
    *part = (struct plan_part){.kind = kind, .text = text};
    return (struct plan_text){.parts = part, .count = 1};
}

struct deployment_service *shop_add(struct shop *shop, const char *name, const char *image)
{
    struct deployment_service *service = &shop->services[shop->d.service_count++];
    *service = (struct deployment_service){
        .name = name,
        .kind = MODEL_CONTAINER,
        .pos = {"apphost.yaml", 10 + (int)shop->d.service_count, 3},
        .image_pos = {"apphost.yaml", 50, 12},
        .image = image,
        .restart = {.when = MODEL_RESTART_ALWAYS},
        .stop_timeout_ms = 10000,
        .replicas = 1,
        .init = true,
    };
    return service;
}

static void add_cache(struct shop *shop)
{
    struct deployment_service *cache = shop_add(shop, "cache", SHOP_CACHE_IMAGE);
    shop->files[0] = (struct deployment_file){
        .name = "cache-conf", .file = "cache.conf", .path = "/run/secrets/cache.conf"};
    shop->files[0].text = (struct plan_text){.parts = &shop->parts[0], .count = 2};
    text_of(&shop->parts[0], PLAN_LITERAL, "requirepass ");
    text_of(&shop->parts[1], PLAN_SECRET, "cache-password");
    shop->files[1] = (struct deployment_file){
        .name = "cache-password", .file = "cache-password", .path = "/run/secrets/cache-password"};
    shop->files[1].text = text_of(&shop->parts[2], PLAN_SECRET, "cache-password");
    shop->mount = (struct deployment_mount){
        .source = "cache-data", .is_volume = true, .target = "/data", .pos = {"apphost.yaml", 14, 20}};
    shop->command[0] = text_of(&shop->parts[3], PLAN_LITERAL, "redis-server");
    shop->command[1] = text_of(&shop->parts[4], PLAN_LITERAL, "/run/secrets/cache.conf");
    cache->kind = MODEL_REDIS;
    cache->is_server = cache->has_data = true;
    cache->files = shop->files;
    cache->file_count = 2;
    cache->mounts = &shop->mount;
    cache->mount_count = 1;
    cache->command = shop->command;
    cache->command_count = 2;
    cache->check = (struct deployment_check){.kind = DEPLOYMENT_CHECK_PING,
                                             .shell = "ping",
                                             .interval_ms = 2000,
                                             .timeout_ms = 3000,
                                             .start_ms = 600000,
                                             .retries = 10};
}

static void add_api(struct shop *shop)
{
    struct deployment_service *api = shop_add(shop, "api", SHOP_API_IMAGE);
    shop->variables[0].name = "ConnectionStrings__cache";
    shop->variables[0].value = text_of(&shop->parts[5], PLAN_SECRET, "cache-password");
    shop->variables[1].name = "PLAIN";
    shop->variables[1].value = text_of(&shop->parts[6], PLAN_LITERAL, "{{x}} $HOME");
    shop->need = (struct deployment_need){.service = "cache", .until = PLAN_HEALTHY, .required = true};
    api->environment = shop->variables;
    api->environment_count = 2;
    api->needs = &shop->need;
    api->need_count = 1;
}

void shop_init(struct shop *shop)
{
    *shop = (struct shop){0};
    shop->secret = (struct deployment_secret){.name = "cache-password", .is_generated = true, .length = 22};
    shop->volume = (struct deployment_volume){.name = "cache-data", .resource = "cache"};
    shop->store = (struct deployment_store){get, set, shop};
    shop->d = (struct deployment){.target = DEPLOYMENT_SWARM,
                                  .project = "shop",
                                  .services = shop->services,
                                  .volumes = &shop->volume,
                                  .volume_count = 1,
                                  .secrets = &shop->secret,
                                  .secret_count = 1};
    add_cache(shop);
    add_api(shop);
}

void shop_fini(struct shop *shop)
{
    for (int i = 0; i < SHOP_STORED; i++) {
        free(shop->names[i]);
        free(shop->values[i]);
    }
    arena_free(&shop->d.arena);
}
