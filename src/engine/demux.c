/* Container output as the engine sends it, cut into lines.
 *
 * Without a terminal each record has a header of eight bytes, [stream 0|1|2, 0, 0, 0, length as 32 bits big
 * endian], and is one line, or a piece of one (the engine splits at 16 KiB, no newline then); headers and
 * records may straddle the pieces in which they arrive. With a terminal the bytes come bare, lines end with
 * CR LF. Which one it is shows in the first four bytes: no terminal sends a byte below 3 followed by three
 * zeros. With timestamps every record (bare: every line) starts with one, also the pieces of a long line. */
#include "engine/internal.h"
#include "base/pick.h"

#include <string.h>

enum { LINE_LIMIT = 1 << 20, STAMP_LIMIT = 40, HEAD_SIZE = 8 };

void engine_demux_init(struct engine_demux *demux, bool has_times, engine_log_cb *on_line, void *data)
{
    *demux = (struct engine_demux){.on_line = on_line, .data = data, .has_times = has_times, .stream = 1};
    demux->stamp.limit = STAMP_LIMIT;
    for (int i = 0; i < 3; i++)
        demux->lines[i].text.limit = LINE_LIMIT;
}

void engine_demux_fini(struct engine_demux *demux)
{
    strbuf_free(&demux->stamp);
    for (int i = 0; i < 3; i++)
        strbuf_free(&demux->lines[i].text);
}

/* ---- timestamps ---- */

static bool read_number(const char **text, const char *end, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*text)++) {
        if (*text == end || **text < '0' || **text > '9')
            return false;
        *value = *value * 10 + (**text - '0');
    }
    return true;
}

static bool read_mark(const char **text, const char *end, char mark)
{
    if (*text == end || **text != mark)
        return false;
    (*text)++;
    return true;
}

/* Days since 1970 of a date of the Gregorian calendar (Howard Hinnant's algorithm). */
static int64_t days_from_civil(int year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t read_fraction(const char **text, const char *end)
{
    int64_t ns = 0;
    int digits = 0;
    for (; *text < end && **text >= '0' && **text <= '9'; (*text)++) {
        if (digits++ < 9)
            ns = ns * 10 + (**text - '0');
    }
    for (; digits < 9; digits++)
        ns *= 10;
    return ns;
}

static bool read_zone(const char **text, const char *end, int64_t *seconds)
{
    int hours, minutes;
    *seconds = 0;
    if (read_mark(text, end, 'Z'))
        return true;
    int sign = 1;
    if (*text < end && **text == '-')
        sign = -1;
    if (!read_mark(text, end, '+') && !read_mark(text, end, '-'))
        return false;
    if (!read_number(text, end, 2, &hours) || !read_mark(text, end, ':') ||
        !read_number(text, end, 2, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool engine_parse_time(const char *text, size_t length, int64_t *ns)
{
    const char *end = text + length;
    int year, month, day, hour, minute, second;
    int64_t fraction = 0, zone;
    if (!read_number(&text, end, 4, &year) || !read_mark(&text, end, '-') ||
        !read_number(&text, end, 2, &month) || !read_mark(&text, end, '-') ||
        !read_number(&text, end, 2, &day) || !read_mark(&text, end, 'T'))
        return false;

    if (!read_number(&text, end, 2, &hour) || !read_mark(&text, end, ':') ||
        !read_number(&text, end, 2, &minute) || !read_mark(&text, end, ':') ||
        !read_number(&text, end, 2, &second))
        return false;
    if (read_mark(&text, end, '.'))
        fraction = read_fraction(&text, end);
    if (!read_zone(&text, end, &zone) || text != end || year < 1970 || year > 2200 || month < 1 || month > 12)
        return false;
    int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
    *ns = seconds * 1000000000 + fraction;
    return true;
}

/* ---- lines ---- */

static void end_line(struct engine_demux *demux, struct demux_line *line)
{
    size_t length = line->text.length;
    if (demux->is_raw && length && line->text.data[length - 1] == '\r')
        length--;
    demux->on_line(demux->stream == 2 ? 2 : 1, strbuf_text(&line->text), length, line->time_ns, demux->data);
    strbuf_truncate(&line->text, 0);
    line->text.full = false;
    line->time_ns = 0;
}

static void add_text(struct engine_demux *demux, const char *bytes, size_t length)
{
    struct demux_line *line = &demux->lines[demux->stream];
    size_t room = LINE_LIMIT - 1 - line->text.length;
    while (length > room) { /* an endless line is delivered in pieces */
        strbuf_add(&line->text, bytes, room);
        end_line(demux, line);
        bytes += room;
        length -= room;
        room = LINE_LIMIT - 1;
    }
    strbuf_add(&line->text, bytes, length);
}

/* What was gathered was no timestamp: it is text. */
static void end_stamp(struct engine_demux *demux, bool is_complete)
{
    struct demux_line *line = &demux->lines[demux->stream];
    int64_t ns;
    demux->in_stamp = false;
    if (is_complete && engine_parse_time(strbuf_text(&demux->stamp), demux->stamp.length, &ns)) {
        if (!line->text.length)
            line->time_ns = ns;
    } else {
        add_text(demux, strbuf_text(&demux->stamp), demux->stamp.length);
        if (is_complete)
            add_text(demux, " ", 1);
    }
    strbuf_truncate(&demux->stamp, 0);
}

static size_t take_stamp(struct engine_demux *demux, const char *bytes, size_t length)
{
    size_t used = 0;
    while (used < length && demux->in_stamp) {
        char c = bytes[used];
        if (c == ' ') {
            used++;
            end_stamp(demux, true);
        } else if (c == '\n' || demux->stamp.length >= STAMP_LIMIT - 1) {
            end_stamp(demux, false);
        } else {
            strbuf_addc(&demux->stamp, c);
            used++;
        }
    }
    return used;
}

static void take_payload(struct engine_demux *demux, const char *bytes, size_t length)
{
    if (demux->on_bytes && length) {
        demux->on_bytes(demux->stream, bytes, length, demux->data);
        return;
    }

    while (length) {
        size_t used = 0;
        if (demux->in_stamp)
            used = take_stamp(demux, bytes, length);
        bytes += used;
        length -= used;
        const char *newline = NULL;
        if (length)
            newline = memchr(bytes, '\n', length);
        size_t piece = length;
        if (newline)
            piece = (size_t)(newline - bytes);
        add_text(demux, bytes, piece);
        if (newline) {
            end_line(demux, &demux->lines[demux->stream]);
            demux->in_stamp = demux->is_raw && demux->has_times;
        }
        piece += newline != NULL;
        bytes += piece;
        length -= piece;
    }
}

/* ---- records ---- */

static bool is_header(const unsigned char *head)
{
    return head[0] <= 2 && !head[1] && !head[2] && !head[3];
}

static void become_raw(struct engine_demux *demux)
{
    demux->is_raw = true;
    demux->stream = 1;
    demux->in_stamp = demux->has_times;
    take_payload(demux, (const char *)demux->head, (size_t)demux->head_length);
    demux->head_length = 0;
}

static void start_record(struct engine_demux *demux)
{
    const unsigned char *head = demux->head;
    demux->head_length = 0;
    demux->stream = 1;
    if (head[0] == 2)
        demux->stream = 2;
    demux->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
    demux->in_stamp = demux->has_times && demux->left > 0;
}

static size_t take_head(struct engine_demux *demux, const char *bytes)
{
    demux->head[demux->head_length++] = (unsigned char)*bytes;
    if (demux->head_length == 4 && !is_header(demux->head))
        become_raw(demux); /* after a good beginning: garbage, shown as it is */
    else if (demux->head_length == HEAD_SIZE)
        start_record(demux);
    return 1;
}

static size_t take_record(struct engine_demux *demux, const char *bytes, size_t length)
{
    size_t piece = size_min(length, demux->left);
    demux->left -= (uint32_t)piece;
    take_payload(demux, bytes, piece);
    if (demux->left == 0 && demux->in_stamp)
        end_stamp(demux, false);
    return piece;
}

void engine_demux_feed(struct engine_demux *demux, const char *bytes, size_t length)
{
    while (length) {
        size_t used = length;
        if (demux->is_raw)
            take_payload(demux, bytes, length);
        else if (demux->left)
            used = take_record(demux, bytes, length);
        else
            used = take_head(demux, bytes);
        bytes += used;
        length -= used;
    }
}

void engine_demux_end(struct engine_demux *demux)
{
    if (!demux->is_raw && demux->head_length && demux->head_length < 4)
        become_raw(demux);
    if (demux->in_stamp && demux->stamp.length)
        end_stamp(demux, false);
    for (int i = 1; i < 3; i++) {
        demux->stream = i;
        if (demux->lines[i].text.length)
            end_line(demux, &demux->lines[i]);
    }
}
