/* Our terminal in raw mode, and back on every way out. Inside cli/ only; for one at a time. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

/* Standard input and standard output both are terminals. */
bool terminal_is_there(void);
/* False when it says none. */
bool terminal_size(int *rows, int *columns);
/* Until terminal_restore(), or until exit() or a signal ends the process. Without a terminal nothing happens.
 */
void terminal_make_raw(void);
/* May be called at any time, from signal handlers too. */
void terminal_restore(void);

#endif
