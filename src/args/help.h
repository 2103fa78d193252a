/* Help, completion scripts and the man page, all generated from the tables. The callers
 * free. */
#ifndef ARGS_HELP_H
#define ARGS_HELP_H

#include "base/str.h"
#include "args/command.h"

/* command NULL: the overview. Wrapped for `width` columns. */
void help_text(const struct commands *commands, const struct command *command, int width, struct strbuf *out);
/* For locales without UTF-8: an ellipsis becomes three dots. */
void help_plain(struct strbuf *text);
/* apphost(1) as roff. */
void help_man_page(const struct commands *commands, struct strbuf *out);
/* shell: "bash", "zsh", "fish"; false when it is none of these. */
bool help_completion(const char *shell, struct strbuf *out);

/* The exit codes, one row each, ends with text NULL. */
struct exit_code {
    const char *code, *text;
};
extern const struct exit_code help_exit_codes[];

#endif
