// Layer norms of single rows, forward and backward, for the kernels that fuse something with them.
#pragma once
#include "vectors.h"

namespace tandem {

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
    at::Tensor weight, bias;
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
    at::Tensor weight_sum() const { return weight.defined() ? weight.sum(0) : at::Tensor(); }
    at::Tensor bias_sum() const { return bias.defined() ? bias.sum(0) : at::Tensor(); }
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

// `centre` for rows of V whole vectors, which stay in registers.
template <int V, class X, class R>
inline float centre_vectors(const X* x, const R* r, float* s, float eps, const Drop& drop, int64_t index) {
    __m512 v[V], sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
#pragma GCC unroll 24
    for (int k = 0; k < V; k++) v[k] = load16(x + k * 16);
    if (drop.on)
#pragma GCC unroll 24
        for (int k = 0; k < V; k++) v[k] = drop16(drop, index + k * 16, v[k]);
    if (r != nullptr)
#pragma GCC unroll 24
        for (int k = 0; k < V; k++) v[k] = _mm512_add_ps(v[k], load16(r + k * 16));
#pragma GCC unroll 24
    for (int k = 0; k < V; k++) sums[k % 2] = _mm512_add_ps(sums[k % 2], v[k]);
    __m512 mean = _mm512_set1_ps(total(sums) / static_cast<float>(16 * V));
    sums[0] = sums[1] = _mm512_setzero_ps();
#pragma GCC unroll 24
    for (int k = 0; k < V; k++) {
        v[k] = _mm512_sub_ps(v[k], mean);
        store16(s + k * 16, v[k]);
        sums[k % 2] = _mm512_fmadd_ps(v[k], v[k], sums[k % 2]);
    }
    return 1.0f / std::sqrt(total(sums) / static_cast<float>(16 * V) + eps);
}

// s <- x + r minus their mean; gives the inverse deviation. A dropout acts on x, whose first element has the number `index`.
template <class X, class R>
inline float centre(const X* x, const R* r, float* s, int64_t width, float eps, const Drop& drop = {0, 0}, int64_t index = 0) {
    if (width == 128) return centre_vectors<8>(x, r, s, eps, drop, index);
    if (width == 256) return centre_vectors<16>(x, r, s, eps, drop, index);
    if (width == 384) return centre_vectors<24>(x, r, s, eps, drop, index);
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

inline at::Tensor compact(const at::Tensor& t) { return t.defined() ? t.contiguous() : t; }

inline at::Tensor composite_norm(const at::Tensor& s, const c10::optional<at::Tensor>& w, const c10::optional<at::Tensor>& b, double eps) {
    return at::layer_norm(s.to(at::kFloat), {s.size(-1)}, w, b, eps, false);
}

}  // namespace tandem
