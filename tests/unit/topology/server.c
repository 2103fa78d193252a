/* The servers of the probe's tests serve here, too. */
#include "../probe/server.c"
