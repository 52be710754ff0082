// The loops of the suite `index` for subjects in C++: the same work as src/index/warm.rs and src/index/inserts.rs.
//
// A program lists its subjects (`list`), or measures one: PART SUBJECT SET FOLDER RUNS. It prints an array a
// figure: case, metric, value, unit.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

constexpr size_t SCAN_KEYS = 100;
constexpr size_t LOOKUPS_PER_SCAN = 10;

[[noreturn]] inline void fail(const std::string &what) {
    fprintf(stderr, "%s\n", what.c_str());
    exit(1);
}

/// Keeps the compiler from leaving out work whose result nobody reads.
template <typename T> inline void keep(const T &value) { asm volatile("" : : "g"(&value) : "memory"); }

struct Cost {
    double thread, process;
};

inline double seconds(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return double(time.tv_sec) + double(time.tv_nsec) / 1e9;
}

template <typename Work> Cost timed(Work work) {
    double thread = seconds(CLOCK_THREAD_CPUTIME_ID), process = seconds(CLOCK_PROCESS_CPUTIME_ID);
    work();
    return {seconds(CLOCK_THREAD_CPUTIME_ID) - thread, seconds(CLOCK_PROCESS_CPUTIME_ID) - process};
}

inline uint64_t anonymous_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("RssAnon:", 0) == 0) return strtoull(line.c_str() + 8, nullptr, 10) * 1024;
    return 0;
}

/// Sorted keys in a mapped file.
struct Keys {
    const uint64_t *data;
    size_t count;

    const uint64_t *begin() const { return data; }
    const uint64_t *end() const { return data + count; }
    uint64_t operator[](size_t at) const { return data[at]; }
    size_t size() const { return count; }

    static Keys map(const std::string &path) {
        int file = open(path.c_str(), O_RDONLY);
        struct stat facts {};
        if (file < 0 || fstat(file, &facts) != 0) fail("cannot open " + path);
        void *bytes = mmap(nullptr, size_t(facts.st_size), PROT_READ, MAP_SHARED, file, 0);
        if (bytes == MAP_FAILED) fail("cannot map " + path);
        Keys keys{static_cast<const uint64_t *>(bytes), size_t(facts.st_size) / 8};
        uint64_t all = 0;
        for (size_t at = 0; at < keys.count; at += 512) all ^= keys.data[at];
        keep(all);
        return keys;
    }

    uint64_t sum_at(size_t position, size_t count_wanted) const {
        uint64_t sum = 0;
        for (size_t at = position, last = std::min(count, position + count_wanted); at < last; ++at) sum += data[at];
        return sum;
    }
};

inline std::vector<uint64_t> read_list(const std::string &path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) fail("cannot open " + path);
    std::vector<uint64_t> list(size_t(file.tellg()) / 8);
    file.seekg(0);
    file.read(reinterpret_cast<char *>(list.data()), std::streamsize(list.size() * 8));
    return list;
}

struct Questions {
    std::vector<uint64_t> keys, positions;
    Questions(const std::string &folder, const std::string &name)
        : keys(read_list(folder + "/" + name)), positions(read_list(folder + "/" + name + ".answers")) {}
};

struct Report {
    std::string set;
    void add(const char *metric, double value, const char *unit) const {
        printf("[\"%s\",\"%s\",%.9g,\"%s\"]\n", set.c_str(), metric, value, unit);
    }
    void time(const char *metric, double spent, size_t operations) const {
        add(metric, spent * 1e9 / double(std::max<size_t>(operations, 1)), "ns");
    }
};

struct Job {
    Keys keys;
    std::string folder;
    Report report;
    int runs;
};

template <typename Subject> size_t count_wrong(const Subject &subject, const Job &job) {
    size_t wrong = 0;
    for (const char *name : {"present", "absent", "extreme"}) {
        Questions list(job.folder, name);
        for (size_t at = 0; at < list.keys.size(); ++at)
            if (list.keys[at] <= Subject::largest_question)
                wrong += subject.lower_bound(list.keys[at]) != list.positions[at];
    }
    Questions present(job.folder, "present");
    for (size_t at = 0; at < present.keys.size(); at += LOOKUPS_PER_SCAN)
        wrong += subject.sum_from(present.keys[at], SCAN_KEYS) != job.keys.sum_at(present.positions[at], SCAN_KEYS);
    return wrong;
}

/// Measures lookups. A subject has a constructor from keys, `lower_bound`, `sum_from`, `bytes` (negative: what the
/// process gained is told), `holds_keys` and `largest_question`, above which it may not be asked.
template <typename Subject> void measure_warm(const Job &job) {
    const Keys &keys = job.keys;
    uint64_t before = anonymous_bytes();
    Subject *subject = nullptr;
    Cost cost = timed([&] { subject = new Subject(keys); });
    double gained = double(anonymous_bytes() - before), bytes = double(subject->bytes());
    bool is_known = bytes >= 0 || gained >= double(1 << 20);
    if (bytes != 0) job.report.time("construction, a key", cost.process, keys.size());
    if (bytes < 0) bytes = gained - (Subject::holds_keys ? 8.0 * double(keys.size()) : 0);
    if (is_known) job.report.add("memory beside the keys", bytes / double(keys.size()), "bytes a key");
    size_t wrong = count_wrong(*subject, job);
    job.report.add("wrong answers", double(wrong), "answers");
    std::vector<uint64_t> present = read_list(job.folder + "/present"), absent = read_list(job.folder + "/absent");
    std::vector<uint64_t> right = read_list(job.folder + "/present.answers");
    auto independent = [&](const std::vector<uint64_t> &list) {
        uint64_t sum = 0;
        for (uint64_t key : list) sum += subject->lower_bound(key);
        keep(sum);
    };
    bool is_useless = wrong > present.size() / 100;
    for (int run = 0; run < (is_useless ? 0 : job.runs); ++run) {
        cost = timed([&] { independent(present); });
        job.report.time("independent lookup", cost.thread, present.size());
        // As `dependent` in src/index/warm.rs: a guessed answer leads to a key that is nowhere near the next one.
        size_t questions = 1;
        while (2 * questions <= present.size()) questions *= 2;
        cost = timed([&] {
            size_t at = 0;
            for (size_t asked = 0; asked < questions; ++asked) {
                uint64_t off = subject->lower_bound(present[at]) ^ right[at];
                at = ((at + 1) ^ size_t(off * 0x9e3779b97f4a7c15 >> 32)) & (questions - 1);
            }
            keep(at);
        });
        job.report.time("dependent lookup", cost.thread, questions);
        cost = timed([&] { independent(absent); });
        job.report.time("lower bound of an absent key", cost.thread, absent.size());
        size_t scans = (present.size() + LOOKUPS_PER_SCAN - 1) / LOOKUPS_PER_SCAN;
        cost = timed([&] {
            uint64_t sum = 0;
            for (size_t at = 0; at < scans; ++at) sum += subject->sum_from(present[at], SCAN_KEYS);
            keep(sum);
        });
        job.report.time("scan of 100 keys", cost.thread, scans);
    }
}

/// As `mix` and `is_inserted` of the suite.
inline bool is_inserted(uint64_t position) {
    uint64_t mixed = position + 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return (mixed ^ (mixed >> 31)) % 10 == 0;
}

/// Measures inserts into a map: `load` (key, value), `insert`, `get` (a pointer or null), `sum_from`.
template <typename Map> void measure_inserts(const Job &job) {
    const Keys &keys = job.keys;
    std::vector<uint64_t> inserted = read_list(job.folder + "/inserted");
    Questions questions(job.folder, "present");
    uint64_t before = anonymous_bytes();
    Map *map = new Map();
    Cost cost = timed([&] {
        for (size_t at = 0; at < keys.size(); ++at)
            if (!is_inserted(at)) map->load(keys[at], at);
    });
    job.report.time("map: load, a key", cost.process, keys.size() - inserted.size());
    cost = timed([&] {
        for (uint64_t key : inserted) map->insert(key, ~key);
    });
    job.report.time("map: insert in random order", cost.thread, inserted.size());
    double entries = double(keys.size() - keys.size() / 10 + inserted.size());
    double gained = double(anonymous_bytes() - before);
    if (gained >= double(1 << 20)) job.report.add("map: memory an entry, with its 16 bytes", gained / entries, "bytes");
    std::vector<uint64_t> sorted = inserted;
    std::sort(sorted.begin(), sorted.end());
    size_t wrong = 0;
    for (size_t at = 0; at < questions.keys.size(); ++at) {
        uint64_t key = questions.keys[at], position = questions.positions[at];
        const uint64_t *found = map->get(key);
        if (std::binary_search(sorted.begin(), sorted.end(), key))
            wrong += !found || *found != ~key;
        else
            wrong += is_inserted(position) ? found != nullptr : (!found || *found != position);
    }
    job.report.add("map: wrong answers", double(wrong), "answers");
    for (int run = 0; run < (wrong == 0 ? job.runs : 0); ++run) {
        cost = timed([&] {
            uint64_t sum = 0;
            for (uint64_t key : questions.keys) {
                const uint64_t *found = map->get(key);
                sum += found ? *found : 0;
            }
            keep(sum);
        });
        job.report.time("map: get after inserts", cost.thread, questions.keys.size());
        size_t scans = (questions.keys.size() + 9) / 10;
        cost = timed([&] {
            uint64_t sum = 0;
            for (size_t at = 0; at < scans; ++at) sum += map->sum_from(questions.keys[at], SCAN_KEYS);
            keep(sum);
        });
        job.report.time("map: scan of 100 after inserts", cost.thread, scans);
    }
    delete map;
    cost = timed([&] {
        Map ascending;
        for (size_t at = 0; at < inserted.size(); ++at) ascending.insert(keys[at], 0);
        keep(ascending);
    });
    job.report.time("map: insert in ascending order", cost.thread, inserted.size());
}

/// Bytes that this process had fetched from the disk so far.
inline uint64_t bytes_read() {
    std::ifstream file("/proc/self/io");
    for (std::string line; std::getline(file, line);)
        if (line.rfind("read_bytes: ", 0) == 0) return strtoull(line.c_str() + 12, nullptr, 10);
    return 0;
}

/// Makes the system forget the keys, and maps them at the same place again.
inline void forget(const Keys &keys, const std::string &path) {
    void *place = const_cast<uint64_t *>(keys.data);
    munmap(place, keys.count * 8);
    int file = open(path.c_str(), O_RDONLY);
    if (file < 0 || fsync(file) != 0 || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0) fail("cannot forget");
    if (mmap(place, keys.count * 8, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) != place) fail("cannot map again");
    close(file);
}

/// Measures lookups in a mapped file of keys that is cold, with an index in memory; then when it is warm.
template <typename Subject> void measure_disk(const Job &job) {
    const Keys &keys = job.keys;
    Subject subject(keys);
    Questions list(job.folder, "present");
    size_t lookups = std::min<size_t>(1000, list.keys.size() / size_t(std::max(job.runs, 1)));
    for (int step = 0; step < 2 * job.runs; ++step) {
        int run = step / 2, reads_alone = step % 2;
        forget(keys, job.folder + "/keys");
        if (reads_alone) madvise(const_cast<uint64_t *>(keys.data), keys.count * 8, MADV_RANDOM);
        uint64_t before = bytes_read(), sum = 0;
        double start = seconds(CLOCK_MONOTONIC);
        for (size_t at = 0; at < lookups; ++at) sum += subject.lower_bound(list.keys[size_t(run) * lookups + at]);
        keep(sum);
        double spent = seconds(CLOCK_MONOTONIC) - start;
        double read = double(bytes_read() - before) / 1024 / double(lookups);
        const char *names[2][2] = {
            {"disk: cold lookup", "disk: read for a cold lookup"},
            {"disk: cold lookup, pages read alone", "disk: read for a cold lookup, pages read alone"},
        };
        job.report.add(names[reads_alone][0], spent * 1e6 / double(lookups), "\u00b5s");
        job.report.add(names[reads_alone][1], read, "KiB");
    }
    size_t wrong = 0;
    for (size_t at = 0; at < list.keys.size(); ++at) wrong += subject.lower_bound(list.keys[at]) != list.positions[at];
    job.report.add("disk: wrong answers", double(wrong), "answers");
    for (int run = 0; run < (wrong == 0 ? job.runs : 0); ++run) {
        Cost cost = timed([&] {
            uint64_t sum = 0;
            for (uint64_t key : list.keys) sum += subject.lower_bound(key);
            keep(sum);
        });
        job.report.time("disk: warm lookup", cost.thread, list.keys.size());
    }
}

struct Entry {
    const char *word;
    std::string name;
    int bytes_a_key;
    std::function<void(const Job &)> warm, inserts, disk;
};

inline int run_program(int count, char **words, const std::vector<Entry> &entries) {
    if (count == 2 && !strcmp(words[1], "list")) {
        for (const Entry &entry : entries)
            printf("%s\t%s\t%d\t%s\n", entry.word, entry.name.c_str(), entry.bytes_a_key, entry.inserts ? "map" : "array");
        return 0;
    }
    if (count != 6) fail("needed: part, subject, set, folder, runs");
    for (const Entry &entry : entries) {
        if (strcmp(entry.word, words[2])) continue;
        std::string folder = words[4];
        Job job{Keys::map(folder + "/keys"), folder, {words[3]}, atoi(words[5])};
        bool is_warm = !strcmp(words[1], "warm"), is_disk = !strcmp(words[1], "disk");
        const auto &measure = is_warm ? entry.warm : is_disk ? entry.disk : entry.inserts;
        if (!measure) fail("the subject has no such part");
        measure(job);
        return 0;
    }
    fail("no such subject");
}
