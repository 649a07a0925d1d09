// What a training step needs beside its network: random masks and noise drawn in parallel, the decoder's input, the regression loss, the
// optimizer's and the teacher's step.
#include "kernels.h"

namespace tandem {
namespace {

at::Generator seeded(const at::Device& device, int64_t seed) {
    auto generator = at::globalContext().defaultGenerator(device).clone();
    generator.set_current_seed(static_cast<uint64_t>(seed));
    return generator;
}

constexpr int64_t block = 1024;

// body(from, count) for blocks of a flat range, in parallel.
template <class Body>
void for_blocks(int64_t count, Body&& body) {
    int64_t blocks = (count + block - 1) / block;
    for_chunks(blocks, block * 8, [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) body(i * block, std::min(block, count - i * block));
    });
}

// ---- dropout whose mask is a function of (seed, index), drawn again for the gradient

struct Dropout : Function<Dropout> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x, double rate, int64_t seed) {
        ctx->saved_data["rate"] = rate;
        ctx->saved_data["seed"] = seed;
        return masked(x.contiguous(), rate, seed);
    }
    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        return {masked(grads[0].contiguous(), ctx->saved_data["rate"].toDouble(), ctx->saved_data["seed"].toInt()), Tensor(), Tensor()};
    }
    static Tensor masked(const Tensor& x, double rate, int64_t seed) {
        Tensor y = at::empty_like(x);
        Drop drop(rate, seed);
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            for_blocks(x.numel(), [&](int64_t from, int64_t count) {
#ifdef TANDEM_AVX512
                for (int64_t i = 0; i < count; i += 16) {
                    __mmask16 m = first_lanes(count - i);
                    store16(data<T>(y) + from + i, drop16(drop, from + i, load16(data<T>(x) + from + i, m)), m);
                }
#else
                float a[block];
                load_row(data<T>(x) + from, a, count);
#pragma omp simd
                for (int64_t i = 0; i < count; i++) a[i] *= drop.factor(from + i);
                store_row(a, data<T>(y) + from, count);
#endif
            });
        });
        return y;
    }
};

Tensor dropout(const Tensor& x, double rate, int64_t seed) {
    if (rate <= 0) return x;
    if (!x.is_cpu()) return x * (at::rand(x.sizes(), seeded(x.device(), seed), x.options().dtype(at::kFloat)) >= rate).to(x.scalar_type()) / (1.0 - rate);
    return Dropout::apply(x, rate, seed);
}

// ---- normal noise as a function of (seed, index): Box–Muller on pairs

Tensor normal_noise(at::IntArrayRef size, double deviation, int64_t seed, at::ScalarType type, at::Device device) {
    if (!device.is_cpu()) return at::randn(size, seeded(device, seed), at::TensorOptions().dtype(at::kFloat).device(device)).mul_(deviation).to(type);
    Tensor y = at::empty(size, at::TensorOptions().dtype(type));
    by_type(type, [&](auto t) {
        using T = decltype(t);
        for_blocks(y.numel(), [&](int64_t from, int64_t count) {
            float a[block], cosine[block / 2], sine[block / 2];
            constexpr int64_t pairs = block / 2;
            auto key = static_cast<uint64_t>(seed) + static_cast<uint64_t>(from / 2) * 0x9E3779B97F4A7C15ull;
#pragma omp simd
            for (int64_t i = 0; i < pairs; i++) {
                uint64_t bits = mix(key + static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15ull);
                float u = static_cast<float>(static_cast<int32_t>(bits >> 40) + 1) * (1.0f / 16777216.0f);  // (0, 1]
                float radius = std::sqrt(-2.0f * fast_log(u)) * static_cast<float>(deviation), x, z;
                fast_turn(static_cast<float>(static_cast<int32_t>(bits & 0xffffff)) * (1.0f / 16777216.0f), x, z);
                cosine[i] = radius * x;
                sine[i] = radius * z;
            }
            for (int64_t i = 0; i < pairs; i++) {
                a[2 * i] = cosine[i];
                a[2 * i + 1] = sine[i];
            }
            store_row(a, data<T>(y) + from, count);
        });
    });
    return y;
}

// ---- restore: rows back at their places, with filling rows elsewhere
// out[n, t] = restore[n, t] < kept ? x[n, skip + restore[n, t]] : filling[n, restore[n, t] - kept]

struct Restore : Function<Restore> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& filling_in, const Tensor& restore_in, int64_t skip) {
        Tensor x = x_in.contiguous(), filling = filling_in.contiguous(), restore = restore_in.contiguous();
        TORCH_CHECK(filling.scalar_type() == x.scalar_type(), "restore: rows and filling differ in type");
        int64_t places = restore.size(1), width = x.size(2), kept = x.size(1) - skip;
        Tensor y = at::empty({x.size(0), places, width}, x.options());
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            auto ids = data<int64_t>(restore);
            for_chunks(x.size(0), places * width * 4, [&](int64_t, int64_t begin, int64_t end) {
                for (int64_t n = begin; n < end; n++)
                    for (int64_t p = 0; p < places; p++) {
                        int64_t id = ids[n * places + p];
                        const T* from = id < kept ? data<T>(x) + (n * x.size(1) + skip + id) * width : data<T>(filling) + (n * filling.size(1) + id - kept) * width;
                        std::memcpy(data<T>(y) + (n * places + p) * width, from, width * sizeof(T));
                    }
            });
        });
        ctx->save_for_backward({restore});
        ctx->saved_data["rows"] = x.size(1);
        ctx->saved_data["skip"] = skip;
        return y;
    }
    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        Tensor restore = ctx->get_saved_variables()[0], g = grads[0].contiguous();
        int64_t rows = ctx->saved_data["rows"].toInt(), skip = ctx->saved_data["skip"].toInt(), kept = rows - skip, places = g.size(1), width = g.size(2);
        Tensor gx = at::zeros({g.size(0), rows, width}, g.options());
        by_type(g.scalar_type(), [&](auto t) {
            using T = decltype(t);
            auto ids = data<int64_t>(restore);
            for_chunks(g.size(0), places * width * 4, [&](int64_t, int64_t begin, int64_t end) {
                for (int64_t n = begin; n < end; n++)
                    for (int64_t p = 0; p < places; p++) {
                        int64_t id = ids[n * places + p];
                        if (id < kept) std::memcpy(data<T>(gx) + (n * rows + skip + id) * width, data<T>(g) + (n * places + p) * width, width * sizeof(T));
                    }
            });
        });
        return {gx, Tensor(), Tensor(), Tensor()};
    }
};

Tensor restore(const Tensor& x, const Tensor& filling, const Tensor& ids, int64_t skip) {
    if (!x.is_cpu() || x.scalar_type() == at::kDouble) {
        Tensor rows = at::cat({x.narrow(1, skip, x.size(1) - skip), filling}, 1);
        return rows.gather(1, ids.unsqueeze(-1).expand({-1, -1, x.size(2)}));
    }
    return Restore::apply(x, filling, ids, skip);
}

// ---- choose: rows of each sample at chosen places, for adjacent copies: out[r, i] = x[r / copies, keep[r, i]]

struct Choose : Function<Choose> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& keep_in, int64_t copies) {
        Tensor x = x_in.contiguous(), keep = keep_in.contiguous();
        int64_t rows = keep.size(0), kept = keep.size(1), places = x.size(1), bytes = x.size(2) * x.element_size();
        Tensor y = at::empty({rows, kept, x.size(2)}, x.options());
        auto ids = data<int64_t>(keep);
        for_chunks(rows, kept * bytes, [&](int64_t, int64_t begin, int64_t end) {
            for (int64_t r = begin; r < end; r++)
                for (int64_t i = 0; i < kept; i++)
                    std::memcpy(static_cast<char*>(y.data_ptr()) + (r * kept + i) * bytes,
                                static_cast<const char*>(x.data_ptr()) + ((r / copies) * places + ids[r * kept + i]) * bytes, bytes);
        });
        ctx->save_for_backward({keep});
        ctx->saved_data["places"] = places;
        ctx->saved_data["copies"] = copies;
        return y;
    }
    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        Tensor keep = ctx->get_saved_variables()[0], g = grads[0].contiguous();
        int64_t places = ctx->saved_data["places"].toInt(), copies = ctx->saved_data["copies"].toInt(), kept = g.size(1), width = g.size(2);
        Tensor gx = at::empty({g.size(0) / copies, places, width}, g.options());
        by_type(g.scalar_type(), [&](auto t) {
            using T = decltype(t);
            auto ids = data<int64_t>(keep);
            for_chunks(gx.size(0), places * width * 4, [&](int64_t, int64_t begin, int64_t end) {
                std::vector<float> sum(places * width), row(width);
                for (int64_t b = begin; b < end; b++) {
                    std::fill(sum.begin(), sum.end(), 0.0f);
                    for (int64_t r = b * copies; r < (b + 1) * copies; r++)
                        for (int64_t i = 0; i < kept; i++) {
                            load_row(data<T>(g) + (r * kept + i) * width, row.data(), width);
                            float* __restrict to = sum.data() + ids[r * kept + i] * width;
#pragma omp simd
                            for (int64_t k = 0; k < width; k++) to[k] += row[k];
                        }
                    store_row(sum.data(), data<T>(gx) + b * places * width, places * width);
                }
            });
        });
        return {gx, Tensor(), Tensor()};
    }
};

Tensor choose(const Tensor& x, const Tensor& keep, int64_t copies) {
    if (!x.is_cpu() || x.scalar_type() == at::kDouble) {
        Tensor repeated = copies == 1 ? x : x.repeat_interleave(copies, 0);
        return repeated.gather(1, keep.unsqueeze(-1).expand({-1, -1, x.size(2)}));
    }
    return Choose::apply(x, keep, copies);
}

// ---- regression: sum over masked places of scale · el(prediction − target), targets shared by adjacent copies
// el: e² for beta 0, else smooth L1.

struct Regression : Function<Regression> {
    static Tensor forward(AutogradContext* ctx, const Tensor& p_in, const Tensor& t_in, const Tensor& m_in, double beta, double scale) {
        Tensor p = p_in.contiguous(), t = t_in.to(at::kFloat).contiguous(), m = m_in.to(at::kByte).contiguous();
        Tensor partial = at::zeros({chunks}, at::kDouble);
        each(p, t, m, beta, scale, 0, Tensor(), partial);
        ctx->save_for_backward({p, t, m});
        ctx->saved_data["beta"] = beta;
        ctx->saved_data["scale"] = scale;
        return partial.sum().to(at::kFloat);
    }
    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor gp = at::empty_like(saved[0]);
        each(saved[0], saved[1], saved[2], ctx->saved_data["beta"].toDouble(), ctx->saved_data["scale"].toDouble(), grads[0].item<double>(), gp, Tensor());
        return {gp, Tensor(), Tensor(), Tensor(), Tensor()};
    }
    static void each(const Tensor& p, const Tensor& t, const Tensor& m, double beta_in, double scale_in, double upstream, const Tensor& gp, const Tensor& partial) {
        int64_t places = p.size(1), width = p.size(2), copies = p.size(0) / t.size(0);
        float beta = static_cast<float>(beta_in), scale = static_cast<float>(scale_in), factor = static_cast<float>(upstream * scale_in);
        by_type(p.scalar_type(), [&](auto kind) {
            using T = decltype(kind);
            for_chunks(p.size(0) * places, width * 8, [&](int64_t chunk, int64_t begin, int64_t end) {
                std::vector<float> buffer(width);
                float* __restrict e = buffer.data();
                double total = 0;
                for (int64_t row = begin; row < end; row++) {
                    bool masked = data<uint8_t>(m)[row] != 0;
                    if (!masked) {
                        if (gp.defined()) std::memset(static_cast<void*>(data<T>(gp) + row * width), 0, width * sizeof(T));
                        continue;
                    }
                    const float* __restrict target = data<float>(t) + ((row / places / copies) * places + row % places) * width;
                    load_row(data<T>(p) + row * width, e, width);
                    float sum = 0;
                    if (gp.defined()) {
#pragma omp simd
                        for (int64_t i = 0; i < width; i++) {
                            float d = e[i] - target[i];
                            e[i] = factor * (beta == 0 ? 2 * d : std::max(-1.0f, std::min(1.0f, d / beta)));
                        }
                        store_row(e, data<T>(gp) + row * width, width);
                    } else {
#pragma omp simd reduction(+ : sum)
                        for (int64_t i = 0; i < width; i++) {
                            float d = e[i] - target[i], a = std::fabs(d);
                            sum += beta == 0 ? d * d : (a < beta ? d * d / (2 * beta) : a - beta / 2);
                        }
                        total += sum;
                    }
                }
                if (partial.defined()) data<double>(partial)[chunk] = total * scale;
            });
        });
    }
};

Tensor regression(const Tensor& p, const Tensor& t, const Tensor& mask, double beta, double scale) {
    if (!p.is_cpu() || p.scalar_type() == at::kDouble) {
        int64_t copies = p.size(0) / t.size(0);
        Tensor d = p.to(at::promote_types(p.scalar_type(), at::kFloat)) - t.repeat_interleave(copies, 0), a = d.abs();
        Tensor e = beta == 0 ? d * d : at::where(a < beta, d * d / (2 * beta), a - beta / 2);
        return (e * mask.to(e.scalar_type()).unsqueeze(-1)).sum() * scale;
    }
    return Regression::apply(p, t, mask, beta, scale);
}

// ---- Adam, over a list. style 0: fairseq's (epsilon added before bias correction), 1: torch's AdamW, 2: torch's Adam (decay in the gradient)

void adam_(at::TensorList ws, at::TensorList gs, at::TensorList ms, at::TensorList vs, at::ArrayRef<double> lrs, at::ArrayRef<double> decays, at::ArrayRef<double> steps,
           double beta1, double beta2, double epsilon, double gradient_scale, int64_t style) {
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < ws.size(); i++) {
        Tensor w = ws[i], m = ms[i], v = vs[i], g = gs[i].to(w.scalar_type()).contiguous();
        double lr = lrs[i], decay = decays[i], c1 = 1 - std::pow(beta1, steps[i]), c2 = 1 - std::pow(beta2, steps[i]);
        // fairseq: lr·√c2/c1 · m/(√v + ε); torch: lr/c1 · m/(√v/√c2 + ε).
        double step_size = style == 0 ? lr * std::sqrt(c2) / c1 : lr / c1;
        double root_scale = style == 0 ? 1.0 : 1.0 / std::sqrt(c2);
        double shrink = style == 2 ? 1.0 : 1.0 - lr * decay, into_gradient = style == 2 ? decay : 0.0;
        if (!w.is_cpu() || w.scalar_type() != at::kFloat) {
            g = g * gradient_scale;
            if (into_gradient != 0) g = g + w * into_gradient;
            m.mul_(beta1).add_(g, 1 - beta1);
            v.mul_(beta2).addcmul_(g, g, 1 - beta2);
            w.mul_(shrink).addcdiv_(m, (v.sqrt() * root_scale).add_(epsilon), -step_size);
            continue;
        }
        float *pw = data<float>(w), *pm = data<float>(m), *pv = data<float>(v), *pg = data<float>(g);
        auto b1 = static_cast<float>(beta1), b2 = static_cast<float>(beta2), a1 = static_cast<float>(1 - beta1), a2 = static_cast<float>(1 - beta2);
        auto size = static_cast<float>(step_size), root = static_cast<float>(root_scale), eps = static_cast<float>(epsilon), keep = static_cast<float>(shrink),
             pull = static_cast<float>(into_gradient), by = static_cast<float>(gradient_scale);
        for_blocks(w.numel(), [=](int64_t from, int64_t count) {
            float *__restrict x = pw + from, *__restrict first = pm + from, *__restrict second = pv + from, *__restrict grad = pg + from;
#pragma omp simd
            for (int64_t k = 0; k < count; k++) {
                float d = grad[k] * by + x[k] * pull;
                float a = first[k] * b1 + a1 * d, b = second[k] * b2 + a2 * d * d;
                first[k] = a;
                second[k] = b;
                x[k] = x[k] * keep - size * a / (std::sqrt(b) * root + eps);
            }
        });
    }
}

// teacher <- decay · teacher + (1 − decay) · student
void follow_(at::TensorList teachers, at::TensorList students, double decay) {
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < teachers.size(); i++) {
        Tensor t = teachers[i], s = students[i];
        if (!t.is_cpu() || t.scalar_type() != at::kFloat) {
            t.mul_(decay).add_(s, 1 - decay);
            continue;
        }
        float *pt = data<float>(t), *ps = data<float>(s);
        auto a = static_cast<float>(decay), b = static_cast<float>(1 - decay);
        for_blocks(t.numel(), [=](int64_t from, int64_t count) {
#pragma omp simd
            for (int64_t k = 0; k < count; k++) pt[from + k] = a * pt[from + k] + b * ps[from + k];
        });
    }
}

// Euclidean norm of all tensors together, as a float64 scalar; not finite if any element is not.
Tensor total_norm(at::TensorList list) {
    Tensor sum;
    for (const Tensor& t : list) {
        Tensor part;
        if (t.is_cpu() && t.scalar_type() == at::kFloat) {
            Tensor g = t.contiguous();
            part = at::zeros({chunks}, at::kDouble);
            int64_t blocks = (g.numel() + block - 1) / block;
            for_chunks(blocks, block * 8, [&](int64_t chunk, int64_t begin, int64_t end) {
                double total = 0;
                for (int64_t i = begin; i < end; i++) {
                    const float* p = data<float>(g) + i * block;
                    int64_t n = std::min(block, g.numel() - i * block);
                    float s = 0;
#pragma omp simd reduction(+ : s)
                    for (int64_t k = 0; k < n; k++) s += p[k] * p[k];
                    total += s;
                }
                data<double>(part)[chunk] = total;
            });
            part = part.sum();
        } else {
            part = t.to(at::kDouble).square().sum();
        }
        sum = sum.defined() ? sum + part : part;
    }
    return sum.defined() ? sum.sqrt() : at::zeros({}, at::kDouble);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("dropout(Tensor x, float rate, int seed) -> Tensor", &dropout);
    m.def("normal_noise(int[] size, float deviation, int seed, ScalarType type, Device device) -> Tensor", &normal_noise);
    m.def("restore(Tensor x, Tensor filling, Tensor ids, int skip) -> Tensor", &restore);
    m.def("choose(Tensor x, Tensor keep, int copies) -> Tensor", &choose);
    m.def("regression(Tensor prediction, Tensor target, Tensor mask, float beta, float scale) -> Tensor", &regression);
    m.def("adam_(Tensor[] weights, Tensor[] gradients, Tensor[] first, Tensor[] second, float[] rates, float[] decays, float[] steps, float beta1, float beta2, float epsilon, float gradient_scale, int style) -> ()", &adam_);
    m.def("follow_(Tensor[] teachers, Tensor[] students, float decay) -> ()", &follow_);
    m.def("total_norm(Tensor[] tensors) -> Tensor", &total_norm);
}

}  // namespace tandem
