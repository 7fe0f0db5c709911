/* The kernels of the random numbers, compiled once per instruction set. Philox works on lanes of 64
 * bits whose low halves count: the widening multiply reads nothing else, so no masking is needed.
 */
#include <string.h>

#include "rng_lanes.h"

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512i Lanes;
enum { WIDTH = 8 };
#define ZIPPED 0, 4, 1, 5, 2, 6, 3, 7
#define lanes_all(x) _mm512_set1_epi64((long long)(x))
#define lanes_load(p) _mm512_loadu_si512((const void *)(p))
#define lanes_widen(p) _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define lanes_store(p, v) _mm512_storeu_si512((void *)(p), (v))
#define lanes_add(a, b) _mm512_add_epi64((a), (b))
#define lanes_mul(a, b) _mm512_mul_epu32((a), (b))
#define lanes_xor(a, b) _mm512_xor_si512((a), (b))
#define lanes_below(a, limit) ((uint64_t)_mm512_cmplt_epu64_mask((a), lanes_all(limit)))
#define lanes_high(a) _mm512_srli_epi64((a), 32)
#define lanes_early(v) __asm__("" : "+v"(v))
#define lanes_zip_low(a, b) _mm512_unpacklo_epi64((a), (b))
#define lanes_zip_high(a, b) _mm512_unpackhi_epi64((a), (b))
#define lanes_join(lo, hi) _mm512_mask_blend_epi32(0xaaaa, (lo), _mm512_slli_epi64((hi), 32))
#elif defined(__AVX2__)
#include <immintrin.h>
typedef __m256i Lanes;
enum { WIDTH = 4 };
#define ZIPPED 0, 2, 1, 3
#define lanes_all(x) _mm256_set1_epi64x((long long)(x))
#define lanes_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define lanes_widen(p) _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define lanes_store(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (v))
#define lanes_add(a, b) _mm256_add_epi64((a), (b))
#define lanes_mul(a, b) _mm256_mul_epu32((a), (b))
#define lanes_xor(a, b) _mm256_xor_si256((a), (b))
#define lanes_flip(a) lanes_xor((a), lanes_all(INT64_MIN))
#define lanes_below(a, limit) \
    (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(lanes_flip(lanes_all(limit)), lanes_flip(a))))
#define lanes_high(a) _mm256_srli_epi64((a), 32)
#define lanes_early(v) __asm__("" : "+x"(v))
#define lanes_zip_low(a, b) _mm256_unpacklo_epi64((a), (b))
#define lanes_zip_high(a, b) _mm256_unpackhi_epi64((a), (b))
#define lanes_join(lo, hi) _mm256_blend_epi32((lo), _mm256_slli_epi64((hi), 32), 0xaa)
#else
typedef uint64_t Lanes;
enum { WIDTH = 1 };
#define ZIPPED 0
#define lanes_all(x) ((uint64_t)(x))
#define lanes_load(p) (*(p))
#define lanes_widen(p) ((uint64_t)*(p))
#define lanes_store(p, v) memcpy((p), &(v), sizeof(v))
#define lanes_add(a, b) ((a) + (b))
#define lanes_mul(a, b) (((a)&0xffffffffu) * ((b)&0xffffffffu))
#define lanes_xor(a, b) ((a) ^ (b))
#define lanes_below(a, limit) ((uint64_t)((a) < (limit)))
#define lanes_high(a) ((a) >> 32)
#define lanes_early(v) ((void)(v))
#define lanes_zip_low(a, b) (a)
#define lanes_zip_high(a, b) (b)
#define lanes_join(lo, hi) (((lo)&0xffffffffu) | ((hi) << 32))
#endif

typedef struct Keys { /* of all rounds */
    Lanes k0[RNG_ROUNDS], k1[RNG_ROUNDS];
} Keys;

static inline Keys keys(uint64_t key)
{
    Keys k;
    for (int r = 0; r < RNG_ROUNDS; r++) {
        k.k0[r] = lanes_all((uint32_t)key + (uint32_t)r * RNG_WEYL0);
        k.k1[r] = lanes_all((uint32_t)(key >> 32) + (uint32_t)r * RNG_WEYL1);
    }
    return k;
}

typedef struct Block {
    Lanes w0, w1, w2, w3;
} Block;

/* What does not need the products is summed up while they are made; compilers would sum in another order. */
static inline __attribute__((always_inline)) void round_of(Block *b, Lanes k0, Lanes k1)
{
    Lanes p = lanes_mul(b->w0, lanes_all(RNG_MUL0)), q = lanes_mul(b->w2, lanes_all(RNG_MUL1));
    Lanes left = lanes_xor(b->w1, k0), right = lanes_xor(b->w3, k1);
    lanes_early(left);
    lanes_early(right);
    b->w0 = lanes_xor(lanes_high(q), left);
    b->w2 = lanes_xor(lanes_high(p), right);
    b->w1 = q;
    b->w3 = p;
}

/* Two independent vectors of blocks at a time hide the latency of the multiplications. */
static inline __attribute__((always_inline)) void ten_rounds(const Keys *k, Block *a, Block *b)
{
    for (int r = 0; r < RNG_ROUNDS; r++) {
        round_of(a, k->k0[r], k->k1[r]);
        round_of(b, k->k0[r], k->k1[r]);
    }
}

/* Zipping pairs of words puts the even lanes in front: `ZIPPED` is the order of blocks in lanes that comes out right. */
static inline __attribute__((always_inline)) void store_words(char *word, Block b)
{
    Lanes first = lanes_join(b.w0, b.w1), second = lanes_join(b.w2, b.w3);
    Lanes low = lanes_zip_low(first, second), high = lanes_zip_high(first, second);
    lanes_store(word, low);
    lanes_store(word + sizeof(Lanes), high);
}

static const uint64_t ramp[WIDTH] = {ZIPPED};

static void isa_words(uint64_t key, uint32_t from, uint32_t c1, uint32_t c2, uint32_t c3, int n,
                      void *word)
{
    const Keys k = keys(key);
    for (int at = 0; at < n; at += 2 * WIDTH) {
        Block a = {lanes_add(lanes_all(from + (uint32_t)at), lanes_load(ramp)), lanes_all(c1),
                   lanes_all(c2), lanes_all(c3)};
        Block b = a;
        b.w0 = lanes_add(a.w0, lanes_all(WIDTH));
        ten_rounds(&k, &a, &b);
        store_words((char *)word + 16 * at, a);
        store_words((char *)word + 16 * at + 2 * sizeof(Lanes), b);
    }
}

static void isa_line(uint64_t key, uint32_t c0, uint32_t from, int n, void *word)
{
    const Keys k = keys(key);
    for (int at = 0; at < n; at += 2 * WIDTH) {
        Block a = {lanes_all(c0), lanes_add(lanes_all(from + (uint32_t)at), lanes_load(ramp)), lanes_all(0), lanes_all(0)};
        Block b = a;
        b.w1 = lanes_add(a.w1, lanes_all(WIDTH));
        ten_rounds(&k, &a, &b);
        store_words((char *)word + 16 * at, a);
        store_words((char *)word + 16 * at + 2 * sizeof(Lanes), b);
    }
}

static void isa_scattered(uint64_t key, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2,
                          uint32_t c3, int n, uint64_t *word)
{
    const Keys k = keys(key);
    for (int at = 0; at < n; at += 2 * WIDTH) {
        int next = at + WIDTH;
        Block a = {lanes_widen(c0 + at), lanes_widen(c1 + at), lanes_widen(c2 + at), lanes_all(c3)};
        Block b = {lanes_widen(c0 + next), lanes_widen(c1 + next), lanes_widen(c2 + next), lanes_all(c3)};
        ten_rounds(&k, &a, &b);
        Lanes first = lanes_join(a.w0, a.w1), second = lanes_join(b.w0, b.w1);
        lanes_store(word + at, first);
        lanes_store(word + next, second);
    }
}

static void isa_uniforms(int n, const uint64_t *restrict word, double *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = rng_unit(word[i]);
}

/* The places of the words that lead beyond the middle, in order. Words are read in whole groups of 64. */
static int far_places(int n, const uint64_t *word, int *far)
{
    int n_far = 0;
    for (int at = 0; at < n; at += 64) {
        uint64_t bits = 0;
        for (int k = 0; k < 64; k += WIDTH)
            bits |= lanes_below(lanes_add(lanes_load(word + at + k), lanes_all(RNG_BELL_SHIFT)), RNG_BELL_FAR) << k;
        if (n - at < 64) bits &= (1ull << (n - at)) - 1;
        for (; bits; bits &= bits - 1)
            far[n_far++] = at + __builtin_ctzll(bits);
    }
    return n_far;
}

/* All lanes are taken for ones of the middle; the one in sixteen that is not is done again. */
static void isa_normals(int n, const uint64_t *restrict word, double *restrict out)
{
    int far[RNG_SLICE + RNG_GROUP], n_far = far_places(n, word, far), n_full = n_far;
    double q[RNG_SLICE + RNG_GROUP];
    for (int i = 0; i < n; i++)
        out[i] = rng_bell_middle(rng_bell_centred(word[i]));
    for (; n_full % RNG_GROUP; n_full++)
        far[n_full] = 0;
    for (int k = 0; k < n_full; k++)
        q[k] = rng_bell_centred(word[far[k]]);
    for (int k = 0; k < n_full; k++)
        q[k] = rng_bell_tail(q[k]);
    for (int k = 0; k < n_far; k++)
        out[far[k]] = q[k];
}

static void isa_gaps(int n, const uint64_t *restrict word, double scale, double *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = 1.0 + cx_floor(cx_log(1.0 - rng_unit(word[2 * i])) * scale);
}

static bool isa_below(uint32_t m, uint32_t reject, int n, const uint32_t *restrict word, uint32_t *restrict out)
{
    uint32_t bad = 0;
    for (int i = 0; i < n; i++) {
        uint64_t product = (uint64_t)word[i] * m;
        out[i] = (uint32_t)(product >> 32);
        bad |= (uint32_t)product < reject ? 1 : 0;
    }
    return bad != 0;
}

/* Every entry is compared with every word: for the tables of up to 70 entries that occur this beats
 * a search, as many words go at once. */
static bool isa_counts(const RngPoisson *p, int n, uint16_t *word)
{
#ifdef __AVX2__
    enum { WORDS = 16 };
#else
    enum { WORDS = 8 };
#endif
    typedef int16_t Words __attribute__((vector_size(2 * WORDS), aligned(2), may_alias));
    Words open = {0};
    for (int at = 0; at < n; at += 4 * WORDS) {
        Words *group = (Words *)(word + at), w[4], count[4] = {{0}};
        for (int g = 0; g < 4; g++)
            w[g] = group[g] ^ INT16_MIN;
        for (int j = 0; j < p->n_top; j++)
            for (int g = 0; g < 4; g++)
                count[g] -= w[g] > p->top[j];
        for (int g = 0; g < 4; g++) {
            open |= count[g] == (int16_t)p->n_top;
            group[g] = count[g] + (int16_t)p->first;
        }
    }
    int16_t any = 0;
    for (int i = 0; i < WORDS; i++)
        any |= open[i];
    return any != 0;
}

/* What count_poisson does for a mean below 10, in groups of lanes that walk up their laws together: a lane whose uniform
 * number is used up stays where it is. */
static bool isa_poissons(int n, const uint64_t *restrict word, const double *restrict mean, uint32_t *restrict count)
{
    double u[RNG_SLICE + RNG_GROUP], p[RNG_SLICE + RNG_GROUP], m[RNG_SLICE + RNG_GROUP], k[RNG_SLICE + RNG_GROUP];
    int64_t other = 0;
    for (int i = 0; i < n; i++) {
        double none = cx_exp(-mean[i]);
        u[i] = rng_unit(word[2 * i]);
        m[i] = mean[i];
        p[i] = mean[i] < 10.0 ? none : 2.0;
        other |= mean[i] >= 0.0 && mean[i] < 10.0 ? 0 : -1;
    }
    for (int i = n; i % RNG_GROUP; i++) {
        u[i] = 0.0;
        m[i] = p[i] = 1.0;
    }
    for (int at = 0; at < n; at += RNG_GROUP) {
        double *restrict a = u + at, *restrict b = p + at, *restrict c = k + at;
        for (int j = 0; j < RNG_GROUP; j++)
            c[j] = 0.0;
        for (int step = 1; step <= 200; step++) {
            int64_t live = 0;
            for (int j = 0; j < RNG_GROUP; j++)
                live |= a[j] >= b[j] ? -1 : 0;
            if (!live) break;
            for (int j = 0; j < RNG_GROUP; j++) {
                double next = b[j] * (m[at + j] / (double)step);
                double used = a[j] >= b[j] ? b[j] : 0.0;
                c[j] += a[j] >= b[j] ? 1.0 : 0.0;
                b[j] = a[j] >= b[j] ? next : b[j];
                a[j] -= used;
            }
        }
    }
    for (int i = 0; i < n; i++)
        count[i] = (uint32_t)(int32_t)k[i];
    return !other;
}

static void isa_add(int n, const uint16_t *restrict count, const double *restrict weight, double scale,
                    double *restrict acc)
{
    if (weight)
        for (int k = 0; k < n; k++)
            acc[k] += (double)(int32_t)count[k] * (weight[k] * scale);
    else
        for (int k = 0; k < n; k++)
            acc[k] += (double)(int32_t)count[k] * scale;
}

const RngKernels RNG_PASTE(rng_kernels_, CX_ISA) = {
    isa_words, isa_line, isa_scattered, isa_uniforms, isa_normals, isa_gaps, isa_below, isa_counts, isa_poissons, isa_add,
};
