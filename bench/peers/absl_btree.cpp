// `absl::btree_map` from keys to positions.
#include <absl/base/config.h>
#include <absl/container/btree_map.h>

#include "harness.hpp"

struct AbslMap {
    static constexpr bool holds_keys = true;
    static constexpr uint64_t largest_question = UINT64_MAX;
    absl::btree_map<uint64_t, uint64_t> map;
    uint64_t count = 0;
    AbslMap() = default;
    explicit AbslMap(const Keys &keys) : count(keys.size()) {
        for (size_t at = 0; at < keys.size(); ++at) load(keys[at], at);
    }
    /// Entries come in ascending order.
    void load(uint64_t key, uint64_t value) { map.insert(map.end(), {key, value}); }
    void insert(uint64_t key, uint64_t value) { map.insert_or_assign(key, value); }
    const uint64_t *get(uint64_t key) const {
        auto found = map.find(key);
        return found == map.end() ? nullptr : &found->second;
    }
    uint64_t lower_bound(uint64_t key) const {
        auto found = map.lower_bound(key);
        return found == map.end() ? count : found->second;
    }
    uint64_t sum_from(uint64_t key, size_t wanted) const {
        uint64_t sum = 0;
        for (auto at = map.lower_bound(key); at != map.end() && wanted > 0; ++at, --wanted) sum += at->first;
        return sum;
    }
    int64_t bytes() const { return -1; }
};

int main(int count, char **words) {
    std::string name = "absl::btree_map";
#ifdef ABSL_LTS_RELEASE_VERSION
    name += " " + std::to_string(ABSL_LTS_RELEASE_VERSION);
#endif
    auto warm = measure_warm<AbslMap>, inserts = measure_inserts<AbslMap>;
    return run_program(count, words, {{"absl", name, 24, warm, inserts, nullptr}});
}
