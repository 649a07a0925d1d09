// Convolutions over a grid of rows of channels: [n, rows, columns, channels], zero padding kernel div 2, the grid stays as it is. With few
// channels a group, sixteen output channels are one vector: inputs are spread beforehand, so that each lane finds the channel of its group.
#include "kernels.h"
#include "products.h"

namespace tandem {
namespace {

// libtorch's convolution on a channels-last view: no transposed copy of the activations.
Tensor composite(const Tensor& x, const Tensor& w, const optional<Tensor>& b, int64_t groups) {
    Tensor weight = w.to(x.scalar_type()), bias = b.has_value() ? b->to(x.scalar_type()) : Tensor();
    int64_t kh = weight.size(2), kw = weight.size(3), rows = x.size(1), columns = x.size(2);
    Tensor y = at::conv2d(x.permute({0, 3, 1, 2}), weight, bias, {1, 1}, {kh / 2, kw / 2}, {1, 1}, groups);
    if (kh % 2 == 0) y = y.narrow(2, 0, rows);
    if (kw % 2 == 0) y = y.narrow(3, 0, columns);
    return y.permute({0, 2, 3, 1}).contiguous();
}

#ifdef TANDEM_AVX512

constexpr int64_t most_groups = 4;   // that sixteen neighbouring channels may belong to
constexpr int64_t parts = 16;        // of the images, whose gradients of the weight are added in order

// Sizes of one convolution; `above` and `left` are the padding before the first row and column.
struct Grid {
    int64_t images, rows, columns, inputs, outputs, groups, kh, kw, above, left;
    int64_t in() const { return inputs / groups; }
    int64_t out() const { return outputs / groups; }
    int64_t high() const { return rows + kh - 1; }
    int64_t wide() const { return columns + kw - 1; }
};

// Which lanes of a vector of outputs belong to which group.
struct Lanes {
    int64_t first, count;
    __mmask16 of[most_groups];
    __m512i index;   // of each lane's first word
    Lanes(const Grid& d, int64_t vector, int64_t words) {
        first = vector * 16 / d.out();
        count = (vector * 16 + 15) / d.out() - first + 1;
        alignas(64) int32_t numbers[16];
        for (int lane = 0; lane < 16; lane++) numbers[lane] = static_cast<int32_t>(((vector * 16 + lane) / d.out() - first) * words);
        index = _mm512_load_si512(numbers);
        for (int64_t g = 0; g < count; g++) {
            of[g] = 0;
            for (int lane = 0; lane < 16; lane++)
                if ((vector * 16 + lane) / d.out() == first + g) of[g] |= static_cast<__mmask16>(1 << lane);
        }
    }
};

inline std::vector<Lanes> all_lanes(const Grid& d, int64_t words) {
    std::vector<Lanes> all;
    for (int64_t v = 0; v < d.outputs / 16; v++) all.emplace_back(d, v, words);
    return all;
}

inline __m512i broadcast(const int32_t* p) { return _mm512_broadcastd_epi32(_mm_loadu_si32(p)); }

// 32-bit words (a float, or a pair) of each group, spread over the group's lanes: word j of group g stands at from[g·words + j]. Where all
// of them fit in one or two registers, they are permuted from there.
inline void spread(const int32_t* from, int64_t words, const Lanes& lanes, float* to) {
    int64_t all = lanes.count * words;
    __m512i index = lanes.index, one = _mm512_set1_epi32(1);
    if (all <= 16) {
        __m512i low = _mm512_maskz_loadu_epi32(first_lanes(all), from);
        for (int64_t j = 0; j < words; j++, index = _mm512_add_epi32(index, one))
            _mm512_store_si512(reinterpret_cast<__m512i*>(to + j * 16), _mm512_permutexvar_epi32(index, low));
    } else if (all <= 32) {
        __m512i low = _mm512_loadu_si512(from), high = _mm512_maskz_loadu_epi32(first_lanes(all - 16), from + 16);
        for (int64_t j = 0; j < words; j++, index = _mm512_add_epi32(index, one))
            _mm512_store_si512(reinterpret_cast<__m512i*>(to + j * 16), _mm512_permutex2var_epi32(low, index, high));
    } else if (lanes.count == 1) {
        for (int64_t j = 0; j < words; j++) _mm512_store_si512(reinterpret_cast<__m512i*>(to + j * 16), broadcast(from + j));
    } else {
        for (int64_t j = 0; j < words; j++) {
            __m512i v = broadcast(from + j);
            for (int64_t g = 1; g < lanes.count; g++) v = _mm512_mask_blend_epi32(lanes.of[g], v, broadcast(from + g * words + j));
            _mm512_store_si512(reinterpret_cast<__m512i*>(to + j * 16), v);
        }
    }
}

inline __m512 multiply_add(__m512 a, __m512 b, __m512 sum, float) { return _mm512_fmadd_ps(a, b, sum); }
inline __m512 multiply_add(__m512 a, __m512 b, __m512 sum, bf16) {
#if defined(__AVX512BF16__)
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(a), (__m512bh)_mm512_castps_si512(b));
#else
    return sum;
#endif
}

// Where a vector lies within one group, its lanes share their inputs: words are not spread but broadcast as they are read.
template <bool Shared>
inline __m512 inputs_at(const float* from, int64_t word) {
    return Shared ? _mm512_set1_ps(from[word]) : _mm512_load_ps(from + word * 16);
}

// P neighbouring outputs of a row: x points at the spread inputs of the first tap, w at the vector's weights.
template <class T, bool Shared, int P>
inline void outputs_of(const float* x, const float* w, const Grid& d, int64_t words, __m512 bias, T* y, int64_t ld) {
    __m512 sums[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) sums[p] = bias;
    for (int64_t dy = 0; dy < d.kh; dy++)
        for (int64_t dx = 0; dx < d.kw; dx++) {
            const float* from = x + (dy * d.wide() + dx) * words * (Shared ? 1 : 16);
            for (int64_t j = 0; j < words; j++, w += 16) {
                __m512 weight = _mm512_load_ps(w);
#pragma GCC unroll 8
                for (int p = 0; p < P; p++) sums[p] = multiply_add(weight, inputs_at<Shared>(from, p * words + j), sums[p], T{});
            }
        }
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) store16(y + p * ld, sums[p]);
}

template <class T, bool Shared>
void outputs_of(int64_t p, const float* x, const float* w, const Grid& d, int64_t words, __m512 bias, T* y, int64_t ld) {
    switch (p) {
        case 8: outputs_of<T, Shared, 8>(x, w, d, words, bias, y, ld); break;
        case 7: outputs_of<T, Shared, 7>(x, w, d, words, bias, y, ld); break;
        case 6: outputs_of<T, Shared, 6>(x, w, d, words, bias, y, ld); break;
        case 5: outputs_of<T, Shared, 5>(x, w, d, words, bias, y, ld); break;
        case 4: outputs_of<T, Shared, 4>(x, w, d, words, bias, y, ld); break;
        case 3: outputs_of<T, Shared, 3>(x, w, d, words, bias, y, ld); break;
        case 2: outputs_of<T, Shared, 2>(x, w, d, words, bias, y, ld); break;
        default: outputs_of<T, Shared, 1>(x, w, d, words, bias, y, ld); break;
    }
}

// Weights as the kernel reads them: [vector][tap][word][lane][within word]; value(output, input in group, dy, dx).
template <class T, class Value>
Tensor arranged(const Grid& d, Value&& value) {
    constexpr int64_t s = step_of<T>;
    int64_t words = d.in() / s;
    Tensor memory = at::empty({d.outputs / 16 * d.kh * d.kw * words * 16}, at::kFloat);
    auto to = reinterpret_cast<T*>(data<float>(memory));
    for (int64_t v = 0; v < d.outputs / 16; v++)
        for (int64_t dy = 0; dy < d.kh; dy++)
            for (int64_t dx = 0; dx < d.kw; dx++)
                for (int64_t j = 0; j < words; j++)
                    for (int64_t lane = 0; lane < 16; lane++)
                        for (int64_t i = 0; i < s; i++) *to++ = to_element(value(v * 16 + lane, j * s + i, dy, dx), T{});
    return memory;
}

template <class T, bool Shared>
void convolve(const Grid& d, const T* x, const float* weights, const float* bias, T* y) {
    int64_t words = d.in() / step_of<T>, place = words * (Shared ? 1 : 16), blocks = (d.columns + 7) / 8;
    const std::vector<Lanes> lanes_of = all_lanes(d, words);
#pragma omp parallel for schedule(dynamic, 4) if (d.images > 1 && at::get_num_threads() > 1)
    for (int64_t image = 0; image < d.images; image++) {
        float* spreads = thread_memory<float>(d.high() * d.wide() * place, 0);
        for (int64_t v = 0; v < d.outputs / 16; v++) {
            const Lanes& lanes = lanes_of[v];
            const float* w = weights + v * d.kh * d.kw * words * 16;
            __m512 offset = bias != nullptr ? load16(bias + v * 16) : _mm512_setzero_ps();
            auto fill = [&](int64_t high) {
                float* to = spreads + high * d.wide() * place;
                int64_t row = high - d.above;
                for (int64_t c = 0; c < d.wide(); c++, to += place) {
                    int64_t column = c - d.left;
                    if (row < 0 || row >= d.rows || column < 0 || column >= d.columns) {
                        if (v == 0) std::memset(to, 0, place * sizeof(float));
                        continue;
                    }
                    const T* from = x + ((image * d.rows + row) * d.columns + column) * d.inputs + lanes.first * d.in();
                    if (Shared) std::memcpy(to, from, words * sizeof(float));
                    else spread(reinterpret_cast<const int32_t*>(from), words, lanes, to);
                }
            };
            for (int64_t high = 0; high < d.kh - 1; high++) fill(high);
            for (int64_t row = 0; row < d.rows; row++) {
                fill(row + d.kh - 1);
                for (int64_t b = 0; b < blocks; b++) {
                    int64_t begin = d.columns * b / blocks, end = d.columns * (b + 1) / blocks;
                    outputs_of<T, Shared>(end - begin, spreads + (row * d.wide() + begin) * place, w, d, words, offset,
                                  y + ((image * d.rows + row) * d.columns + begin) * d.outputs + v * 16, d.outputs);
                }
            }
        }
    }
}

// Words along the columns for the gradient of the weight: a float, or the values of two neighbouring places.
inline void column_words(const float* here, const float*, int64_t count, int32_t* to) { std::memcpy(to, here, count * sizeof(float)); }
inline void column_words(const bf16* here, const bf16* next, int64_t count, int32_t* to) {
    for (int64_t i = 0; i < count; i += 16) {
        __mmask16 m = first_lanes(count - i);
        __m512i low = here == nullptr ? _mm512_setzero_si512() : _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, here + i));
        __m512i high = next == nullptr ? _mm512_setzero_si512() : _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, next + i)), 16);
        _mm512_mask_storeu_epi32(to + i, m, _mm512_or_si512(low, high));
    }
}

// sums[tap][input][lane] += g · x for D neighbouring taps of a kernel row and I inputs of a group.
template <class T, bool Shared, int D, int I>
inline void taps_of(const float* x, const float* g, const Grid& d, int64_t in, float* to) {
    constexpr int64_t s = step_of<T>;
    int64_t halves = (d.columns + s - 1) / s;
    __m512 sums[D][I];
#pragma GCC unroll 3
    for (int t = 0; t < D; t++)
#pragma GCC unroll 8
        for (int i = 0; i < I; i++) sums[t][i] = _mm512_load_ps(to + (t * in + i) * 16);
    for (int64_t row = 0; row < d.rows; row++)
        for (int64_t c = 0; c < halves; c++) {
            __m512 gradient = _mm512_load_ps(g + (row * halves + c) * 16);
            const float* from = x + (row * d.wide() + c * s) * in * (Shared ? 1 : 16);
#pragma GCC unroll 3
            for (int t = 0; t < D; t++)
#pragma GCC unroll 8
                for (int i = 0; i < I; i++) sums[t][i] = multiply_add(gradient, inputs_at<Shared>(from, t * in + i), sums[t][i], T{});
        }
#pragma GCC unroll 3
    for (int t = 0; t < D; t++)
#pragma GCC unroll 8
        for (int i = 0; i < I; i++) _mm512_store_ps(to + (t * in + i) * 16, sums[t][i]);
}

template <class T, bool Shared, int D>
void taps_of(const float* x, const float* g, const Grid& d, float* to) {
    constexpr int64_t word = Shared ? 1 : 16;
    int64_t in = d.in(), i = 0;
    for (; i + 8 <= in; i += 8) taps_of<T, Shared, D, 8>(x + i * word, g, d, in, to + i * 16);
    for (; i + 2 <= in; i += 2) taps_of<T, Shared, D, 2>(x + i * word, g, d, in, to + i * 16);
    for (; i < in; i++) taps_of<T, Shared, D, 1>(x + i * word, g, d, in, to + i * 16);
}

template <class T, bool Shared>
void weight_gradient_of(const Grid& d, const T* x, const T* g, float* weight, float* bias) {
    constexpr int64_t s = step_of<T>, word = Shared ? 1 : 16;
    int64_t in = d.in(), vectors = d.outputs / 16, halves = (d.columns + s - 1) / s, per_vector = d.kh * d.kw * in * 16;
    Tensor sums = at::empty({parts, vectors * per_vector}, at::kFloat), bias_sums = at::empty({parts, d.outputs}, at::kFloat);
    int64_t step = (d.images + parts - 1) / parts;
    const std::vector<Lanes> lanes_of = all_lanes(d, in);
#pragma omp parallel for schedule(dynamic, 1) if (at::get_num_threads() > 1)
    for (int64_t part = 0; part < parts; part++) {
        float *out = data<float>(sums) + part * vectors * per_vector, *offsets = data<float>(bias_sums) + part * d.outputs;
        std::memset(out, 0, vectors * per_vector * sizeof(float));
        std::memset(offsets, 0, d.outputs * sizeof(float));
        float *spreads = thread_memory<float>(d.high() * d.wide() * in * word, 0), *gradients = thread_memory<float>(d.rows * halves * 16, 1);
        auto words = thread_memory<int32_t>(most_groups * in + 16, 2);
        for (int64_t image = part * step; image < std::min(d.images, (part + 1) * step); image++)
            for (int64_t v = 0; v < vectors; v++) {
                const Lanes& lanes = lanes_of[v];
                float* to = spreads;
                for (int64_t high = 0; high < d.high(); high++)
                    for (int64_t c = 0; c < d.wide(); c++, to += in * word) {
                        int64_t row = high - d.above, column = c - d.left;
                        auto at = [&](int64_t k) -> const T* {
                            if (row < 0 || row >= d.rows || k < 0 || k >= d.columns) return nullptr;
                            return x + ((image * d.rows + row) * d.columns + k) * d.inputs + lanes.first * in;
                        };
                        const T *here = at(column), *next = s == 2 ? at(column + 1) : nullptr;
                        if (here == nullptr && next == nullptr) {
                            if (v == 0) std::memset(to, 0, in * word * sizeof(float));
                            continue;
                        }
                        column_words(here, next, lanes.count * in, Shared ? reinterpret_cast<int32_t*>(to) : words);
                        if (!Shared) spread(words, in, lanes, to);
                    }
                __m512 offset = load16(offsets + v * 16);
                for (int64_t row = 0; row < d.rows; row++)
                    for (int64_t c = 0; c < halves; c++) {
                        const T* here = g + ((image * d.rows + row) * d.columns + c * s) * d.outputs + v * 16;
                        bool both = s == 2 && c * s + 1 < d.columns;
                        column_words(here, both ? here + d.outputs : nullptr, 16, reinterpret_cast<int32_t*>(gradients + (row * halves + c) * 16));
                        offset = _mm512_add_ps(offset, load16(here));
                        if (both) offset = _mm512_add_ps(offset, load16(here + d.outputs));
                    }
                store16(offsets + v * 16, offset);
                for (int64_t dy = 0; dy < d.kh; dy++) {
                    const float* from = spreads + dy * d.wide() * in * word;
                    float* taps = out + v * per_vector + dy * d.kw * in * 16;
                    int64_t dx = 0;
                    for (; dx + 3 <= d.kw; dx += 3) taps_of<T, Shared, 3>(from + dx * in * word, gradients, d, taps + dx * in * 16);
                    for (; dx < d.kw; dx++) taps_of<T, Shared, 1>(from + dx * in * word, gradients, d, taps + dx * in * 16);
                }
            }
    }
    // Parts in order, straight through memory; then the few sums that remain are put in the weight's order.
    float *all = data<float>(sums), *offsets = data<float>(bias_sums);
    int64_t count = vectors * per_vector;
    for_chunks(count / 16, parts * 64, [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t i = begin * 16; i < end * 16; i += 16) {
            __m512 total = load16(all + i);
            for (int64_t part = 1; part < parts; part++) total = _mm512_add_ps(total, load16(all + part * count + i));
            store16(all + i, total);
        }
    });
    for_chunks(d.outputs, in * d.kh * d.kw * 4, [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; o++) {
            for (int64_t tap = 0; tap < d.kh * d.kw; tap++)
                for (int64_t i = 0; i < in; i++) weight[(o * in + i) * d.kh * d.kw + tap] = all[o / 16 * per_vector + (tap * in + i) * 16 + o % 16];
            if (bias == nullptr) continue;
            bias[o] = offsets[o];
            for (int64_t part = 1; part < parts; part++) bias[o] += offsets[part * d.outputs + o];
        }
    });
}

Grid grid_of(const Tensor& x, const Tensor& w, int64_t groups) {
    return {x.size(0), x.size(1), x.size(2), x.size(3), w.size(0), groups, w.size(2), w.size(3), w.size(2) / 2, w.size(3) / 2};
}

bool shared(const Grid& d) { return d.out() % 16 == 0; }

// The convolution that turns gradients of outputs into gradients of inputs: channels exchanged, kernel mirrored.
Grid mirrored(const Grid& d) { return {d.images, d.rows, d.columns, d.outputs, d.inputs, d.groups, d.kh, d.kw, d.kh - 1 - d.kh / 2, d.kw - 1 - d.kw / 2}; }

bool ours(const Tensor& x, const Tensor& w, const optional<Tensor>& b, int64_t groups) {
    if (!x.is_cpu() || x.numel() == 0 || w.scalar_type() != at::kFloat || (b.has_value() && b->scalar_type() != at::kFloat)) return false;
    bool low = x.scalar_type() == at::kBFloat16;
    if (x.scalar_type() != at::kFloat && !(low && has_bf16_products)) return false;
    Grid d = grid_of(x, w, groups);
    if (d.inputs % 16 != 0 || d.outputs % 16 != 0 || d.in() != w.size(1)) return false;
    for (int64_t of : {d.in(), d.out()}) {
        // With many channels a group, libtorch's products are as good; with few, a vector would span too many groups.
        if (of < 5 && 16 % of != 0) return false;
        if (of > 64 || of < 16 / most_groups || (low && of % 2 != 0)) return false;
    }
    return d.high() * d.wide() * d.in() * 64 < (8 << 20);
}

struct ConvRows : Function<ConvRows> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& w_in, const optional<Tensor>& b_in, int64_t groups) {
        Tensor x = x_in.contiguous(), w = w_in.contiguous(), b = b_in.has_value() ? b_in->contiguous() : Tensor();
        Grid d = grid_of(x, w, groups);
        Tensor y = at::empty({d.images, d.rows, d.columns, d.outputs}, x.options());
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            const float* p = data<float>(w);
            Tensor weights = arranged<T>(d, [&](int64_t o, int64_t i, int64_t dy, int64_t dx) { return p[((o * d.in() + i) * d.kh + dy) * d.kw + dx]; });
            (shared(d) ? convolve<T, true> : convolve<T, false>)(d, data<T>(x), data<float>(weights), data<float>(b), data<T>(y));
        });
        ctx->save_for_backward({x, w});
        ctx->saved_data["groups"] = groups;
        ctx->saved_data["bias"] = b.defined();
        return y;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor x = saved[0], w = saved[1], g = grads[0].contiguous(), gx, gw = at::empty_like(w), gb;
        Grid d = grid_of(x, w, ctx->saved_data["groups"].toInt());
        if (ctx->saved_data["bias"].toBool()) gb = at::empty({d.outputs}, w.options());
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            const float* p = data<float>(w);
            if (ctx->needs_input_grad(0)) {
                gx = at::empty_like(x);
                Grid m = mirrored(d);
                Tensor weights = arranged<T>(m, [&](int64_t input, int64_t o, int64_t dy, int64_t dx) {
                    int64_t group = input / d.in(), output = group * d.out() + o;
                    return p[((output * d.in() + input % d.in()) * d.kh + d.kh - 1 - dy) * d.kw + d.kw - 1 - dx];
                });
                (shared(m) ? convolve<T, true> : convolve<T, false>)(m, data<T>(g), data<float>(weights), nullptr, data<T>(gx));
            }
            (shared(d) ? weight_gradient_of<T, true> : weight_gradient_of<T, false>)(d, data<T>(x), data<T>(g), data<float>(gw), data<float>(gb));
        });
        return {gx, gw, gb, Tensor()};
    }
};

#endif

Tensor conv_rows(const Tensor& x, const Tensor& w, const optional<Tensor>& b, int64_t groups) {
#ifdef TANDEM_AVX512
    if (ours(x, w, b, groups)) return ConvRows::apply(x, w, b, groups);
#endif
    return composite(x, w, b, groups);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("conv_rows(Tensor x, Tensor weight, Tensor? bias, int groups) -> Tensor", &conv_rows);
}

}  // namespace tandem
