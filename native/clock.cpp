// Time of a backward pass by node, for profiles: libtorch announces every node that it runs.
#include <ATen/record_function.h>
#include <chrono>
#include <map>
#include <mutex>

#include "guard.h"

namespace {

std::mutex guard;
std::map<std::string, int64_t> nanoseconds;
at::CallbackHandle handle = 0;
bool active = false;

struct Started : at::ObserverContext {
    std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
};

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction&) { return std::make_unique<Started>(); }

void end(const at::RecordFunction& node, at::ObserverContext* context) {
    auto spent = std::chrono::steady_clock::now() - static_cast<Started*>(context)->at;
    std::lock_guard<std::mutex> lock(guard);
    nanoseconds[node.name()] += std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count();
}

}  // namespace

// Begins to measure, or ends; what was measured is forgotten when it begins.
TD_API int32_t td_clock(int32_t on) {
    return tandem::guarded([&] {
        std::lock_guard<std::mutex> lock(guard);
        if ((on != 0) == active) return;
        active = on != 0;
        if (!active) return at::removeCallback(handle);
        nanoseconds.clear();
        handle = at::addGlobalCallback(at::RecordFunctionCallback(begin, end).scopes({at::RecordScope::BACKWARD_FUNCTION}));
    });
}

// Lines of a node's name, a tab, and its nanoseconds.
TD_API const char* td_clock_nodes() {
    static thread_local std::string text;
    std::lock_guard<std::mutex> lock(guard);
    text.clear();
    for (auto& [name, spent] : nanoseconds) text += name + "\t" + std::to_string(spent) + "\n";
    return text.c_str();
}
