// What is no operator: handles, data, autograd, threads, generators, devices, versions.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Config.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Version.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>
#include <dlfcn.h>

#include "guard.h"

using namespace tandem;

TD_API void td_release(int64_t handle) {
    if (handle != 0) c10::raw::intrusive_ptr::decref(reinterpret_cast<c10::TensorImpl*>(handle));
}

TD_API int64_t td_retain(int64_t handle) {
    if (handle != 0) c10::raw::intrusive_ptr::incref(reinterpret_cast<c10::TensorImpl*>(handle));
    return handle;
}

struct TdInfo {
    int64_t dims;
    int64_t sizes[8];
    int64_t strides[8];
    int64_t elements;
    int32_t type;
    int32_t device_type;
    int32_t device_index;
    int32_t contiguous;
    int32_t requires_grad;
    int32_t has_graph;
};

TD_API int32_t td_info(int64_t handle, TdInfo* out) {
    return guarded([&] {
        auto t = borrow(handle);
        TORCH_CHECK(t.dim() <= 8, "a tensor of ", t.dim(), " dimensions; at most 8 are supported");
        out->dims = t.dim();
        for (int64_t i = 0; i < t.dim(); i++) {
            out->sizes[i] = t.size(i);
            out->strides[i] = t.layout() == at::kStrided ? t.stride(i) : 0;
        }
        out->elements = t.numel();
        out->type = static_cast<int32_t>(t.scalar_type());
        out->device_type = static_cast<int32_t>(t.device().type());
        out->device_index = t.device().index();
        out->contiguous = t.is_contiguous();
        out->requires_grad = t.requires_grad();
        out->has_graph = t.grad_fn() != nullptr;
    });
}

// The address of a contiguous CPU tensor's first element.
TD_API int32_t td_data(int64_t handle, int64_t* out) {
    return guarded([&] {
        auto t = borrow(handle);
        TORCH_CHECK(t.device().is_cpu() && t.is_contiguous(), "only contiguous tensors on the CPU have readable data");
        *out = reinterpret_cast<int64_t>(t.data_ptr());
    });
}

// A new CPU tensor with a copy of `bytes` at `data` (or uninitialised if null).
TD_API int32_t td_from_data(const void* data, int64_t bytes, const int64_t* sizes, int64_t dims, int32_t type, int64_t* out) {
    return guarded([&] {
        auto t = at::empty(at::IntArrayRef(sizes, dims), at::TensorOptions().dtype(static_cast<at::ScalarType>(type)));
        TORCH_CHECK(static_cast<int64_t>(t.nbytes()) == bytes, "shape and type take ", t.nbytes(), " bytes, not ", bytes);
        if (data != nullptr && bytes > 0) std::memcpy(t.data_ptr(), data, bytes);
        *out = give(std::move(t));
    });
}

// ---- autograd

TD_API int32_t td_backward(const int64_t* roots, const int64_t* gradients, int64_t count) {
    return guarded([&] {
        torch::autograd::variable_list r, g;
        for (int64_t i = 0; i < count; i++) {
            r.push_back(borrow(roots[i]));
            g.push_back(borrow(gradients[i]));
        }
        torch::autograd::backward(r, g);
    });
}

TD_API int32_t td_requires_grad(int64_t handle, int32_t value) {
    return guarded([&] { borrow(handle).requires_grad_(value != 0); });
}

// The gradient of a leaf, or 0 if it has none.
TD_API int32_t td_grad(int64_t handle, int64_t* out) {
    return guarded([&] { *out = give(borrow(handle).grad()); });
}

TD_API int32_t td_set_grad(int64_t handle, int64_t gradient) {
    return guarded([&] { borrow(handle).mutable_grad() = borrow(gradient); });
}

TD_API int32_t td_detach(int64_t handle, int64_t* out) {
    return guarded([&] { *out = give(borrow(handle).detach()); });
}

TD_API int32_t td_grad_mode(int32_t value) {
    bool before = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(value != 0);
    return before;
}

// ---- machine

TD_API int32_t td_set_threads(int32_t count) {
    return guarded([&] {
        // Interop threads would be a second pool beside the first; nothing here uses them.
        static bool once = [] { at::set_num_interop_threads(1); return true; }();
        (void)once;
        at::set_num_threads(count);
        at::globalContext().setFlushDenormal(true);
    });
}

TD_API int32_t td_threads() { return at::get_num_threads(); }

TD_API int32_t td_has_cuda() { return at::hasCUDA() ? 1 : 0; }

// No reduced-precision matrix products (TF32) unless asked for.
TD_API int32_t td_allow_tf32(int32_t value) {
    return guarded([&] {
        at::globalContext().setAllowTF32CuBLAS(value != 0);
        at::globalContext().setAllowTF32CuDNN(value != 0);
    });
}

static thread_local std::string text;

TD_API const char* td_version() { return TORCH_VERSION; }

TD_API const char* td_build() {
    text = at::show_config();
    return text.c_str();
}

// The file that a loaded symbol of BLAS comes from: which BLAS this process really uses.
TD_API const char* td_blas() {
    text = "unknown";
    Dl_info info;
    void* symbol = dlsym(RTLD_DEFAULT, "sgemm_");
    if (symbol != nullptr && dladdr(symbol, &info) != 0) text = info.dli_fname;
    return text.c_str();
}

// How OpenBLAS makes its threads: 0 none, 1 its own (pthread), 2 OpenMP; -1 if it is not OpenBLAS.
TD_API int32_t td_blas_parallel() {
    auto query = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
    return query == nullptr ? -1 : query();
}
