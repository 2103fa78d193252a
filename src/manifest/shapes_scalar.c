/* Shapes of single values: booleans, numbers, durations, sizes, texts, paths, addresses, choices. */
#include "manifest/field.h"
#include "base/signals.h"
#include "base/image.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int read_bool(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return manifest_read_bool_value(l, field, value, manifest_slot(object, field->offset));
}

static int read_int(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int64_t number;
    if (manifest_read_int64(l, field, value, &number) < 0)
        return -1;
    if (number < INT_MIN || number > INT_MAX)
        return manifest_bad_value(l, field, value);
    *(int *)manifest_slot(object, field->offset) = (int)number;
    return 0;
}

static int read_int64(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return manifest_read_int64(l, field, value, manifest_slot(object, field->offset));
}

static int read_port(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int64_t number;
    if (manifest_read_int64(l, field, value, &number) < 0)
        return -1;
    if (number < 1 || number > 65535)
        return manifest_problem(l, value, "`%s` must be a port from 1 to 65535", field->name);
    *(int *)manifest_slot(object, field->offset) = (int)number;
    return 0;
}

/* A text that `parse` makes a number of. */
static int read_measure(struct loader *l, const struct field *field, const struct yaml_node *value,
                        bool (*parse)(const char *text, int64_t *number), int64_t *out)
{
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    return parse(text, out) ? 0 : manifest_bad_value(l, field, value);
}

static int read_duration(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int64_t ms;
    if (read_measure(l, field, value, str_to_duration_ms, &ms) < 0)
        return -1;
    if (field->max && (ms < field->min || ms > field->max))
        return manifest_problem(l, value, "`%s` must be at least %lld ms and at most %lld s", field->name,
                                (long long)field->min, (long long)field->max / 1000);
    *(int64_t *)manifest_slot(object, field->offset) = ms;
    return 0;
}

static int read_seconds(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int64_t ms;
    if (read_measure(l, field, value, str_to_duration_ms, &ms) < 0)
        return -1;
    if (ms < 1000 || ms % 1000)
        return manifest_problem(l, value, "`%s` must be whole seconds, at least one", field->name);
    *(int64_t *)manifest_slot(object, field->offset) = ms / 1000;
    return 0;
}

static int read_size(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int64_t bytes;
    if (read_measure(l, field, value, str_to_size, &bytes) < 0)
        return -1;
    if (field->min && bytes < field->min)
        return manifest_problem(l, value, "`%s` must be at least %lldm", field->name,
                                (long long)field->min / (1024 * 1024));
    *(int64_t *)manifest_slot(object, field->offset) = bytes;
    return 0;
}

/* A text that is not empty. */
static const char *read_given(struct loader *l, const struct field *field, const struct yaml_node *value)
{
    const char *text = manifest_final(l, value);
    if (text && !*text) {
        manifest_problem(l, value, "`%s` cannot be empty", field->name);
        return NULL;
    }
    return text;
}

/* What is wrong with a text, or NULL. */
typedef const char *find_fault(const char *text);

/* A text that is kept as it is. */
static int read_checked(struct loader *l, const struct field *field, struct yaml_node *value, void *object,
                        find_fault *find)
{
    const char *text = read_given(l, field, value), *fault = text && find ? find(text) : NULL;
    if (fault)
        return manifest_problem(l, value, "`%s`: %s", field->name, fault);
    if (!text)
        return -1;
    *(const char **)manifest_slot(object, field->offset) = text;
    return 0;
}

static int read_text(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return read_checked(l, field, value, object, NULL);
}

static int read_late(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return manifest_text(l, value, manifest_slot(object, field->offset));
}

static int read_path(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    const char *text = read_given(l, field, value);
    if (!text)
        return -1;
    *(const char **)manifest_slot(object, field->offset) = manifest_path(l, value, text);
    return 0;
}

static int read_inner_path(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    const char *text = read_given(l, field, value);
    if (!text)
        return -1;
    if (*text != '/')
        return manifest_problem(l, value, "`%s` must be an absolute path inside of the container",
                                field->name);
    *(const char **)manifest_slot(object, field->offset) = text;
    return 0;
}

/* What the engine would refuse is refused here, at its place. */
static const char *find_image_fault(const char *text)
{
    if (strstr(text, "://"))
        return "an image has no scheme (https://) before it";
    if (!isalnum((unsigned char)*text))
        return "this is not the name of an image";
    for (const char *p = text; *p; p++)
        if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p))
            return "the name of an image has no blanks";
    return image_reference_fault(text);
}

static int read_image(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return read_checked(l, field, value, object, find_image_fault);
}

/* It is put before "://" in what consumers get. */
static const char *find_scheme_fault(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    bool is_good = isalpha((unsigned char)*text) && text[strspn(text, allowed)] == '\0';
    return is_good ? NULL : "a scheme has letters, digits, + - and ., and starts with a letter";
}

static int read_scheme(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return read_checked(l, field, value, object, find_scheme_fault);
}

static int read_address(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    unsigned char binary[sizeof(struct in6_addr)];
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    if (inet_pton(AF_INET, text, binary) != 1 && inet_pton(AF_INET6, text, binary) != 1) {
        manifest_bad_value(l, field, value);
        if (strcmp(text, "localhost") == 0)
            manifest_hint(l, "write 127.0.0.1");
        return -1;
    }
    *(const char **)manifest_slot(object, field->offset) = text;
    return 0;
}

static int read_signal(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;

    int signum = signals_find(text);
    if (!signum)
        return manifest_bad_value(l, field, value);
    *(int *)manifest_slot(object, field->offset) = signum;
    return 0;
}

static int read_codes(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    size_t count = manifest_item_count(value);
    int *codes = arena_alloc(l->arena, (count + 1) * sizeof *codes);
    for (size_t i = 0; i < count; i++) {
        struct yaml_node *item = manifest_item(value, i);
        int64_t number;
        if (item->kind != NODE_SCALAR)
            return manifest_bad_value(l, field, item);
        if (manifest_read_int64(l, field, item, &number) < 0)
            return -1;
        codes[i] = (int)number;
    }
    *(int **)manifest_slot(object, field->offset) = codes;
    *(size_t *)manifest_slot(object, field->count_offset) = count;
    return 0;
}

static int read_texts(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    size_t count = manifest_item_count(value), kept = 0;
    const char **texts = arena_alloc(l->arena, (count + 1) * sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        struct yaml_node *item = manifest_item(value, i);
        if (item->kind != NODE_SCALAR) {
            manifest_bad_value(l, field, item);
            continue;
        }
        const char *text = read_given(l, field, item);
        if (text)
            texts[kept++] = text;
    }
    *(const char ***)manifest_slot(object, field->offset) = texts;
    *(size_t *)manifest_slot(object, field->count_offset) = kept;
    return 0;
}

static int read_choice(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int index = manifest_read_choice(l, field, value);
    if (index >= 0)
        *(int *)manifest_slot(object, field->offset) = index;
    return index < 0 ? -1 : 0;
}

/* Two choices, the second one sets a flag. */
static int read_flag(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int index = manifest_read_choice(l, field, value);
    if (index >= 0)
        *(bool *)manifest_slot(object, field->offset) = index == 1;
    return index < 0 ? -1 : 0;
}

#define DURATION "^([0-9]+|([0-9.]+(ms|s|m|h|d))+|[0-9]+:[0-9]{2}:[0-9]{2})$"

const struct shape shape_bool = {.words = "true or false", .accept = ACCEPT_BOOL, .read = read_bool};
const struct shape shape_number = {.words = "a whole number", .accept = ACCEPT_INT, .read = read_int};
const struct shape shape_number_64 = {.words = "a whole number", .accept = ACCEPT_INT, .read = read_int64};
const struct shape shape_port = {.words = "a port from 1 to 65535", .accept = ACCEPT_INT, .read = read_port};
const struct shape shape_duration = {.words = "a duration such as 500ms, 10s or 1m30s",
                                     .accept = ACCEPT_INT | ACCEPT_TEXT,
                                     .read = read_duration,
                                     .pattern = DURATION};
const struct shape shape_seconds = {.words = "a duration in whole seconds, such as 60, 10s or 5m",
                                    .accept = ACCEPT_INT | ACCEPT_TEXT,
                                    .read = read_seconds,
                                    .pattern = DURATION};
const struct shape shape_size = {.words = "a size such as 512k, 64m or 1g",
                                 .accept = ACCEPT_INT | ACCEPT_TEXT,
                                 .read = read_size,
                                 .pattern = "^[0-9]+([kKmMgG]?[bB]?)$"};
const struct shape shape_text = {.words = "text", .accept = ACCEPT_SCALAR, .read = read_text};
const struct shape shape_late = {.words = "text", .accept = ACCEPT_SCALAR, .read = read_late};
const struct shape shape_path = {.words = "a path", .accept = ACCEPT_TEXT, .read = read_path};
const struct shape shape_inner_path = {
    .words = "an absolute path", .accept = ACCEPT_TEXT, .read = read_inner_path};
const struct shape shape_image = {
    .words = "an image such as docker.io/library/redis:8.6", .accept = ACCEPT_TEXT, .read = read_image};
const struct shape shape_scheme = {
    .words = "a scheme such as http", .accept = ACCEPT_TEXT, .read = read_scheme};
const struct shape shape_address = {
    .words = "an IP address such as 127.0.0.1", .accept = ACCEPT_TEXT, .read = read_address};
const struct shape shape_signal = {.words = "one of TERM, INT, QUIT, HUP, KILL, USR1, USR2, WINCH",
                                   .accept = ACCEPT_INT | ACCEPT_TEXT,
                                   .read = read_signal};
const struct shape shape_exit_codes = {
    .words = "exit codes", .accept = ACCEPT_INT | ACCEPT_LIST, .read = read_codes, .item = &shape_number};
const struct shape shape_texts = {.words = "text or a list of texts",
                                  .accept = ACCEPT_TEXT | ACCEPT_LIST,
                                  .read = read_texts,
                                  .item = &shape_text};

static NAMES(starts, 2, [false] = "automatic", [true] = "manual");
static NAMES(networks, 2, [false] = "bridge", [true] = "host");

const struct shape shape_start = {
    .words = "`automatic` or `manual`", .accept = ACCEPT_TEXT, .read = read_flag, .choices = &starts};
const struct shape shape_lifetime = {.words = "`session` or `persistent`",
                                     .accept = ACCEPT_TEXT,
                                     .read = read_choice,
                                     .choices = &model_lifetime_names};
const struct shape shape_pull = {.words = "`missing`, `always` or `never`",
                                 .accept = ACCEPT_TEXT,
                                 .read = read_choice,
                                 .choices = &model_pull_names};
const struct shape shape_network = {
    .words = "`bridge` or `host`", .accept = ACCEPT_TEXT, .read = read_flag, .choices = &networks};
const struct shape shape_stdin = {
    .words = "`open` or `closed`", .accept = ACCEPT_TEXT, .read = read_choice, .choices = &model_stdin_names};
