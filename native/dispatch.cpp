// One boxed call for every operator of libtorch's dispatcher: handle, arguments, results.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <torch/csrc/jit/frontend/function_schema_parser.h>

#include <cstring>

#include "guard.h"

namespace tandem {

thread_local std::string last_error;
void set_error(const char* text) { last_error = text; }

// An operator as our schema declares it. The runtime's may have more arguments at the end; they take their defaults.
struct Operator {
    c10::OperatorHandle handle;
    std::vector<c10::TypePtr> types;      // of our arguments
    std::vector<c10::IValue> defaults;    // of the runtime's further arguments
};

static bool same_type(const c10::TypePtr& ours, const c10::TypePtr& theirs) {
    if (*ours == *theirs) return true;
    // Newer libtorches say SymInt where 1.13 says int; the boxed value is the same.
    auto text = [](const c10::TypePtr& t) {
        std::string s = t->str();
        for (size_t at; (at = s.find("SymInt")) != std::string::npos;) s.replace(at, 6, "int");
        return s;
    };
    return text(ours) == text(theirs);
}

static Operator find(const char* schema_text) {
    auto ours = torch::jit::parseSchema(schema_text);
    auto handle = c10::Dispatcher::singleton().findSchema({ours.name(), ours.overload_name()});
    TORCH_CHECK(handle.has_value(), "this libtorch has no operator ", ours.name(), ".", ours.overload_name());
    const auto& theirs = handle->schema();
    const auto& wanted = ours.arguments();
    const auto& present = theirs.arguments();
    TORCH_CHECK(present.size() >= wanted.size(), "this libtorch declares ", toString(theirs), " instead of ", schema_text);
    Operator op{*handle, {}, {}};
    for (size_t i = 0; i < wanted.size(); i++) {
        TORCH_CHECK(wanted[i].name() == present[i].name() && same_type(wanted[i].real_type(), present[i].real_type()),
                    "argument ", i, " differs: this libtorch declares ", toString(theirs), " instead of ", schema_text);
        op.types.push_back(present[i].type());
    }
    for (size_t i = wanted.size(); i < present.size(); i++) {
        TORCH_CHECK(present[i].default_value().has_value(), "this libtorch wants a further argument ", present[i].name(), ": ", toString(theirs));
        op.defaults.push_back(*present[i].default_value());
    }
    TORCH_CHECK(theirs.returns().size() == ours.returns().size(), "other results: ", toString(theirs));
    return op;
}

static c10::IValue to_ivalue(const TdValue& v, const c10::TypePtr& type) {
    switch (v.tag) {
        case TD_NONE: return c10::IValue();
        case TD_TENSOR: return borrow(v.a);
        case TD_INT: return c10::IValue(v.a);
        case TD_DOUBLE: {
            double d;
            std::memcpy(&d, &v.a, sizeof d);
            return c10::IValue(d);
        }
        case TD_BOOL: return c10::IValue(v.a != 0);
        case TD_INTS: {
            c10::List<int64_t> list;
            auto p = reinterpret_cast<const int64_t*>(v.a);
            list.reserve(v.b);
            for (int64_t i = 0; i < v.b; i++) list.push_back(p[i]);
            return c10::IValue(std::move(list));
        }
        case TD_DOUBLES: {
            c10::List<double> list;
            auto p = reinterpret_cast<const double*>(v.a);
            for (int64_t i = 0; i < v.b; i++) list.push_back(p[i]);
            return c10::IValue(std::move(list));
        }
        case TD_TENSORS: {
            c10::List<at::Tensor> list;
            auto p = reinterpret_cast<const int64_t*>(v.a);
            list.reserve(v.b);
            for (int64_t i = 0; i < v.b; i++) list.push_back(borrow(p[i]));
            return c10::IValue(std::move(list));
        }
        case TD_OPTIONAL_TENSORS: {
            c10::List<c10::optional<at::Tensor>> list;
            auto p = reinterpret_cast<const int64_t*>(v.a);
            for (int64_t i = 0; i < v.b; i++) list.push_back(p[i] == 0 ? c10::optional<at::Tensor>() : c10::optional<at::Tensor>(borrow(p[i])));
            return c10::IValue(std::move(list));
        }
        case TD_TEXT: return c10::IValue(std::string(reinterpret_cast<const char*>(v.a), v.b));
        case TD_DEVICE: return c10::IValue(c10::Device(static_cast<c10::DeviceType>(v.a), static_cast<c10::DeviceIndex>(v.b)));
        case TD_GENERATOR:
            return c10::IValue(at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(reinterpret_cast<c10::GeneratorImpl*>(v.a))));
        default: TORCH_CHECK(false, "no such argument tag: ", v.tag);
    }
}

static TdValue from_ivalue(const c10::IValue& value) {
    TdValue v{TD_NONE, 0, 0, 0};
    if (value.isTensor()) {
        v.tag = TD_TENSOR;
        v.a = give(value.toTensor());
    } else if (value.isInt()) {
        v.tag = TD_INT;
        v.a = value.toInt();
    } else if (value.isDouble()) {
        v.tag = TD_DOUBLE;
        double d = value.toDouble();
        std::memcpy(&v.a, &d, sizeof d);
    } else if (value.isBool()) {
        v.tag = TD_BOOL;
        v.a = value.toBool();
    } else if (value.isTensorList()) {
        auto list = value.toTensorVector();
        v.tag = TD_TENSORS;
        v.b = static_cast<int64_t>(list.size());
        auto handles = new int64_t[list.size()];
        for (size_t i = 0; i < list.size(); i++) handles[i] = give(std::move(list[i]));
        v.a = reinterpret_cast<int64_t>(handles);
    } else if (!value.isNone()) {
        TORCH_CHECK(false, "a result of type ", value.tagKind(), " is not supported");
    }
    return v;
}

}  // namespace tandem

using namespace tandem;

// The text of this thread's last error.
TD_API const char* td_error() { return last_error.c_str(); }

// Looks an operator up and compares its schema with `schema`; the pointer lives as long as the process.
TD_API int32_t td_operator(const char* schema, int64_t* out) {
    return guarded([&] { *out = reinterpret_cast<int64_t>(new Operator(find(schema))); });
}

// Calls an operator. `results` has room for `capacity` values; `*count` of them are filled and owned by the caller.
TD_API int32_t td_call(int64_t op_handle, const TdValue* arguments, int32_t argument_count, TdValue* results, int32_t capacity, int32_t* count) {
    return guarded([&] {
        auto& op = *reinterpret_cast<Operator*>(op_handle);
        torch::jit::Stack stack;
        stack.reserve(argument_count + op.defaults.size());
        for (int32_t i = 0; i < argument_count; i++) stack.push_back(to_ivalue(arguments[i], op.types[i]));
        for (const auto& value : op.defaults) stack.push_back(value);
        op.handle.callBoxed(stack);
        TORCH_CHECK(static_cast<int32_t>(stack.size()) <= capacity, "more results than expected");
        *count = static_cast<int32_t>(stack.size());
        for (int32_t i = 0; i < *count; i++) results[i] = from_ivalue(stack[i]);
    });
}

// Frees the array of a TD_TENSORS result (not the tensors).
TD_API void td_free_handles(int64_t handles) { delete[] reinterpret_cast<int64_t*>(handles); }
