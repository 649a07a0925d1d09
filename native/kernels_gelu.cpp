// GELU, alone and behind a layer norm. libtorch 1.13's own GELU gradient is wrong for gradients of another layout
// than the input's; here both are made contiguous first.
#include "kernels.h"
#include "norms.h"

namespace tandem {
namespace {

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
    m.def("norm_gelu(Tensor x, Tensor? weight, Tensor? bias, float eps, Tensor? skip) -> Tensor", &norm_gelu);
    m.def("gelu(Tensor x) -> Tensor", &gelu);
}

}  // namespace tandem
