/* The writer: raw pieces in, records out, no work per line.
 *
 * Happy path: log_writer_add() looks for the last newline of a piece; all before it is one record
 * (put_record), the rest waits in `carry` for its newline, or for 80 ms, then it goes out as a partial
 * record. Large records are written at once from where they lie; small ones gather in `batch`, which a turn
 * writes when this round of input is done.
 *
 * When a write fails, its lines are counted as lost, and the next write that works is preceded by a line that
 * says so; who follows the log gets them from memory (spill.c). What happens to the file is the business of
 * file.c; the last lines in memory are tail.c's.
 *
 * Ownership: the writer owns its file, its buffers and copies of names. */
#include "base/log.h"
#include "base/mem.h"
#include "base/pick.h"
#include "logs/file.h"
#include "logs/logs.h"
#include "logs/record.h"
#include "logs/spill.h"
#include "logs/tail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
    PIECE_MAX = 64 * 1024,
    CARRY_MAX = 64 * 1024,
    BATCH_MAX = 32 * 1024,
    DIRECT_MIN = 8 * 1024, /* records of this size are not copied */
    PARTIAL_MS = 80,       /* less than the 100 promised */
};

/* What a stream has said since its last newline. */
struct carry {
    struct strbuf text;
    int64_t since_ms;
    bool is_open;          /* a partial record went out: its line has not ended */
    struct strbuf watched; /* the whole line so far, for on_line */
    struct scrub_stream masked;
};

struct log_writer {
    struct loop *loop;
    char *resource;
    struct log_file file;
    struct log_spill spill;
    struct carry carries[2];
    struct strbuf batch; /* whole records */
    struct log_tail tail;
    struct scrub *scrub; /* of what must not be printed, or NULL; allocated */
    int64_t lost_lines;
    int lost_errno;
    struct turn flush_turn;
    struct timer partial_timer;
    void (*on_line)(const char *line, size_t length, void *data);
    void *data;
};

/* A text in up to two pieces. */
struct record_text {
    struct iovec pieces[2];
    size_t length;
};

static struct record_text make_text(const char *a, size_t a_length, const char *b, size_t b_length)
{
    return (struct record_text){.pieces = {{(char *)a, a_length}, {(char *)b, b_length}},
                                .length = a_length + b_length};
}

static void lose(struct log_writer *w, int64_t lines)
{
    if (w->lost_lines == 0)
        log_warn("cannot write to %s: %s", w->file.path, strerror(errno));
    w->lost_errno = errno;
    w->lost_lines += lines;
}

/* What was lost, as a record in `out`; empty when nothing was. */
static void make_notice(const struct log_writer *w, struct strbuf *out)
{
    char line[160], head[RECORD_HEAD], foot[RECORD_FOOT];
    if (w->lost_lines == 0)
        return;
    int n = snprintf(line, sizeof line, "apphost: %" PRId64 " line%s of this log could not be written: %s\n",
                     w->lost_lines, plural_s(w->lost_lines), strerror(w->lost_errno));
    const struct log_record record = {.stream = 2, .time_ns = loop_wall_ns(w->loop), .length = (size_t)n};
    record_write_head(head, &record);
    record_write_foot(foot, record.length);
    strbuf_add(out, head, sizeof head);
    strbuf_add(out, line, record.length);
    strbuf_add(out, foot, sizeof foot);
}

/* The pieces (at most four) with the notice before them: both or neither, or a disk that is nearly full would
 * collect nothing but notices. */
static bool write_told(struct log_writer *w, const struct iovec *pieces, int count)
{
    cleanup_strbuf struct strbuf notice = {0};
    struct iovec all[5];
    make_notice(w, &notice);
    all[0] = (struct iovec){notice.data, notice.length};
    size_t length = notice.length;
    for (int i = 0; i < count; i++) {
        all[i + 1] = pieces[i];
        length += pieces[i].iov_len;
    }

    if (length > 0 && !log_file_write(&w->file, all, count + 1, length)) {
        int why = errno;
        if (count && log_spill_write(&w->spill, w->resource, pieces, count))
            log_file_point(&w->file, log_spill_address(&w->spill));
        errno = why;
        return false;
    }
    w->lost_lines = 0;
    return true;
}

static int64_t count_batch_lines(const struct strbuf *batch)
{
    struct log_record record;
    int64_t lines = 0;
    for (size_t at = 0; record_parse(batch->data + at, batch->length - at, &record) == 1; at += record.size)
        lines += record_count_lines(&record);
    return lines;
}

static void write_batch(struct log_writer *w)
{
    struct iovec piece = {w->batch.data, w->batch.length};
    loop_unpost(w->loop, &w->flush_turn);
    if (piece.iov_len == 0)
        return;
    if (!write_told(w, &piece, 1))
        lose(w, count_batch_lines(&w->batch));
    strbuf_truncate(&w->batch, 0);
}

static void write_direct(struct log_writer *w, const struct log_record *record,
                         const struct record_text *text)
{
    char head[RECORD_HEAD], foot[RECORD_FOOT];
    int64_t lines = 0;
    record_write_head(head, record);
    record_write_foot(foot, record->length);
    const struct iovec pieces[] = {
        {head, sizeof head}, text->pieces[0], text->pieces[1], {foot, sizeof foot}};
    write_batch(w);
    if (write_told(w, pieces, 4))
        return;
    for (int i = 0; i < 2; i++)
        lines += record_count_newlines(text->pieces[i].iov_base, text->pieces[i].iov_len);
    lose(w, lines ? lines : 1);
}

/* ---- lines for probes ---- */

static void watch_piece(struct log_writer *w, struct carry *carry, const char *bytes, size_t length)
{
    while (length > 0 && w->on_line) {
        const char *newline = memchr(bytes, '\n', length);
        size_t size = length;
        if (newline)
            size = (size_t)(newline + 1 - bytes);
        strbuf_add(&carry->watched, bytes, newline ? size - 1 : size);
        if (newline) {
            w->on_line(strbuf_text(&carry->watched), carry->watched.length, w->data);
            strbuf_truncate(&carry->watched, 0);
            carry->watched.full = false;
        }
        bytes += size;
        length -= size;
    }
}

char *log_writer_tail(const struct log_writer *w, int count)
{
    return log_tail_text(&w->tail, &w->carries[0].text, &w->carries[1].text, count);
}

void log_writer_watch(struct log_writer *w, void (*on_line)(const char *line, size_t length, void *data),
                      void *data)
{
    w->on_line = on_line;
    w->data = data;
    for (int i = 0; i < 2 && !on_line; i++)
        strbuf_truncate(&w->carries[i].watched, 0);
}

/* ---- pieces ---- */

static void put_record(struct log_writer *w, const struct log_record *fields, const struct record_text *text)
{
    char head[RECORD_HEAD], foot[RECORD_FOOT];
    struct log_record record = *fields;
    record.length = text->length;
    log_tail_add(&w->tail, &record, text->pieces);
    if (text->length >= DIRECT_MIN) {
        write_direct(w, &record, text);
        return;
    }

    if (w->batch.length + text->length + RECORD_HEAD + RECORD_FOOT > BATCH_MAX)
        write_batch(w);
    record_write_head(head, &record);
    record_write_foot(foot, text->length);
    strbuf_add(&w->batch, head, sizeof head);
    for (int i = 0; i < 2; i++)
        strbuf_add(&w->batch, text->pieces[i].iov_base, text->pieces[i].iov_len);
    strbuf_add(&w->batch, foot, sizeof foot);
    loop_post(w->loop, &w->flush_turn);
}

static void put_partial(struct log_writer *w, int stream)
{
    struct carry *carry = &w->carries[stream - 1];
    const struct log_record record = {.stream = stream, .partial = true, .time_ns = loop_wall_ns(w->loop)};
    const struct record_text text = make_text(carry->text.data, carry->text.length, NULL, 0);
    put_record(w, &record, &text);
    strbuf_truncate(&carry->text, 0);
    carry->is_open = true;
}

static void carry_on(struct log_writer *w, int stream, const char *bytes, size_t length)
{
    struct carry *carry = &w->carries[stream - 1];
    if (carry->text.length == 0)
        carry->since_ms = loop_now_ms(w->loop);
    strbuf_add(&carry->text, bytes, length);
    if (carry->text.length >= CARRY_MAX)
        put_partial(w, stream);
    else if (!timer_is_armed(&w->partial_timer))
        timer_start(&w->partial_timer, PARTIAL_MS);
}

static void add_piece(struct log_writer *w, int stream, const char *bytes, size_t length)
{
    struct carry *carry = &w->carries[stream - 1];
    const char *newline = memrchr(bytes, '\n', length);
    if (w->on_line)
        watch_piece(w, carry, bytes, length);
    if (newline) {
        size_t whole = (size_t)(newline + 1 - bytes);
        const struct log_record record = {.stream = stream, .time_ns = loop_wall_ns(w->loop)};
        const struct record_text text = make_text(carry->text.data, carry->text.length, bytes, whole);
        put_record(w, &record, &text);
        strbuf_truncate(&carry->text, 0);
        carry->is_open = false;
        bytes += whole;
        length -= whole;
    }

    if (length)
        carry_on(w, stream, bytes, length);
}

static void add_pieces(struct log_writer *w, int stream, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t piece = size_min(length, PIECE_MAX);
        add_piece(w, stream, bytes, piece);
        bytes += piece;
        length -= piece;
    }
}

void log_writer_add(struct log_writer *w, int stream, const char *bytes, size_t length)
{
    if (!w->scrub) {
        add_pieces(w, stream, bytes, length);
        return;
    }
    cleanup_strbuf struct strbuf clean = {0};
    scrub_feed(w->scrub, &w->carries[stream - 1].masked, bytes, length, &clean);
    add_pieces(w, stream, strbuf_text(&clean), clean.length);
}

/* What was held back because a secret might have followed. */
static void end_masked(struct log_writer *w, int stream)
{
    cleanup_strbuf struct strbuf clean = {0};
    if (!w->scrub)
        return;
    scrub_end(w->scrub, &w->carries[stream - 1].masked, &clean);
    add_pieces(w, stream, strbuf_text(&clean), clean.length);
}

void log_writer_mask(struct log_writer *w, struct scrub *scrub)
{
    end_masked(w, 1);
    end_masked(w, 2);
    if (w->scrub)
        scrub_free(w->scrub);
    free(w->scrub);
    w->scrub = scrub;
}

static void add_line(struct log_writer *w, int stream, const char *line, size_t length, int64_t time_ns)
{
    struct log_record record = {.stream = stream, .time_ns = time_ns ? time_ns : loop_wall_ns(w->loop)};
    if (w->on_line) {
        watch_piece(w, &w->carries[stream - 1], line, length);
        watch_piece(w, &w->carries[stream - 1], "\n", 1);
    }
    for (; length > PIECE_MAX; line += PIECE_MAX, length -= PIECE_MAX) {
        const struct record_text text = make_text(line, PIECE_MAX, NULL, 0);
        record.partial = true;
        put_record(w, &record, &text);
    }
    const struct record_text text = make_text(line, length, "\n", 1);
    record.partial = false;
    put_record(w, &record, &text);
}

void log_writer_add_line(struct log_writer *w, int stream, const char *line, size_t length, int64_t time_ns)
{
    if (!w->scrub) {
        add_line(w, stream, line, length, time_ns);
        return;
    }
    size_t clean_length = 0;
    cleanup_free char *clean = scrub_text(w->scrub, line, length, &clean_length);
    add_line(w, stream, clean, clean_length, time_ns);
}

static void on_partial_timer(void *data)
{
    struct log_writer *w = data;
    int64_t now_ms = loop_now_ms(w->loop), next_ms = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        const struct carry *carry = &w->carries[i];
        if (carry->text.length == 0)
            continue;
        int64_t due_ms = carry->since_ms + PARTIAL_MS;
        if (due_ms <= now_ms)
            put_partial(w, i + 1);
        else if (due_ms < next_ms)
            next_ms = due_ms;
    }
    if (next_ms != INT64_MAX)
        timer_start(&w->partial_timer, next_ms - now_ms);
}

void log_writer_flush(struct log_writer *w)
{
    for (int i = 0; i < 2; i++) {
        struct carry *carry = &w->carries[i];
        end_masked(w, i + 1);
        if (carry->text.length || carry->is_open)
            add_piece(w, i + 1, "\n", 1);
    }
    write_batch(w);
    write_told(w, NULL, 0);
}

/* ---- life ---- */

static void on_flush_turn(void *data)
{
    write_batch(data);
}

struct log_writer *log_writer_new(struct loop *loop, const char *folder, const char *resource,
                                  int64_t max_bytes, struct error *err)
{
    struct log_writer *w = xcalloc(1, sizeof *w);
    w->loop = loop;
    w->resource = xstrdup(resource);
    w->spill.fd = -1;
    turn_init(&w->flush_turn, on_flush_turn, w);
    timer_init(loop, &w->partial_timer, on_partial_timer, w);
    w->carries[0].watched.limit = w->carries[1].watched.limit = CARRY_MAX;
    if (log_file_open(&w->file, folder, resource, max_bytes, err) == 0)
        return w;
    log_writer_free(w);
    return NULL;
}

void log_writer_free(struct log_writer *w)
{
    if (!w)
        return;

    if (w->file.fd >= 0)
        log_writer_flush(w);
    timer_stop(&w->partial_timer);
    loop_unpost(w->loop, &w->flush_turn);
    if (w->spill.fd >= 0)
        log_file_point(&w->file, 0);
    log_spill_close(&w->spill);
    log_file_close(&w->file);
    free(w->resource);
    for (int i = 0; i < 2; i++) {
        strbuf_free(&w->carries[i].text);
        strbuf_free(&w->carries[i].watched);
        strbuf_free(&w->carries[i].masked.held);
    }
    if (w->scrub)
        scrub_free(w->scrub);
    free(w->scrub);

    strbuf_free(&w->batch);
    strbuf_free(&w->tail.text);
    free(w);
}
