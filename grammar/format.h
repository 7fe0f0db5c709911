/* The one layout of a model file: `cortexc fmt`. */
#ifndef CORTEXC_FORMAT_H
#define CORTEXC_FORMAT_H

#include "ast.h"

/* Writes the text of `f` in the one layout. The file must have no syntax errors: false otherwise, with what is
 * wrong in the diagnostics of `a`. Tokens and comments stay as they are and in their order. */
bool format_file(Ast *a, const SourceFile *f, Buf *out);

#endif
