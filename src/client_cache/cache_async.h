/*
 * Inside the library: the ends of the asynchronous operations, each a call_finish_fn (queue.h): replies, or
 * the failure, become a result.
 */
#ifndef CLIENT_CACHE_CACHE_ASYNC_H
#define CLIENT_CACHE_CACHE_ASYNC_H

#include "client_cache/queue.h"

void call_finish_get(struct apphost_call *call, struct apphost_result *result);
void call_finish_refresh(struct apphost_call *call, struct apphost_result *result);
void call_finish_get_many(struct apphost_call *call, struct apphost_result *result);
void call_finish_set(struct apphost_call *call, struct apphost_result *result);
void call_finish_remove(struct apphost_call *call, struct apphost_result *result);
void call_finish_remove_many(struct apphost_call *call, struct apphost_result *result);
void call_finish_remaining(struct apphost_call *call, struct apphost_result *result);
void call_finish_increment(struct apphost_call *call, struct apphost_result *result);
void call_finish_nothing(struct apphost_call *call, struct apphost_result *result);
void call_finish_command(struct apphost_call *call, struct apphost_result *result);

#endif
