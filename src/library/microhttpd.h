/* libmicrohttpd, opened by whoever starts the door of the dashboard. See library.h. */
#ifndef LIBRARY_MICROHTTPD_H
#define LIBRARY_MICROHTTPD_H

#include "library/library.h"

#include <microhttpd.h>

/* clang-format off */
#define MHD_FUNCTIONS(X) \
    X(MHD_add_connection) X(MHD_add_response_header) X(MHD_create_response_from_buffer) \
    X(MHD_create_response_from_callback) X(MHD_destroy_response) X(MHD_get_connection_info) \
    X(MHD_get_daemon_info) X(MHD_get_reason_phrase_for) X(MHD_get_timeout) X(MHD_get_version) \
    X(MHD_queue_response) X(MHD_resume_connection) X(MHD_run) X(MHD_start_daemon) X(MHD_stop_daemon) \
    X(MHD_suspend_connection)
/* clang-format on */
struct mhd_functions {
    MHD_FUNCTIONS(LIBRARY_MEMBER)
};

extern const struct library libmicrohttpd_library;
/* 0, or -1. */
int libmicrohttpd_open(struct error *err);
/* Its functions; NULL members before it was opened. */
const struct mhd_functions *libmicrohttpd(void);

/* clang-format off */
#define MHD_add_connection (libmicrohttpd()->MHD_add_connection)
#define MHD_add_response_header (libmicrohttpd()->MHD_add_response_header)
#define MHD_create_response_from_buffer (libmicrohttpd()->MHD_create_response_from_buffer)
#define MHD_create_response_from_callback (libmicrohttpd()->MHD_create_response_from_callback)
#define MHD_destroy_response (libmicrohttpd()->MHD_destroy_response)
#define MHD_get_connection_info (libmicrohttpd()->MHD_get_connection_info)
#define MHD_get_daemon_info (libmicrohttpd()->MHD_get_daemon_info)
#define MHD_get_reason_phrase_for (libmicrohttpd()->MHD_get_reason_phrase_for)
#define MHD_get_timeout (libmicrohttpd()->MHD_get_timeout)
#define MHD_get_version (libmicrohttpd()->MHD_get_version)
#define MHD_queue_response (libmicrohttpd()->MHD_queue_response)
#define MHD_resume_connection (libmicrohttpd()->MHD_resume_connection)
#define MHD_run (libmicrohttpd()->MHD_run)
#define MHD_start_daemon (libmicrohttpd()->MHD_start_daemon)
#define MHD_stop_daemon (libmicrohttpd()->MHD_stop_daemon)
#define MHD_suspend_connection (libmicrohttpd()->MHD_suspend_connection)
/* clang-format on */
#endif
