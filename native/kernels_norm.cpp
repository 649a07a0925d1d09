// Layer norms fused with what stands beside them, and GELU. libtorch 1.13's own GELU gradient is wrong for gradients of another layout
// than the input's; here both are made contiguous first.
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "vectors.h"

namespace tandem {
namespace {

using at::Tensor;
using c10::optional;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

struct Moments { float mean, inverse; };

inline Moments moments(const float* __restrict s, int64_t width, float eps) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++) sum += s[i];
    float mean = sum / width, square = 0;
#pragma omp simd reduction(+ : square)
    for (int64_t i = 0; i < width; i++) square += (s[i] - mean) * (s[i] - mean);
    return {mean, 1.0f / std::sqrt(square / width + eps)};
}

// s <- (s - mean) * inverse
inline void standardise(float* __restrict s, int64_t width, Moments m) {
#pragma omp simd
    for (int64_t i = 0; i < width; i++) s[i] = (s[i] - m.mean) * m.inverse;
}

// g <- gradient of the standardised row turned into the gradient of the row; h is the standardised row.
inline void standardise_back(float* __restrict g, const float* __restrict h, int64_t width, float inverse) {
    float sum = 0, dot = 0;
#pragma omp simd reduction(+ : sum, dot)
    for (int64_t i = 0; i < width; i++) {
        sum += g[i];
        dot += g[i] * h[i];
    }
    sum /= width;
    dot /= width;
#pragma omp simd
    for (int64_t i = 0; i < width; i++) g[i] = inverse * (g[i] - sum - h[i] * dot);
}

inline void add(float* __restrict a, const float* __restrict b, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) a[i] += b[i];
}

inline void affine(float* __restrict s, const float* weight, const float* bias, int64_t n) {
    if (weight == nullptr) return;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) s[i] = s[i] * weight[i] + bias[i];
}

// Sums of the chunks' gradients of weight and bias, in a fixed order.
struct AffineGradient {
    Tensor weight, bias;
    AffineGradient(bool wanted, int64_t width) {
        if (!wanted) return;
        weight = at::zeros({chunks, width}, at::kFloat);
        bias = at::zeros({chunks, width}, at::kFloat);
    }
    void add_row(int64_t chunk, const float* g, const float* h, int64_t n) {
        float* __restrict w = data<float>(weight) + chunk * n;
        float* __restrict b = data<float>(bias) + chunk * n;
#pragma omp simd
        for (int64_t i = 0; i < n; i++) {
            w[i] += g[i] * h[i];
            b[i] += g[i];
        }
    }
    Tensor weight_sum() const { return weight.defined() ? weight.sum(0) : Tensor(); }
    Tensor bias_sum() const { return bias.defined() ? bias.sum(0) : Tensor(); }
};

inline void scale_by(float* __restrict g, const float* weight, int64_t n) {
    if (weight == nullptr) return;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) g[i] *= weight[i];
}

#ifdef TANDEM_AVX512

// body(offset, lanes, 0 or 1) over a row; the number tells accumulators apart.
template <class Body>
inline void each16(int64_t n, Body&& body) {
    constexpr __mmask16 all = 0xffff;
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        body(i, all, 0);
        body(i + 16, all, 1);
    }
    if (i + 16 <= n) {
        body(i, all, 0);
        i += 16;
    }
    if (i < n) body(i, first_lanes(n - i), 1);
}

inline float total(const __m512 (&sums)[2]) { return _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1])); }

// s <- x + r minus their mean; gives the inverse deviation. A dropout acts on x, whose first element has the number `index`.
template <class X, class R>
inline float centre(const X* x, const R* r, float* s, int64_t width, float eps, const Drop& drop = {0, 0}, int64_t index = 0) {
    __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    each16(width, [&](int64_t i, __mmask16 m, int k) {
        __m512 v = load16(x + i, m);
        if (drop.on) v = drop16(drop, index + i, v);
        if (r != nullptr) v = _mm512_add_ps(v, load16(r + i, m));
        store16(s + i, v, m);
        sums[k] = _mm512_add_ps(sums[k], v);
    });
    __m512 mean = _mm512_set1_ps(total(sums) / static_cast<float>(width));
    sums[0] = sums[1] = _mm512_setzero_ps();
    each16(width, [&](int64_t i, __mmask16 m, int k) {
        __m512 v = _mm512_maskz_sub_ps(m, load16(s + i, m), mean);
        store16(s + i, v, m);
        sums[k] = _mm512_fmadd_ps(v, v, sums[k]);
    });
    return 1.0f / std::sqrt(total(sums) / static_cast<float>(width) + eps);
}

inline __m512 affine16(__m512 v, const float* weight, const float* bias, int64_t i, __mmask16 m) {
    return weight == nullptr ? v : _mm512_fmadd_ps(v, load16(weight + i, m), load16(bias + i, m));
}

// The gradient of a row of sums. s is the centred row; gradient(i, lanes, standardised values) gives that of the norm's result; finish(i,
// lanes, values) takes what comes out. gw and gb, if given, take the gradients of weight and bias.
template <class Gradient, class Finish>
inline void norm_row_back(float* s, float* g, float inverse, const float* weight, float* gw, float* gb, int64_t width, Gradient&& gradient, Finish&& finish) {
    __m512 scale = _mm512_set1_ps(inverse), sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, dots[2] = {sums[0], sums[0]};
    each16(width, [&](int64_t i, __mmask16 m, int k) {
        __m512 h = _mm512_mul_ps(load16(s + i, m), scale), d = gradient(i, m, h);
        if (weight != nullptr) {
            store16(gw + i, _mm512_fmadd_ps(d, h, load16(gw + i, m)), m);
            store16(gb + i, _mm512_add_ps(load16(gb + i, m), d), m);
            d = _mm512_mul_ps(d, load16(weight + i, m));
        }
        store16(s + i, h, m);
        store16(g + i, d, m);
        sums[k] = _mm512_add_ps(sums[k], d);
        dots[k] = _mm512_fmadd_ps(d, h, dots[k]);
    });
    __m512 sum = _mm512_set1_ps(total(sums) / static_cast<float>(width)), dot = _mm512_set1_ps(total(dots) / static_cast<float>(width));
    each16(width, [&](int64_t i, __mmask16 m, int) {
        finish(i, m, _mm512_mul_ps(scale, _mm512_fnmadd_ps(load16(s + i, m), dot, _mm512_sub_ps(load16(g + i, m), sum))));
    });
}

#endif

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

Tensor or_undefined(const optional<Tensor>& t) { return t.has_value() ? *t : Tensor(); }
Tensor compact(const Tensor& t) { return t.defined() ? t.contiguous() : t; }

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

Tensor composite_norm(const Tensor& s, const optional<Tensor>& w, const optional<Tensor>& b, double eps) {
    return at::layer_norm(s.to(at::kFloat), {s.size(-1)}, w, b, eps, false);
}

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

// ---- norm_gelu: GELU(LN(x) * weight + bias) + skip, in x's type

template <class T>
void norm_gelu_forward(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& skip, float eps, Tensor& y) {
    int64_t width = x.size(-1), rows = x.numel() / width;
#ifdef TANDEM_AVX512
    const T *from = data<T>(x), *past = data<T>(skip);
    const float *weight = data<float>(w), *bias = data<float>(b);
    T* to = data<T>(y);
    for_chunks(rows, width * 12, [&](int64_t, int64_t begin, int64_t end) {
        std::vector<float> buffer(width);
        float* s = buffer.data();
        for (int64_t row = begin; row < end; row++) {
            int64_t at = row * width;
            __m512 inverse = _mm512_set1_ps(centre(from + at, static_cast<const T*>(nullptr), s, width, eps));
            each16(width, [&](int64_t i, __mmask16 m, int) {
                __m512 v = gelu16(affine16(_mm512_mul_ps(load16(s + i, m), inverse), weight, bias, i, m));
                store16(to + at + i, past != nullptr ? _mm512_add_ps(v, load16(past + at + i, m)) : v, m);
            });
        }
    });
#else
    for_chunks(rows, width * 12, [&](int64_t, int64_t begin, int64_t end) {
        std::vector<float> buffer(2 * width);
        float *s = buffer.data(), *t = s + width;
        for (int64_t i = begin; i < end; i++) {
            load_row(data<T>(x) + i * width, s, width);
            standardise(s, width, moments(s, width, eps));
            affine(s, data<float>(w), data<float>(b), width);
#pragma omp simd
            for (int64_t k = 0; k < width; k++) s[k] = gelu_value(s[k]);
            if (skip.defined()) {
                load_row(data<T>(skip) + i * width, t, width);
                add(s, t, width);
            }
            store_row(s, data<T>(y) + i * width, width);
        }
    });
#endif
}

template <class T>
void norm_gelu_backward(const Tensor& x, const Tensor& w, const Tensor& b, float eps, const Tensor& gy, Tensor& gx, AffineGradient& affine_gradient) {
    int64_t width = x.size(-1), rows = x.numel() / width;
#ifdef TANDEM_AVX512
    const T *from = data<T>(x), *upstream = data<T>(gy);
    const float *weight = data<float>(w), *bias = data<float>(b);
    T* to = data<T>(gx);
    float *gw = data<float>(affine_gradient.weight), *gb = data<float>(affine_gradient.bias);
    for_chunks(rows, width * 16, [&](int64_t chunk, int64_t begin, int64_t end) {
        std::vector<float> buffer(2 * width);
        float *s = buffer.data(), *g = s + width;
        for (int64_t row = begin; row < end; row++) {
            int64_t at = row * width;
            float inverse = centre(from + at, static_cast<const T*>(nullptr), s, width, eps);
            norm_row_back(s, g, inverse, weight, gw + chunk * width, gb + chunk * width, width,
                [&](int64_t i, __mmask16 m, __m512 h) { return _mm512_mul_ps(load16(upstream + at + i, m), gelu_slope16(affine16(h, weight, bias, i, m))); },
                [&](int64_t i, __mmask16 m, __m512 v) { store16(to + at + i, v, m); });
        }
    });
#else
    for_chunks(rows, width * 16, [&](int64_t chunk, int64_t begin, int64_t end) {
        std::vector<float> buffer(3 * width);
        float *s = buffer.data(), *t = s + width, *g = t + width;
        for (int64_t i = begin; i < end; i++) {
            load_row(data<T>(x) + i * width, s, width);
            load_row(data<T>(gy) + i * width, g, width);
            Moments m = moments(s, width, eps);
            standardise(s, width, m);
            std::memcpy(t, s, width * sizeof(float));
            affine(t, data<float>(w), data<float>(b), width);
#pragma omp simd
            for (int64_t k = 0; k < width; k++) g[k] *= gelu_slope(t[k]);
            if (w.defined()) affine_gradient.add_row(chunk, g, s, width);
            scale_by(g, data<float>(w), width);
            standardise_back(g, s, width, m.inverse);
            store_row(g, data<T>(gx) + i * width, width);
        }
    });
#endif
}

struct NormGelu : Function<NormGelu> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const optional<Tensor>& w, const optional<Tensor>& b, double eps, const optional<Tensor>& skip) {
        Tensor x = x_in.contiguous(), weight = or_undefined(w), bias = or_undefined(b), s = compact(or_undefined(skip));
        TORCH_CHECK(!s.defined() || (s.scalar_type() == x.scalar_type() && s.sizes() == x.sizes()), "norm_gelu: the skipped input differs in type or shape");
        Tensor y = at::empty_like(x);
        by_type(x.scalar_type(), [&](auto t) { norm_gelu_forward<decltype(t)>(x, weight, bias, s, eps, y); });
        ctx->save_for_backward({x, weight, bias});
        ctx->saved_data["eps"] = eps;
        ctx->saved_data["skip"] = s.defined();
        return y;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor x = saved[0], w = saved[1], b = saved[2], gy = grads[0].contiguous(), gx = at::empty_like(x);
        AffineGradient affine_gradient(w.defined(), x.size(-1));
        by_type(x.scalar_type(), [&](auto t) { norm_gelu_backward<decltype(t)>(x, w, b, ctx->saved_data["eps"].toDouble(), gy, gx, affine_gradient); });
        return {gx, affine_gradient.weight_sum(), affine_gradient.bias_sum(), Tensor(), ctx->saved_data["skip"].toBool() ? gy : Tensor()};
    }
};

Tensor norm_gelu(const Tensor& x, const optional<Tensor>& w, const optional<Tensor>& b, double eps, const optional<Tensor>& skip) {
    if (!x.is_cpu()) {
        Tensor y = at::gelu(composite_norm(x, w, b, eps)).to(x.scalar_type());
        return skip.has_value() ? y + *skip : y;
    }
    return NormGelu::apply(x, w, b, eps, skip);
}

// ---- gelu

struct Gelu : Function<Gelu> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in) {
        Tensor x = x_in.contiguous(), y = at::empty_like(x);
        each<0>(x, x, y);
        ctx->save_for_backward({x});
        return y;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        Tensor x = ctx->get_saved_variables()[0], g = grads[0].contiguous(), gx = at::empty_like(x);
        each<1>(x, g, gx);
        return {gx};
    }

    template <int Slope>
    static void each(const Tensor& x, const Tensor& g, Tensor& out) {
        constexpr int64_t block = 1024;
        int64_t count = x.numel(), blocks = (count + block - 1) / block;
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            for_chunks(blocks, block * 8, [&](int64_t, int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; i++) {
                    int64_t at = i * block, n = std::min(block, count - at);
#ifdef TANDEM_AVX512
                    for (int64_t k = 0; k < n; k += 16) {
                        __mmask16 m = first_lanes(n - k);
                        __m512 v = load16(data<T>(x) + at + k, m);
                        store16(data<T>(out) + at + k, Slope ? _mm512_mul_ps(gelu_slope16(v), load16(data<T>(g) + at + k, m)) : gelu16(v), m);
                    }
#else
                    float a[block], b[block];
                    load_row(data<T>(x) + at, a, n);
                    if (Slope) {
                        load_row(data<T>(g) + at, b, n);
#pragma omp simd
                        for (int64_t k = 0; k < n; k++) a[k] = b[k] * gelu_slope(a[k]);
                    } else {
#pragma omp simd
                        for (int64_t k = 0; k < n; k++) a[k] = gelu_value(a[k]);
                    }
                    store_row(a, data<T>(out) + at, n);
#endif
                }
            });
        });
    }
};

Tensor gelu(const Tensor& x) {
    if (!x.is_cpu()) return at::gelu(x);
    if (x.scalar_type() == at::kDouble) return 0.5 * x * (1.0 + at::erf(x * M_SQRT1_2));
    return Gelu::apply(x);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("add_norm(Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, float eps, float rate=0., int seed=0) -> Tensor", &add_norm);
    m.def("add_norm_pair(Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, float eps, float rate=0., int seed=0) -> (Tensor, Tensor)", &add_norm_pair);
    m.def("norm_gelu(Tensor x, Tensor? weight, Tensor? bias, float eps, Tensor? skip) -> Tensor", &norm_gelu);
    m.def("gelu(Tensor x) -> Tensor", &gelu);
}

}  // namespace tandem
