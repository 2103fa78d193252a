/* Opens the dashboard in the browser. What the opener is given is good for one login within half a minute,
 * because everybody on the machine can read its command line. */
#ifndef CLI_DASHBOARD_OPEN_H
#define CLI_DASHBOARD_OPEN_H

#include "session/context.h"

/* $BROWSER, else xdg-open. Where there is none the address is printed, with a word about it. */
int dashboard_open(struct context *context, const char *folder, struct error *err);

#endif
