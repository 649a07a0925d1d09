// Convolutions along rows of channels, with a stride and without padding, as products: a window of rows is contiguous in memory, so windows are
// the overlapping rows of a matrix, and nothing is copied.
#include "kernels.h"
#include "products.h"

namespace tandem {
namespace {

Tensor composite(const Tensor& x, const Tensor& w, int64_t stride) {
    return at::conv1d(x.transpose(1, 2), w.to(x.scalar_type()), Tensor(), {stride}).transpose(1, 2).contiguous();
}

#ifdef TANDEM_AVX512

// Samples of `rows` rows of `inputs` channels → `frames` rows of `outputs`.
struct Frames {
    int64_t samples, rows, inputs, outputs, kernel, stride, frames;
    Frames(const Tensor& x, const Tensor& w, int64_t by)
        : samples(x.size(0)), rows(x.size(1)), inputs(x.size(2)), outputs(w.size(0)), kernel(w.size(2)), stride(by), frames((rows - kernel) / by + 1) {}
};

template <class T>
void forward_of(const Frames& d, const T* x, const float* w, T* y) {
    int64_t depth = d.kernel * d.inputs, blocks = (d.frames + row_block - 1) / row_block;
    Tensor memory = at::empty({packed_size<T>(depth, d.outputs)}, c10::CppTypeToScalarType<T>::value);
    const T* packed = data<T>(memory);
    pack(w, depth, 1, depth, d.outputs, data<T>(memory));
#pragma omp parallel for schedule(dynamic, 1) if (d.samples * blocks > 1 && at::get_num_threads() > 1)
    for (int64_t task = 0; task < d.samples * blocks; task++) {
        int64_t sample = task / blocks, first = task % blocks * row_block;
        T* to = y + sample * d.frames * d.outputs;
        rows_times(x + sample * d.rows * d.inputs, d.stride * d.inputs, first, std::min(row_block, d.frames - first), packed, depth, d.outputs,
                   [&](int64_t row, int64_t column, __m512 v) { store16(to + row * d.outputs + column, v, first_lanes(d.outputs - column)); });
    }
}

// Rows of the input at one place within the stride: each is a window of the outputs' gradients times the taps that reach it.
template <class T>
void input_gradient(const Frames& d, int64_t phase, const T* g, const float* w, T* gx) {
    int64_t taps = std::max<int64_t>(0, (d.kernel - phase + d.stride - 1) / d.stride), depth = taps * d.outputs, rows = (d.rows - phase + d.stride - 1) / d.stride;
    int64_t ld = d.stride * d.inputs, blocks = (rows + row_block - 1) / row_block, reached = taps == 0 ? 0 : std::min(rows, d.frames + taps - 1);
    // The first row of a window meets the last tap.
    std::vector<float> matrix(depth * d.inputs);
    for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t o = 0; o < d.outputs; o++)
            for (int64_t c = 0; c < d.inputs; c++) matrix[(tap * d.outputs + o) * d.inputs + c] = w[(o * d.kernel + phase + (taps - 1 - tap) * d.stride) * d.inputs + c];
    Tensor memory = at::empty({packed_size<T>(depth, d.inputs)}, c10::CppTypeToScalarType<T>::value);
    const T* packed = data<T>(memory);
    pack(matrix.data(), 1, d.inputs, depth, d.inputs, data<T>(memory));
#pragma omp parallel for schedule(dynamic, 1) if (d.samples * blocks > 1 && at::get_num_threads() > 1)
    for (int64_t task = 0; task < d.samples * blocks; task++) {
        int64_t sample = task / blocks, begin = task % blocks * row_block, end = std::min(rows, begin + row_block);
        const T* from = g + sample * d.frames * d.outputs;
        T* to = gx + (sample * d.rows + phase) * d.inputs;
        auto finish = [&](int64_t row, int64_t column, __m512 v) { store16(to + row * ld + column, v, first_lanes(d.inputs - column)); };
        // Windows that reach over an end are copied with zeros around them.
        auto edge = [&](int64_t first, int64_t last) {
            if (first >= last) return;
            T* copy = thread_memory<T>((last - first + taps - 1) * d.outputs, 0);
            for (int64_t r = 0; r < last - first + taps - 1; r++) {
                int64_t frame = first - taps + 1 + r;
                if (frame >= 0 && frame < d.frames) std::memcpy(copy + r * d.outputs, from + frame * d.outputs, d.outputs * sizeof(T));
                else std::memset(static_cast<void*>(copy + r * d.outputs), 0, d.outputs * sizeof(T));
            }
            rows_times(static_cast<const T*>(copy), d.outputs, 0, last - first, packed, depth, d.inputs,
                       [&](int64_t row, int64_t column, __m512 v) { finish(first + row, column, v); });
        };
        int64_t inner = std::min(std::max(begin, taps - 1), end), outer = std::max(inner, std::min(end, d.frames)), last = std::max(outer, std::min(end, reached));
        edge(begin, inner);
        rows_times(from - (taps - 1) * d.outputs, d.outputs, inner, outer - inner, packed, depth, d.inputs, finish);
        edge(outer, last);
        for (int64_t row = last; row < end; row++) std::memset(static_cast<void*>(to + row * ld), 0, d.inputs * sizeof(T));
    }
}

bool ours(const Tensor& x, const Tensor& w) {
    if (!x.is_cpu() || x.numel() == 0 || w.numel() == 0 || w.scalar_type() != at::kFloat || x.size(1) < w.size(2)) return false;
    if (x.scalar_type() == at::kBFloat16) return has_bf16_products && w.size(0) % 2 == 0 && w.size(1) * w.size(2) % 2 == 0;
    return x.scalar_type() == at::kFloat;
}

struct ConvFrames : Function<ConvFrames> {
    static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& w_in, int64_t stride) {
        // The weight as windows lie: [outputs, kernel, inputs].
        Tensor x = x_in.contiguous(), w = w_in.permute({0, 2, 1}).contiguous();
        TORCH_CHECK(w_in.size(1) == x.size(2), "conv_frames: rows have ", x.size(2), " channels, the weight takes ", w_in.size(1));
        Frames d(x, w_in, stride);
        Tensor y = at::empty({d.samples, d.frames, d.outputs}, x.options());
        by_type(x.scalar_type(), [&](auto t) { forward_of(d, data<decltype(t)>(x), data<float>(w), data<decltype(t)>(y)); });
        ctx->save_for_backward({x, w_in});
        ctx->saved_data["stride"] = stride;
        return y;
    }

    static variable_list backward(AutogradContext* ctx, variable_list grads) {
        auto saved = ctx->get_saved_variables();
        Tensor x = saved[0], w_in = saved[1], w = w_in.permute({0, 2, 1}).contiguous(), g = grads[0].contiguous(), gx, gw = at::empty_like(w);
        Frames d(x, w_in, ctx->saved_data["stride"].toInt());
        by_type(x.scalar_type(), [&](auto t) {
            using T = decltype(t);
            if (ctx->needs_input_grad(0)) {
                gx = at::empty_like(x);
                for (int64_t phase = 0; phase < std::min(d.stride, d.rows); phase++) input_gradient(d, phase, data<T>(g), data<float>(w), data<T>(gx));
            }
            Windows windows{d.frames, d.stride * d.inputs, d.rows * d.inputs};
            weight_gradient(data<T>(g), data<T>(x), d.samples * d.frames, d.outputs, d.kernel * d.inputs, data<float>(gw), static_cast<float*>(nullptr), &windows);
        });
        return {gx, gw.permute({0, 2, 1}).contiguous(), Tensor()};
    }
};

#endif

Tensor conv_frames(const Tensor& x, const Tensor& w, int64_t stride) {
#ifdef TANDEM_AVX512
    Tensor wide = w.is_cpu() && w.scalar_type() == at::kBFloat16 ? w.to(at::kFloat) : w;
    if (ours(x, wide)) return ConvFrames::apply(x, wide, stride);
#endif
    return composite(x, w, stride);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("conv_frames(Tensor x, Tensor weight, int stride) -> Tensor", &conv_frames);
}

}  // namespace tandem
