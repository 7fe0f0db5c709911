/* "Did you mean": the spelling nearest to a word. */
#include "base.h"

#include <string.h>
#include <strings.h>

enum { LONGEST = 64 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap neighbours) between two words of at most LONGEST bytes;
 * Damerau 1964, in the form that edits no substring twice. */
static int distance(const char *a, int n, const char *b, int m)
{
    int d[3][LONGEST + 1];
    for (int j = 0; j <= m; j++) d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = d[i % 3], *last = d[(i + 2) % 3], *before = d[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
    }
    return d[n % 3][m];
}

/* The nearest candidate, the first of equals; NULL when none is within a third of the word's length
 * (or one edit, for short words). NULL candidates and the word itself are passed over: what is unknown
 * by its very name has another mistake. */
const char *diag_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strlen(word);
    if (len == 0 || len > LONGEST) return NULL;
    int limit = len / 3 > 1 ? (int)(len / 3) : 1, best = limit + 1;
    const char *found = NULL;
    for (size_t k = 0; k < n; k++) {
        size_t other = candidates[k] ? strlen(candidates[k]) : 0;
        if (other == 0 || other > LONGEST || !strcmp(word, candidates[k])) continue;
        if (strcasecmp(word, candidates[k]) == 0 && best > 0) { /* only the capitals differ */
            best = 0;
            found = candidates[k];
            continue;
        }
        int d = distance(word, (int)len, candidates[k], (int)other);
        /* Replacing the only letter of a word is no likeness. */
        if (d < best && d < (int)len) {
            best = d;
            found = candidates[k];
        }
    }
    return found;
}
