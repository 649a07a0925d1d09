// softmax(q·kᵀ·scale + bias) v without the score matrix in memory: queries in tiles, scores recomputed for the gradient. libtorch 1.13 has
// no such kernel for training on CPUs, and its batched products are a serial loop without MKL.
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

typedef float vec __attribute__((vector_size(64), aligned(4)));
constexpr int64_t lanes = 16;
constexpr int64_t tile = 96;  // queries at a time, at most

// Tiles of equal size: a last one of few queries would cost as much as a full one.
inline int64_t tile_of(int64_t queries) {
    int64_t tiles = (queries + tile - 1) / tile;
    return (queries + tiles - 1) / tiles;
}

inline int64_t padded(int64_t n) { return (n + lanes - 1) / lanes * lanes; }

template <int Rows, int Vecs>
inline void block(const float* a, int64_t ai, int64_t ak, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t depth, bool accumulate) {
    vec sum[Rows][Vecs];
    for (int i = 0; i < Rows; i++)
        for (int j = 0; j < Vecs; j++) sum[i][j] = accumulate ? *reinterpret_cast<const vec*>(c + i * ldc + j * lanes) : vec{};
    for (int64_t k = 0; k < depth; k++) {
        vec right[Vecs];
        for (int j = 0; j < Vecs; j++) right[j] = *reinterpret_cast<const vec*>(b + k * ldb + j * lanes);
        for (int i = 0; i < Rows; i++) {
            float left = a[i * ai + k * ak];
            for (int j = 0; j < Vecs; j++) sum[i][j] += left * right[j];
        }
    }
    for (int i = 0; i < Rows; i++)
        for (int j = 0; j < Vecs; j++) *reinterpret_cast<vec*>(c + i * ldc + j * lanes) = sum[i][j];
}

template <int Vecs>
inline void rows_of(const float* a, int64_t ai, int64_t ak, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t rows, int64_t depth, bool accumulate) {
    int64_t i = 0;
    for (; i + 6 <= rows; i += 6) block<6, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, depth, accumulate);
    for (; i + 2 <= rows; i += 2) block<2, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, depth, accumulate);
    for (; i < rows; i++) block<1, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, depth, accumulate);
}

// c [rows, columns] (+)= a · b with a(i, k) = a[i·ai + k·ak], b row-major; columns are a multiple of 16.
void product(const float* a, int64_t ai, int64_t ak, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t rows, int64_t columns, int64_t depth, bool accumulate) {
    int64_t j = 0;
    for (; j + 4 * lanes <= columns; j += 4 * lanes) rows_of<4>(a, ai, ak, b + j, ldb, c + j, ldc, rows, depth, accumulate);
    for (; j + 2 * lanes <= columns; j += 2 * lanes) rows_of<2>(a, ai, ak, b + j, ldb, c + j, ldc, rows, depth, accumulate);
    for (; j < columns; j += lanes) rows_of<1>(a, ai, ak, b + j, ldb, c + j, ldc, rows, depth, accumulate);
}

// Where a head's rows lie: element (sample, row, head, channel) at sample·s + row·r + head·width + channel.
template <class T>
struct Heads {
    T* base;
    int64_t sample, row;
    T* at(int64_t n, int64_t h, int64_t width) const { return base + n * sample + h * width; }
};

struct Shape {
    int64_t samples, heads, queries, keys, width;   // width of one head
    float scale;
};

struct Extras {
    const float* bias;          // [bias_samples, bias_heads, queries, keys]
    int64_t bias_samples, bias_heads;
    const bool* padding;        // [samples, keys]
    const uint8_t* kept;        // [samples, heads, queries, keys], a recorded dropout mask
    double rate;
    uint64_t seed;
    float* bias_gradient;       // [samples, bias_heads, queries, keys]
};

// Scores of a tile of queries → probabilities; also the logarithm of each row's sum.
void softmax_tile(float* s, int64_t ld, const Shape& d, const Extras& e, int64_t n, int64_t h, int64_t from, int64_t count, float* logsum, bool given) {
    for (int64_t i = 0; i < count; i++) {
        float* __restrict row = s + i * ld;
        if (e.bias != nullptr && h < e.bias_heads) {
            const float* __restrict b = e.bias + (((e.bias_samples == 1 ? 0 : n) * e.bias_heads + h) * d.queries + from + i) * d.keys;
#pragma omp simd
            for (int64_t j = 0; j < d.keys; j++) row[j] += b[j];
        }
        if (e.padding != nullptr) {
            const bool* p = e.padding + n * d.keys;
            for (int64_t j = 0; j < d.keys; j++)
                if (p[j]) row[j] = -INFINITY;
        }
#ifdef TANDEM_AVX512
        float shift = given ? logsum[i] : -INFINITY;
        if (!given) {
            __m512 most = _mm512_set1_ps(-INFINITY);
            for (int64_t j = 0; j < d.keys; j += lanes) {
                __mmask16 m = first_lanes(d.keys - j);
                most = _mm512_mask_max_ps(most, m, most, load16(row + j, m));
            }
            shift = _mm512_reduce_max_ps(most);
        }
        __m512 sums = _mm512_setzero_ps(), from_shift = _mm512_set1_ps(shift);
        for (int64_t j = 0; j < d.keys; j += lanes) {
            __mmask16 m = first_lanes(d.keys - j);
            __m512 v = _mm512_maskz_mov_ps(m, exp16(_mm512_sub_ps(load16(row + j, m), from_shift)));
            store16(row + j, v);  // rows are padded to whole vectors
            sums = _mm512_add_ps(sums, v);
        }
        if (!given) {
            float sum = _mm512_reduce_add_ps(sums);
            __m512 inverse = _mm512_set1_ps(1.0f / sum);
            for (int64_t j = 0; j < d.keys; j += lanes) store16(row + j, _mm512_mul_ps(load16(row + j), inverse));
            logsum[i] = shift + std::log(sum);
        }
#else
        float shift;
        if (given) {
            shift = logsum[i];
        } else {
            shift = -INFINITY;
#pragma omp simd reduction(max : shift)
            for (int64_t j = 0; j < d.keys; j++) shift = std::max(shift, row[j]);
        }
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t j = 0; j < d.keys; j++) {
            row[j] = fast_exp(row[j] - shift);
            sum += row[j];
        }
        if (!given) {
            float inverse = 1.0f / sum;
#pragma omp simd
            for (int64_t j = 0; j < d.keys; j++) row[j] *= inverse;
            logsum[i] = shift + std::log(sum);
        }
        for (int64_t j = d.keys; j < ld; j++) row[j] = 0;
#endif
    }
}

inline float keep_factor(const Extras& e, int64_t index, float scale) {
    if (e.kept != nullptr) return e.kept[index] ? scale : 0.0f;
    return random_bits(e.seed, index) >= static_cast<uint32_t>(e.rate * 4294967296.0) ? scale : 0.0f;
}

// to <- from with dropped entries zeroed and kept ones scaled
void drop_tile(const float* from, float* to, int64_t ld, const Shape& d, const Extras& e, int64_t n, int64_t h, int64_t first, int64_t count) {
    float scale = static_cast<float>(1.0 / (1.0 - e.rate));
    for (int64_t i = 0; i < count; i++) {
        int64_t index = ((n * d.heads + h) * d.queries + first + i) * d.keys;
        for (int64_t j = 0; j < d.keys; j++) to[i * ld + j] = from[i * ld + j] * keep_factor(e, index + j, scale);
        for (int64_t j = d.keys; j < ld; j++) to[i * ld + j] = 0;
    }
}

// A thread's memory, grown when a larger problem comes.
float* scratch(size_t floats) {
    thread_local std::vector<float> memory;
    if (memory.size() < floats + 16) memory.resize(floats + 16);
    auto address = reinterpret_cast<uintptr_t>(memory.data());
    return reinterpret_cast<float*>((address + 63) & ~uintptr_t{63});
}

#ifdef TANDEM_AVX512

// Rows of a head as floats times a factor, filled with zeros up to ld, a multiple of 16.
template <class T>
void gather(const T* from, int64_t row, float* to, int64_t ld, int64_t count, int64_t width, float factor) {
    __m512 by = _mm512_set1_ps(factor);
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < ld; k += lanes) store16(to + i * ld + k, _mm512_mul_ps(load16(from + i * row + k, first_lanes(width - k)), by));
}

template <class T>
void scatter(const float* from, int64_t ld, T* to, int64_t row, int64_t count, int64_t width, float factor) {
    __m512 by = _mm512_set1_ps(factor);
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < width; k += lanes) store16(to + i * row + k, _mm512_mul_ps(load16(from + i * ld + k), by), first_lanes(width - k));
}

// Sixteen rows of sixteen.
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

// [rows, ld] with zeros beyond `columns` → [columns, ldt] with zeros beyond `rows`; both strides are multiples of 16.
void transpose(const float* from, int64_t ld, float* to, int64_t ldt, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < ldt; i += lanes)
        for (int64_t k = 0; k < columns; k += lanes) {
            __m512 r[16];
#pragma GCC unroll 16
            for (int64_t j = 0; j < 16; j++) r[j] = i + j < rows ? load16(from + (i + j) * ld + k) : _mm512_setzero_ps();
            transpose16(r);
#pragma GCC unroll 16
            for (int64_t j = 0; j < 16; j++)
                if (k + j < columns) store16(to + (k + j) * ldt + i, r[j]);
        }
}

#else

template <class T>
void gather(const T* from, int64_t row, float* to, int64_t ld, int64_t count, int64_t width, float factor) {
    for (int64_t i = 0; i < count; i++) {
        load_row(from + i * row, to + i * ld, width);
        for (int64_t k = 0; k < width; k++) to[i * ld + k] *= factor;
        for (int64_t k = width; k < ld; k++) to[i * ld + k] = 0;
    }
}

void transpose(const float* from, int64_t ld, float* to, int64_t ldt, int64_t rows, int64_t columns) {
    for (int64_t k = 0; k < columns; k++) {
        for (int64_t i = 0; i < rows; i++) to[k * ldt + i] = from[i * ld + k];
        for (int64_t i = rows; i < ldt; i++) to[k * ldt + i] = 0;
    }
}

template <class T>
void scatter(const float* from, int64_t ld, T* to, int64_t row, int64_t count, int64_t width, float factor) {
    std::vector<float> line(width);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < width; k++) line[k] = from[i * ld + k] * factor;
        store_row(line.data(), to + i * row, width);
    }
}

#endif

template <class T>
void forward_heads(const Shape& d, const Extras& e, Heads<T> q, Heads<T> k, Heads<T> v, Heads<T> out, float* logsum) {
    int64_t wide = padded(d.width), long_ = padded(d.keys);
    int64_t step = tile_of(d.queries);
    bool drop = e.kept != nullptr || e.rate > 0;
    bool parallel = at::get_num_threads() > 1;
#pragma omp parallel for schedule(dynamic, 8) if (parallel)
    for (int64_t task = 0; task < d.samples * d.heads; task++) {
        int64_t n = task / d.heads, h = task % d.heads;
        float* memory = scratch(d.keys * wide * 2 + d.width * long_ + tile * (2 * wide + 2 * long_));
        float *keys = memory, *values = keys + d.keys * wide, *turned = values + d.keys * wide, *queries = turned + d.width * long_;
        float *outputs = queries + tile * wide, *scores = outputs + tile * wide, *dropped = scores + tile * long_;
        gather(k.at(n, h, d.width), k.row, keys, wide, d.keys, d.width, 1.0f);
        gather(v.at(n, h, d.width), v.row, values, wide, d.keys, d.width, 1.0f);
        transpose(keys, wide, turned, long_, d.keys, d.width);
        for (int64_t from = 0; from < d.queries; from += step) {
            int64_t count = std::min(step, d.queries - from);
            gather(q.at(n, h, d.width) + from * q.row, q.row, queries, wide, count, d.width, d.scale);
            product(queries, wide, 1, turned, long_, scores, long_, count, long_, d.width, false);
            softmax_tile(scores, long_, d, e, n, h, from, count, logsum + (n * d.heads + h) * d.queries + from, false);
            if (drop) drop_tile(scores, dropped, long_, d, e, n, h, from, count);
            product(drop ? dropped : scores, long_, 1, values, wide, outputs, wide, count, wide, d.keys, false);
            scatter(outputs, wide, out.at(n, h, d.width) + from * out.row, out.row, count, d.width, 1.0f);
        }
    }
}

template <class T>
void backward_heads(const Shape& d, const Extras& e, Heads<T> q, Heads<T> k, Heads<T> v, Heads<T> out, Heads<T> g, const float* logsum, Heads<T> gq, Heads<T> gk,
                    Heads<T> gv) {
    int64_t wide = padded(d.width), long_ = padded(d.keys);
    int64_t step = tile_of(d.queries);
    bool drop = e.kept != nullptr || e.rate > 0;
    bool parallel = at::get_num_threads() > 1;
    float factor = static_cast<float>(1.0 / (1.0 - e.rate));
#pragma omp parallel for schedule(dynamic, 8) if (parallel)
    for (int64_t task = 0; task < d.samples * d.heads; task++) {
        int64_t n = task / d.heads, h = task % d.heads;
        float* memory = scratch(d.keys * wide * 4 + d.width * long_ * 2 + tile * (4 * wide + 3 * long_));
        float *keys = memory, *values = keys + d.keys * wide, *grad_keys = values + d.keys * wide, *grad_values = grad_keys + d.keys * wide;
        float *turned_keys = grad_values + d.keys * wide, *turned_values = turned_keys + d.width * long_, *queries = turned_values + d.width * long_;
        float *outputs = queries + tile * wide, *grads = outputs + tile * wide, *grad_queries = grads + tile * wide, *p = grad_queries + tile * wide;
        float *dp = p + tile * long_, *dropped = dp + tile * long_;
        gather(k.at(n, h, d.width), k.row, keys, wide, d.keys, d.width, 1.0f);
        gather(v.at(n, h, d.width), v.row, values, wide, d.keys, d.width, 1.0f);
        transpose(keys, wide, turned_keys, long_, d.keys, d.width);
        transpose(values, wide, turned_values, long_, d.keys, d.width);
        for (int64_t from = 0; from < d.queries; from += step) {
            int64_t count = std::min(step, d.queries - from);
            gather(q.at(n, h, d.width) + from * q.row, q.row, queries, wide, count, d.width, d.scale);
            gather(out.at(n, h, d.width) + from * out.row, out.row, outputs, wide, count, d.width, 1.0f);
            gather(g.at(n, h, d.width) + from * g.row, g.row, grads, wide, count, d.width, 1.0f);
            product(queries, wide, 1, turned_keys, long_, p, long_, count, long_, d.width, false);
            softmax_tile(p, long_, d, e, n, h, from, count, const_cast<float*>(logsum) + (n * d.heads + h) * d.queries + from, true);
            product(grads, wide, 1, turned_values, long_, dp, long_, count, long_, d.width, false);
            const float* used = p;
            if (drop) {
                drop_tile(p, dropped, long_, d, e, n, h, from, count);
                used = dropped;
                for (int64_t i = 0; i < count; i++) {
                    int64_t index = ((n * d.heads + h) * d.queries + from + i) * d.keys;
                    for (int64_t j = 0; j < d.keys; j++) dp[i * long_ + j] *= keep_factor(e, index + j, factor);
                }
            }
            product(used, 1, long_, grads, wide, grad_values, wide, d.keys, wide, count, from > 0);
            for (int64_t i = 0; i < count; i++) {
                // Row sum of p·dp, by way of the output: it holds with dropout as well.
                float delta = 0;
                const float *o = outputs + i * wide, *go = grads + i * wide;
#pragma omp simd reduction(+ : delta)
                for (int64_t c = 0; c < wide; c++) delta += o[c] * go[c];
                float *row = dp + i * long_, *pr = p + i * long_;
#pragma omp simd
                for (int64_t j = 0; j < long_; j++) row[j] = pr[j] * (row[j] - delta);
                if (e.bias_gradient != nullptr && h < e.bias_heads) {
                    float* to = e.bias_gradient + ((n * e.bias_heads + h) * d.queries + from + i) * d.keys;
                    std::memcpy(to, row, d.keys * sizeof(float));
                }
            }
            product(dp, long_, 1, keys, wide, grad_queries, wide, count, wide, d.keys, false);
            product(dp, 1, long_, queries, wide, grad_keys, wide, d.keys, wide, count, from > 0);
            scatter(grad_queries, wide, gq.at(n, h, d.width) + from * gq.row, gq.row, count, d.width, d.scale);
        }
        // The queries were scaled already, so the keys' gradient is complete.
        scatter(grad_keys, wide, gk.at(n, h, d.width), gk.row, d.keys, d.width, 1.0f);
        scatter(grad_values, wide, gv.at(n, h, d.width), gv.row, d.keys, d.width, 1.0f);
    }
}

Tensor or_undefined(const optional<Tensor>& t) { return t.has_value() ? *t : Tensor(); }

// Queries alone and keys + values joined, or all three in one tensor (kv undefined): [n, rows, 3·D] or [n, rows, D] and [n, rows, 2·D].
template <class T>
Heads<T> part(const Tensor& q, const Tensor& kv, int index, int64_t width) {
    const Tensor& t = index == 0 || !kv.defined() ? q : kv;
    int64_t offset = !kv.defined() ? index : std::max(0, index - 1);
    return {data<T>(t) + offset * width, t.size(1) * t.size(2), t.size(2)};
}

Shape shape_of(const Tensor& q, const Tensor& kv, int64_t heads, double scale) {
    int64_t width = kv.defined() ? q.size(2) : q.size(2) / 3;
    TORCH_CHECK(width % heads == 0, "attention: a width of ", width, " cannot be shared by ", heads, " heads");
    return {q.size(0), heads, q.size(1), kv.defined() ? kv.size(1) : q.size(1), width / heads, static_cast<float>(scale)};
}

struct Attention : Function<Attention> {
    static Tensor forward(AutogradContext* ctx, const Tensor& q_in, const optional<Tensor>& kv_in, const optional<Tensor>& bias_in, const optional<Tensor>& padding,
                          const optional<Tensor>& kept, int64_t heads, double scale, double rate, int64_t seed) {
        Tensor q = q_in.contiguous(), kv = or_undefined(kv_in), bias = or_undefined(bias_in), pad = or_undefined(padding), keep = or_undefined(kept);
        if (kv.defined()) kv = kv.contiguous();
        if (bias.defined()) bias = bias.to(at::kFloat).contiguous();
        if (pad.defined()) pad = pad.to(at::kBool).contiguous();
        if (keep.defined()) keep = keep.to(at::kByte).contiguous();
        Shape d = shape_of(q, kv, heads, scale);
        int64_t width = d.width * heads;
        Tensor out = at::empty({d.samples, d.queries, width}, q.options());
        Tensor logsum = at::empty({d.samples, heads, d.queries}, q.options().dtype(at::kFloat));
        by_type(q.scalar_type(), [&](auto t) {
            using T = decltype(t);
            forward_heads<T>(d, extras(bias, pad, keep, rate, seed, Tensor()), part<T>(q, kv, 0, width), part<T>(q, kv, 1, width), part<T>(q, kv, 2, width),
                             {data<T>(out), d.queries * width, width}, data<float>(logsum));
        });
        ctx->save_for_backward({q, kv, bias, pad, keep, out, logsum});
        ctx->saved_data["heads"] = heads;
        ctx->saved_data["scale"] = scale;
        ctx->saved_data["rate"] = rate;
        ctx->saved_data["seed"] = seed;
        ctx->saved_data["bias_grad"] = bias_in.has_value() && bias_in->requires_grad();
        return out;
    }

    static Extras extras(const Tensor& bias, const Tensor& pad, const Tensor& keep, double rate, int64_t seed, const Tensor& bias_gradient) {
        return {data<float>(bias), bias.defined() ? bias.size(0) : 0, bias.defined() ? bias.size(1) : 0, data<bool>(pad), data<uint8_t>(keep), rate,
                static_cast<uint64_t>(seed), data<float>(bias_gradient)};
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor q = saved[0], kv = saved[1], bias = saved[2], out = saved[5], logsum = saved[6], g = grads[0].contiguous();
        Shape d = shape_of(q, kv, ctx->saved_data["heads"].toInt(), ctx->saved_data["scale"].toDouble());
        int64_t width = d.width * d.heads;
        Tensor gq = at::empty_like(q), gkv = kv.defined() ? at::empty_like(kv) : Tensor(), gb;
        if (ctx->saved_data["bias_grad"].toBool()) gb = at::empty({d.samples, bias.size(1), d.queries, d.keys}, bias.options());
        by_type(q.scalar_type(), [&](auto t) {
            using T = decltype(t);
            auto e = extras(bias, saved[3], saved[4], ctx->saved_data["rate"].toDouble(), ctx->saved_data["seed"].toInt(), gb);
            backward_heads<T>(d, e, part<T>(q, kv, 0, width), part<T>(q, kv, 1, width), part<T>(q, kv, 2, width), {data<T>(out), d.queries * width, width},
                              {data<T>(g), d.queries * width, width}, data<float>(logsum), part<T>(gq, gkv, 0, width), part<T>(gq, gkv, 1, width),
                              part<T>(gq, gkv, 2, width));
        });
        if (gb.defined() && bias.size(0) == 1 && d.samples > 1) gb = gb.sum(0, true);
        Tensor none;
        return {gq, gkv, gb, none, none, none, none, none, none};
    }
};

// The same with libtorch's operators, for other devices and types.
Tensor composite(const Tensor& q_in, const Tensor& kv, const Tensor& bias, const Tensor& padding, const Tensor& kept, int64_t heads, double scale, double rate, int64_t seed) {
    auto split = [&](const Tensor& t) { return t.reshape({t.size(0), t.size(1), heads, -1}).transpose(1, 2); };
    std::vector<Tensor> parts = kv.defined() ? kv.chunk(2, -1) : q_in.chunk(3, -1);
    if (kv.defined()) parts.insert(parts.begin(), q_in);
    Tensor q = split(parts[0]), k = split(parts[1]), v = split(parts[2]);
    Tensor scores = at::matmul(q * scale, k.transpose(-2, -1));
    if (scores.scalar_type() != at::kDouble) scores = scores.to(at::kFloat);
    if (bias.defined()) {
        int64_t biased = bias.size(1);
        scores = biased == heads ? scores + bias : at::cat({scores.narrow(1, 0, biased) + bias, scores.narrow(1, biased, heads - biased)}, 1);
    }
    if (padding.defined()) scores = scores.masked_fill(padding.to(at::kBool).unsqueeze(1).unsqueeze(1), -INFINITY);
    Tensor p = at::softmax(scores, -1);
    if (kept.defined()) {
        p = p * kept.to(p.scalar_type()) / (1.0 - rate);
    } else if (rate > 0) {
        auto generator = at::globalContext().defaultGenerator(q_in.device()).clone();
        generator.set_current_seed(static_cast<uint64_t>(seed));
        p = p * (at::rand(p.sizes(), generator, p.options()) >= rate).to(p.scalar_type()) / (1.0 - rate);
    }
    return at::matmul(p.to(v.scalar_type()), v).transpose(1, 2).reshape({q_in.size(0), q_in.size(1), -1});
}

Tensor attention(const Tensor& q, const optional<Tensor>& kv, const optional<Tensor>& bias, const optional<Tensor>& padding, const optional<Tensor>& kept, int64_t heads,
                 double scale, double rate, int64_t seed) {
    if (!q.is_cpu() || q.scalar_type() == at::kDouble)
        return composite(q, or_undefined(kv), or_undefined(bias), or_undefined(padding), or_undefined(kept), heads, scale, rate, seed);
    return Attention::apply(q, kv, bias, padding, kept, heads, scale, rate, seed);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("attention(Tensor q, Tensor? kv, Tensor? bias, Tensor? padding, Tensor? kept, int heads, float scale, float rate, int seed) -> Tensor", &attention);
}

}  // namespace tandem
