// What every file of kernels begins with: how operators with gradients of their own are written, and the names that they use.
#pragma once
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "vectors.h"

namespace tandem {

using at::Tensor;
using c10::optional;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

inline Tensor or_undefined(const optional<Tensor>& t) { return t.has_value() ? *t : Tensor(); }

}  // namespace tandem
