/* One pass over the text; at each place the longest value that stands there is taken out. */
#include "cli/bundle_scrub.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void add_form(struct scrub *scrub, char *form)
{
    if (*form && !strlist_has(&scrub->values, form))
        strlist_add(&scrub->values, form);
    mem_wipe(form, strlen(form));
    free(form);
}

/* The content of the JSON string, without its quotes. */
static char *json_form(const char *secret)
{
    cleanup_json cJSON *string = cJSON_CreateString(secret);
    char *quoted = json_print(string);
    size_t length = strlen(quoted);

    memmove(quoted, quoted + 1, length - 1);
    quoted[length - 2] = '\0';
    return quoted;
}

static void add_forms(struct scrub *scrub, const char *secret)
{
    add_form(scrub, xstrdup(secret));
    add_form(scrub, str_percent_encode(secret));
    add_form(scrub, json_form(secret));
    add_form(scrub, digest_base64(secret, strlen(secret), 0));
}

/* Keys and certificates: what prints them puts something before each line. */
static void add_lines(struct scrub *scrub, const char *secret)
{
    for (const char *at = secret; *at; at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        if (length >= SCRUB_LEAST)
            add_form(scrub, xstrndup(at, length));
        at += length;
    }
}

void scrub_add(struct scrub *scrub, const char *secret)
{
    if (!secret || !*secret)
        return;
    add_forms(scrub, secret);
    if (strchr(secret, '\n'))
        add_lines(scrub, secret);
}

static int by_length(const void *a, const void *b)
{
    size_t first = strlen(*(char *const *)a), second = strlen(*(char *const *)b);
    return (second > first) - (second < first);
}

void scrub_ready(struct scrub *scrub)
{
    if (scrub->values.count)
        qsort(scrub->values.items, scrub->values.count, sizeof *scrub->values.items, by_length);
}

static bool stands_alone(const char *text, size_t length, size_t at, size_t width)
{
    bool begins = at == 0 || !isalnum((unsigned char)text[at - 1]);
    bool ends = at + width == length || !isalnum((unsigned char)text[at + width]);
    return begins && ends;
}

/* How many bytes at this place are a secret. */
static size_t secret_at(const struct scrub *scrub, const char *text, size_t length, size_t at)
{
    for (size_t i = 0; i < scrub->values.count; i++) {
        const char *value = scrub->values.items[i];
        size_t width = strlen(value);
        if (width > length - at || memcmp(text + at, value, width) != 0)
            continue;
        if (width >= SCRUB_LEAST || stands_alone(text, length, at, width))
            return width;
    }
    return 0;
}

char *scrub_text(const struct scrub *scrub, const char *text, size_t length, size_t *result_length)
{
    struct strbuf out = {0};
    strbuf_adds(&out, ""); /* so that there is something to take */

    for (size_t at = 0; at < length;) {
        size_t width = secret_at(scrub, text, length, at);
        if (width)
            strbuf_adds(&out, SCRUB_MARK);
        else
            strbuf_addc(&out, text[at]);
        at += width ? width : 1;
    }
    *result_length = out.length;
    return strbuf_take(&out);
}

void scrub_free(struct scrub *scrub)
{
    for (size_t i = 0; i < scrub->values.count; i++)
        mem_wipe(scrub->values.items[i], strlen(scrub->values.items[i]));
    strlist_free(&scrub->values);
}
