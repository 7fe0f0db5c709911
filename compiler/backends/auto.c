/* The backend that nobody has to choose. */
#include "native.h"

const Backend auto_backend = {
    .name = "auto",
    .doc = "interprets at once and changes over to compiled code as soon as it is there",
    .build = native_build_later,
};
