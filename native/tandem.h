// The C ABI between libtorch and Tandem.Torch. Tensors cross as owned or borrowed pointers to c10::TensorImpl; errors as a return
// value of 1 and a text in td_error(). Nothing here knows of models.
#pragma once
#include <cstdint>

#define TD_API extern "C" __attribute__((visibility("default")))

// One argument or result of an operator. `tag` says which of the fields hold it.
enum TdTag : int32_t {
    TD_NONE = 0,
    TD_TENSOR = 1,       // a: TensorImpl*
    TD_INT = 2,          // a
    TD_DOUBLE = 3,       // a: bits of a double
    TD_BOOL = 4,         // a
    TD_INTS = 5,         // a: const int64_t*, b: count
    TD_TENSORS = 6,      // a: TensorImpl**, b: count; a null entry is an undefined tensor
    TD_DOUBLES = 7,      // a: const double*, b: count
    TD_TEXT = 8,         // a: const char* (UTF-8), b: bytes
    TD_DEVICE = 9,       // a: device type, b: index
    TD_GENERATOR = 10,   // a: GeneratorImpl*
    TD_OPTIONAL_TENSORS = 11, // as TD_TENSORS; a null entry is "none"
};

struct TdValue {
    int32_t tag;
    int32_t reserved;
    int64_t a;
    int64_t b;
};
