/* What the files of the Kubernetes writer share. */
#ifndef PUBLISH_KUBERNETES_H
#define PUBLISH_KUBERNETES_H

#include "publish/internal.h"

struct kubernetes {
    const struct deployment *d;
    struct publish_files *files;
    struct strlist names; /* "Kind/name": taken */
    cJSON *resources;     /* of the kustomization: file names */
    const char *service;  /* whose files are written now, or NULL */
    struct error *err;
    bool is_refused; /* what a file is to hold is no text: *err says why, no more is added */
};

/* A name that is allowed there: lower case, letters, digits, hyphens. The caller frees. */
char *kubernetes_name(const char *name);
/* "shop-cache": the Secret of a service. The caller frees. */
char *kubernetes_secret_name(const struct kubernetes *k, const struct deployment_service *s);
/* Takes a name; -1 with ERROR_MANIFEST at the service when it is taken, or longer than `most`. */
int kubernetes_claim(struct kubernetes *k, const char *kind, const char *name, size_t most,
                     const struct deployment_service *s);
/* {apiVersion, kind, metadata: {name, labels}} */
cJSON *kubernetes_object(const struct kubernetes *k, const char *version, const char *kind, const char *name,
                         const char *component);
/* The labels that select, which never change. */
void kubernetes_add_selector(const struct kubernetes *k, cJSON *object, const char *component);
/* The template's metadata and spec, without claims. */
void kubernetes_add_pod(struct kubernetes *k, cJSON *spec, const struct deployment_service *s);
void kubernetes_add_probes(cJSON *container, const struct deployment_service *s);
/* Waits for the servers that it needs, each by the server's own image. */
void kubernetes_add_waits(struct kubernetes *k, cJSON *pod, const struct deployment_service *s);
/* A mount's volume in the pod. Is it a claim of its own StatefulSet? The caller frees. */
char *kubernetes_volume_name(const struct deployment_service *s, const struct deployment_mount *mount);
/* One volume may be mounted at several places. */
bool kubernetes_is_first_of_volume(const struct deployment_service *s, size_t index);
bool kubernetes_is_own_claim(const struct kubernetes *k, const struct deployment_mount *mount);
/* What is text to Kubernetes: no reference to a variable. The caller frees. */
char *kubernetes_escaped(const char *text);

#endif
