/* The last lines in memory: see tail.h. The text grows to twice what is kept and is then cut, so that the
 * cutting costs little. */
#include "logs/tail.h"

#include <string.h>

enum { TAIL_KEPT = 8 * 1024 };

static void keep_tail(struct log_tail *t, const char *bytes, size_t length)
{
    if (length == 0)
        return;
    if (length > TAIL_KEPT) {
        bytes += length - TAIL_KEPT;
        length = TAIL_KEPT;
        strbuf_truncate(&t->text, 0);
        t->is_cut = true;
    }
    if (t->text.length + length > 2 * TAIL_KEPT) {
        strbuf_consume(&t->text, t->text.length - (TAIL_KEPT < t->text.length ? TAIL_KEPT : 0));
        t->is_cut = true;
    }
    strbuf_add(&t->text, bytes, length);
}

void log_tail_add(struct log_tail *t, const struct log_record *record, const struct iovec pieces[2])
{
    if (t->open_stream && t->open_stream != record->stream)
        keep_tail(t, "\n", 1);
    for (int i = 0; i < 2; i++)
        keep_tail(t, pieces[i].iov_base, pieces[i].iov_len);
    t->open_stream = 0;
    if (record->partial)
        t->open_stream = record->stream;
}

/* Where the last `count` lines of a newline-terminated text begin. */
static size_t find_last_lines(const char *text, size_t length, int count)
{
    size_t at = length;
    while (at > 0) {
        const char *newline = memrchr(text, '\n', at - 1);
        size_t start = 0;
        if (newline)
            start = (size_t)(newline + 1 - text);
        if (count-- <= 0)
            return at;
        at = start;
    }
    return 0;
}

static void add_waiting(struct strbuf *text, const struct strbuf *waiting, bool is_other_stream)
{
    if (waiting->length == 0)
        return;
    if (is_other_stream)
        strbuf_addc(text, '\n');
    strbuf_add(text, waiting->data, waiting->length);
    strbuf_addc(text, '\n');
}

char *log_tail_text(const struct log_tail *t, const struct strbuf *waiting1, const struct strbuf *waiting2,
                    int count)
{
    struct strbuf text = {0};
    strbuf_add(&text, strbuf_text(&t->text), t->text.length);

    /* What waits for its newline was said, too. */
    add_waiting(&text, waiting1, t->open_stream == 2);
    add_waiting(&text, waiting2, t->open_stream == 1 && waiting1->length == 0);
    if (text.length && text.data[text.length - 1] != '\n')
        strbuf_addc(&text, '\n');
    size_t whole = 0;
    const char *newline = NULL;
    if (t->is_cut)
        newline = memchr(text.data, '\n', text.length);
    if (newline && (size_t)(newline + 1 - text.data) < text.length)
        whole = (size_t)(newline + 1 - text.data);
    size_t last = find_last_lines(strbuf_text(&text), text.length, count);
    strbuf_consume(&text, last > whole ? last : whole);
    return strbuf_take(&text);
}
