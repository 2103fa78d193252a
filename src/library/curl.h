/* libcurl, opened by whoever makes a transport. See library.h. (Its headers' checks of the types of options
 * are macros of the same names, and off here.) */
#ifndef LIBRARY_CURL_H
#define LIBRARY_CURL_H

#include "library/library.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* clang-format off */
#define CURL_FUNCTIONS(X) \
    X(curl_easy_init) X(curl_easy_setopt) X(curl_easy_getinfo) X(curl_easy_send) X(curl_easy_recv) \
    X(curl_easy_strerror) X(curl_easy_cleanup) X(curl_free) X(curl_global_init) X(curl_multi_init) \
    X(curl_multi_setopt) X(curl_multi_assign) X(curl_multi_add_handle) X(curl_multi_remove_handle) \
    X(curl_multi_socket_action) X(curl_multi_info_read) X(curl_multi_cleanup) X(curl_slist_append) \
    X(curl_slist_free_all) X(curl_url) X(curl_url_get) X(curl_url_set) X(curl_url_cleanup) \
    X(curl_version_info)
/* clang-format on */
struct curl_functions {
    CURL_FUNCTIONS(LIBRARY_MEMBER)
};

extern const struct library libcurl_library;
/* 0, or -1. */
int libcurl_open(struct error *err);
/* Its functions; NULL members before it was opened. */
const struct curl_functions *libcurl(void);

/* clang-format off */
#define curl_easy_init (libcurl()->curl_easy_init)
#undef curl_easy_setopt
#define curl_easy_setopt (libcurl()->curl_easy_setopt)
#undef curl_easy_getinfo
#define curl_easy_getinfo (libcurl()->curl_easy_getinfo)
#define curl_easy_send (libcurl()->curl_easy_send)
#define curl_easy_recv (libcurl()->curl_easy_recv)
#define curl_easy_strerror (libcurl()->curl_easy_strerror)
#define curl_easy_cleanup (libcurl()->curl_easy_cleanup)
#define curl_free (libcurl()->curl_free)
#define curl_global_init (libcurl()->curl_global_init)
#define curl_multi_init (libcurl()->curl_multi_init)
#undef curl_multi_setopt
#define curl_multi_setopt (libcurl()->curl_multi_setopt)
#define curl_multi_assign (libcurl()->curl_multi_assign)
#define curl_multi_add_handle (libcurl()->curl_multi_add_handle)
#define curl_multi_remove_handle (libcurl()->curl_multi_remove_handle)
#define curl_multi_socket_action (libcurl()->curl_multi_socket_action)
#define curl_multi_info_read (libcurl()->curl_multi_info_read)
#define curl_multi_cleanup (libcurl()->curl_multi_cleanup)
#define curl_slist_append (libcurl()->curl_slist_append)
#define curl_slist_free_all (libcurl()->curl_slist_free_all)
#define curl_url (libcurl()->curl_url)
#define curl_url_get (libcurl()->curl_url_get)
#define curl_url_set (libcurl()->curl_url_set)
#define curl_url_cleanup (libcurl()->curl_url_cleanup)
#define curl_version_info (libcurl()->curl_version_info)
/* clang-format on */
#endif
