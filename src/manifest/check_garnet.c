/* What Garnet does not have, field by field: refused where it stands, never silently without effect.
 *
 * Sources: Garnet's documentation and defaults.conf: certificates are PFX files, persistence is an
 * append-only log that is committed by time, settings have names of their own. */
#include "manifest/tables.h"
#include "base/pick.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Settings of garnet.conf that a field of ours stands for. */
static const struct {
    const char *member, *instead;
} owned[] = {
    {"Port", "use `host_port`; inside the port is fixed"},
    {"Address", "use `bind_address`"},
    {"CheckpointDir", "use `data_volume` or `data_bind_mount`"},
    {"Recover", "use `persistence`"},
    {"EnableAOF", "use `persistence`"},
    {"CommitFrequencyMs", "use `persistence: {interval: …}`"},
    {"AuthenticationMode", "use `password`"},
    {"Password", "use `password`"},
    {"EnableTLS", "`tls` is not available for Garnet"},
    {"CertFileName", "`tls` is not available for Garnet"},
    {"CertPassword", "`tls` is not available for Garnet"},
};

static const char *find_owner(const char *member)
{
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        if (strcasecmp(owned[i].member, member) == 0)
            return owned[i].instead;
    }
    return NULL;
}

static void refuse(struct loader *l, const struct yaml_node *at, const char *field, const char *hint)
{
    if (!at)
        return;
    manifest_problem(l, at, "`%s` is not available for Garnet", field);
    manifest_hint(l, "%s", hint);
}

static void check_name(struct loader *l, const struct yaml_node *key)
{
    size_t count;
    const char *const *known = manifest_garnet_settings(&count);
    const char *instead = find_owner(key->text);
    if (instead) {
        manifest_problem(l, key, "the setting `%s` belongs to apphost", key->text);
        manifest_hint(l, "%s", instead);
    } else if (!isupper((unsigned char)key->text[0]) || strpbrk(key->text, "-.")) {
        manifest_problem(l, key, "Garnet has no directive `%s`", key->text);
        manifest_hint(l, "its settings are called as in garnet.conf: `MemorySize`, `EnableLua`, …");
    } else if (!manifest_is_garnet_setting(key->text)) {
        manifest_warning(l, key,
                         "Garnet 2.2 does not know the setting `%s`, and ignores what it does not know",
                         key->text);
        manifest_hint_nearest(l, key->text, known, count, "its settings are called as in garnet.conf");
    }
}

static void check_members(struct loader *l, const struct yaml_node *config)
{
    for (size_t i = 0; config && i < config->count; i++) {
        check_name(l, config->keys[i]);
        if (config->items[i]->kind == NODE_LIST)
            manifest_problem(l, config->items[i], "a setting of Garnet has one value");
    }
}

static void check_garnet_persistence(struct loader *l, const struct yaml_node *value,
                                     const struct model_redis *redis)
{
    if (!value || value->kind != NODE_MAP)
        return;
    const struct yaml_node *append = manifest_get(value, "append_only");
    const struct yaml_node *interval = manifest_get(value, "interval");
    refuse(l, manifest_get(value, "keys_changed_threshold"), "keys_changed_threshold",
           "it commits by time: `interval`, a tenth of a second by default");
    if (append && !redis->persistence.append_only)
        refuse(l, append, "append_only: false",
               "its persistence is its log; `persistence: false` switches it off");
    if (interval && redis->persistence.interval_s > INT32_MAX / 1000)
        manifest_problem(l, interval, "Garnet's `interval` is at most %d seconds", INT32_MAX / 1000);
}

/* Measured with Garnet 2.2: what is not ASCII in its password becomes question marks, and nobody gets in. */
static void check_garnet_password(struct loader *l, const struct yaml_node *value,
                                  const struct model_redis *redis)
{
    const char *password = NULL;
    if (redis->password_kind == MODEL_PASSWORD_TEXT) {
        password = redis->password;
    } else if (redis->password_kind == MODEL_PASSWORD_PARAMETER) {
        const struct model_parameter *parameter = model_find_parameter(l->model, redis->password);
        if (parameter)
            password = parameter->value;
    }
    for (const char *p = password; value && p && *p; p++) {
        if (!((unsigned char)*p & 0x80))
            continue;
        manifest_problem(l, value, "a password of Garnet has ASCII characters only");
        manifest_hide_source(l);
        return;
    }
}

void manifest_finish_garnet(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_redis *redis = &((struct model_resource *)object)->redis;
    if (redis->tls.on)
        refuse(l, manifest_get(map, "tls"), "tls",
               "it reads its certificate from a PFX file with a password only");
    if (redis->data && redis->data->read_only)
        refuse(l, manifest_get(map, text_pick(redis->data->is_volume, "data_volume", "data_bind_mount")),
               "read_only", "it needs data that it can write");
    if (redis->user_count)
        refuse(l, manifest_get(map, "users"), "users",
               "its users are in a file of its own, with `password: false`");
    check_garnet_password(l, manifest_get(map, "password"), redis);
    check_garnet_persistence(l, manifest_get(map, "persistence"), redis);

    const struct yaml_node *persistence = manifest_get(map, "persistence");
    bool says_when = persistence && persistence->kind == NODE_MAP && manifest_get(persistence, "interval");
    if (!says_when)
        redis->persistence.interval_s =
            0; /* the shortest that there is: it does not save when it is stopped */
    const struct yaml_node *config = manifest_get(map, "config");
    if (config && config->kind == NODE_MAP)
        check_members(l, config);
}
