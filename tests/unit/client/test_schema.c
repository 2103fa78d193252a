/* room: client_options */
/*
 * ConfigurationSchema.json: it accepts the sample, refuses the bad samples, and knows every option that can
 * be bound. The validator here understands as much of JSON Schema as our schema uses.
 */
#include "client_options/options.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static cJSON *schema;

static bool is_valid(const cJSON *rule, const cJSON *value);

static const cJSON *follow(const char *reference)
{
    const cJSON *definitions = cJSON_GetObjectItemCaseSensitive(schema, "definitions");

    assert_memory_equal(reference, "#/definitions/", 14);
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(definitions, reference + 14);
    assert_non_null(found);
    return found;
}

static bool has_type(const char *type, const cJSON *value)
{
    if (strcmp(type, "integer") == 0)
        return cJSON_IsNumber(value) && value->valuedouble == (double)(long long)value->valuedouble;
    return (strcmp(type, "object") == 0 && cJSON_IsObject(value)) ||
           (strcmp(type, "number") == 0 && cJSON_IsNumber(value)) ||
           (strcmp(type, "string") == 0 && cJSON_IsString(value)) ||
           (strcmp(type, "boolean") == 0 && cJSON_IsBool(value));
}

static bool is_among(const cJSON *list, const cJSON *value)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list) if (cJSON_Compare(item, value, true)) return true;
    return false;
}

/* The pattern's \d is all that POSIX does not know. */
static bool matches(const char *pattern, const char *text)
{
    char translated[512], *p = translated;
    regex_t regex;

    for (; *pattern; pattern++) {
        bool is_digit = pattern[0] == '\\' && pattern[1] == 'd';

        p += sprintf(p, "%.*s", is_digit ? 5 : 1, is_digit ? "[0-9]" : pattern);
        pattern += is_digit;
    }
    assert_int_equal(regcomp(&regex, translated, REG_EXTENDED | REG_NOSUB), 0);
    bool is_match = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return is_match;
}

static bool are_properties_valid(const cJSON *rule, const cJSON *value)
{
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(rule, "properties");
    const cJSON *others = cJSON_GetObjectItemCaseSensitive(rule, "additionalProperties");
    const cJSON *child;

    cJSON_ArrayForEach(child, value)
    {
        const cJSON *known = cJSON_GetObjectItemCaseSensitive(properties, child->string);

        if (!is_valid(known ? known : others, child))
            return false;
    }
    return true;
}

static bool is_valid(const cJSON *rule, const cJSON *value)
{
    const cJSON *reference, *type, *list, *pattern, *part;

    if (!rule || cJSON_IsTrue(rule))
        return true;
    reference = cJSON_GetObjectItemCaseSensitive(rule, "$ref");
    if (reference && !is_valid(follow(reference->valuestring), value))
        return false;
    cJSON_ArrayForEach(
        part, cJSON_GetObjectItemCaseSensitive(rule, "allOf")) if (!is_valid(part, value)) return false;
    type = cJSON_GetObjectItemCaseSensitive(rule, "type");
    list = cJSON_GetObjectItemCaseSensitive(rule, "enum");
    pattern = cJSON_GetObjectItemCaseSensitive(rule, "pattern");
    if ((type && !has_type(type->valuestring, value)) || (list && !is_among(list, value)))
        return false;
    if (pattern && cJSON_IsString(value) && !matches(pattern->valuestring, value->valuestring))
        return false;
    return !cJSON_IsObject(value) || are_properties_valid(rule, value);
}

static int set_up(void **state)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen("src/client/ConfigurationSchema.json", "r");

    (void)state;
    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    schema = cJSON_Parse(text);
    free(text);
    assert_non_null(schema);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cJSON_Delete(schema);
    return 0;
}

#define REDIS(inside) "{\"Aspire\":{\"StackExchange\":{\"Redis\":{" inside "}}}}"

struct sample {
    const char *json;
    bool is_good;
};

static const struct sample samples[] = {
    {"{\"ConnectionStrings\":{\"cache\":\"localhost:6379\"}}", true},
    {REDIS(
         "\"ConfigurationOptions\":{\"ConnectTimeout\":3000,\"ConnectRetry\":2},\"DisableHealthChecks\":true,"
         "\"DisableTracing\":false"),
     true},
    {REDIS(
         "\"ConnectionString\":\"h\",\"ConfigurationOptions\":{\"Proxy\":\"Twemproxy\",\"HeartbeatInterval\":"
         "\"00:00:02\",\"SslProtocols\":\"Tls12\",\"Protocol\":\"Resp3\"}"),
     true},
    {REDIS("\"cache\":{\"InstanceName\":\"x:\",\"ConfigurationOptions\":{\"CaFile\":\"/ca.pem\"}}"), true},
    {"{\"Logging\":{\"LogLevel\":{\"Aspire.StackExchange.Redis\":\"Debug\"}}}", true},
    {REDIS("\"DefaultEntryOptions\":{\"Expiration\":\"00:10:00\",\"EagerRefreshThreshold\":0.9}"), true},
    {REDIS("\"DefaultEntryOptions\":{\"Expiration\":\"ten minutes\"}"), false},
    {REDIS("\"FailOpen\":true,\"LocalCacheBytes\":1000000,\"cache\":{\"BreakerPause\":\"00:00:30\"}"), true},
    {REDIS("\"FailOpen\":\"yes\""), false},
    {REDIS("\"cache\":{\"BreakerPause\":30}"), false},
    {REDIS("\"ConfigurationOptions\":\"string\""), false},
    {REDIS("\"ConfigurationOptions\":{\"Proxy\":\"Fast\"}"), false},
    {REDIS("\"ConfigurationOptions\":{\"SslProtocols\":\"Fast\"}"), false},
    {REDIS("\"ConfigurationOptions\":{\"HeartbeatInterval\":\"3S\"}"), false},
    {REDIS("\"ConfigurationOptions\":{\"ConnectTimeout\":\"3000\"}"), false},
    {REDIS("\"DisableTracing\":\"yes\""), false},
    {REDIS("\"cache\":{\"DisableTracing\":1}"), false},
    {"{\"ConnectionStrings\":{\"cache\":6379}}", false},
    {"{\"Logging\":{\"LogLevel\":{\"Aspire.StackExchange.Redis\":\"Loud\"}}}", false},
};

static void accepts_and_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        cJSON *value = cJSON_Parse(samples[i].json);

        assert_non_null(value);
        if (is_valid(schema, value) != samples[i].is_good)
            fail_msg("%s", samples[i].json);
        cJSON_Delete(value);
    }
}

/* The schema and the table of options are written apart: neither may know more than the other. */
static void knows_every_option(void **state)
{
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(follow("#/definitions/options"), "properties"),
                *property;

    (void)state;
    for (int i = 0; i < OPT_COUNT; i++) {
        const char *name = option_rows[i].config_name;

        /* Newer than the package whose schema this follows. */
        bool is_newer = name && strncmp(name, "Sentinel", 8) == 0;
        if (name && !is_newer && !cJSON_GetObjectItemCaseSensitive(properties, name))
            fail_msg("%s is missing in the schema", name);
    }
    cJSON_ArrayForEach(property, properties) if (option_find_config(property->string) == OPT_COUNT &&
                                                 strcmp(property->string, "ChannelPrefix") != 0)
        fail_msg("%s is no option", property->string);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_refuses),
        cmocka_unit_test(knows_every_option),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
