// A caching allocator for the CPU, and counts of what lives. libtorch frees and allocates the same large blocks every step; handing them
// to the system in between costs page faults.
#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "guard.h"

namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;
constexpr size_t smallest_cached = size_t{64} << 10;  // below this, malloc is as good

std::atomic<int64_t> live_bytes{0}, live_blocks{0}, peak_bytes{0}, cached_bytes{0};
std::atomic<int64_t> cache_limit{int64_t{1} << 62};
std::atomic<bool> caching{true};

// Eight sizes an octave: at most 12 % of a block is unused.
size_t rounded(size_t bytes) {
    if (bytes < smallest_cached) return (bytes + alignment - 1) / alignment * alignment;
    size_t step = size_t{1} << (60 - __builtin_clzll(bytes));
    return (bytes + step - 1) / step * step;
}

class CachingAllocator final : public c10::Allocator {
  public:
    c10::DataPtr allocate(size_t bytes) const override {
        if (bytes == 0) return {nullptr, nullptr, &release, at::Device(at::kCPU)};
        size_t size = rounded(bytes);
        void* block = take(size);
        int64_t live = live_bytes += static_cast<int64_t>(size);
        live_blocks++;
        int64_t peak = peak_bytes.load();
        while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
        }
        return {block, block, &release, at::Device(at::kCPU)};
    }

    c10::DeleterFnPtr raw_deleter() const override { return &release; }

    static void empty() {
        std::lock_guard<std::mutex> lock(mutex());
        for (auto& [size, blocks] : idle()) {
            for (void* block : blocks) drop(block, size);
            blocks.clear();
        }
        cached_bytes = 0;
    }

  private:
    // Leaked on purpose: tensors of static lifetime are freed after static destructors ran.
    static std::mutex& mutex() { static auto m = new std::mutex; return *m; }
    static std::unordered_map<size_t, std::vector<void*>>& idle() { static auto m = new std::unordered_map<size_t, std::vector<void*>>; return *m; }
    static std::unordered_map<void*, size_t>& sizes() { static auto m = new std::unordered_map<void*, size_t>; return *m; }

    static void drop(void* block, size_t) { std::free(block); }

    static void* take(size_t size) {
        {
            std::lock_guard<std::mutex> lock(mutex());
            if (size >= smallest_cached) {
                auto found = idle().find(size);
                if (found != idle().end() && !found->second.empty()) {
                    void* block = found->second.back();
                    found->second.pop_back();
                    cached_bytes -= static_cast<int64_t>(size);
                    sizes()[block] = size;
                    return block;
                }
            }
        }
        void* block = nullptr;
        size_t aligned = size >= huge_page ? huge_page : alignment;
        if (posix_memalign(&block, aligned, size) != 0) {
            empty();
            if (posix_memalign(&block, aligned, size) != 0)
                TORCH_CHECK(false, "out of memory: ", size, " more bytes were asked for while tensors hold ", live_bytes.load());
        }
        if (size >= huge_page) madvise(block, size, MADV_HUGEPAGE);
        std::lock_guard<std::mutex> lock(mutex());
        sizes()[block] = size;
        return block;
    }

    static void release(void* block) {
        if (block == nullptr) return;
        std::lock_guard<std::mutex> lock(mutex());
        auto found = sizes().find(block);
        size_t size = found->second;
        sizes().erase(found);
        live_bytes -= static_cast<int64_t>(size);
        live_blocks--;
        if (caching && size >= smallest_cached && cached_bytes + static_cast<int64_t>(size) <= cache_limit) {
            idle()[size].push_back(block);
            cached_bytes += static_cast<int64_t>(size);
        } else {
            drop(block, size);
        }
    }
};

CachingAllocator allocator;

// Above libtorch's own (priority 0), and set as soon as the library is loaded, before the first tensor.
struct Install {
    Install() { c10::SetCPUAllocator(&allocator, 10); }
} install;

}  // namespace

struct TdMemory {
    int64_t live_bytes, live_blocks, peak_bytes, cached_bytes;
};

TD_API void td_memory(TdMemory* out) { *out = {live_bytes, live_blocks, peak_bytes, cached_bytes}; }
TD_API void td_memory_reset_peak() { peak_bytes = live_bytes.load(); }
TD_API void td_memory_empty() { CachingAllocator::empty(); }
TD_API void td_memory_caching(int32_t on, int64_t limit) {
    caching = on != 0;
    cache_limit = limit;
    if (!on) CachingAllocator::empty();
}
