// The PGM-index of its authors, as the package `pygm` ships it, with three errors.
#include <pgm/pgm_index.hpp>

#include "harness.hpp"

template <size_t Epsilon> struct Pgm {
    static constexpr bool holds_keys = false;
    static constexpr uint64_t largest_question = UINT64_MAX - 1; // the largest number ends its levels
    Keys keys;
    pgm::PGMIndex<uint64_t, Epsilon> index;
    explicit Pgm(const Keys &keys) : keys(keys), index(keys.begin(), keys.end()) {}
    uint64_t lower_bound(uint64_t key) const {
        auto near = index.search(key);
        return uint64_t(std::lower_bound(keys.begin() + near.lo, keys.begin() + near.hi, key) - keys.begin());
    }
    uint64_t sum_from(uint64_t key, size_t count) const { return keys.sum_at(lower_bound(key), count); }
    int64_t bytes() const { return int64_t(index.size_in_bytes()); }
};

template <size_t Epsilon> Entry entry(const char *word) {
    std::string name = "PGM-index (pygm 1.0.1), ε = " + std::to_string(Epsilon);
    return {word, name, 1, measure_warm<Pgm<Epsilon>>, nullptr, measure_disk<Pgm<Epsilon>>};
}

int main(int count, char **words) {
    return run_program(count, words, {entry<16>("pgm16"), entry<64>("pgm64"), entry<256>("pgm256")});
}
