// Building blocks of our CPU kernels: rows of channels in float32 or bfloat16, computed in float32; vector mathematics; counter-based
// random numbers. Everything here is written so that the compiler vectorises it.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace tandem {

using bf16 = at::BFloat16;

inline float bits_to_float(uint32_t u) { float f; std::memcpy(&f, &u, 4); return f; }
inline uint32_t float_to_bits(float f) { uint32_t u; std::memcpy(&u, &f, 4); return u; }

// Round to nearest even, as the hardware does; written out so that it vectorises.
inline uint16_t to_bf16(float f) {
    uint32_t u = float_to_bits(f);
    return static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

inline void load_row(const float* from, float* __restrict to, int64_t n) { std::memcpy(to, from, n * sizeof(float)); }
inline void load_row(const bf16* from, float* __restrict to, int64_t n) {
    auto p = reinterpret_cast<const uint16_t*>(from);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = bits_to_float(static_cast<uint32_t>(p[i]) << 16);
}
inline void store_row(const float* __restrict from, float* to, int64_t n) { std::memcpy(to, from, n * sizeof(float)); }
inline void store_row(const float* __restrict from, bf16* to, int64_t n) {
    auto p = reinterpret_cast<uint16_t*>(to);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) p[i] = to_bf16(from[i]);
}

// exp(x) for x <= 88, relative error below 2e-7; 0 below -87.
inline float fast_exp(float x) {
    float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    float n = std::nearbyint(clamped * 1.44269504088896341f);
    float r = clamped - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    float e = p * bits_to_float(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
    return x < -87.0f ? 0.0f : e;
}

// erf by a rational function on [-4, 4] (the coefficients are those widely used for float32; error below 4e-7).
inline float fast_erf(float x) {
    float c = x > 4.0f ? 4.0f : (x < -4.0f ? -4.0f : x);
    float s = c * c;
    float a = -2.72614225801306e-10f;
    a = a * s + 2.77068142495902e-08f;
    a = a * s + -2.10102402082508e-06f;
    a = a * s + -5.69250639462346e-05f;
    a = a * s + -7.34990630326855e-04f;
    a = a * s + -2.95459980854025e-03f;
    a = a * s + -1.60960333262415e-02f;
    float b = -1.45660718464996e-05f;
    b = b * s + -2.13374055278905e-04f;
    b = b * s + -1.68282697438203e-03f;
    b = b * s + -7.37332916720468e-03f;
    b = b * s + -1.42647390514189e-02f;
    return c * a / b;
}

inline float gelu_value(float x) { return 0.5f * x * (1.0f + fast_erf(x * 0.70710678118654752f)); }
inline float gelu_slope(float x) {
    float cdf = 0.5f * (1.0f + fast_erf(x * 0.70710678118654752f));
    return cdf + x * 0.39894228040143268f * fast_exp(-0.5f * x * x);
}

// Natural logarithm of x in (0, 1], relative error below 2e-7 of the result or 1e-7 absolute.
inline float fast_log(float x) {
    uint32_t u = float_to_bits(x);
    int32_t e = static_cast<int32_t>(u >> 23) - 127;
    float m = bits_to_float((u & 0x7fffffu) | 0x3f800000u);
    bool large = m > 1.41421356f;
    m = (large ? 0.5f * m : m) - 1.0f;
    float n = static_cast<float>(large ? e + 1 : e), s = m * m;
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    float y = p * m * s + n * -2.12194440e-4f - 0.5f * s;
    return m + y + n * 0.693359375f;
}

// Cosine and sine of 2π·t for t in [0, 1), error below 1e-7.
inline void fast_turn(float t, float& cosine, float& sine) {
    float quarter = std::nearbyint(4.0f * t), r = (t - 0.25f * quarter) * 6.28318530717958648f, s = r * r;
    float a = ((-1.9515295891e-4f * s + 8.3321608736e-3f) * s - 1.6666654611e-1f) * s * r + r;
    float b = ((2.443315711809948e-5f * s - 1.388731625493765e-3f) * s + 4.166664568298827e-2f) * s * s - 0.5f * s + 1.0f;
    int32_t q = static_cast<int32_t>(quarter) & 3;
    float x = (q & 1) != 0 ? a : b, y = (q & 1) != 0 ? b : a;
    cosine = q == 1 || q == 2 ? -x : x;
    sine = q >= 2 ? -y : y;
}

// Random bits as a function of (seed, index): two rounds of a 64-bit mixer, which gives the bits of two neighbours.
inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}
inline uint32_t random_bits(uint64_t seed, uint64_t index) { return static_cast<uint32_t>(mix(seed + (index >> 1) * 0x9E3779B97F4A7C15ull) >> (32 * (index & 1))); }

// Which elements a dropout keeps, and what these are multiplied with: a function of (seed, index).
struct Drop {
    uint64_t seed;
    uint32_t limit;
    float scale;
    bool on;
    Drop(double rate, int64_t key) : seed(static_cast<uint64_t>(key)), limit(static_cast<uint32_t>(rate * 4294967296.0)), scale(static_cast<float>(1.0 / (1.0 - rate))), on(rate > 0) {}
    float factor(int64_t index) const { return random_bits(seed, static_cast<uint64_t>(index)) >= limit ? scale : 0.0f; }
};

// Work is cut into chunks whose number does not depend on the number of threads, so that reductions give the same bits with any.
constexpr int64_t chunks = 32;

template <class Body>
void for_chunks(int64_t rows, int64_t bytes_a_row, Body&& body) {
    int64_t step = (rows + chunks - 1) / chunks;
    bool parallel = rows * bytes_a_row > 32768 && at::get_num_threads() > 1;
#pragma omp parallel for schedule(static) if (parallel)
    for (int64_t c = 0; c < chunks; c++) {
        int64_t begin = c * step, end = std::min(rows, begin + step);
        if (begin < end) body(c, begin, end);
    }
}

// Calls body with a value of the element type: body(float{}) or body(bf16{}).
template <class Body>
auto by_type(at::ScalarType type, Body&& body) {
    if (type == at::kFloat) return body(float{});
    TORCH_CHECK(type == at::kBFloat16, "tandem kernels take float32 or bfloat16, not ", type);
    return body(bf16{});
}

template <class T>
T* data(const at::Tensor& t) { return t.defined() ? static_cast<T*>(t.data_ptr()) : nullptr; }

}  // namespace tandem
