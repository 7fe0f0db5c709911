/* The kernels of the random numbers, compiled once per instruction set. Philox works on lanes of 64
 * bits whose low halves count: the widening multiply reads nothing else, so no masking is needed.
 */
#include "rng_lanes.h"

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512i Lanes;
enum { WIDTH = 8 };
#define lanes_all(x) _mm512_set1_epi64((long long)(x))
#define lanes_load(p) _mm512_loadu_si512((const void *)(p))
#define lanes_widen(p) _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define lanes_store(p, v) _mm512_storeu_si512((void *)(p), (v))
#define lanes_add(a, b) _mm512_add_epi64((a), (b))
#define lanes_mul(a, b) _mm512_mul_epu32((a), (b))
#define lanes_xor(a, b) _mm512_xor_si512((a), (b))
#define lanes_high(a) _mm512_srli_epi64((a), 32)
#define lanes_join(lo, hi) _mm512_mask_blend_epi32(0xaaaa, (lo), _mm512_slli_epi64((hi), 32))
#elif defined(__AVX2__)
#include <immintrin.h>
typedef __m256i Lanes;
enum { WIDTH = 4 };
#define lanes_all(x) _mm256_set1_epi64x((long long)(x))
#define lanes_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define lanes_widen(p) _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define lanes_store(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (v))
#define lanes_add(a, b) _mm256_add_epi64((a), (b))
#define lanes_mul(a, b) _mm256_mul_epu32((a), (b))
#define lanes_xor(a, b) _mm256_xor_si256((a), (b))
#define lanes_high(a) _mm256_srli_epi64((a), 32)
#define lanes_join(lo, hi) _mm256_blend_epi32((lo), _mm256_slli_epi64((hi), 32), 0xaa)
#else
typedef uint64_t Lanes;
enum { WIDTH = 1 };
#define lanes_all(x) ((uint64_t)(x))
#define lanes_load(p) (*(p))
#define lanes_widen(p) ((uint64_t)*(p))
#define lanes_store(p, v) (*(p) = (v))
#define lanes_add(a, b) ((a) + (b))
#define lanes_mul(a, b) (((a)&0xffffffffu) * ((b)&0xffffffffu))
#define lanes_xor(a, b) ((a) ^ (b))
#define lanes_high(a) ((a) >> 32)
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

static inline __attribute__((always_inline)) void round_of(Block *b, Lanes k0, Lanes k1)
{
    Lanes p = lanes_mul(b->w0, lanes_all(RNG_MUL0)), q = lanes_mul(b->w2, lanes_all(RNG_MUL1));
    b->w0 = lanes_xor(lanes_xor(lanes_high(q), b->w1), k0);
    b->w2 = lanes_xor(lanes_xor(lanes_high(p), b->w3), k1);
    b->w1 = q;
    b->w3 = p;
}

/* Two independent vectors of blocks at a time hide the latency of the multiplications. */
static inline __attribute__((always_inline)) void store_blocks(const Keys *k, Block a, Block b, uint64_t *first,
                                                               uint64_t *second)
{
    for (int r = 0; r < RNG_ROUNDS; r++) {
        round_of(&a, k->k0[r], k->k1[r]);
        round_of(&b, k->k0[r], k->k1[r]);
    }
    lanes_store(first, lanes_join(a.w0, a.w1));
    lanes_store(second, lanes_join(a.w2, a.w3));
    lanes_store(first + WIDTH, lanes_join(b.w0, b.w1));
    lanes_store(second + WIDTH, lanes_join(b.w2, b.w3));
}

static void isa_blocks(uint64_t key, uint32_t from, uint32_t c1, uint32_t c2, uint32_t c3, int n,
                       uint64_t *first, uint64_t *second)
{
    static const uint64_t ramp[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const Keys k = keys(key);
    for (int at = 0; at < n; at += 2 * WIDTH) {
        Block a = {lanes_add(lanes_all(from + (uint32_t)at), lanes_load(ramp)), lanes_all(c1),
                   lanes_all(c2), lanes_all(c3)};
        Block b = a;
        b.w0 = lanes_add(lanes_all(from + (uint32_t)at), lanes_load(ramp + WIDTH));
        store_blocks(&k, a, b, first + at, second + at);
    }
}

static void isa_scattered(uint64_t key, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2,
                          uint32_t c3, int n, uint64_t *first, uint64_t *second)
{
    const Keys k = keys(key);
    for (int at = 0; at < n; at += 2 * WIDTH) {
        int next = at + WIDTH;
        Block a = {lanes_widen(c0 + at), lanes_widen(c1 + at), lanes_widen(c2 + at), lanes_all(c3)};
        Block b = {lanes_widen(c0 + next), lanes_widen(c1 + next), lanes_widen(c2 + next), lanes_all(c3)};
        store_blocks(&k, a, b, first + at, second + at);
    }
}

static void isa_uniforms(int n, const uint64_t *restrict word, double *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = rng_unit(word[i]);
}

/* As rng_bell; the four loops take two thirds of the time of one. */
static void isa_normals(int n, const uint64_t *restrict first, const uint64_t *restrict second,
                        double *restrict out)
{
    double k[RNG_SLICE], f[RNG_SLICE], s[RNG_SLICE], quarters[RNG_SLICE], turn[RNG_SLICE];
    for (int i = 0; i < n; i++)
        s[i] = rng_bell_log(1.0 - rng_unit(first[i]), &k[i], &f[i]);
    for (int i = 0; i < n; i++)
        s[i] = rng_bell_radius(k[i], f[i], s[i]);
    for (int i = 0; i < n; i++)
        turn[i] = rng_bell_turn(rng_unit(second[i]), &quarters[i]);
    for (int i = 0; i < n; i++)
        out[i] = 0.0 + s[i] * rng_bell_cosine(quarters[i], turn[i]);
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

/* Every entry is compared with every word: for the tables of up to 150 entries that occur this
 * beats a search, as many words go at once. */
static bool isa_counts(const int32_t *top, int n_top, int n, const uint32_t *word, uint32_t *out)
{
#ifdef __AVX2__
    enum { WORDS = 8 };
#else
    enum { WORDS = 4 };
#endif
    typedef int32_t Words __attribute__((vector_size(4 * WORDS), aligned(4), may_alias));
    Words open = {0};
    for (int at = 0; at < n; at += 2 * WORDS) { /* the buffers hold whole groups */
        Words w = *(const Words *)(word + at) ^ INT32_MIN;
        Words v = *(const Words *)(word + at + WORDS) ^ INT32_MIN;
        Words w_count = {0}, v_count = {0};
        for (int j = 0; j < n_top; j++) {
            w_count -= w > top[j];
            v_count -= v > top[j];
            open |= (w == top[j]) | (v == top[j]);
        }
        *(Words *)(out + at) = w_count;
        *(Words *)(out + at + WORDS) = v_count;
    }
    int32_t any = 0;
    for (int i = 0; i < WORDS; i++)
        any |= open[i];
    return any != 0;
}

const RngKernels RNG_PASTE(rng_kernels_, CX_ISA) = {isa_blocks, isa_scattered, isa_uniforms,
                                                    isa_normals, isa_below, isa_counts};
