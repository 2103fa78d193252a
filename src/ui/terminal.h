/* Our terminal in raw mode, and back on every way out. For one at a time. */
#ifndef UI_TERMINAL_H
#define UI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* Standard input and standard output both are terminals. */
bool terminal_is_there(void);
/* False when it says none. */
bool terminal_size(int *rows, int *columns);
/* Until terminal_restore(), or until exit() or a signal ends the process. Without a terminal nothing happens.
 */
void terminal_make_raw(void);
/* Keys one at a time and unseen; Ctrl-C and Ctrl-Z work as ever. Ends as raw mode does. False without a
 * terminal, and in the background, where the terminal is somebody else's. */
bool terminal_listen(void);
/* The next key within that time, or 0: none came. Needs terminal_listen(). */
int terminal_key(int64_t ms);
/* May be called at any time, from signal handlers too. */
void terminal_restore(void);

#endif
