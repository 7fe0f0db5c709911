/* A Cairo surface for each format, and its bytes written so that a file under its final name is
 * complete. Equal figures give equal bytes: no clock is read. */
#include "figure.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *const endings[] = {[WRITE_PNG] = ".png", [WRITE_SVG] = ".svg", [WRITE_PDF] = ".pdf"};
enum { N_FORMATS = sizeof endings / sizeof *endings, POINTS = 72, UNITS = 96 };

bool write_format(const char *path, WriteFormat *out)
{
    size_t n = strlen(path);
    for (int k = 0; k < N_FORMATS; k++)
        if (n > 4 && !strcmp(path + n - 4, endings[k])) {
            *out = (WriteFormat)k;
            return true;
        }
    return false;
}

/* Does the file begin as figures do? An empty one may be replaced, too. */
static bool is_figure(const char *path)
{
    char head[256] = "";
    FILE *in = fopen(path, "rb");
    if (!in) return false;
    size_t n = fread(head, 1, sizeof head - 1, in);
    fclose(in);
    head[n] = '\0';
    return !n || !memcmp(head, "\x89PNG", 4) || !memcmp(head, "%PDF", 4) || strstr(head, "<svg");
}

bool write_allowed(const char *path, bool force, Fail *f)
{
    if (os_is_dir(path)) return fail_set(f, EXIT_CANTCREATE, "cannot create %s: it is a folder", path);
    if (os_exists(path) && !force && !is_figure(path))
        return fail_set(f, EXIT_CANTCREATE, "%s exists and is no figure; --force replaces it", path);
    return true;
}

static cairo_status_t append(void *user, const unsigned char *data, unsigned n)
{
    buf_add(user, (const char *)data, n);
    return CAIRO_STATUS_SUCCESS;
}

void write_open(WriteSurface *w, WriteFormat format, double width, double height, double scale,
                const char *title, const char *date)
{
    *w = (WriteSurface){.format = format};
    double points = (double)POINTS / UNITS;
    if (format == WRITE_PNG) {
        w->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)round(width * scale),
                                                (int)round(height * scale));
        cairo_surface_set_device_scale(w->surface, scale, scale);
    } else if (format == WRITE_SVG) {
        w->surface = cairo_svg_surface_create_for_stream(append, &w->bytes, width, height);
        cairo_svg_surface_set_document_unit(w->surface, CAIRO_SVG_UNIT_PX);
    } else {
        w->surface = cairo_pdf_surface_create_for_stream(append, &w->bytes, width * points,
                                                         height * points);
        cairo_surface_set_device_scale(w->surface, points, points);
        cairo_pdf_surface_set_metadata(w->surface, CAIRO_PDF_METADATA_TITLE, title);
        cairo_pdf_surface_set_metadata(w->surface, CAIRO_PDF_METADATA_CREATOR, "cortexc");
        cairo_pdf_surface_set_metadata(w->surface, CAIRO_PDF_METADATA_CREATE_DATE, date);
    }
}

void write_drop(WriteSurface *w)
{
    cairo_surface_destroy(w->surface);
    buf_free(&w->bytes);
    cairo_debug_reset_static_data();
}

static bool put(const WriteSurface *w, const char *path, const char *tmp, Fail *f)
{
    FILE *out = fopen(tmp, "wb");
    if (!out) return fail_set(f, EXIT_CANTCREATE, "cannot create %s: %s", path, strerror(errno));
    bool ok = fwrite(w->bytes.p, 1, w->bytes.len, out) == w->bytes.len;
    if (fflush(out) != 0) ok = false;
    int error = errno;
    if (fclose(out) != 0 && ok) ok = false, error = errno;
    if (!ok) return fail_set(f, EXIT_IO, "cannot write %s: %s", path, strerror(error));
    return os_rename(tmp, path, f);
}

bool write_finish(WriteSurface *w, const char *path, Fail *f)
{
    if (w->format == WRITE_PNG) cairo_surface_write_to_png_stream(w->surface, append, &w->bytes);
    cairo_surface_finish(w->surface);
    cairo_status_t status = cairo_surface_status(w->surface);
    Buf tmp = {0};
    buf_printf(&tmp, "%s.tmp", path);
    bool ok = status == CAIRO_STATUS_SUCCESS && w->bytes.len;
    if (!ok) fail_set(f, EXIT_SYSTEM, "cannot draw %s: %s", path, cairo_status_to_string(status));
    else if (!put(w, path, tmp.p, f)) {
        ok = false;
        unlink(tmp.p);
    }
    buf_free(&tmp);
    write_drop(w);
    return ok;
}
