// Vector mathematics on 16 floats for the kernels that are written by hand. Only for processors with AVX-512; others take libtorch's
// operators. bfloat16 products need the processor's instruction for them.
#pragma once
#include "rows.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define TANDEM_AVX512 1
#include <immintrin.h>

namespace tandem {

#if defined(__AVX512BF16__)
constexpr bool has_bf16_products = true;
#else
constexpr bool has_bf16_products = false;
#endif

inline __mmask16 first_lanes(int64_t n) { return n >= 16 ? 0xffff : n <= 0 ? 0 : static_cast<__mmask16>((1u << n) - 1); }

inline __m512 load16(const float* p) { return _mm512_loadu_ps(p); }
inline __m512 load16(const bf16* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
}
inline __m512 load16(const float* p, __mmask16 m) { return _mm512_maskz_loadu_ps(m, p); }
inline __m512 load16(const bf16* p, __mmask16 m) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, p)), 16));
}

// Round to nearest even in integer arithmetic where the processor has no instruction; NaN stays NaN in neither case of interest.
inline __m256i round16(__m512 v) {
#if defined(__AVX512BF16__)
    return (__m256i)_mm512_cvtneps_pbh(v);
#else
    __m512i u = _mm512_castps_si512(v);
    u = _mm512_add_epi32(u, _mm512_add_epi32(_mm512_set1_epi32(0x7fff), _mm512_and_epi32(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1))));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(u, 16));
#endif
}

inline void store16(float* p, __m512 v) { _mm512_storeu_ps(p, v); }
inline void store16(bf16* p, __m512 v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), round16(v)); }
inline void store16(float* p, __m512 v, __mmask16 m) { _mm512_mask_storeu_ps(p, m, v); }
inline void store16(bf16* p, __m512 v, __mmask16 m) { _mm256_mask_storeu_epi16(p, m, round16(v)); }

// Sixteen rows of sixteen words become sixteen columns.
inline void transpose16(__m512 (&r)[16]) {
    __m512 t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

// The functions of rows.h, 16 at a time.
inline __m512 exp16(__m512 x) {
    __m512 c = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0f)), _mm512_set1_ps(88.0f));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(c, _mm512_set1_ps(1.44269504088896341f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), c);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_add_ps(_mm512_fmadd_ps(_mm512_mul_ps(p, r), r, r), _mm512_set1_ps(1.0f));
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_NLT_UQ), p, n);
}

inline __m512 erf16(__m512 x) {
    __m512 c = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-4.0f)), _mm512_set1_ps(4.0f)), s = _mm512_mul_ps(c, c);
    __m512 a = _mm512_set1_ps(-2.72614225801306e-10f);
    a = _mm512_fmadd_ps(a, s, _mm512_set1_ps(2.77068142495902e-08f));
    a = _mm512_fmadd_ps(a, s, _mm512_set1_ps(-2.10102402082508e-06f));
    a = _mm512_fmadd_ps(a, s, _mm512_set1_ps(-5.69250639462346e-05f));
    a = _mm512_fmadd_ps(a, s, _mm512_set1_ps(-7.34990630326855e-04f));
    a = _mm512_fmadd_ps(a, s, _mm512_set1_ps(-2.95459980854025e-03f));
    a = _mm512_fmadd_ps(a, s, _mm512_set1_ps(-1.60960333262415e-02f));
    __m512 b = _mm512_set1_ps(-1.45660718464996e-05f);
    b = _mm512_fmadd_ps(b, s, _mm512_set1_ps(-2.13374055278905e-04f));
    b = _mm512_fmadd_ps(b, s, _mm512_set1_ps(-1.68282697438203e-03f));
    b = _mm512_fmadd_ps(b, s, _mm512_set1_ps(-7.37332916720468e-03f));
    b = _mm512_fmadd_ps(b, s, _mm512_set1_ps(-1.42647390514189e-02f));
    return _mm512_div_ps(_mm512_mul_ps(c, a), b);
}

inline __m512 gelu16(__m512 x) {
    __m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
    return _mm512_fmadd_ps(half, erf16(_mm512_mul_ps(x, _mm512_set1_ps(0.70710678118654752f))), half);
}

// GELU and its slope from one exponential: 1 − Φ(|x|) by the rational formula 7.1.26 of Abramowitz and Stegun, error below 3e-7.
inline void gelu_and_slope16(__m512 x, __m512& value, __m512& slope) {
    __m512 size = _mm512_abs_ps(x), one = _mm512_set1_ps(1.0f);
    __m512 d = _mm512_fmadd_ps(size, _mm512_set1_ps(0.231641888f), one), t = _mm512_rcp14_ps(d);
    t = _mm512_mul_ps(t, _mm512_fnmadd_ps(d, t, _mm512_set1_ps(2.0f)));
    __m512 e = exp16(_mm512_mul_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(-0.5f)));
    __m512 p = _mm512_set1_ps(0.5f * 1.061405429f);
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5f * -1.453152027f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5f * 1.421413741f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5f * -0.284496736f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5f * 0.254829592f));
    __m512 rest = _mm512_mul_ps(_mm512_mul_ps(p, t), e);
    value = _mm512_fnmadd_ps(size, rest, _mm512_max_ps(x, _mm512_setzero_ps()));
    __m512 cdf = _mm512_mask_sub_ps(rest, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GE_OQ), one, rest);
    slope = _mm512_fmadd_ps(_mm512_mul_ps(x, e), _mm512_set1_ps(0.39894228040143268f), cdf);
}

inline __m512 gelu_slope16(__m512 x) {
    __m512 value, slope;
    gelu_and_slope16(x, value, slope);
    return slope;
}

// Lanes that a dropout keeps of sixteen neighbours from an even index on.
inline __mmask16 keep16(const Drop& drop, int64_t index) {
    const __m512i golden = _mm512_set1_epi64(static_cast<int64_t>(0x9E3779B97F4A7C15ull));
    __m512i z = _mm512_mullo_epi64(_mm512_add_epi64(_mm512_set1_epi64(index >> 1), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0)), golden);
    z = _mm512_add_epi64(z, _mm512_set1_epi64(static_cast<int64_t>(drop.seed)));
    z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 30)), _mm512_set1_epi64(static_cast<int64_t>(0xBF58476D1CE4E5B9ull)));
    z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 27)), _mm512_set1_epi64(static_cast<int64_t>(0x94D049BB133111EBull)));
    return _mm512_cmpge_epu32_mask(_mm512_xor_si512(z, _mm512_srli_epi64(z, 31)), _mm512_set1_epi32(static_cast<int32_t>(drop.limit)));
}

inline __m512 drop16(const Drop& drop, int64_t index, __m512 v) { return _mm512_maskz_mul_ps(keep16(drop, index), v, _mm512_set1_ps(drop.scale)); }

}  // namespace tandem
#endif
