#include "kernel.h"

#include <string.h>

const char *const field_kind_name[N_FIELD_KINDS] = {
    [FIELD_PARAM] = "param", [FIELD_STATE] = "state",   [FIELD_INPUT] = "input",
    [FIELD_ACC] = "acc",     [FIELD_HIDDEN] = "hidden", [FIELD_SOURCE] = "source",
    [FIELD_TARGET] = "target", [FIELD_PRE] = "pre",     [FIELD_POST] = "post", [FIELD_LINK] = "link",
    [FIELD_NETWORK] = "network",
};

const char *const fn_role_name[N_FN_ROLES] = {
    [FN_INIT] = "init",     [FN_ARRIVE] = "arrive", [FN_STEP] = "step", [FN_TEST] = "test",
    [FN_RESET] = "reset",   [FN_CHECK] = "check",   [FN_OBS] = "obs",   [FN_DRIVE] = "drive",
    [FN_WEIGHT] = "weight", [FN_DELAY] = "delay",   [FN_PROB] = "prob", [FN_RATE] = "rate",
    [FN_PRE] = "pre",       [FN_POST] = "post",     [FN_EVENT] = "event", [FN_TRACE] = "trace",
    [FN_PASS] = "pass",     [FN_TAIL] = "tail",
    [FN_DERIV] = "deriv",   [FN_RANGE] = "range",
    [FN_MATRIX] = "matrix", [FN_PARTS] = "parts",   [FN_PART] = "part", [FN_SET] = "set",
};

/* Truths are 0.0 or 1.0, so a group of them can be looked at as words; most groups have none. */
size_t kernel_hits(const double *truth, uint32_t first, size_t n, uint32_t *hit)
{
    enum { GROUP = 16 };
    size_t hits = 0, k = 0;
    for (; k < n; k += GROUP) {
        size_t end = k + GROUP < n ? k + GROUP : n;
        uint64_t any = 0;
        if (end == k + GROUP) {
            uint64_t word[GROUP];
            memcpy(word, truth + k, sizeof word);
            for (int j = 0; j < GROUP; j++) any |= word[j];
            if (!any) continue;
        }
        for (size_t j = k; j < end; j++)
            if (truth[j] != 0) hit[hits++] = first + (uint32_t)j;
    }
    return hits;
}
