/* One pass over the text; at each place the longest value that stands there is taken out. A place where a
 * longer one may still come to stand, with the bytes that follow, is waited for. */
#include "base/scrub.h"
#include "base/pick.h"

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
    struct strlist *values = &scrub->values;
    if (values->count)
        qsort(values->items, values->count, sizeof *values->items, by_length);
    for (size_t i = 0; i < values->count; i++)
        scrub->begins[(unsigned char)*values->items[i]] = true;
}

/* What is left to look at, and what stood in front of it. */
struct place {
    const char *text;
    size_t length;
    char before;
    bool is_final; /* nothing follows */
};

enum verdict { PLAIN, SECRET, NOT_KNOWN };

static bool stands_alone(const struct place *place, size_t width)
{
    bool ends = width == place->length || !isalnum((unsigned char)place->text[width]);
    return ends && !isalnum((unsigned char)place->before);
}

static enum verdict judge_value(const struct place *place, const char *value, size_t width)
{
    size_t common = size_min(width, place->length);
    if (memcmp(place->text, value, common) != 0)
        return PLAIN;

    bool is_short = width < SCRUB_LEAST;
    if (width > place->length || (is_short && width == place->length && !place->is_final))
        return place->is_final ? PLAIN : NOT_KNOWN;
    return !is_short || stands_alone(place, width) ? SECRET : PLAIN;
}

/* *width: of the secret that begins here. */
static enum verdict judge(const struct scrub *scrub, const struct place *place, size_t *width)
{
    if (!scrub->begins[(unsigned char)*place->text])
        return PLAIN;
    for (size_t i = 0; i < scrub->values.count; i++) {
        *width = strlen(scrub->values.items[i]);
        enum verdict verdict = judge_value(place, scrub->values.items[i], *width);
        if (verdict != PLAIN)
            return verdict;
    }
    return PLAIN;
}

static void pass(const struct scrub *scrub, struct scrub_stream *stream, bool is_final, struct strbuf *out)
{
    struct strbuf *held = &stream->held;
    size_t at = 0;

    while (at < held->length) {
        struct place place = {held->data + at, held->length - at, stream->before, is_final};
        size_t width = 1;
        enum verdict verdict = judge(scrub, &place, &width);
        if (verdict == NOT_KNOWN)
            break;
        if (verdict == SECRET)
            strbuf_adds(out, SCRUB_MARK);
        else
            strbuf_addc(out, *place.text);
        at += verdict == SECRET ? width : 1;
        stream->before = held->data[at - 1];
    }

    memmove(held->data, held->data + at, held->length - at);
    strbuf_truncate(held, held->length - at);
}

void scrub_feed(const struct scrub *scrub, struct scrub_stream *stream, const char *bytes, size_t length,
                struct strbuf *out)
{
    if (!length)
        return;
    strbuf_add(&stream->held, bytes, length);
    pass(scrub, stream, false, out);
}

void scrub_end(const struct scrub *scrub, struct scrub_stream *stream, struct strbuf *out)
{
    if (stream->held.length)
        pass(scrub, stream, true, out);
    strbuf_free(&stream->held);
    stream->before = '\0';
}

char *scrub_text(const struct scrub *scrub, const char *text, size_t length, size_t *result_length)
{
    struct scrub_stream stream = {0};
    struct strbuf out = {0};

    scrub_feed(scrub, &stream, text, length, &out);
    scrub_end(scrub, &stream, &out);
    *result_length = out.length;
    return strbuf_take(&out);
}

void scrub_free(struct scrub *scrub)
{
    for (size_t i = 0; i < scrub->values.count; i++)
        mem_wipe(scrub->values.items[i], strlen(scrub->values.items[i]));
    strlist_free(&scrub->values);
}
