/* What a load client counts between `begin` and `end`: frames, messages, receives, and the age of the stamps it finds. */
#ifndef METER_H
#define METER_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SUB 32                  /* sub-buckets per power of two: a percentile is good to about 3 % */
#define BUCKETS (64 * SUB)
#define CODES 5000

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

typedef struct {
    uint64_t frames, messages, receives, bytes, pongs, stamped, oldest, closed, errors, told, started;
    uint64_t ages[BUCKETS];
    uint64_t codes[CODES];
} Meter;

static int bucket_of(uint64_t age) {
    if (age < SUB) return (int)age;
    int power = 63 - __builtin_clzll(age);
    return (power - 4) * SUB + (int)((age >> (power - 5)) & (SUB - 1));
}

static uint64_t bucket_top(int bucket) {
    if (bucket < SUB) return (uint64_t)bucket;
    int power = bucket / SUB + 4;
    return ((uint64_t)(SUB + bucket % SUB) + 1) << (power - 5);
}

static void meter_reset(Meter *m) {
    memset(m, 0, sizeof *m);
    m->started = now_ns();
}

static void meter_age(Meter *m, uint64_t stamp, uint64_t now) {
    uint64_t age = now > stamp ? now - stamp : 0;
    m->stamped++;
    m->ages[bucket_of(age)]++;
    if (age > m->oldest) m->oldest = age;
}

static uint64_t meter_percentile(const Meter *m, double share) {
    uint64_t wanted = (uint64_t)((double)m->stamped * share), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += m->ages[i];
        if (seen > wanted) return bucket_top(i);
    }
    return m->oldest;
}

static void meter_print(const Meter *m) {
    printf("{\"frames\":%lu,\"messages\":%lu,\"receives\":%lu,\"bytes\":%lu,\"pongs\":%lu,\"stamped\":%lu,\"errors\":%lu,\"told\":%lu,"
           "\"seconds\":%.6f,\"p50\":%lu,\"p90\":%lu,\"p99\":%lu,\"p999\":%lu,\"max\":%lu,\"closed\":%lu,\"codes\":{",
           m->frames, m->messages, m->receives, m->bytes, m->pongs, m->stamped, m->errors, m->told,
           (double)(now_ns() - m->started) / 1e9, meter_percentile(m, 0.5), meter_percentile(m, 0.9),
           meter_percentile(m, 0.99), meter_percentile(m, 0.999), m->oldest, m->closed);
    const char *comma = "";
    for (int i = 0; i < CODES; i++)
        if (m->codes[i]) {
            printf("%s\"%d\":%lu", comma, i, m->codes[i]);
            comma = ",";
        }
    printf("}}\n");
    fflush(stdout);
}
#endif
