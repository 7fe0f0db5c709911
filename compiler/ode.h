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

#include "expm.h"
#include "ir.h"
#include "plan.h"

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

/* A propagator that depends on parameters. */
typedef struct OdeJob {
    IrFn *fn;
    PlanExact plan;    /* its `fn` is left to the caller, who knows the function's place in the end */
} OdeJob;

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
    /* May be NULL: the user's spelling of a span, for messages; NULL when there is none. */
    const char *(*quote)(void *ctx, Span at);
    void *quote_ctx;
    /* Whether somebody fills columns before the run, as `job` says; without, rates that are no numbers
     * cost an exponential in each step, and blocks of them are not exact. */
    bool prepares;
    OdeJob *job;        /* vec, the caller's to free; its arrays lie in the arena of the module */
    /* ode.c's own while it works; zero before. */
    struct OdeForm *form;
} OdeSystem;

/* Appends to `step` the code that advances all equations by dt and stores the new states (frozen ones
 * keep their value while refr_field > 0, and are constants for the others then). Fills the
 * answers. False after a diagnostic. */
bool ode_integrate(OdeSystem *s, IrFn *step);

typedef struct Integrator {
    const char *name, *doc;
    int order;         /* deterministic order of convergence; 0 for exact */
    bool for_noise;    /* may be chosen with xi */
    double limit;      /* the largest h*l for which it is stable on x' = -l x; 0: there is none */
    /* Whether it can advance equations `which` (bool[n]); fills *why_not (module arena) otherwise. */
    bool (*valid)(const OdeSystem *s, const bool *which, const char **why_not);
    bool (*emit)(OdeSystem *s, const bool *which, IrFn *step, int *new_value);
} Integrator;
extern const Integrator *const integrators[];
extern const int n_integrators;
const Integrator *integrator_find(const char *name);

/* ---- affine.c: a derivative as c_0 + sum_v c_v * x_v in chosen variables, with c that are values
 * of `fn` and do not depend on the variables. The variables are some states, then some xi. ---- */
typedef struct Affine {
    IrFn fn;           /* output k*(n_var + 1) + v is c_v of equation k (v = 0: the free term) */
    int n_eq, n_var, n_state;
    const int *state;  /* n_state fields */
    const int *xi;     /* n_var - n_state numbers of noises */
    int *c;            /* c[k*(n_var + 1) + v]: a value of fn, -1 for zero */
    int *bad;          /* bad[k]: the instruction of deriv that is not affine, -1 when all are */
} Affine;
Affine affine_build(const OdeSystem *s, int n_state, const int *state, int n_xi, const int *xi);
void affine_free(Affine *a);
/* Appends the values of all coefficients to dst: value[k*(n_var + 1) + v], -1 for zero. Loads of
 * field f are replaced by field_value[f] when field_value is given and that is >= 0. */
void affine_inline(IrFn *dst, const Affine *a, const int *field_value, int t_value, int *value);
/* xi_value for ir_inline that makes every noise of src zero; to be freed with cx_free. */
int *affine_no_noise(IrFn *dst, const IrFn *src);
/* "`ge*(Ee - V)` multiplies the states `ge` and `V`": what instruction `bad` does. Module arena. */
const char *affine_reason(const OdeSystem *s, const Affine *a, int bad);
/* The last instruction `op` with immediate k (any when -1) that value v depends on; -1 if none. */
int affine_reach(const IrFn *f, int v, Op op, int64_t k);

/* ---- derive.c: derivatives of functions ---- */
enum { DERIVE_TIME = -1 };
/* Appends src to dst like ir_inline. out_value[k] receives output k and d[k*n + j] its partial derivative
 * by var[j], a field or DERIVE_TIME; -1 where zero by structure. Returns the instruction of src that has
 * no derivative, or -1. */
int derive_inline(IrFn *dst, const IrFn *src, int n, const int *var, int *out_value, int *d);
/* value[v] of each instruction of f at lane 0, with the fields as they are in `field`, which stores
 * change; draws take their means, noise and time are zero. NaN for what needs a synapse. */
void derive_numbers(const IrModule *m, const IrFn *f, double *field, double *value);
/* Are values a and b of f (-1: zero) equal at sixteen points? */
bool derive_same(const IrModule *m, const IrFn *f, int a, int b);

/* ---- advice.c: "dt*|lambda| is …", how near the step is to the limit of the methods chosen, for the
 * values that `init` stores; NULL when there is nothing to say. After ode_integrate. Module arena. ---- */
const char *advice_stability(const OdeSystem *s, const IrFn *init);

/* ---- what integrators share: ode.c fills the form, integrators/shared.c has the functions ---- */
typedef enum OdeExact {
    EXACT_NO,
    EXACT_BLOCK,       /* constant coefficients: row of a propagator matrix known now */
    EXACT_ROWS,        /* parameters as coefficients: the matrix is made before the run */
    EXACT_LANE,        /* the rate is a value of the step: exp in the step function */
} OdeExact;
typedef struct OdeForm {
    Affine full;       /* in all states of equations and all xi */
    Affine noise;      /* in all xi; states count as known */
    Affine *own;       /* own[k]: in the state of equation k only */
    int n_xi;
    int *xi;           /* their numbers, ascending */
    unsigned *xi_flags;
    OdeExact *exact;
    const char **not_exact; /* why, where EXACT_NO */
    int *part;         /* part[k]: EXACT_BLOCK and EXACT_ROWS with an equal number belong together */
    bool *joint;       /* noise of one equation of the part moves another one, too */
    int culprit;       /* the equation for which an integrator's `valid` said no */
} OdeForm;
bool ode_noisy(const OdeSystem *s, int k);             /* equation k contains a xi */
bool ode_shares(const OdeSystem *s, int k, int j);     /* k and j contain the same xi */
/* `valid` of methods that know no noise. */
bool ode_without_noise(const OdeSystem *s, const bool *which, const char **why_not);
/* The first of `which` that contains a xi, or -1. */
int ode_first_noisy(const OdeSystem *s, const bool *which);
/* The first of `which` whose noise is multiplied by a state that the same noise moves, or -1: there
 * the senses of Ito and Stratonovich differ. */
int ode_first_multiplicative(const OdeSystem *s, const bool *which);
int ode_state(const OdeSystem *s, IrFn *step, int k);  /* x_k at t_n */
/* `value` for equation k, or x_k at t_n where that is frozen and the neuron refractory. */
int ode_freeze(const OdeSystem *s, IrFn *step, int k, int value);
/* Counts the steps of each neuron in which `rough` is true, those whose error is far too large, in the column
 * "rough.n", and keeps when the first began in "rough.t". */
void ode_note_rough(const OdeSystem *s, IrFn *f, int rough);
/* x_k + h*slope, or x_k where frozen. */
int ode_moved(const OdeSystem *s, IrFn *step, int k, double h, int slope);
int ode_refractory(const OdeSystem *s, IrFn *step);    /* truth value: the counter is above zero */
int ode_xi(const OdeSystem *s, IrFn *step, int m); /* standard normal draw of noise form->xi[m] */
/* A further one, called `name`; flags as of form->xi_flags. */
int ode_normal(const OdeSystem *s, IrFn *step, const char *name, unsigned flags);
bool ode_has_xi(const OdeSystem *s, int k, int m);     /* equation k contains noise form->xi[m] */
/* ready[v]: value v of f depends on nothing but numbers, parameters and the neuron's index. */
void ode_ready(const OdeSystem *s, const IrFn *f, bool *ready);
/* acc + h f_k + root sum_m g_km N_m, where c are the values of form->noise at one stage. */
int ode_increment(const OdeSystem *s, IrFn *step, const int *c, int k, double h, double root,
                  int acc);
/* field_value for ir_inline (to be freed with cx_free): x[k] for the states where >= 0. */
int *ode_fields(const OdeSystem *s, const int *x);
/* dx[k] = derivative with states x[k] (-1, or x NULL: at t_n) at time t_value (-1: t_n). */
void ode_slope(const OdeSystem *s, IrFn *step, const int *x, int t_value, int *dx);
/* dx: on entry slopes of the last stage, on return those at t_n + h, where equations `which` have moved
 * along the old slopes and the others, exact ones, by their propagators. */
void ode_stage(const OdeSystem *s, IrFn *step, const bool *which, double h, int *dx);
/* linear.c: value[k] at t_n + h for those of `which` that are EXACT_BLOCK or EXACT_ROWS. With `noise` that
 * of joint parts is added, and spread[k] is the root of the integral of exp(2 a_kk s) where that is
 * a column (otherwise as it was). */
void linear_advance(const OdeSystem *s, const bool *which, double h, bool noise, IrFn *step,
                    int *value, int *spread);
/* exact.c: value[k] at t_n + h of the equations `which`, all exact and without noise. */
void exact_advance(const OdeSystem *s, const bool *which, double h, IrFn *step, int *value);

#endif
