/* The yardstick: a WebSocket server that does nothing but send() one frame to each of its sockets, in a loop.
 *
 *   send PORT CHANNEL
 *
 * stdin:  saturate BATCH SECONDS   BATCH messages a send(), as fast as it goes
 *         rate HZ SECONDS          one message to everybody, HZ times a second
 *         quit
 * stdout: listening PORT, then "done MESSAGES" (published, not delivered) for each command.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../c/accept_key.h"
#include "../c/meter.h"
#include "../c/stamp.h"

#define DATA 128
#define MAX_BATCH 16
#define MAX_FDS 70000

static int peers[MAX_FDS], peer_count, epoll, listener;
static char requests[MAX_FDS][2048];
static int request_length[MAX_FDS];
static const char *channel;

static void drop(int fd) {
    for (int i = 0; i < peer_count; i++)
        if (peers[i] == fd) peers[i] = peers[--peer_count];
    close(fd);
}

static void send_all(int fd, const char *bytes, size_t length) {
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd p = {fd, POLLOUT, 0};
            poll(&p, 1, 1000);
        } else if (sent < 0) {
            return;
        } else {
            bytes += sent, length -= (size_t)sent;
        }
    }
}

static size_t make_write(char *out, int batch) {
    size_t length = 0;
    for (int i = 0; i < batch; i++) {
        char text[512];
        int n = snprintf(text, sizeof text, "{\"push\":{\"channel\":\"%s\",\"pub\":{\"data\":", channel);
        n += make_data(text + n, DATA, now_ns());
        n += snprintf(text + n, sizeof text - (size_t)n, "}}}");
        out[length++] = (char)0x81;
        if (n < 126) {
            out[length++] = (char)n;
        } else {
            out[length++] = 126, out[length++] = (char)(n >> 8), out[length++] = (char)(n & 255);
        }
        memcpy(out + length, text, (size_t)n);
        length += (size_t)n;
    }
    return length;
}

static void broadcast(int batch) {
    char bytes[MAX_BATCH * 520];
    size_t length = make_write(bytes, batch);
    for (int i = 0; i < peer_count; i++) send_all(peers[i], bytes, length);
}

static void saturate(int batch, double seconds) {
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), messages = 0;
    while (now_ns() < end) {
        broadcast(batch);
        messages += (uint64_t)batch;
    }
    printf("done %lu\n", messages);
    fflush(stdout);
}

static void at_rate(double hz, double seconds) {
    uint64_t start = now_ns(), total = (uint64_t)(hz * seconds);
    for (uint64_t i = 0; i < total; i++) {
        uint64_t due = start + (uint64_t)((double)i * 1e9 / hz), now = now_ns();
        if (now < due) {
            struct timespec t = {(time_t)((due - now) / 1000000000u), (long)((due - now) % 1000000000u)};
            nanosleep(&t, NULL);
        }
        broadcast(1);
    }
    printf("done %lu\n", total);
    fflush(stdout);
}

static void obey(void) {
    char line[256];
    double first, seconds;
    ssize_t n = read(0, line, sizeof line - 1);
    if (n <= 0) exit(0);
    line[n] = 0;
    if (sscanf(line, "saturate %lf %lf", &first, &seconds) == 2) saturate((int)first, seconds);
    else if (sscanf(line, "rate %lf %lf", &first, &seconds) == 2) at_rate(first, seconds);
    else exit(0);
}

static void welcome(void) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
    if (fd < 0 || fd >= MAX_FDS) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    request_length[fd] = 0;
    struct epoll_event event = {EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void upgrade(int fd) {
    char reply[256], key[32];
    const char *header = strcasestr(requests[fd], "sec-websocket-key:");
    if (!header) return drop(fd);
    accept_key(header + 18, key);
    int n = snprintf(reply, sizeof reply,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n", key);
    send_all(fd, reply, (size_t)n);
    request_length[fd] = -1;
    peers[peer_count++] = fd;
}

static void hear(int fd) {
    static char waste[65536];
    if (request_length[fd] < 0) {
        if (recv(fd, waste, sizeof waste, 0) <= 0) drop(fd);
        return;
    }
    int room = (int)sizeof requests[fd] - 1 - request_length[fd];
    ssize_t n = recv(fd, requests[fd] + request_length[fd], (size_t)room, 0);
    if (n <= 0) return drop(fd);
    request_length[fd] += (int)n;
    requests[fd][request_length[fd]] = 0;
    if (strstr(requests[fd], "\r\n\r\n")) upgrade(fd);
}

static int listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return perror("listen"), 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    struct epoll_event events[256], stdin_event = {EPOLLIN, {.fd = 0}}, listen_event = {EPOLLIN, {.fd = 0}};
    if (argc < 3) return fprintf(stderr, "usage: send PORT CHANNEL\n"), 2;
    channel = argv[2];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (listen_on(atoi(argv[1]))) return 1;
    epoll = epoll_create1(0);
    listen_event.data.fd = listener;
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &stdin_event);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listen_event);
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == 0) obey();
            else if (fd == listener) welcome();
            else hear(fd);
        }
    }
}
