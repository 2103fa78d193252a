/* room: client_options */
/* Layers, precedence, the registry, delayed errors, log levels: no server is needed for any of it. */
#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <unistd.h>

#define SECTION "Aspire:StackExchange:Redis"

static struct apphost_config *config_of(const char *json)
{
    struct apphost_config *config = apphost_config_new();
    struct apphost_error error = {0};

    if (apphost_config_add_json(config, json, strlen(json), "test.json", &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static struct apphost_host *host_of(const char *json)
{
    struct apphost_config *config = config_of(json);
    const struct apphost_host_options options = {.config = config};
    struct apphost_host *host = apphost_host_new(&options, NULL);

    apphost_config_free(config);
    assert_non_null(host);
    return host;
}

/* ---- JSON ---- */

static void json_is_flattened(void **state)
{
    static const char json[] = "\xEF\xBB\xBF// a comment\n"
                               "{ \"A\": { \"b\": 1, \"C\": [true, false, null, \"x//y, ]\",], /* two */ },\n"
                               "  \"d:e\": 0.25, \"empty\": {}, \"s\": \"\", \"n\": 12345678901, }";
    static const char *const pairs[][2] = {
        {"a:B", "1"},    {"A:c:0", "True"}, {"A:C:1", "False"}, {"a:c:2", ""},        {"A:C:3", "x//y, ]"},
        {"D:E", "0.25"}, {"empty", ""},     {"s", ""},          {"n", "12345678901"},
    };
    struct apphost_config *config = config_of(json);

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(apphost_config_get(config, pairs[i][0]), pairs[i][1]);
    assert_null(apphost_config_get(config, "A"));
    assert_null(apphost_config_get(config, "A:C:4"));
    apphost_config_free(config);
}

static void bad_json_is_an_error(void **state)
{
    static const char *const rows[][2] = {
        {"", "Could not parse the JSON file."},
        {"{", "Could not parse the JSON file."},
        {"{\"a\":1", "Could not parse the JSON file."},
        {"{\"a\":}", "Could not parse the JSON file."},
        {"{} x", "Could not parse the JSON file."},
        {"{\n\"a\": nope }", "Near line 2"},
        {"[1]", "Top-level JSON element must be an object. Instead, 'Array' was found."},
        {"\"x\"", "Top-level JSON element must be an object. Instead, 'String' was found."},
        {"{\"a\":1,\"A\":2}", "A duplicate key 'A' was found."},
        {"{\"a\":{\"b\":1},\"a:b\":2}", "A duplicate key"},
        {"{\"a\":\"/* \"", "Could not parse the JSON file."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct apphost_config *config = apphost_config_new();
        struct apphost_error error = {0};

        assert_int_equal(apphost_config_add_json(config, rows[i][0], strlen(rows[i][0]), "f.json", &error),
                         -1);
        assert_int_equal(error.code, APPHOST_E_CONFIG);
        if (!strstr(error.text, rows[i][1]))
            fail_msg("'%s' for '%s'", error.text, rows[i][0]);
        apphost_config_free(config);
    }
}

/* A file that is not there is none; one that cannot be read, or not be parsed, is an error that names it. */
static void bad_files_are_errors(void **state)
{
    char folder[] = "/tmp/apphost-config-XXXXXX", path[128];
    struct apphost_host_options options = {.directory = folder};
    struct apphost_error error = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    struct apphost_host *host = apphost_host_new(&options, &error);
    assert_non_null(host);
    apphost_host_free(host);
    snprintf(path, sizeof(path), "%s/appsettings.json", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_null(apphost_host_new(&options, &error));
    assert_int_equal(error.code, APPHOST_E_CONFIG);
    assert_non_null(strstr(error.text, "appsettings.json"));
    assert_int_equal(rmdir(path), 0);
    FILE *file = fopen(path, "w");
    fputs("{\"ConnectionStrings\": {\"cache\": ", file);
    fclose(file);
    assert_null(apphost_host_new(&options, &error));
    assert_int_equal(error.code, APPHOST_E_CONFIG);
    assert_non_null(strstr(error.text, "appsettings.json"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void layers_in_order(void **state)
{
    char folder[] = "/tmp/apphost-config-XXXXXX", path[128];
    struct apphost_config *config = apphost_config_new();
    struct apphost_error error = {0};
    char *const argv[] = {(char *)"p", (char *)"--A:Four=arg", (char *)"--B:Five",
                          (char *)"v", (char *)"/C=w",         NULL};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/appsettings.json", folder);
    FILE *file = fopen(path, "w");
    fputs("{\"A\":{\"One\":\"base\",\"Two\":\"base\",\"Three\":\"base\",\"Four\":\"base\"}}", file);
    fclose(file);
    snprintf(path, sizeof(path), "%s/appsettings.Staging.json", folder);
    file = fopen(path, "w");
    fputs("{\"a\":{\"two\":\"staging\",\"three\":\"staging\"}}", file);
    fclose(file);
    setenv("A__Three", "env", 1);
    setenv("DOTNET_ENVIRONMENT", "Staging", 1);
    setenv("CUSTOMCONNSTR_store", "h:1", 1);
    assert_int_equal(apphost_config_add_defaults(config, folder, NULL, &error), 0);
    assert_int_equal(apphost_config_add_arguments(config, 5, argv, &error), 0);
    assert_string_equal(apphost_config_get(config, "A:One"), "base");
    assert_string_equal(apphost_config_get(config, "A:Two"), "staging");
    assert_string_equal(apphost_config_get(config, "A:Three"), "env");
    assert_string_equal(apphost_config_get(config, "A:Four"), "arg");
    assert_string_equal(apphost_config_get(config, "B:Five"), "v");
    assert_string_equal(apphost_config_get(config, "C"), "w");
    assert_string_equal(apphost_config_get(config, "ConnectionStrings:store"), "h:1");
    unsetenv("A__Three");
    unsetenv("DOTNET_ENVIRONMENT");
    unsetenv("CUSTOMCONNSTR_store");
    apphost_config_free(config);
    unlink(path);
    snprintf(path, sizeof(path), "%s/appsettings.json", folder);
    unlink(path);
    rmdir(folder);
}

/* ---- Precedence ---- */

struct precedence {
    const char *json;   /* of the client "cache" */
    const char *string; /* the resulting connection string */
    const char *error;  /* or words of the error */
};

static const struct precedence precedences[] = {
    {"{\"ConnectionStrings\":{\"cache\":\"h:1,syncTimeout=7\"}}", "h:1,syncTimeout=7", NULL},
    {"{\"ConnectionStrings\":{\"CACHE\":\"h:1\"}}", "h:1", NULL},
    {"{\"Aspire\":{\"StackExchange\":{\"Redis\":{\"ConnectionString\":\"section\"}}}}", "section", NULL},
    {"{\"Aspire\":{\"StackExchange\":{\"Redis\":{\"ConnectionString\":\"section\",\"cache\":{"
     "\"ConnectionString\":\"named\"}}}}}",
     "named", NULL},
    {"{\"ConnectionStrings\":{\"cache\":\"wins\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{"
     "\"ConnectionString\":\"section\"}}}}",
     "wins", NULL},
    {"{\"ConnectionStrings\":{\"cache\":\"h,connectTimeout=1\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{"
     "\"ConfigurationOptions\":{\"ConnectTimeout\":3000,\"ConnectRetry\":2,\"Nonsense\":1}}}}}",
     "h,connectTimeout=3000,connectRetry=2", NULL},
    {"{\"ConnectionStrings\":{\"cache\":\"h\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{"
     "\"ConfigurationOptions\":"
     "{\"ConnectRetry\":2},\"cache\":{\"ConfigurationOptions\":{\"ConnectRetry\":9,\"SslProtocols\":\"Tls12, "
     "Tls13\"}}}}}}",
     "h,sslProtocols=Tls12| Tls13,connectRetry=9", NULL},
    {"{\"ConnectionStrings\":{\"cache\":\"redis://:p%2Cw@h:2\"}}", "h:2,password=p,w", NULL},
    {"{\"CACHE_URI\":\"redis://h:3\"}", "h:3", NULL},
    {"{}", NULL,
     "No endpoints specified. Ensure a valid connection string was provided in 'ConnectionStrings:cache' or "
     "for the "
     "'Aspire:StackExchange:Redis:ConnectionString' configuration key."},
    {"{\"ConnectionStrings\":{\"cache\":\"\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{\"ConnectionString\":"
     "\"x\"}}}}",
     NULL, "No endpoints specified."},
    {"{\"ConnectionStrings\":{\"cache\":\"h,nope=1\"}}", NULL, "Keyword 'nope' is not supported."},
    {"{\"ConnectionStrings\":{\"cache\":\"h\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{\"DisableTracing\":"
     "\"maybe\"}}}}",
     NULL,
     "Failed to convert configuration value 'maybe' at 'Aspire:StackExchange:Redis:DisableTracing' to type "
     "'System.Boolean'."},
    {"{\"ConnectionStrings\":{\"cache\":\"h\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{"
     "\"ConfigurationOptions\":{\"Ssl\":\"yes\"}}}}}",
     NULL, "at 'Aspire:StackExchange:Redis:ConfigurationOptions:Ssl' to type 'System.Boolean'"},
    {"{\"ConnectionStrings\":{\"cache\":\"h\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{"
     "\"ConfigurationOptions\":{\"Proxy\":\"Fast\"}}}}}",
     NULL,
     "'Fast' at 'Aspire:StackExchange:Redis:ConfigurationOptions:Proxy' to type 'StackExchange.Redis.Proxy'"},
};

static void precedence_of_configuration(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(precedences) / sizeof(precedences[0]); i++) {
        struct apphost_host *host = host_of(precedences[i].json);
        struct apphost_error error = {0};
        struct apphost_value value;

        /* Adding never fails for what the configuration says. */
        assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, &error), 0);
        const struct apphost_options *options =
            apphost_redis_options(apphost_host_redis(host, NULL, NULL), &error);
        if (precedences[i].string) {
            assert_non_null(options);
            char *text = apphost_options_format(options, APPHOST_FORMAT_SECRETS);
            assert_string_equal(text, precedences[i].string);
            free(text);
        } else {
            assert_null(options);
            if (!strstr(error.text, precedences[i].error))
                fail_msg("row %zu: %s", i, error.text);
            assert_int_equal(
                apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error),
                -1);
        }
        apphost_host_free(host);
    }
}

static void set_settings(struct apphost_settings *settings, void *user)
{
    assert_string_equal(apphost_settings_get(settings, "connectionstring"), "unused");
    assert_int_equal(apphost_settings_set(settings, "ConnectionString", user, NULL), 0);
    assert_int_equal(apphost_settings_set(settings, "DisableTracing", "perhaps", NULL), -1);
    assert_int_equal(apphost_settings_set(settings, "Nope", "x", NULL), -1);
}

static void set_options(struct apphost_options *options, void *user)
{
    (void)user;
    /* The delegate comes last: it sees what the settings' delegate put there. */
    assert_string_equal(apphost_options_endpoint(options, 0), "delegate:7");
    assert_int_equal(apphost_options_set(options, "connectRetry", "8", NULL), 0);
}

static void callbacks_come_last(void **state)
{
    const struct apphost_client_options client = {set_settings, set_options, (void *)"delegate:7"};
    struct apphost_host *host = host_of("{\"ConnectionStrings\":{\"redis\":\"unused\"}}");

    (void)state;
    assert_int_equal(apphost_host_add_redis_client(host, "redis", &client, NULL), 0);
    const struct apphost_options *options = apphost_redis_options(apphost_host_redis(host, NULL, NULL), NULL);
    assert_int_equal(apphost_options_int(options, "connectRetry"), 8);
    apphost_host_free(host);
}

static void abort_connect_defaults(void **state)
{
    static const struct {
        const char *json;
        bool expected;
    } rows[] = {
        {"{\"ConnectionStrings\":{\"r\":\"h\"}}", false},
        {"{\"ConnectionStrings\":{\"r\":\"h,abortConnect=true\"}}", true},
        {"{\"ConnectionStrings\":{\"r\":\"h,abortConnect=false\"}}", false},
        {"{\"ConnectionStrings\":{\"r\":\"h\"},\"Aspire\":{\"StackExchange\":{\"Redis\":{"
         "\"ConfigurationOptions\":"
         "{\"AbortOnConnectFail\":true}}}}}",
         true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct apphost_host *host = host_of(rows[i].json);

        apphost_host_add_keyed_redis_client(host, "r", NULL, NULL);
        assert_int_equal(
            apphost_options_bool(apphost_redis_options(apphost_host_redis(host, "r", NULL), NULL),
                                 "abortConnect"),
            rows[i].expected);
        apphost_host_free(host);
    }
}

/* ---- Registry ---- */

static void expect_endpoint(struct apphost_host *host, const char *key, const char *endpoint)
{
    const struct apphost_options *options = apphost_redis_options(apphost_host_redis(host, key, NULL), NULL);

    assert_string_equal(apphost_options_endpoint(options, 0), endpoint);
}

static void registry_finds_by_name_only(void **state)
{
    struct apphost_host *host = host_of(
        "{\"ConnectionStrings\":{\"redis0\":\"h0\",\"redis1\":\"h1\",\"redis2\":\"h2\",\"redis3\":\"h3\"}}");
    struct apphost_error error = {0};

    (void)state;
    assert_null(apphost_host_redis(host, NULL, &error));
    assert_int_equal(apphost_host_add_keyed_redis_client(host, "redis2", NULL, &error), 0);
    assert_null(apphost_host_redis(host, NULL, &error));
    assert_int_equal(error.code, APPHOST_E_ARGUMENT);
    assert_int_equal(apphost_host_add_redis_client(host, "redis0", NULL, &error), 0);
    assert_int_equal(apphost_host_add_redis_client(host, "redis1", NULL, &error), 0);
    assert_int_equal(apphost_host_add_keyed_redis_client(host, "redis3", NULL, &error), 0);
    expect_endpoint(host, NULL, "h1");
    expect_endpoint(host, "redis2", "h2");
    expect_endpoint(host, "redis3", "h3");
    assert_null(apphost_host_redis(host, "redis1", &error));
    assert_null(apphost_host_redis(host, "Redis2", &error));
    assert_int_equal(apphost_host_add_redis_client(host, "", NULL, &error), -1);
    assert_string_equal(error.parameter, "connectionName");
    assert_int_equal(apphost_host_add_keyed_redis_client(host, NULL, NULL, &error), -1);
    assert_string_equal(error.parameter, "name");
    assert_int_equal(apphost_host_add_redis_client(NULL, "x", NULL, &error), -1);
    assert_string_equal(error.parameter, "builder");
    assert_int_equal(apphost_host_with_distributed_cache(host, "absent", NULL, NULL, &error), -1);
    assert_null(apphost_host_cache(host, NULL, &error));
    assert_int_equal(apphost_host_add_keyed_redis_distributed_cache(host, "redis3", NULL, NULL, &error), 0);
    assert_null(apphost_host_cache(host, NULL, &error));
    assert_non_null(apphost_host_cache(host, "redis3", &error));
    apphost_host_free(host);
}

static void health_checks_have_their_names(void **state)
{
    struct apphost_host *host = host_of(
        "{\"ConnectionStrings\":{\"a\":\"127.0.0.1:1,connectTimeout=200\",\"b\":\"127.0.0.1:1\",\"c\":\"h\"},"
        "\"Aspire\":{\"StackExchange\":{\"Redis\":{\"c\":{\"DisableHealthChecks\":true}}}}}");
    struct apphost_health_report report;

    (void)state;
    apphost_host_add_redis_distributed_cache(host, "a", NULL, NULL, NULL);
    apphost_host_add_redis_client(host, "a", NULL, NULL);
    apphost_host_add_keyed_redis_client(host, "b", NULL, NULL);
    apphost_host_add_keyed_redis_client(host, "c", NULL, NULL);
    assert_int_equal(apphost_health_run(apphost_host_health(host), NULL, &report, NULL), 0);
    assert_int_equal(report.status, APPHOST_UNHEALTHY);
    assert_int_equal(report.count, 2);
    assert_string_equal(report.entries[0].name, "StackExchange.Redis");
    assert_string_equal(report.entries[1].name, "StackExchange.Redis_b");
    assert_non_null(strstr(report.entries[0].description, "refused"));
    apphost_health_report_free(&report);
    apphost_host_free(host);
}

/* ---- Logs ---- */

struct lines {
    int counts[APPHOST_LOG_NONE];
    int redis;
};

static void take_line(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    struct lines *lines = user;

    assert_true(text[0] != '\0');
    __atomic_fetch_add(&lines->counts[level], 1, __ATOMIC_SEQ_CST);
    if (strcmp(category, "Aspire.StackExchange.Redis") == 0)
        __atomic_fetch_add(&lines->redis, 1, __ATOMIC_SEQ_CST);
}

static struct lines log_with(const char *levels)
{
    struct lines lines = {{0}, 0};
    struct apphost_config *config = config_of(levels);
    const struct apphost_host_options options = {.config = config, .log = take_line, .log_user = &lines};
    struct apphost_host *host = apphost_host_new(&options, NULL);
    struct apphost_value value;

    apphost_config_set(config, "x", "y", NULL);
    apphost_host_add_redis_distributed_cache(host, "a", NULL, NULL, NULL);
    assert_int_equal(apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, NULL),
                     -1);
    apphost_host_free(host);
    apphost_config_free(config);
    return lines;
}

#define STRING "\"ConnectionStrings\":{\"a\":\"127.0.0.1:1,syncTimeout=100\"}"

static void log_levels_are_obeyed(void **state)
{
    struct lines usual = log_with("{" STRING "}");
    struct lines chatty =
        log_with("{" STRING ",\"Logging\":{\"LogLevel\":{\"Default\":\"None\",\"Aspire\":\"Debug\"}}}");
    struct lines quiet = log_with("{" STRING ",\"Logging\":{\"LogLevel\":{\"Default\":\"Debug\","
                                  "\"Aspire.StackExchange\":\"Error\"}}}");

    (void)state;
    assert_true(usual.counts[APPHOST_LOG_WARNING] >= 1 && usual.counts[APPHOST_LOG_DEBUG] == 0);
    assert_true(chatty.counts[APPHOST_LOG_WARNING] >= 1 && chatty.counts[APPHOST_LOG_DEBUG] >= 1);
    assert_int_equal(quiet.redis, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_flattened),
        cmocka_unit_test(bad_json_is_an_error),
        cmocka_unit_test(bad_files_are_errors),
        cmocka_unit_test(layers_in_order),
        cmocka_unit_test(precedence_of_configuration),
        cmocka_unit_test(callbacks_come_last),
        cmocka_unit_test(abort_connect_defaults),
        cmocka_unit_test(registry_finds_by_name_only),
        cmocka_unit_test(health_checks_have_their_names),
        cmocka_unit_test(log_levels_are_obeyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
