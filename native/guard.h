// What every exported function shares: turning exceptions into error codes, and handles into tensors.
#pragma once
#include <ATen/core/Tensor.h>
#include <string>
#include "tandem.h"

namespace tandem {

void set_error(const char* text);

// Runs `body`; an exception becomes return value 1 with libtorch's text, without its C++ back trace.
template <class Body>
int32_t guarded(Body&& body) noexcept {
    try {
        body();
        return 0;
    } catch (const c10::Error& e) {
        set_error(e.what_without_backtrace());
    } catch (const std::exception& e) {
        set_error(e.what());
    } catch (...) {
        set_error("unknown C++ exception");
    }
    return 1;
}

// The caller keeps its reference.
inline at::Tensor borrow(int64_t handle) {
    if (handle == 0) return at::Tensor();
    return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(reinterpret_cast<c10::TensorImpl*>(handle)));
}

// The caller gets a reference of its own, to be given back with td_release; 0 for an undefined tensor.
inline int64_t give(at::Tensor tensor) {
    if (!tensor.defined()) return 0;
    return reinterpret_cast<int64_t>(tensor.unsafeReleaseTensorImpl());
}

}  // namespace tandem
