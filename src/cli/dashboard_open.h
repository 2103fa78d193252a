/* What commands do with the dashboard besides `dashboard` itself.
 *
 * Opens it in the browser. What the opener is given is good for one login within half a minute,
 * because everybody on the machine can read its command line. */
#ifndef CLI_DASHBOARD_OPEN_H
#define CLI_DASHBOARD_OPEN_H

#include "session/context.h"

/* $BROWSER, else xdg-open. Where there is none the address is printed, with a word about it. */
int dashboard_open(struct context *context, const char *folder, struct error *err);
/* Starts it beside a session that begins, where none runs, and says where it is. Before there is a loop. A
 * failure is a warning: what is started does not need it. */
void dashboard_beside(const struct context *context);

#endif
