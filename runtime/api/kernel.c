#include "kernel.h"

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
    [FN_DERIV] = "deriv",   [FN_RANGE] = "range",
    [FN_MATRIX] = "matrix", [FN_PARTS] = "parts",   [FN_PART] = "part", [FN_SET] = "set",
};
