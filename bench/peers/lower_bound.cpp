// `std::lower_bound` on the sorted array itself.
#include "harness.hpp"

struct LowerBound {
    static constexpr bool holds_keys = false;
    static constexpr uint64_t largest_question = UINT64_MAX;
    Keys keys;
    explicit LowerBound(const Keys &keys) : keys(keys) {}
    uint64_t lower_bound(uint64_t key) const {
        return uint64_t(std::lower_bound(keys.begin(), keys.end(), key) - keys.begin());
    }
    uint64_t sum_from(uint64_t key, size_t count) const { return keys.sum_at(lower_bound(key), count); }
    int64_t bytes() const { return 0; }
};

int main(int count, char **words) {
    auto warm = measure_warm<LowerBound>, disk = measure_disk<LowerBound>;
    return run_program(count, words, {{"lower_bound", "std::lower_bound (C++)", 0, warm, nullptr, disk}});
}
