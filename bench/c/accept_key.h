/* Sec-WebSocket-Accept (RFC 6455 §4.2.2): base64 of SHA-1 of the key and a fixed GUID. */
#ifndef ACCEPT_KEY_H
#define ACCEPT_KEY_H
#include <stdint.h>
#include <string.h>

static uint32_t roll(uint32_t x, int by) { return x << by | x >> (32 - by); }

static void sha1_block(uint32_t h[5], const uint8_t *block) {
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = roll(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
        else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
        else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
        else f = b ^ c ^ d, k = 0xCA62C1D6;
        uint32_t t = roll(a, 5) + f + e + k + w[i];
        e = d, d = c, c = roll(b, 30), b = a, a = t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* 24 characters of key (leading spaces skipped) to the 28 characters of the answer; `out` needs 29 bytes. */
static void accept_key(const char *key, char *out) {
    static const char table[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t text[128] = {0}, digest[21] = {0};
    while (*key == ' ') key++;
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    text[60] = 0x80; /* 60 bytes and the 9 of the padding need two blocks */
    text[126] = (60 * 8) >> 8, text[127] = (60 * 8) & 255;
    sha1_block(h, text);
    sha1_block(h, text + 64);
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
    for (int i = 0; i < 7; i++) {
        uint32_t v = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) *out++ = table[v >> (18 - 6 * j) & 63];
    }
    out[-1] = '=', *out = 0;
}
#endif
