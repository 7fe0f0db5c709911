/* Currents that are expressions of the language: a new one is a row of this kind, and a line in stimuli.def.
 * The compiler checks the arguments, binds them as names and compiles the expression into the target's kernel. */
#include "stimulus.h"

#define ANY -__builtin_inf(), __builtin_inf()
#define SOME 0, __builtin_inf()
#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

static const ArgDef step_args[] = {
    {"times", ARG_TIMES, true, 0, SOME, "when the current changes: a time or a list, on the grid"},
    {"values", ARG_PORTS, true, 0, ANY, "its value from each of these times on; 0 before the first"},
};
const StimDef stimulus_step = {
    .name = "step",
    .doc = "A current that jumps to given values at given times.",
    .example = "stimulus -> E.I : step(times = [100 ms, 200 ms], values = [300 pA, 0 pA])",
    .n_args = COUNT(step_args),
    .arg = step_args,
    .value = "stairs(t, times, values)",
};

static const ArgDef ramp_args[] = {
    {"first", ARG_PORT, true, 0, ANY, "value at `start`; the current is 0 before"},
    {"last", ARG_PORT, true, 0, ANY, "value at `stop`, and from there on"},
    {"start", ARG_TIME, true, 0, SOME, "when the ramp begins"},
    {"stop", ARG_TIME, true, 0, SOME, "when it ends"},
};
const StimDef stimulus_ramp = {
    .name = "ramp",
    .doc = "A current that goes from one value to another in a straight line, and stays there.",
    .example = "stimulus -> E.I : ramp(first = 0 pA, last = 300 pA, start = 100 ms, stop = 600 ms)",
    .n_args = COUNT(ramp_args),
    .arg = ramp_args,
    .value = "if t < start then 0 else if t < stop then first + (last - first)*((t - start)/(stop - start)) else last",
};

static const ArgDef sine_args[] = {
    {"amplitude", ARG_PORT, true, 0, ANY, "half of the way from the lowest to the highest value"},
    {"frequency", ARG_RATE, true, 0, SOME, "cycles per time"},
    {"phase", ARG_NUMBER, false, 0, ANY, "angle at t = 0, in radians"},
    {"offset", ARG_PORT, false, 0, ANY, "mean of the current"},
};
const StimDef stimulus_sine = {
    .name = "sine",
    .doc = "offset + amplitude*sin(2*pi*frequency*t + phase).",
    .example = "stimulus -> E.I : sine(amplitude = 100 pA, frequency = 8 Hz, offset = 200 pA)",
    .n_args = COUNT(sine_args),
    .arg = sine_args,
    .value = "offset + amplitude*sin(2*pi*frequency*t + phase)",
};

static const ArgDef pulse_args[] = {
    {"amplitude", ARG_PORT, true, 0, ANY, "value during a pulse; 0 between them"},
    {"width", ARG_TIME, true, 0, SOME, "how long a pulse lasts"},
    {"period", ARG_TIME, true, 0, SOME, "from the beginning of a pulse to that of the next"},
    {"start", ARG_TIME, false, 0, SOME, "when the first pulse begins"},
};
const StimDef stimulus_pulse_train = {
    .name = "pulse_train",
    .doc = "Rectangular pulses at regular intervals.",
    .example = "stimulus -> E.I : pulse_train(amplitude = 400 pA, width = 5 ms, period = 100 ms, start = 50 ms)",
    .n_args = COUNT(pulse_args),
    .arg = pulse_args,
    .value = "if t >= start and mod(t - start, period) < width then amplitude else 0",
};

static const ArgDef table_args[] = {
    {"times", ARG_TIMES, true, 0, SOME, "times of the points, on the grid"},
    {"values", ARG_PORTS, true, 0, ANY, "values at these times"},
};
const StimDef stimulus_table = {
    .name = "table",
    .doc = "Straight lines between given points; the first value before them, the last one behind.",
    .example = "stimulus -> E.I : table(times = [0 ms, 50 ms, 200 ms], values = [0 pA, 300 pA, 100 pA])",
    .n_args = COUNT(table_args),
    .arg = table_args,
    .value = "interpolate(t, times, values)",
};

static const ArgDef noise_args[] = {
    {"mean", ARG_PORT, true, 0, ANY, "mean of the current"},
    {"sd", ARG_PORT, true, 0, SOME, "its standard deviation"},
};
const StimDef stimulus_noise = {
    .name = "noise",
    .doc = "A new normal value for each neuron in every step, held over it. Its effect depends on dt: what reaches a slow "
           "variable has a variance proportional to sd^2*dt. `ou` and `xi` do not depend on dt.",
    .example = "stimulus -> E.I : noise(mean = 200 pA, sd = 50 pA)",
    .n_args = COUNT(noise_args),
    .arg = noise_args,
    .value = "normal(mean, sd)",
};

static const ArgDef ou_args[] = {
    {"mean", ARG_PORT, true, 0, ANY, "mean of the current"},
    {"sigma", ARG_PORT, true, 0, SOME, "its standard deviation, whatever dt is"},
    {"tau", ARG_TIME, true, 0, SOME, "its correlation time"},
};
const StimDef stimulus_ou = {
    .name = "ou",
    .doc = "An Ornstein-Uhlenbeck process for each neuron, exact at any dt, which begins in its stationary law.",
    .example = "stimulus -> E.I : ou(mean = 200 pA, sigma = 50 pA, tau = 5 ms)",
    .n_args = COUNT(ou_args),
    .arg = ou_args,
    .value = "mean + x",
    .first = "sigma*normal(0, 1)",
    .next = "x*exp(-dt/tau) + sigma*sqrt(-expm1(-2*dt/tau))*normal(0, 1)",
};
