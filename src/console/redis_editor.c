/* See redis_editor.h.
 *
 * libedit asks for characters through get_character(), which turns our loop while it waits: a lost connection
 * and signals are noticed at the prompt. History is kept by ourselves, a line appended at a time, so that two
 * prompts at once and a killed one lose nothing; libedit's own only holds it in memory. */
#include "console/redis_editor.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "library/edit.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000, HISTORY_LIMIT = 4 * 1024 * 1024, SHOWN_WORDS = 60 };

struct redis_editor {
    struct client *client;
    EditLine *line;
    History *history;
    const char *prompt;
    redis_editor_words_cb *get_words;
    void *data;
    struct strlist words;
    bool has_words, is_interrupted;
    mbstate_t shift;
    struct strbuf plain; /* without libedit: what was read */
    size_t used;
};

/* libedit's callbacks get no data of ours; a process has one terminal, and one prompt on it. */
static struct redis_editor *the_editor;

/* ---- reading characters ---- */

static int get_character(EditLine *line, wchar_t *out)
{
    struct redis_editor *editor = the_editor;

    (void)line;

    for (;;) {
        char c;
        ssize_t n = redis_read_input(editor->client, &c, 1);
        editor->is_interrupted = n == REDIS_INPUT_INTERRUPTED;
        if (n <= 0)
            return (int)n;
        size_t rc = mbrtowc(out, &c, 1, &editor->shift);
        if (rc == (size_t)-2)
            continue;
        if (rc == (size_t)-1) { /* no UTF-8: as it is */
            memset(&editor->shift, 0, sizeof editor->shift);
            *out = (unsigned char)c;
        }
        return 1;
    }
}

static char *get_prompt(EditLine *line)
{
    (void)line;
    return (char *)the_editor->prompt;
}

/* ---- completion ---- */

static size_t common_prefix(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] && a[length] == b[length])
        length++;
    return length;
}

static void list_words(const struct strlist *matches)
{
    int width = 0, columns = output_width(STDOUT_FILENO);
    for (size_t i = 0; i < matches->count; i++) {
        if (str_width(matches->items[i]) > width)
            width = str_width(matches->items[i]);
    }
    size_t in_row = (size_t)(columns / (width + 2)) + (columns < width + 2);
    putchar('\n');
    for (size_t i = 0; i < matches->count && i < SHOWN_WORDS; i++) {
        bool is_last = i + 1 == matches->count || (i + 1) % in_row == 0;
        printf("%-*s%s", is_last ? 0 : width + 2, matches->items[i], text_if(is_last, "\n"));
    }
    if (matches->count > SHOWN_WORDS)
        printf("… %zu more\n", matches->count - SHOWN_WORDS);
    fflush(stdout);
}

/* Words that the text before the cursor begins; lower case stays what the user typed in lower case. */
static void find_matches(struct redis_editor *editor, const char *typed, size_t length,
                         struct strlist *matches)
{
    bool is_lower = length && typed[length - 1] >= 'a' && typed[length - 1] <= 'z';
    if (!editor->has_words)
        editor->get_words(&editor->words, editor->data);
    editor->has_words = editor->words.count > 0;
    for (size_t i = 0; i < editor->words.count; i++) {
        const char *word = editor->words.items[i];
        const char *blank = strchr(word, ' ');
        /* "CONFIG SET" is offered behind "CONFIG ". */
        bool is_wanted = strncasecmp(word, typed, length) == 0 && (!blank || memchr(typed, ' ', length));
        if (is_wanted)
            strlist_take(matches, is_lower ? str_lower(word) : xstrdup(word));
    }
}

static unsigned char complete(EditLine *line, int key)
{
    struct redis_editor *editor = the_editor;
    const LineInfo *info = libedit()->el_line(line);
    size_t length = (size_t)(info->cursor - info->buffer);
    cleanup_strlist struct strlist matches = {0};
    cleanup_free char *typed = xstrndup(info->buffer, length);
    (void)key;
    find_matches(editor, typed, length, &matches);
    if (!matches.count)
        return CC_REFRESH_BEEP;
    size_t common = strlen(matches.items[0]);
    for (size_t i = 1; i < matches.count; i++) {
        size_t shared = common_prefix(matches.items[0], matches.items[i]);
        if (shared < common)
            common = shared;
    }

    if (matches.count > 1 && common <= length) {
        list_words(&matches);
        return CC_REDISPLAY;
    }

    cleanup_free char *replacement =
        xasprintf("%.*s%s", (int)common, matches.items[0], text_if(matches.count == 1, " "));
    libedit()->el_deletestr(line, (int)length);
    libedit()->el_insertstr(line, replacement);
    return CC_REFRESH;
}

/* ---- life ---- */

static void set_up(struct redis_editor *editor)
{
    const struct edit_functions *library = libedit();
    HistEvent event;
    setlocale(LC_CTYPE, "");
    editor->line = library->el_init("apphost", stdin, stdout, stderr);
    editor->history = library->history_init();
    if (!editor->line || !editor->history)
        return;

    library->history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    library->history(editor->history, &event, H_SETUNIQUE, 1);
    library->el_set(editor->line, EL_PROMPT, get_prompt);
    library->el_set(editor->line, EL_EDITOR, "emacs");
    library->el_set(editor->line, EL_HIST, library->history, editor->history);
    library->el_set(editor->line, EL_GETCFN, get_character);
    library->el_set(editor->line, EL_ADDFN, "apphost-complete", "complete a command's name", complete);
    library->el_set(editor->line, EL_BIND, "^I", "apphost-complete", NULL);
    library->el_set(editor->line, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

struct redis_editor *redis_editor_new(struct client *client, redis_editor_words_cb *words, void *data)
{
    struct redis_editor *editor = xcalloc(1, sizeof *editor);
    editor->client = client;
    editor->get_words = words;
    editor->data = data;
    the_editor = editor;
    if (libedit_open(NULL) == 0)
        set_up(editor);
    return editor;
}

void redis_editor_free(struct redis_editor *editor)
{
    if (editor->line)
        libedit()->el_end(editor->line);
    if (editor->history)
        libedit()->history_end(editor->history);
    strlist_free(&editor->words);
    strbuf_free(&editor->plain);
    the_editor = NULL;
    free(editor);
}

/* ---- lines ---- */

static enum redis_editor_end read_plain(struct redis_editor *editor, const char **line)
{
    char chunk[4096];
    char *newline;
    fputs(editor->prompt, stdout);
    fflush(stdout);
    strbuf_consume(&editor->plain, editor->used);
    editor->used = 0;
    while (!editor->plain.length || !(newline = memchr(editor->plain.data, '\n', editor->plain.length))) {
        ssize_t n = redis_read_input(editor->client, chunk, sizeof chunk);
        if (n == REDIS_INPUT_INTERRUPTED)
            return REDIS_EDITOR_INTERRUPTED;
        if (n <= 0 || !strbuf_add(&editor->plain, chunk, (size_t)n))
            return REDIS_EDITOR_END;
    }

    *newline = '\0';
    editor->used = (size_t)(newline - editor->plain.data) + 1;
    *line = editor->plain.data;
    return REDIS_EDITOR_LINE;
}

enum redis_editor_end redis_editor_read(struct redis_editor *editor, const char *prompt, const char **line)
{
    int count = 0;
    editor->prompt = prompt;
    editor->is_interrupted = false;
    if (!editor->line)
        return read_plain(editor, line);
    const char *text = libedit()->el_gets(editor->line, &count);
    if (editor->is_interrupted)
        return REDIS_EDITOR_INTERRUPTED;
    if (!text || count <= 0)
        return REDIS_EDITOR_END;
    strbuf_truncate(&editor->plain, 0);
    strbuf_add(&editor->plain, text, strcspn(text, "\n"));
    *line = strbuf_text(&editor->plain);
    return REDIS_EDITOR_LINE;
}

/* ---- history ---- */

static void enter(struct redis_editor *editor, const char *line)
{
    HistEvent event;
    if (editor->history)
        libedit()->history(editor->history, &event, H_ENTER, line);
}

void redis_editor_remember(struct redis_editor *editor, const char *line, bool keep, const char *file)
{
    if (!keep)
        return;
    enter(editor, line);
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    cleanup_free char *record = xasprintf("%s\n", line);
    size_t length = strlen(record);
    if (fd >= 0 && write(fd, record, length) != (ssize_t)length)
        output_flush(); /* a history that cannot be written is no reason to stop anybody */
    if (fd >= 0)
        close(fd);
}

/* The last HISTORY_LINES of the text, which is shortened to them. */
static const char *last_lines(const char *text, size_t length)
{
    size_t lines = 0;
    for (size_t i = length; i-- > 0;)
        if (text[i] == '\n' && ++lines > HISTORY_LINES)
            return text + i + 1;
    return text;
}

void redis_editor_load(struct redis_editor *editor, const char *file)
{
    size_t length = 0;
    cleanup_free char *text = file_read(file, HISTORY_LIMIT, &length, NULL);
    if (!text)
        return;
    const char *begin = last_lines(text, length);
    size_t rest = length - (size_t)(begin - text);
    if (rest < length / 2)
        file_write_atomic(file, begin, rest, 0600, NULL);
    for (const char *at = begin; *at;) {
        size_t n = strcspn(at, "\n");
        cleanup_free char *line = xstrndup(at, n);
        if (n)
            enter(editor, line);
        at += n + (at[n] == '\n');
    }
}
