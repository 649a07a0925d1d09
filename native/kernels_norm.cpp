// Layer norms fused with the dropout and the addition before them.
#include <ATen/core/dispatch/Dispatcher.h>

#include "kernels.h"
#include "norms.h"

namespace tandem {
namespace {

// ---- add_norm: LN(dropout(x) + r) * weight + bias, as float32 and, if asked for, a bfloat16 twin for the products that follow

template <class X, class R>
void add_norm_forward(const Tensor& x, const Tensor& r, const Tensor& w, const Tensor& b, float eps, const Drop& drop, Tensor& y, Tensor& low) {
    int64_t width = x.size(-1), rows = x.numel() / width;
#ifdef TANDEM_AVX512
    const X* from = data<X>(x);
    const R* also = data<R>(r);
    const float *weight = data<float>(w), *bias = data<float>(b);
    float* to = data<float>(y);
    bf16* twin = data<bf16>(low);
    for_chunks(rows, width * 12, [&](int64_t, int64_t begin, int64_t end) {
        std::vector<float> buffer(width);
        float* s = buffer.data();
        for (int64_t row = begin; row < end; row++) {
            int64_t at = row * width;
            __m512 inverse = _mm512_set1_ps(centre(from + at, also == nullptr ? also : also + at, s, width, eps, drop, at));
            each16(width, [&](int64_t i, __mmask16 m, int) {
                __m512 v = affine16(_mm512_mul_ps(load16(s + i, m), inverse), weight, bias, i, m);
                store16(to + at + i, v, m);
                if (twin != nullptr) store16(twin + at + i, v, m);
            });
        }
    });
#else
    for_chunks(rows, width * 12, [&](int64_t, int64_t begin, int64_t end) {
        std::vector<float> buffer(2 * width);
        float *s = buffer.data(), *t = s + width;
        for (int64_t i = begin; i < end; i++) {
            load_row(data<X>(x) + i * width, s, width);
            if (r.defined()) {
                load_row(data<R>(r) + i * width, t, width);
                add(s, t, width);
            }
            standardise(s, width, moments(s, width, eps));
            affine(s, data<float>(w), data<float>(b), width);
            store_row(s, data<float>(y) + i * width, width);
            if (low.defined()) store_row(s, data<bf16>(low) + i * width, width);
        }
    });
#endif
}

template <class X, class R>
void add_norm_backward(const Tensor& x, const Tensor& r, const Tensor& w, float eps, const Drop& drop, const Tensor& gy, const Tensor& gl, Tensor& gx,
                       Tensor& gr, AffineGradient& affine_gradient) {
    int64_t width = x.size(-1), rows = x.numel() / width;
#ifdef TANDEM_AVX512
    const X* from = data<X>(x);
    const R* also = data<R>(r);
    const float *weight = data<float>(w), *full = data<float>(gy);
    const bf16* half = data<bf16>(gl);
    X* to = data<X>(gx);
    R* to_also = data<R>(gr);
    float *gw = data<float>(affine_gradient.weight), *gb = data<float>(affine_gradient.bias);
    for_chunks(rows, width * 16, [&](int64_t chunk, int64_t begin, int64_t end) {
        std::vector<float> buffer(2 * width);
        float *s = buffer.data(), *g = s + width;
        for (int64_t row = begin; row < end; row++) {
            int64_t at = row * width;
            float inverse = centre(from + at, also == nullptr ? also : also + at, s, width, eps, drop, at);
            norm_row_back(s, g, inverse, weight, gw + chunk * width, gb + chunk * width, width,
                [&](int64_t i, __mmask16 m, __m512) {
                    __m512 d = full != nullptr ? load16(full + at + i, m) : _mm512_setzero_ps();
                    return half != nullptr ? _mm512_add_ps(d, load16(half + at + i, m)) : d;
                },
                [&](int64_t i, __mmask16 m, __m512 v) {
                    store16(to + at + i, drop.on ? drop16(drop, at + i, v) : v, m);
                    if (to_also != nullptr) store16(to_also + at + i, v, m);
                });
        }
    });
#else
    for_chunks(rows, width * 16, [&](int64_t chunk, int64_t begin, int64_t end) {
        std::vector<float> buffer(3 * width);
        float *s = buffer.data(), *t = s + width, *g = t + width;
        for (int64_t i = begin; i < end; i++) {
            load_row(data<X>(x) + i * width, s, width);
            if (r.defined()) {
                load_row(data<R>(r) + i * width, t, width);
                add(s, t, width);
            }
            Moments m = moments(s, width, eps);
            standardise(s, width, m);
            if (gy.defined()) load_row(data<float>(gy) + i * width, g, width);
            else std::fill(g, g + width, 0.0f);
            if (gl.defined()) {
                load_row(data<bf16>(gl) + i * width, t, width);
                add(g, t, width);
            }
            if (w.defined()) affine_gradient.add_row(chunk, g, s, width);
            scale_by(g, data<float>(w), width);
            standardise_back(g, s, width, m.inverse);
            store_row(g, data<X>(gx) + i * width, width);
            if (gr.defined()) store_row(g, data<R>(gr) + i * width, width);
        }
    });
#endif
}

template <class Body>
void by_types(const Tensor& x, const Tensor& r, Body&& body) {
    by_type(x.scalar_type(), [&](auto a) { by_type(r.defined() ? r.scalar_type() : at::kFloat, [&](auto b) { body(a, b); }); });
}

struct AddNorm : Function<AddNorm> {
    static variable_list forward(AutogradContext* ctx, const Tensor& x_in, const optional<Tensor>& r_in, const optional<Tensor>& w, const optional<Tensor>& b,
                                 double eps, bool pair, double rate, int64_t seed) {
        Tensor x = x_in.contiguous(), r = compact(or_undefined(r_in)), weight = or_undefined(w), bias = or_undefined(b);
        Tensor y = at::empty(x.sizes(), x.options().dtype(at::kFloat)), low;
        if (pair) low = at::empty(x.sizes(), x.options().dtype(at::kBFloat16));
        by_types(x, r, [&](auto a, auto c) { add_norm_forward<decltype(a), decltype(c)>(x, r, weight, bias, eps, Drop(rate, seed), y, low); });
        ctx->save_for_backward({x, r, weight});
        ctx->saved_data["rate"] = rate;
        ctx->saved_data["seed"] = seed;
        ctx->saved_data["eps"] = eps;
        ctx->set_materialize_grads(false);
        return pair ? variable_list{y, low} : variable_list{y};
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor x = saved[0], r = saved[1], w = saved[2];
        Tensor gy = compact(grads[0]), gl = grads.size() > 1 ? compact(grads[1]) : Tensor();
        Tensor none;
        if (!gy.defined() && !gl.defined()) return {none, none, none, none, none, none, none, none};
        Drop drop(ctx->saved_data["rate"].toDouble(), ctx->saved_data["seed"].toInt());
        Tensor gx = at::empty_like(x), gr;
        // One type and no dropout: one gradient serves both summands.
        bool shared = r.defined() && !drop.on && r.scalar_type() == x.scalar_type();
        if (r.defined() && !shared) gr = at::empty_like(r);
        AffineGradient affine_gradient(w.defined(), x.size(-1));
        by_types(x, r, [&](auto a, auto c) { add_norm_backward<decltype(a), decltype(c)>(x, r, w, ctx->saved_data["eps"].toDouble(), drop, gy, gl, gx, gr, affine_gradient); });
        return {gx, shared ? gx : gr, affine_gradient.weight_sum(), affine_gradient.bias_sum(), none, none, none, none};
    }
};

// Dropouts that the kernel does not take along. One that starts every row at an even number does the same as this.
Tensor dropped(const Tensor& x, double rate, int64_t seed) {
    static auto op = c10::Dispatcher::singleton().findSchemaOrThrow("tandem::dropout", "").typed<Tensor(const Tensor&, double, int64_t)>();
    return op.call(x, rate, seed);
}

bool takes_dropout(const Tensor& x) {
#ifdef TANDEM_AVX512
    return x.is_cpu() && x.size(-1) % 16 == 0;
#else
    return false;
#endif
}

Tensor add_norm(const Tensor& x_in, const optional<Tensor>& r, const optional<Tensor>& w, const optional<Tensor>& b, double eps, double rate, int64_t seed) {
    Tensor x = x_in;
    if (!takes_dropout(x)) {
        x = dropped(x, rate, seed);
        rate = 0;
    }
    if (!x.is_cpu() || x.scalar_type() == at::kDouble) {
        Tensor s = r.has_value() ? x + *r : x;
        return s.scalar_type() == at::kDouble ? at::layer_norm(s, {s.size(-1)}, w, b, eps, false) : composite_norm(s, w, b, eps);
    }
    return AddNorm::apply(x, r, w, b, eps, false, rate, seed)[0];
}

std::tuple<Tensor, Tensor> add_norm_pair(const Tensor& x_in, const optional<Tensor>& r, const optional<Tensor>& w, const optional<Tensor>& b, double eps, double rate,
                                         int64_t seed) {
    Tensor x = x_in;
    if (!takes_dropout(x)) {
        x = dropped(x, rate, seed);
        rate = 0;
    }
    if (!x.is_cpu()) {
        Tensor y = composite_norm(r.has_value() ? x + *r : x, w, b, eps);
        return {y, y.to(at::kBFloat16)};
    }
    auto out = AddNorm::apply(x, r, w, b, eps, true, rate, seed);
    return {out[0], out[1]};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("add_norm(Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, float eps, float rate=0., int seed=0) -> Tensor", &add_norm);
    m.def("add_norm_pair(Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, float eps, float rate=0., int seed=0) -> (Tensor, Tensor)", &add_norm_pair);
}

}  // namespace tandem
