/* See peer.h. */
#include "machine/peer.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_MS = 100 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

struct peer_question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 ask;
};

struct peer_answer {
    struct nlmsghdr head;
    struct inet_diag_msg found;
    char rest[512];
};

static void put_end(const union address *from, __be16 *port, __be32 address[4])
{
    if (from->any.sa_family == AF_INET6) {
        *port = from->v6.sin6_port;
        memcpy(address, &from->v6.sin6_addr, sizeof from->v6.sin6_addr);
    } else {
        *port = from->v4.sin_port;
        memcpy(address, &from->v4.sin_addr, sizeof from->v4.sin_addr);
    }
}

/* The socket whose own end is our peer. */
static bool make_question(int fd, struct peer_question *question)
{
    union address ours = {0}, theirs = {0};
    socklen_t size = sizeof ours, other = sizeof theirs;
    struct inet_diag_sockid *id = &question->ask.id;

    if (getsockname(fd, &ours.any, &size) || getpeername(fd, &theirs.any, &other))
        return false;
    if (ours.any.sa_family != AF_INET && ours.any.sa_family != AF_INET6)
        return false;

    *question = (struct peer_question){
        .head = {.nlmsg_len = sizeof *question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .ask = {.sdiag_family = (__u8)ours.any.sa_family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0U},
    };
    put_end(&theirs, &id->idiag_sport, id->idiag_src);
    put_end(&ours, &id->idiag_dport, id->idiag_dst);
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return true;
}

static bool ask(int netlink, const struct peer_question *question, struct peer_answer *answer)
{
    struct timeval limit = {.tv_usec = ANSWER_MS * 1000};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (sendto(netlink, question, sizeof *question, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
        return false;
    ssize_t length = recv(netlink, answer, sizeof *answer, 0);
    return length >= (ssize_t)(sizeof answer->head + sizeof answer->found) &&
           answer->head.nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

bool machine_tcp_peer(int fd, uid_t *uid)
{
    struct peer_question question;
    struct peer_answer answer = {0};

    if (!make_question(fd, &question))
        return false;
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0)
        return false;
    bool is_known = ask(netlink, &question, &answer);
    close(netlink);
    if (is_known)
        *uid = (uid_t)answer.found.idiag_uid;
    return is_known;
}
