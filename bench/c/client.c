/* The load client: many WebSocket connections in one epoll loop, cheap enough to outrun the server it measures.
 *
 *   client PORT [PATH [deflate]]      deflate: it offers compression; compressed messages are counted, not read
 *
 * stdin:  open COUNT INFLIGHT KIND CHANNEL TOKEN   KIND bare | echo | connect | subscribe | rooms (to five channels: CHANNEL-1 …);
 *                                                  "%d" in CHANNEL becomes the
 *                                                  connection's number; TOKEN "-" is none
 *         begin             counters to zero, busy polling (a sleeping client costs the server wake-ups)
 *         end EXPECTED      wait until so many messages have come, or none for 500 ms (0: 50 ms); print the counters as
 *                           one JSON line, sleep again
 *         watch             counters to zero, no busy polling
 *         publish HZ SECONDS  publications of 128 B, connections in turn, each to its own channel; after `watch` it
 *                           sleeps in between
 *         drop COUNT        the last COUNT connections are closed
 *         doors             print how long the doors took since the last time, and how those ended who were refused
 *         quit
 * stdout: "opened COUNT failed COUNT SECONDS", "published COUNT", "dropped", "begun", or the counters.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doors.h"
#include "meter.h"
#include "stamp.h"

#define ROOM (1 << 18)
#define DATA 128
#define OPENING_LIMIT_NS 120000000000ull
#define QUIET_NS 50000000ull
#define LOST_NS 500000000ull

typedef enum { CONNECTING, UPGRADING, GREETING, OPEN, DEAD } Stage;
typedef enum { BARE, ECHO, CONNECT, SUBSCRIBE, ROOMS } Kind;
#define ROOM_COUNT 5
typedef struct {
    int fd, number, due; /* due = replies still to come before it is open */
    int told;            /* it was refused by a status or a code */
    uint64_t dialled;
    Stage stage;
    char *tail; /* an incomplete frame, kept until the rest comes */
    size_t tail_length;
} Peer;

static Peer **peers;
static int count, opened, failed, in_flight, epoll, busy, port;
static const char *path = "/connection/websocket", *offer = "";
static Kind kind;
static char channel[128], token[4096], room[ROOM * 2];
static Meter meter;
static Doors doors;
static uint64_t door_codes[CODES];
static size_t hint;
static uint64_t last_heard;

static void settle(Peer *p, Stage stage) {
    if (p->stage != OPEN && p->stage != DEAD) {
        in_flight--;
        if (stage == OPEN) opened++, meter_age(&doors.greetings, p->dialled, now_ns());
        else failed++, doors.silent += !p->told;
    }
    p->stage = stage;
}

static void bury(Peer *p) {
    if (p->stage == DEAD) return;
    if (p->stage == OPEN) meter.closed++, opened--;
    settle(p, DEAD);
    close(p->fd);
    free(p->tail);
    p->tail = NULL;
}

/* One masked client frame (RFC 6455 §5.3). */
static void say(Peer *p, int opcode, const char *text, size_t length) {
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    char out[8192];
    size_t at = 0;
    out[at++] = (char)(0x80 | opcode);
    if (length < 126) {
        out[at++] = (char)(0x80 | length);
    } else {
        out[at++] = (char)(0x80 | 126), out[at++] = (char)(length >> 8), out[at++] = (char)(length & 255);
    }
    memcpy(out + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < length; i++) out[at + i] = (char)(text[i] ^ mask[i & 3]);
    if (send(p->fd, out, at + length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(at + length)) meter.errors++;
}

static void channel_of(const Peer *p, char *out, size_t size) {
    const char *place = strstr(channel, "%d");
    if (place) snprintf(out, size, "%.*s%d%s", (int)(place - channel), channel, p->number, place + 2);
    else snprintf(out, size, "%s", channel);
}

static void greet(Peer *p) {
    char text[6000], name[160];
    int n = 0;
    if (kind == BARE) return settle(p, OPEN);
    p->stage = GREETING;
    p->due = kind == SUBSCRIBE ? 2 : kind == ROOMS ? 1 + ROOM_COUNT : 1;
    if (kind == ECHO) return say(p, 1, "{\"echo\":\"a command as long as connect\"}", 39);
    if (token[0] == '-') n = snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"name\":\"bench\"}}");
    else n = snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"token\":\"%s\",\"name\":\"bench\"}}", token);
    if (kind == SUBSCRIBE) {
        channel_of(p, name, sizeof name);
        n += snprintf(text + n, sizeof text - (size_t)n, "\n{\"id\":2,\"subscribe\":{\"channel\":\"%s\"}}", name);
    }
    for (int room = 1; kind == ROOMS && room <= ROOM_COUNT; room++)
        n += snprintf(text + n, sizeof text - (size_t)n, "\n{\"id\":%d,\"subscribe\":{\"channel\":\"%s-%d\"}}", room + 1,
                      channel, room);
    say(p, 1, text, (size_t)n);
}

static void knock(Peer *p) {
    char text[512];
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, port, offer);
    struct epoll_event event = {EPOLLIN, {.ptr = p}};
    if (send(p->fd, text, (size_t)n, MSG_NOSIGNAL) != n) return bury(p);
    p->stage = UPGRADING;
    epoll_ctl(epoll, EPOLL_CTL_MOD, p->fd, &event);
}

static void dial(Peer *p) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {EPOLLOUT, {.ptr = p}};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in_flight++;
    p->dialled = now_ns();
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(p->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) return bury(p);
    epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &event);
}

/* One line of a text frame: a ping, a reply, or a message whose stamp is read. */
static void hear_line(Peer *p, const char *line, size_t length, uint64_t now) {
    if (length == 2) {
        meter.pongs++;
        return say(p, 1, "{}", 2);
    }
    if (length > 4 && line[2] == 'i' && line[3] == 'd') {
        if (memmem(line, length, "\"error\"", 7)) {
            meter.errors++;
            if (p->stage == GREETING) fprintf(stderr, "refused: %.*s\n", (int)length, line), bury(p);
        }
        if (p->stage == GREETING && --p->due == 0) settle(p, OPEN);
        return;
    }
    last_heard = now; /* pings do not keep `end` waiting */
    uint64_t stamp = find_stamp(line, length, &hint);
    if (!stamp && memmem(line, length, "\"unsubscribe\"", 13)) {
        meter.told++;
        return;
    }
    meter.messages++;
    if (stamp) meter_age(&meter, stamp, now);
}

static void hear_text(Peer *p, const char *text, size_t length, uint64_t now) {
    if (p->stage == GREETING && kind == ECHO) return settle(p, OPEN);
    while (length && p->stage != DEAD) {
        const char *end = memchr(text, '\n', length);
        size_t n = end ? (size_t)(end - text) : length;
        if (n) hear_line(p, text, n, now);
        text += n + (end != NULL), length -= n + (end != NULL);
    }
}

static void hear_frame(Peer *p, int opcode, const char *body, size_t length, uint64_t now) {
    if (opcode == 9) say(p, 10, body, length);
    if (opcode == 8) {
        int code = length >= 2 ? (unsigned char)body[0] << 8 | (unsigned char)body[1] : 1005;
        if (code < CODES) meter.codes[code]++;
        if (code < CODES && p->stage != OPEN) door_codes[code]++, p->told = 1;
        say(p, 8, body, length < 2 ? 0 : 2);
        bury(p);
    }
    if (opcode > 2) return;
    meter.frames++;
    hear_text(p, body, length, now);
}

/* All complete frames of `data`; what is left over goes to the tail. Answers how much was used. */
static size_t hear_frames(Peer *p, const char *data, size_t length, uint64_t now) {
    size_t at = 0;
    while (length - at >= 2 && p->stage != DEAD) {
        const unsigned char *head = (const unsigned char *)data + at;
        size_t size = head[1] & 127, header = 2;
        if (size == 126) {
            if (length - at < 4) break;
            size = (size_t)head[2] << 8 | head[3], header = 4;
        } else if (size == 127) {
            if (length - at < 10) break;
            size = 0, header = 10;
            for (int i = 2; i < 10; i++) size = size << 8 | head[i];
        }
        if (length - at < header + size) break;
        if (head[0] & 0x40) meter.frames++, meter.messages++, last_heard = now;
        else hear_frame(p, head[0] & 15, data + at + header, size, now);
        at += header + size;
    }
    return at;
}

static size_t hear_answer(Peer *p, const char *data, size_t length) {
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(data, "HTTP/1.1 101", 12) != 0) {
        int status = length > 12 ? atoi(data + 9) : 0;
        if (status > 0 && status < STATUSES && doors.statuses[status]++ < 3)
            fprintf(stderr, "refused: %.*s\n", (int)(length < 300 ? length : 300), data);
        p->told = status > 0;
        bury(p);
    } else {
        meter_age(&doors.upgrades, p->dialled, now_ns());
        greet(p);
    }
    return (size_t)(end - data) + 4;
}

static void hear(Peer *p) {
    size_t length = p->tail_length, used = 0;
    if (length) memcpy(room, p->tail, length);
    ssize_t n = recv(p->fd, room + length, ROOM, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return bury(p);
    uint64_t now = now_ns();
    length += (size_t)n;
    if (p->stage == UPGRADING) used = hear_answer(p, room, length);
    else meter.receives++, meter.bytes += (uint64_t)n;
    if (p->stage != UPGRADING) used += hear_frames(p, room + used, length - used, now);
    if (p->stage == DEAD) return;
    free(p->tail);
    p->tail_length = length - used;
    p->tail = p->tail_length ? malloc(p->tail_length) : NULL;
    if (p->tail) memcpy(p->tail, room + used, p->tail_length);
}

static int stdin_ready;

static void turn(int timeout) {
    struct epoll_event events[512];
    int n = epoll_wait(epoll, events, 512, timeout);
    for (int i = 0; i < n; i++) {
        Peer *p = events[i].data.ptr;
        if (!p) stdin_ready = 1;
        else if (p->stage == CONNECTING) knock(p);
        else if (p->stage != DEAD) hear(p);
    }
}

static void open_peers(int wanted, int limit) {
    uint64_t start = now_ns();
    int next = count, end = count + wanted, before = opened;
    peers = realloc(peers, sizeof *peers * (size_t)end);
    failed = 0;
    while ((next < end || in_flight) && now_ns() - start < OPENING_LIMIT_NS) {
        while (next < end && in_flight < limit) {
            Peer *p = peers[next] = calloc(1, sizeof *p);
            p->number = next++;
            dial(p);
        }
        turn(busy ? 0 : 100);
    }
    count = next;
    printf("opened %d failed %d %.6f\n", opened - before, failed + in_flight, (double)(now_ns() - start) / 1e9);
    fflush(stdout);
}

static void begin(int polling) {
    meter_reset(&meter);
    busy = polling;
    printf("begun\n");
    fflush(stdout);
}

static void finish(uint64_t expected) {
    last_heard = now_ns();
    while ((!expected || meter.messages < expected) && now_ns() - last_heard < (expected ? LOST_NS : QUIET_NS)) turn(0);
    meter_print(&meter);
    busy = 0;
}

static void publish(double hz, double seconds) {
    uint64_t start = now_ns(), total = (uint64_t)(hz * seconds);
    char text[512], name[160], data[DATA + 1];
    for (uint64_t i = 0; i < total; i++) {
        Peer *p = peers[i % (uint64_t)count];
        for (uint64_t now, due = start + (uint64_t)((double)i * 1e9 / hz); (now = now_ns()) < due;)
            turn(due - now > 2000000 && !busy ? (int)((due - now) / 1000000) - 1 : 0);
        channel_of(p, name, sizeof name);
        make_data(data, DATA, now_ns());
        int n = snprintf(text, sizeof text, "{\"id\":%lu,\"publish\":{\"channel\":\"%s\",\"data\":%s}}", i + 3, name, data);
        if (p->stage == OPEN) say(p, 1, text, (size_t)n);
    }
    printf("published %lu\n", total);
    fflush(stdout);
}

static void drop(int wanted) {
    for (int i = 0; i < wanted && count; i++) {
        bury(peers[--count]);
        free(peers[count]);
    }
    printf("dropped\n");
    fflush(stdout);
}

static void obey(void) {
    static char line[8192];
    char word[16];
    double a, b;
    int wanted, limit;
    uint64_t expected;
    stdin_ready = 0;
    if (!fgets(line, sizeof line, stdin)) exit(0);
    if (sscanf(line, "open %d %d %15s %127s %4095s", &wanted, &limit, word, channel, token) == 5) {
        kind = !strcmp(word, "bare") ? BARE : !strcmp(word, "echo") ? ECHO : !strcmp(word, "connect") ? CONNECT
               : !strcmp(word, "rooms") ? ROOMS : SUBSCRIBE;
        open_peers(wanted, limit);
    } else if (sscanf(line, "publish %lf %lf", &a, &b) == 2) publish(a, b);
    else if (sscanf(line, "drop %d", &wanted) == 1) drop(wanted);
    else if (!strncmp(line, "doors", 5)) {
        doors_print(&doors, door_codes);
        memset(&doors, 0, sizeof doors);
        memset(door_codes, 0, sizeof door_codes);
    } else if (!strncmp(line, "begin", 5)) begin(1);
    else if (!strncmp(line, "watch", 5)) begin(0);
    else if (sscanf(line, "end %lu", &expected) == 1) finish(expected);
    else exit(0);
}

int main(int argc, char **argv) {
    struct rlimit files;
    struct epoll_event stdin_event = {EPOLLIN, {.ptr = NULL}};
    if (argc < 2) return fprintf(stderr, "usage: client PORT [PATH [deflate]]\n"), 2;
    port = atoi(argv[1]);
    if (argc > 2) path = argv[2];
    if (argc > 3) offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    setvbuf(stdin, NULL, _IONBF, 0); /* a buffered second line would hide from epoll */
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &stdin_event);
    for (;;) {
        turn(busy ? 0 : -1);
        if (stdin_ready) obey();
    }
}
