/* How activity goes on from bin to bin. */
#include "measure.h"

typedef struct Branching { /* of the counts A of successive bins */
    int64_t bin, before;        /* the bin being filled, and the last one before it with spikes */
    double count, last;         /* their counts */
    double first, sum, squares, products; /* A of bin 0; sums of A, A^2, and A times the next A, of closed bins */
} Branching;

static void *begin(const MeasureAsk *a)
{
    Branching *b = arena_one(a->arena, Branching);
    b->before = -1;
    return b;
}

static void close_bin(Branching *b)
{
    if (b->count > 0) {
        if (b->bin == 0) b->first = b->count;
        if (b->before == b->bin - 1) b->products += b->last * b->count;
        b->sum += b->count;
        b->squares += b->count * b->count;
        b->before = b->bin, b->last = b->count;
    }
    b->count = 0;
}

static void spike(void *state, const MeasureAsk *a, int side, uint64_t cell, int64_t step)
{
    Branching *b = state;
    int64_t bin = measure_bin(a, step);
    (void)side, (void)cell;
    if (bin != b->bin) close_bin(b);
    b->bin = bin;
    b->count++;
}

static double result(void *state, const MeasureAsk *a, const char **why)
{
    Branching *b = state;
    int64_t bins = measure_bins(a);
    if (bins < 3) return measure_none(why, "its window is shorter than three bins");
    if (b->bin < bins) close_bin(b);
    if (!(b->sum > 0)) return measure_none(why, "no spikes");
    double n = (double)(bins - 1), end = b->before == bins - 1 ? b->last : 0;
    double x = (b->sum - end) / n, y = (b->sum - b->first) / n, variance = (b->squares - end * end) / n - x * x;
    return variance > 0 ? (b->products / n - x * y) / variance : measure_none(why, "the counts do not vary");
}

const Measure measure_branching_ratio = {
    .def = {.name = "branching_ratio", .doc = "how many spikes of a bin one of the bin before brings about: the slope of the regression of each bin's number of spikes, all "
                                              "selected neurons together, on that of the bin before",
            .source = "Beggs & Plenz (2003), J. Neurosci. 23:11167; as a regression: Wilting & Priesemann (2018), Nat. Commun. 9:2325",
            .example = "expect branching_ratio(E, bin = 4 ms) in [0.9, 1]", .unit = MEASURE_NUMBER, .sides = 1, .width = "bin", .width_ms = 3},
    .begin = begin, .spike = spike, .result = result};
