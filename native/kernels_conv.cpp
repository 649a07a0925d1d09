// Convolutions over a grid of rows of channels: [n, rows, columns, channels], zero padding kernel div 2, the grid stays as it is.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "rows.h"

namespace tandem {
namespace {

using at::Tensor;
using c10::optional;

// libtorch's convolution on a channels-last view: no transposed copy of the activations.
Tensor composite(const Tensor& x, const Tensor& weight, const optional<Tensor>& bias, int64_t groups) {
    int64_t kh = weight.size(2), kw = weight.size(3), rows = x.size(1), columns = x.size(2);
    Tensor y = at::conv2d(x.permute({0, 3, 1, 2}), weight, bias, {1, 1}, {kh / 2, kw / 2}, {1, 1}, groups);
    if (kh % 2 == 0) y = y.narrow(2, 0, rows);
    if (kw % 2 == 0) y = y.narrow(3, 0, columns);
    return y.permute({0, 2, 3, 1}).contiguous();
}

Tensor conv_rows(const Tensor& x, const Tensor& weight, const optional<Tensor>& bias, int64_t groups) { return composite(x, weight, bias, groups); }

}  // namespace

TORCH_LIBRARY_FRAGMENT(tandem, m) {
    m.def("conv_rows(Tensor x, Tensor weight, Tensor? bias, int groups) -> Tensor", &conv_rows);
}

}  // namespace tandem
