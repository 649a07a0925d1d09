// Linear layers and the feed-forward net of a transformer block. Weights stay float32 and are rounded while they are packed for the product,
// so no cast of them exists and their gradients are float32 sums. GELU happens within the products beside it, forward and backward.
#include <ATen/core/dispatch/Dispatcher.h>

#include "kernels.h"
#include "products.h"

namespace tandem {
namespace {

// libtorch's product, in x's type.
Tensor composite(const Tensor& x, const Tensor& w, const optional<Tensor>& b) {
    return at::linear(x, w.to(x.scalar_type()), b.has_value() ? b->to(x.scalar_type()) : Tensor());
}

Tensor gelu_of(const Tensor& x) {
    static auto op = c10::Dispatcher::singleton().findSchemaOrThrow("tandem::gelu", "").typed<Tensor(const Tensor&)>();
    return op.call(x);
}

#ifdef TANDEM_AVX512

bool ours(const Tensor& x, std::initializer_list<Tensor> weights) {
    if (!x.is_cpu() || x.numel() == 0) return false;
    if (x.scalar_type() != at::kFloat && !(x.scalar_type() == at::kBFloat16 && has_bf16_products)) return false;
    for (const Tensor& w : weights) {
        if (!w.is_cpu() || w.scalar_type() != at::kFloat || w.numel() == 0) return false;
        // Pairs along the depth, forward (inputs) and backward (outputs).
        if (w.dim() == 2 && x.scalar_type() == at::kBFloat16 && (w.size(0) % 2 != 0 || w.size(1) % 2 != 0)) return false;
    }
    return true;
}

template <class T>
struct Packed {
    Tensor memory;
    int64_t depth, columns;
    T* at() const { return data<T>(memory); }
};

// The matrix that turns inputs into outputs, and the one that turns gradients of outputs into gradients of inputs; w is [outputs, inputs].
template <class T>
Packed<T> forth(const Tensor& w) {
    int64_t n = w.size(0), k = w.size(1);
    Packed<T> p{at::empty({packed_size<T>(k, n)}, w.options().dtype(c10::CppTypeToScalarType<T>::value)), k, n};
    pack(data<float>(w), k, 1, k, n, p.at());
    return p;
}
template <class T>
Packed<T> back(const Tensor& w) {
    int64_t n = w.size(0), k = w.size(1);
    Packed<T> p{at::empty({packed_size<T>(n, k)}, w.options().dtype(c10::CppTypeToScalarType<T>::value)), n, k};
    pack(data<float>(w), 1, k, n, k, p.at());
    return p;
}

// Stores sums + bias as rows of T.
template <class T>
struct Store {
    T* to;
    int64_t ld;
    const float* bias;
    inline void operator()(int64_t row, int64_t column, __m512 v) const {
        __mmask16 m = first_lanes(ld - column);
        if (bias != nullptr) v = _mm512_add_ps(v, load16(bias + column, m));
        store16(to + row * ld + column, v, m);
    }
};

std::vector<int64_t> with_last(const Tensor& x, int64_t last) {
    std::vector<int64_t> sizes = x.sizes().vec();
    sizes.back() = last;
    return sizes;
}

struct Linear : Function<Linear> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& w_in, const optional<Tensor>& b_in) {
        Tensor x = x_in.contiguous(), w = w_in.contiguous(), b = b_in.has_value() ? b_in->contiguous() : Tensor();
        int64_t rows = x.numel() / x.size(-1), n = w.size(0), k = w.size(1);
        TORCH_CHECK(x.size(-1) == k, "linear: the input is ", x.size(-1), " wide, the weight takes ", k);
        Tensor y = at::empty(with_last(x, n), x.options());
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            auto packed = forth<T>(w);
            for_row_blocks(rows, [&](int64_t first, int64_t count) { rows_times(data<T>(x), k, first, count, packed.at(), k, n, Store<T>{data<T>(y), n, data<float>(b)}); });
        });
        if (ctx != nullptr) {
            ctx->save_for_backward({x, w});
            ctx->saved_data["bias"] = b.defined();
        }
        return y;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor x = saved[0], w = saved[1], g = grads[0].contiguous(), gx, gw, gb;
        int64_t rows = x.numel() / x.size(-1), n = w.size(0), k = w.size(1);
        bool bias = ctx->saved_data["bias"].toBool();
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            if (ctx->needs_input_grad(0)) {
                gx = at::empty_like(x);
                auto packed = back<T>(w);
                for_row_blocks(rows, [&](int64_t first, int64_t count) { rows_times(data<T>(g), n, first, count, packed.at(), n, k, Store<T>{data<T>(gx), k, nullptr}); });
            }
            gw = at::empty_like(w);
            if (bias) gb = at::empty({n}, w.options());
            weight_gradient(data<T>(g), data<T>(x), rows, n, k, data<float>(gw), data<float>(gb));
        });
        return {gx, gw, gb};
    }
};

// down(GELU(up(x)))
struct Mlp : Function<Mlp> {
    // Without a context nothing is kept: the hidden rows of a task live in its thread's memory only.
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& w1_in, const Tensor& b1_in, const Tensor& w2_in, const Tensor& b2_in) {
        Tensor x = x_in.contiguous(), w1 = w1_in.contiguous(), b1 = b1_in.contiguous(), w2 = w2_in.contiguous(), b2 = b2_in.contiguous();
        int64_t k = w1.size(1), h = w1.size(0), n = w2.size(0), rows = x.numel() / k;
        TORCH_CHECK(x.size(-1) == k && w2.size(1) == h, "mlp: widths ", x.size(-1), " → ", k, "·", h, " → ", w2.size(1), "·", n, " do not fit");
        Tensor y = at::empty(with_last(x, n), x.options()), slopes, outer;
        if (ctx != nullptr) {
            slopes = at::empty({rows, h}, x.options());
            outer = at::empty({rows, h}, x.options());
        }
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            auto up = forth<T>(w1), down = forth<T>(w2);
            const float* bias = data<float>(b1);
            for_row_blocks(rows, [&](int64_t first, int64_t count) {
                T* slope = data<T>(slopes);
                T* after = ctx != nullptr ? data<T>(outer) : thread_memory<T>(row_block * h, 2) - first * h;
                rows_times(data<T>(x), k, first, count, up.at(), k, h, [&](int64_t row, int64_t column, __m512 v) {
                    __mmask16 m = first_lanes(h - column);
                    v = _mm512_add_ps(v, load16(bias + column, m));
                    if (slope == nullptr) return store16(after + row * h + column, gelu16(v), m);
                    // GELU's slope costs little beside GELU, so the gradient need not come back to what stood before it.
                    __m512 value, rise;
                    gelu_and_slope16(v, value, rise);
                    store16(after + row * h + column, value, m);
                    store16(slope + row * h + column, rise, m);
                });
                rows_times(static_cast<const T*>(after), h, first, count, static_cast<const T*>(down.at()), h, n, Store<T>{data<T>(y), n, data<float>(b2)});
            });
        });
        if (ctx != nullptr) ctx->save_for_backward({x, w1, w2, slopes, outer});
        return y;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor x = saved[0], w1 = saved[1], w2 = saved[2], slopes = saved[3], outer = saved[4], g = grads[0].contiguous();
        int64_t k = w1.size(1), h = w1.size(0), n = w2.size(0), rows = x.numel() / k;
        bool wants_x = ctx->needs_input_grad(0);
        Tensor gx = wants_x ? at::empty_like(x) : Tensor(), gi = at::empty_like(slopes);
        Tensor gw1 = at::empty_like(w1), gw2 = at::empty_like(w2), gb1 = at::empty({h}, w1.options()), gb2 = at::empty({n}, w1.options());
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            auto down = back<T>(w2), up = back<T>(w1);
            const T* slope = data<T>(slopes);
            for_row_blocks(rows, [&](int64_t first, int64_t count) {
                T* to = data<T>(gi);
                rows_times(data<T>(g), n, first, count, down.at(), n, h, [&](int64_t row, int64_t column, __m512 v) {
                    __mmask16 m = first_lanes(h - column);
                    store16(to + row * h + column, _mm512_mul_ps(v, load16(slope + row * h + column, m)), m);
                });
                if (wants_x) rows_times(to, h, first, count, up.at(), h, k, Store<T>{data<T>(gx), k, nullptr});
            });
            weight_gradient(data<T>(g), data<T>(outer), rows, n, h, data<float>(gw2), data<float>(gb2));
            weight_gradient(data<T>(gi), data<T>(x), rows, h, k, data<float>(gw1), data<float>(gb1));
        });
        return {gx, gw1, gb1, gw2, gb2};
    }
};

bool recorded(std::initializer_list<Tensor> inputs) {
    if (!c10::GradMode::is_enabled()) return false;
    for (const Tensor& t : inputs)
        if (t.defined() && t.requires_grad()) return true;
    return false;
}

#endif

// Cached casts are as good: they hold the rounded values.
Tensor widened(const Tensor& w) { return w.is_cpu() && w.scalar_type() == at::kBFloat16 ? w.to(at::kFloat) : w; }

Tensor linear(const Tensor& x, const Tensor& w_in, const optional<Tensor>& b_in) {
    Tensor w = w_in;
    optional<Tensor> b = b_in;
#ifdef TANDEM_AVX512
    w = widened(w);
    if (b.has_value()) b = widened(*b);
    if (ours(x, {w, b.has_value() ? *b : w})) return recorded({x, w, b.has_value() ? *b : w}) ? Linear::apply(x, w, b) : Linear::forward(nullptr, x, w, b);
#endif
    return composite(x, w, b);
}

Tensor mlp(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2, const Tensor& b2) {
#ifdef TANDEM_AVX512
    if (ours(x, {w1, b1, w2, b2})) return recorded({x, w1, b1, w2, b2}) ? Mlp::apply(x, w1, b1, w2, b2) : Mlp::forward(nullptr, x, w1, b1, w2, b2);
#endif
    return composite(gelu_of(composite(x, w1, b1)), w2, b2);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("linear(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor", &linear);
    m.def("mlp(Tensor x, Tensor up, Tensor up_bias, Tensor down, Tensor down_bias) -> Tensor", &mlp);
}

}  // namespace tandem
