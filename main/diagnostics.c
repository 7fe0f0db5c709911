/* Messages about the model, for people and for programs. */
#include "main.h"

#include <jansson.h>
#include <stdlib.h>

enum { SHOWN_DIAGS = 50 };

/* A place in a file: bytes from its beginning, and the line and column of the first one. */
static json_t *place(const Sources *s, Span at)
{
    Place p = source_place(s, at.lo);
    json_t *o = json_object();
    if (!p.file) return o;
    json_object_set_new(o, "file", json_string(p.file->path));
    json_object_set_new(o, "line", json_integer(p.line));
    json_object_set_new(o, "column", json_integer(p.col));
    json_object_set_new(o, "from", json_integer(at.lo - p.file->base));
    json_object_set_new(o, "to", json_integer(at.hi - p.file->base));
    return o;
}

static void tell_json(const Sources *s, const Diags *ds)
{
    static const char *const severity[] = {"error", "warning", "note"};
    for (size_t k = 0; k < diag_count(ds); k++) {
        DiagView v = diag_view(ds, k);
        json_t *o = place(s, v.at), *notes = json_array(), *hints = json_array();
        json_object_set_new(o, "severity", json_string(severity[v.severity]));
        json_object_set_new(o, "id", json_string(diag_name(v.id)));
        json_object_set_new(o, "message", json_string(v.text));
        for (size_t q = 0; q < v.n_remarks; q++) {
            bool is_hint;
            Span at;
            const char *text = diag_remark(ds, k, q, &is_hint, &at);
            json_t *note = is_hint ? json_string(text) : place(s, at);
            if (!is_hint) json_object_set_new(note, "message", json_string(text));
            json_array_append_new(is_hint ? hints : notes, note);
        }
        json_object_set_new(o, "notes", notes);
        json_object_set_new(o, "hints", hints);
        if (v.fix) {
            json_t *fix = place(s, v.range);
            json_object_set_new(fix, "text", json_string(v.fix));
            json_object_set_new(o, "fix", fix);
        }
        char *text = json_dumps(o, JSON_COMPACT);
        if (text) fprintf(stderr, "%s\n", text);
        free(text);
        json_decref(o);
    }
}

void tell_diagnostics(const Options *o, Sources *s, const Diags *ds)
{
    if (o->json_diagnostics) tell_json(s, ds);
    else diag_print(ds, stderr, color_for(o, stderr), SHOWN_DIAGS);
}
