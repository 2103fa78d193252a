/*
 * The C half of the tests with .NET: does with libapphost what the lines of its standard input say, one reply
 * line each.
 *
 * A line is a command and its words; texts and bytes are hexadecimal, "." is empty, "~" is NULL. A reply is
 * "ok" and words, or "error CODE PARAMETER TEXT" with the last two hexadecimal. Caches are opened once for
 * each connection name and instance name, from the environment and the appsettings files of the working
 * directory. The end of the input ends it.
 */
#include <apphost/apphost.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16, CACHES = 16, LINE = 4 * 1024 * 1024 };

struct words {
    size_t count;
    char *items[WORDS];
};

struct opened {
    char *name, *instance;
    struct apphost_cache *cache;
};

static struct opened caches[CACHES];

static void fail(const struct apphost_error *error)
{
    printf("error %s ", apphost_code_name(error->code));
    for (const unsigned char *p = (const unsigned char *)error->parameter; *p; p++)
        printf("%02x", *p);
    printf(". ");
    for (const unsigned char *p = (const unsigned char *)error->text; *p; p++)
        printf("%02x", *p);
    printf(".\n");
}

static void print_bytes(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", (unsigned char)data[i]);
    printf(len ? "" : ".");
}

static int digit(char c)
{
    if (c <= '9')
        return c - '0';
    return c - 'a' + 10;
}

/* In place, with a NUL behind it; NULL for "~" and for a word that is not there. */
static char *decode(struct words *words, size_t index, size_t *len)
{
    char *text = index < words->count ? words->items[index] : NULL;
    size_t n = 0;

    if (!text || strcmp(text, "~") == 0)
        return NULL;
    for (const char *p = text; p[0] && p[0] != '.'; p += 2)
        text[n++] = (char)(digit(p[0]) << 4 | digit(p[1]));
    text[n] = '\0';
    if (len)
        *len = n;
    return text;
}

static int64_t number(const struct words *words, size_t index)
{
    if (index >= words->count)
        return 0;
    return strtoll(words->items[index], NULL, 10);
}

static bool is_same(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

/* The words 1 and 2 of every command of a cache: connection name and instance name. */
static struct apphost_cache *cache_of(struct words *words, struct apphost_error *error)
{
    const char *name = decode(words, 1, NULL), *instance = decode(words, 2, NULL);
    struct apphost_cache_options options = {.instance_name = instance};
    size_t i = 0;

    while (i < CACHES - 1 && caches[i].cache) {
        if (is_same(caches[i].name, name) && is_same(caches[i].instance, instance))
            return caches[i].cache;
        i++;
    }
    caches[i].name = strdup(name);
    if (instance)
        caches[i].instance = strdup(instance);
    caches[i].cache = apphost_cache_open(name, &options, error);
    return caches[i].cache;
}

static struct apphost_bytes key_of(struct words *words)
{
    struct apphost_bytes key = {NULL, 0};

    key.data = decode(words, 3, &key.len);
    return key;
}

/* Words: absolute (unix ms), relative, sliding (ms); 0 is none. */
static struct apphost_expiry expiry_of(const struct words *words, size_t first)
{
    struct apphost_expiry expiry = {0, number(words, first), number(words, first + 1),
                                    number(words, first + 2)};

    if (expiry.absolute_unix_ms)
        expiry.flags |= APPHOST_ABSOLUTE;
    if (expiry.relative_ms)
        expiry.flags |= APPHOST_RELATIVE;
    if (expiry.sliding_ms)
        expiry.flags |= APPHOST_SLIDING;
    return expiry;
}

static int do_set(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    size_t len = 0;
    const char *data = decode(words, 4, &len);

    if (apphost_cache_set(cache, key_of(words), data, len, expiry_of(words, 5), error) < 0)
        return -1;
    puts("ok");
    return 0;
}

static int do_get(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    struct apphost_value value = {0};
    int found = apphost_cache_get(cache, key_of(words), &value, error);

    if (found < 0)
        return -1;
    printf("ok ");
    if (found)
        print_bytes(value.data, value.len);
    else
        printf("~");
    puts("");
    apphost_value_free(&value);
    return 0;
}

static int do_refresh(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    int rc = apphost_cache_refresh(cache, key_of(words), error);

    if (rc >= 0)
        printf("ok %d\n", rc);
    return rc;
}

static int do_remove(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    int rc = apphost_cache_remove(cache, key_of(words), error);

    if (rc >= 0)
        printf("ok %d\n", rc);
    return rc;
}

static int do_remaining(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    int64_t ms = 0;
    int rc = apphost_cache_remaining(cache, key_of(words), &ms, error);

    if (rc >= 0)
        printf("ok %d %" PRId64 "\n", rc, ms);
    return rc;
}

/* Words: data, a tag or none. */
static int do_hybrid_set(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    struct apphost_bytes data = {NULL, 0}, tag = {NULL, 0};
    struct apphost_hybrid how = {.expire_ms = 600000, .tags = &tag};

    data.data = decode(words, 4, &data.len);
    tag.data = decode(words, 5, &tag.len);
    how.tag_count = tag.data != NULL;
    if (apphost_hybrid_set(cache, key_of(words), data, &how, error) < 0)
        return -1;
    puts("ok");
    return 0;
}

static int do_hybrid_get(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    struct apphost_value value = {0};
    int found = apphost_hybrid_get(cache, key_of(words), &value, error);

    if (found < 0)
        return -1;
    printf("ok ");
    if (found)
        print_bytes(value.data, value.len);
    else
        printf("~");
    puts("");
    apphost_value_free(&value);
    return 0;
}

static int do_hybrid_untag(struct apphost_cache *cache, struct words *words, struct apphost_error *error)
{
    if (apphost_hybrid_remove_by_tag(cache, key_of(words), error) < 0)
        return -1;
    puts("ok");
    return 0;
}

/* The connection string that the options print as, each endpoint with the port it would be reached at, and
   what is in force of the given keys. */
static void print_options(const struct apphost_options *options)
{
    static const char *const ints[] = {"syncTimeout", "asyncTimeout", "connectTimeout", "connectRetry",
                                       "keepAlive"};
    static const char *const bools[] = {"ssl", "abortConnect", "allowAdmin"};
    char *text = apphost_options_format(options, APPHOST_FORMAT_SECRETS);

    printf("ok ");
    print_bytes(text, strlen(text));
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
        printf(" %s=%d", ints[i], apphost_options_int(options, ints[i]));
    for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++)
        printf(" %s=%d", bools[i], apphost_options_bool(options, bools[i]));
    for (size_t i = 0; i < apphost_options_endpoint_count(options); i++)
        printf(" port=%d", apphost_options_endpoint_port(options, i));
    puts("");
    free(text);
}

static int do_parse(struct words *words, struct apphost_error *error)
{
    struct apphost_options *options = apphost_options_parse(decode(words, 1, NULL), 0, error);

    if (!options)
        return -1;
    print_options(options);
    apphost_options_free(options);
    return 0;
}

/* configured FOLDER ENVIRONMENT NAME KEYED: what a client of that name would use. */
static int do_configured(struct words *words, struct apphost_error *error)
{
    struct apphost_host_options how = {.directory = decode(words, 1, NULL),
                                       .environment = decode(words, 2, NULL)};
    const char *name = decode(words, 3, NULL), *key = NULL;
    struct apphost_host *host = apphost_host_new(&how, error);
    int rc = -1;

    if (!host)
        return -1;
    if (number(words, 4)) {
        key = name;
        rc = apphost_host_add_keyed_redis_client(host, name, NULL, error);
    } else {
        rc = apphost_host_add_redis_client(host, name, NULL, error);
    }
    struct apphost_redis *redis = rc == 0 ? apphost_host_redis(host, key, error) : NULL;
    const struct apphost_options *options = redis ? apphost_redis_options(redis, error) : NULL;
    if (options)
        print_options(options);
    apphost_host_free(host);
    return options ? 0 : -1;
}

/* trace TRACEPARENT: what the commands that follow belong to. */
static int do_trace(struct words *words, struct apphost_error *error)
{
    if (apphost_trace_parent(decode(words, 1, NULL), error) < 0)
        return -1;
    puts("ok");
    return 0;
}

typedef int (*cache_fn)(struct apphost_cache *cache, struct words *words, struct apphost_error *error);
typedef int (*plain_fn)(struct words *words, struct apphost_error *error);

static const struct command {
    const char *name;
    plain_fn run;
    cache_fn run_cache;
} commands[] = {
    {"set", NULL, do_set},
    {"get", NULL, do_get},
    {"refresh", NULL, do_refresh},
    {"remove", NULL, do_remove},
    {"remaining", NULL, do_remaining},
    {"hybrid-set", NULL, do_hybrid_set},
    {"hybrid-get", NULL, do_hybrid_get},
    {"hybrid-untag", NULL, do_hybrid_untag},
    {"parse", do_parse, NULL},
    {"configured", do_configured, NULL},
    {"trace", do_trace, NULL},
};

static int run(struct words *words, struct apphost_error *error)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, words->items[0]) != 0)
            continue;
        if (commands[i].run)
            return commands[i].run(words, error);
        struct apphost_cache *cache = cache_of(words, error);
        return cache ? commands[i].run_cache(cache, words, error) : -1;
    }
    error->code = APPHOST_E_ARGUMENT;
    snprintf(error->text, sizeof(error->text), "no command '%s'", words->items[0]);
    return -1;
}

static void split(char *line, struct words *words)
{
    char *rest = NULL;

    words->count = 0;
    for (char *word = strtok_r(line, " \n", &rest); word && words->count < WORDS;
         word = strtok_r(NULL, " \n", &rest))
        words->items[words->count++] = word;
}

int main(void)
{
    char *line = malloc(LINE);
    struct words words;

    while (line && fgets(line, LINE, stdin)) {
        struct apphost_error error = {0};

        split(line, &words);
        if (words.count > 0 && run(&words, &error) < 0)
            fail(&error);
        fflush(stdout);
    }
    for (size_t i = 0; i < CACHES; i++) {
        apphost_cache_close(caches[i].cache);
        free(caches[i].name);
        free(caches[i].instance);
    }
    free(line);
    return 0;
}
