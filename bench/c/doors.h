/* How long strangers wait at the door, and how those end who do not get in. */
#ifndef DOORS_H
#define DOORS_H
#include "meter.h"

#define STATUSES 600

typedef struct {
    Meter upgrades, greetings; /* ages from connect() to the 101, and to the reply of connect */
    uint64_t statuses[STATUSES], silent; /* refused by HTTP; ended without a status and without a close code */
} Doors;

static void doors_list(const char *name, const uint64_t *counts, int size) {
    const char *comma = "";
    printf("\"%s\":{", name);
    for (int i = 0; i < size; i++)
        if (counts[i]) {
            printf("%s\"%d\":%lu", comma, i, counts[i]);
            comma = ",";
        }
    printf("}");
}

static void doors_ages(const char *name, const Meter *m) {
    printf("\"%s\":{\"count\":%lu,\"p50\":%lu,\"p99\":%lu,\"max\":%lu},", name, m->stamped, meter_percentile(m, 0.5),
           meter_percentile(m, 0.99), m->oldest);
}

static void doors_print(const Doors *d, const uint64_t *codes) {
    printf("{");
    doors_ages("upgrades", &d->upgrades);
    doors_ages("greetings", &d->greetings);
    doors_list("statuses", d->statuses, STATUSES);
    printf(",");
    doors_list("codes", codes, CODES);
    printf(",\"silent\":%lu}\n", d->silent);
    fflush(stdout);
}
#endif
