// softmax(q·kᵀ·scale + bias) v without the score matrix in memory: queries in tiles, scores recomputed for the gradient. libtorch 1.13 has
// no such kernel for training on CPUs, and its batched products are a serial loop without MKL.
#include "attention_pairs.h"
#include "attention_plain.h"
#include "kernels.h"

namespace tandem {
namespace {

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
            Extras e = extras(bias, pad, keep, rate, seed, Tensor());
            Heads<T> a = part<T>(q, kv, 0, width), b = part<T>(q, kv, 1, width), c = part<T>(q, kv, 2, width), o{data<T>(out), d.queries * width, width};
#ifdef TANDEM_AVX512
            if constexpr (std::is_same_v<T, bf16>)
                if (in_pairs(d, a.row, b.row)) return forward_pairs(d, e, a, b, c, o, data<float>(logsum));
#endif
            forward_heads<T>(d, e, a, b, c, o, data<float>(logsum));
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
        return {data<float>(bias), bias.defined() ? bias.size(0) : 0, bias.defined() ? bias.size(1) : 0, data<bool>(pad), data<uint8_t>(keep),
                Drop(rate, seed), data<float>(bias_gradient)};
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
            Heads<T> a = part<T>(q, kv, 0, width), b = part<T>(q, kv, 1, width), c = part<T>(q, kv, 2, width);
            Heads<T> ga = part<T>(gq, gkv, 0, width), gk = part<T>(gq, gkv, 1, width), gc = part<T>(gq, gkv, 2, width);
            Heads<T> o{data<T>(out), d.queries * width, width}, go{data<T>(g), d.queries * width, width};
#ifdef TANDEM_AVX512
            if constexpr (std::is_same_v<T, bf16>)
                if (in_pairs(d, a.row, b.row)) return backward_pairs(d, e, a, b, c, o, go, data<float>(logsum), ga, gk, gc);
#endif
            backward_heads<T>(d, e, a, b, c, o, go, data<float>(logsum), ga, gk, gc);
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
    Tensor empty;
    if (padding.defined()) {
        Tensor hidden = padding.to(at::kBool).unsqueeze(1).unsqueeze(1);
        // A softmax over padding alone would be NaN, in both directions: such rows keep their scores, and lose their weights after it.
        empty = hidden.all(-1, true);
        scores = scores.masked_fill(hidden.logical_and(empty.logical_not()), -INFINITY);
    }
    Tensor p = at::softmax(scores, -1);
    if (empty.defined()) p = p.masked_fill(empty, 0);
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
