/* `redis`: a line from the terminal, edited, with history and completion.
 *
 * The editing is libedit's, which is loaded when a prompt begins and not before: every other command starts
 * without it. Where it is missing, lines are read as the terminal gives them. */
#ifndef CONSOLE_REDIS_EDITOR_H
#define CONSOLE_REDIS_EDITOR_H

#include "console/redis_link.h"

struct redis_editor;

/* The words that complete the line up to the cursor, "SET" for "se": filled by the callback at the first Tab.
 */
typedef void redis_editor_words_cb(struct strlist *words, void *data);

struct redis_editor *redis_editor_new(struct client *client, redis_editor_words_cb *words, void *data);
/* Ends what new began; the terminal is as before. */
void redis_editor_free(struct redis_editor *editor);

enum redis_editor_end { REDIS_EDITOR_LINE, REDIS_EDITOR_END, REDIS_EDITOR_INTERRUPTED };
/* One line without its newline; *line is borrowed until the next call. INTERRUPTED: a signal came. */
enum redis_editor_end redis_editor_read(struct redis_editor *editor, const char *prompt, const char **line);
/* Remembers a line for this prompt, and where keep for the next ones: in a file of mode 0600. */
void redis_editor_remember(struct redis_editor *editor, const char *line, bool keep, const char *file);
/* Lines of earlier prompts. */
void redis_editor_load(struct redis_editor *editor, const char *file);

#endif
