/* Integrators: from derivatives to a step. `ode_integrate` is the one entry; each integrator is a file
 * in integrators/ with one const descriptor and one line in integrators.def.
 *
 * The ladder (language reference, "What happens in a step"), when the model does not say `method = …`:
 *   1. every linear block with coefficients that are constant over the step is advanced exactly by
 *      the matrix exponential of the augmented system, also when it drives other equations;
 *   2. else exponential Euler where every remaining equation is linear in its own variable;
 *   3. else RK4 for the remaining equations, which sees the exact block at the stage times.
 *   With noise (xi): exact Ornstein-Uhlenbeck for a linear equation with constant additive noise is
 *   allowed; else Euler-Maruyama.
 * A method asked for that is not valid is refused with a diagnostic, never replaced. */
#ifndef CORTEXC_ODE_H
#define CORTEXC_ODE_H

#include "ir.h"

typedef struct OdeEq {
    int field;         /* the state it advances */
    bool frozen;       /* `unless refractory` */
    const char *name;  /* "V" */
    const char *text;  /* right side as the user wrote it */
    Span span;
    /* answers, in the arena of the module */
    const char *method;    /* "exact", "exponential_euler", "rk4", … */
    const char *why;       /* "linear with constant coefficients" */
    const char *ruled_out; /* "exact: `ge*(Ee - V)` multiplies two states", or NULL for the best rung */
} OdeEq;

typedef struct OdeSystem {
    IrModule *mod;
    IrFn *deriv;       /* FN_DERIV: out[k] = d/dt of eq[k], in internal units (per ms); may use OP_XI */
    OdeEq *eq;
    int n;
    int refr_field;    /* counter > 0 freezes; -1 when nothing is frozen */
    double dt;
    const char *method; /* asked for, or NULL */
    Span method_span;
    bool stratonovich;
    Diags *diags;
} OdeSystem;

/* Appends to `step` the code that advances all equations by dt and stores the new states (frozen ones
 * keep their value while refr_field > 0, and are constants for the others then). Fills the
 * answers. False after a diagnostic. */
bool ode_integrate(OdeSystem *s, IrFn *step);

typedef struct Integrator {
    const char *name, *doc;
    int order;         /* deterministic order of convergence; 0 for exact */
    bool for_noise;    /* may be chosen with xi */
    /* Whether it can advance equations `which` (bool[n]); fills *why_not (module arena) otherwise. */
    bool (*valid)(const OdeSystem *s, const bool *which, const char **why_not);
    bool (*emit)(OdeSystem *s, const bool *which, IrFn *step, int *new_value);
} Integrator;
extern const Integrator *const integrators[];
extern const int n_integrators;
const Integrator *integrator_find(const char *name);

/* numeric matrix exponential (scaling and squaring, Pade 13, compensated), our own arithmetic:
 * out = exp(a) for an n x n row-major matrix. */
void expm(int n, const double *a, double *out);

#endif
