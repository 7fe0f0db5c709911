/* The lines that the formatter makes: breaking those that are too long, and aligning what stands below each other. */
#ifndef CORTEXC_LINES_H
#define CORTEXC_LINES_H

#include "base.h"

enum { LINES_WIDTH = 100, LINES_POINTS = 2 };

typedef enum LineKind { LINE_PLAIN, LINE_PARAM, LINE_STATE, LINE_LAYER, LINE_POPULATION, LINE_CONNECT, LINE_STIMULUS, LINE_EQUATION, LINE_REMARK } LineKind;

typedef struct Line {
    LineKind kind;       /* lines of one kind below each other are aligned */
    int indent;
    char *text;          /* owned */
    size_t len;
    char *remark;        /* the comment behind it, owned, or NULL */
    size_t remark_len;
    bool blank_before, opens; /* opens: a block; no blank line follows */
    bool row;            /* one list among the elements of a list: its columns are aligned */
    long point[LINES_POINTS]; /* bytes before which blanks align it, -1 none */
} Line;

typedef struct Break { /* where a line may be broken */
    size_t at;
    int rank, depth;     /* the lowest rank is the best */
} Break;

typedef struct LineDraft {
    Buf text;
    Line line;           /* its text is not used */
    Break *breaks;       /* vec */
    int further;         /* indent of what is broken off */
    int elements, depth; /* and of what is broken off behind a `,` of this depth, unless `elements` is 0 */
} LineDraft;

void lines_add(Line **lines, const Line *l, const char *text, size_t len); /* copies the text */
void lines_remark(Line *l, const char *text, size_t len);
void lines_finish(Line **lines, LineDraft *d);  /* breaks the draft where it is too long, and empties it */
void lines_align(Line *lines);
void lines_print(const Line *lines, Buf *out);
void lines_free(Line **lines);
int lines_columns(const char *s, size_t n);     /* code points */

#endif
